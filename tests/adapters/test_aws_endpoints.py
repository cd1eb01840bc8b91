"""AWS clients: which host and region they speak to, and which of them are shared."""

import pytest

from aggregator.aws.access import Access, access_of
from aggregator.aws.clients import AwsClients
from aggregator.aws.names import aws_host
from aggregator.errors import StoreError, TransientError
from aggregator.secrets.store import SecretStore

KEYS = {"accessKeySecret": {"name": "s", "key": "a"}, "secretKeySecret": {"name": "s", "key": "b"}}


@pytest.fixture
def make():
    made = []

    def clients(**settings):
        made.append(AwsClients(**settings))
        return made[-1]

    yield clients
    for each in made:
        each.close()


def secrets(**values):
    return SecretStore(environ={}, extra={("s", key): value for key, value in values.items()})


def whoami(client):
    with client.calling("ask who we are") as api:
        return api.get_caller_identity()["Arn"]


@pytest.mark.parametrize(
    "endpoint",
    [
        "minio:9000",
        "localhost",
        "s3.amazonaws.com.evil.example",
        "amazonaws.com.example",
        "s3.amazonaws.com:9000",
        "storage.googleapis.com",
        "bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com",
    ],
)
def test_all_other_hosts(endpoint):
    assert aws_host(endpoint) is None


def test_aws_endpoints_are_not_forced_and_the_region_decides(clean_aws, make):
    clients = make()
    keys = {"access_key": "AKIA1", "secret_key": "x" * 8}
    assert clients.client("s3", Access(endpoint="s3.amazonaws.com", region="eu-west-3", **keys)).endpoint == (
        "https://s3.eu-west-3.amazonaws.com"
    )
    assert clients.client("s3", Access(endpoint="s3.eu-north-1.amazonaws.com", **keys)).region == "eu-north-1"
    given = clients.client("s3", Access(endpoint="s3.eu-north-1.amazonaws.com", region="eu-west-3", **keys))
    assert given.region == "eu-west-3"
    assert (
        "dualstack.eu-west-1"
        in clients.client("s3", Access(endpoint="s3.dualstack.eu-west-1.amazonaws.com", **keys)).endpoint
    )
    plain = clients.client("s3", Access(endpoint="s3.amazonaws.com", region="eu-west-3", insecure=True, **keys))
    assert plain.endpoint == "http://s3.eu-west-3.amazonaws.com"


def test_the_environments_endpoint_applies_to_aws_only(clean_aws, make, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:7")
    clients = make()
    assert clients.client("s3", Access(endpoint="s3.amazonaws.com")).endpoint == "http://127.0.0.1:7"
    assert clients.client("s3", Access()).endpoint == "http://127.0.0.1:7"
    assert clients.client("s3", Access(endpoint="minio.example:9000")).endpoint == "https://minio.example:9000"
    assert (
        clients.client("s3", Access(endpoint="minio.example:9000", insecure=True)).endpoint
        == "http://minio.example:9000"
    )


def test_the_sandbox_stands_in_for_aws_but_not_for_other_hosts(clean_aws, make, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:7")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUSERSOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "users-own-secret")
    clients = make(endpoint="http://127.0.0.1:8")
    inside = clients.client("s3", Access(endpoint="s3.us-east-1.amazonaws.com"))
    assert inside.endpoint == "http://127.0.0.1:8"
    assert inside.who() == "the sandbox"
    assert clients.client("sns").endpoint == "http://127.0.0.1:8"
    outside = clients.client("s3", Access(endpoint="minio.example", access_key="a", secret_key="b"))
    assert outside.endpoint == "https://minio.example"


def test_one_client_for_all_that_call_alike(clean_aws, make):
    clients = make()
    assert clients.client("s3", Access(region="us-east-1")) is clients.client("s3", Access(region="us-east-1"))
    assert clients.client("s3", Access(region="us-east-1")) is not clients.client("s3", Access(region="us-east-2"))


def test_the_region_of_the_environment(clean_aws, make, monkeypatch):
    clients = make(region="eu-south-1")
    assert clients.client("sns").region == "eu-south-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    assert make().client("sns").region == "eu-west-2"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert make().client("sns").region == "eu-west-1"
    assert make().client("sns", Access(region="ca-central-1")).region == "ca-central-1"


def test_without_a_region_only_s3_can_be_called(clean_aws, make):
    assert make().client("s3").region == "us-east-1"
    with pytest.raises(StoreError, match="SNS: no region is known"):
        make().client("sns")


def test_botocores_own_retries_are_off(clean_aws, make, stub_server):
    url, seen = stub_server(
        lambda method, path: (503, {"Retry-After": "7"}, b"<Error><Code>SlowDown</Code><Message>wait</Message></Error>")
    )
    client = make().client("s3", Access(endpoint=url, access_key="a", secret_key="b"))
    with pytest.raises(TransientError, match="SlowDown wait") as caught, client.calling("list") as api:
        api.list_objects_v2(Bucket="b")
    assert caught.value.retry_after == 7
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("endpoint", "style", "start"),
    [
        ("minio.example:9000", "", "https://minio.example:9000/bucket"),
        ("minio.example:9000", "virtual-hosted", "https://bucket.minio.example:9000/"),
        ("oss-cn-beijing.aliyuncs.com", "", "https://bucket.oss-cn-beijing.aliyuncs.com/"),
        ("s3.amazonaws.com", "", "https://bucket.s3.amazonaws.com/"),
        ("s3.eu-west-1.amazonaws.com", "path", "https://s3.eu-west-1.amazonaws.com/bucket"),
    ],
)
def test_addressing(clean_aws, make, endpoint, style, start):
    access = access_of({"endpoint": endpoint, "addressingStyle": style, **KEYS}, secrets(a="key", b="secret"))
    client = make().client("s3", access)
    assert client.api.generate_presigned_url("list_objects_v2", Params={"Bucket": "bucket"}).startswith(start)


def test_keys_of_the_environment(aws, make, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environment-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    learnt = []
    client = make(learn=learnt.append).client("sts")
    assert "123456789012" in whoami(client)
    assert client.who() == "access key ...ENT1 of the environment"
    assert learnt == ["environment-secret"]


def test_keys_of_a_profile(aws, make, monkeypatch, clean_aws):
    (clean_aws / ".aws").mkdir()
    (clean_aws / ".aws" / "credentials").write_text(
        "[work]\naws_access_key_id=AKIAPROFILE99999\naws_secret_access_key=profile-secret\n"
    )
    (clean_aws / ".aws" / "config").write_text("[profile work]\nregion=eu-west-1\n")
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    client = make().client("sns")
    assert client.region == "eu-west-1"
    with client.calling("list topics") as api:
        api.list_topics()
    assert client.who() == "access key ...9999 of ~/.aws/credentials"
