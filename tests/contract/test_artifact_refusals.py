"""What a store that is not the test's own says to wrong credentials, missing buckets and containers: errors for the user, not passing."""

import pytest

from aggregator.artifacts import make_driver
from aggregator.artifacts.s3 import S3Driver
from aggregator.aws.clients import AwsClients
from aggregator.errors import NotFound, StoreError, TransientError
from aggregator.secrets.store import SecretStore

AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
WRONG_KEY = AZURE_KEY.replace("Eby8", "Abcd")


def refused(driver, location, tmp_path, words):
    (tmp_path / "source").write_bytes(b"1")
    for call in (
        lambda: driver.save(tmp_path / "source", location),
        lambda: driver.load(location, tmp_path / "target"),
    ):
        with pytest.raises(StoreError, match=words) as caught:
            call()
        assert not isinstance(caught.value, (TransientError, NotFound))
        assert caught.value.hint
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (("NOBODY", "S3RVER"), "credentials are not accepted"),
        (("S3RVER", "S3RVER"), "bucket does not exist"),
    ],
)
def test_s3(s3rver, clean_aws, tmp_path, pair, words):
    clients = AwsClients(environ={})
    secrets = SecretStore(environ={}, extra={("s", "a"): pair[0], ("s", "b"): pair[1]})
    driver = S3Driver(clients, secrets)
    location = {"endpoint": s3rver, "bucket": "absent", "key": "k", "region": "us-east-1"}
    location |= {"accessKeySecret": {"name": "s", "key": "a"}, "secretKeySecret": {"name": "s", "key": "b"}}
    refused(driver, location, tmp_path, words)
    driver.close()
    clients.close()


@pytest.mark.parametrize(
    ("key", "words"), [(WRONG_KEY, "credentials are not accepted"), (AZURE_KEY, "'absent' does not exist")]
)
def test_azure(azurite, clean_aws, tmp_path, key, words):
    secrets = SecretStore(environ={}, extra={("s", "k"): key})
    driver = make_driver("azure", secrets=secrets, clients=None, root=None)
    location = {"endpoint": azurite, "container": "absent", "blob": "k", "accountKeySecret": {"name": "s", "key": "k"}}
    refused(driver, location, tmp_path, words)
    driver.close()
