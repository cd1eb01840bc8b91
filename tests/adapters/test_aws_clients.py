"""AWS clients: credentials by every link of the chain, and certificates of an endpoint's own."""

import json

import pytest

from aggregator.aws.access import Access, access_of
from aggregator.aws.clients import AwsClients
from aggregator.aws.names import aws_host
from aggregator.errors import StoreError
from aggregator.secrets.store import SecretStore

KEYS = {"accessKeySecret": {"name": "s", "key": "a"}, "secretKeySecret": {"name": "s", "key": "b"}}

ROLE = "arn:aws:iam::123456789012:role/worker"


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
    ("endpoint", "region"),
    [
        ("s3.amazonaws.com", ""),
        ("https://s3.amazonaws.com/", ""),
        ("s3.eu-west-1.amazonaws.com", "eu-west-1"),
        ("s3-us-west-2.amazonaws.com", "us-west-2"),
        ("s3.dualstack.eu-central-1.amazonaws.com:443", "eu-central-1"),
        ("s3-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("s3-external-1.amazonaws.com", "us-east-1"),
        ("s3-accelerate.amazonaws.com", ""),
        ("S3.US-EAST-1.AMAZONAWS.COM", "us-east-1"),
        ("sqs.us-east-1.api.aws", "us-east-1"),
        ("eu-west-1.queue.amazonaws.com", "eu-west-1"),
        ("sns.ap-southeast-2.amazonaws.com", "ap-southeast-2"),
    ],
)
def test_hosts_of_aws_itself(endpoint, region):
    host = aws_host(endpoint)
    assert host is not None
    assert host.region == region


def test_a_profile_that_does_not_exist(clean_aws, make, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreError, match="nobody") as caught:
        make().client("s3")
    assert "list-profiles" in caught.value.hint


def test_web_identity_as_irsa_mounts_it(aws, make, monkeypatch, tmp_path):
    token = tmp_path / "token"
    token.write_text("header.payload.signature")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_ROLE_SESSION_NAME", "pod")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    learnt = []
    client = make(learn=learnt.append).client("sts")
    assert whoami(client) == "arn:aws:sts::123456789012:assumed-role/worker/pod"
    assert client.who().endswith("of web identity")
    assert len(learnt) == 2


def test_the_instances_role_by_its_metadata_service(aws, make, monkeypatch, stub_server):
    role = {
        "Code": "Success",
        "Type": "AWS-HMAC",
        "AccessKeyId": "ASIAINSTANCE1234",
        "SecretAccessKey": "instance-secret",
        "Token": "instance-token",
        "Expiration": "2099-01-01T00:00:00Z",
        "LastUpdated": "2024-01-01T00:00:00Z",
    }

    def metadata(method, path):
        if method == "PUT" and path == "/latest/api/token":
            return 200, {}, b"session"
        if path.endswith("/security-credentials/"):
            return 200, {}, b"vm-role"
        if path.endswith("/security-credentials/vm-role"):
            return 200, {}, json.dumps(role).encode()
        return 404, {}, b""

    url, seen = stub_server(metadata)
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    learnt = []
    client = make(learn=learnt.append, region="us-east-1").client("sts")
    whoami(client)
    assert client.who() == "access key ...1234 of the instance role"
    assert learnt == ["instance-secret", "instance-token"]
    assert seen[0][1] == "/latest/api/token"


def test_keys_and_session_token_of_secrets(aws, make, monkeypatch, stub_server):
    url, seen = stub_server(lambda method, path: (200, {}, b"<ListAllMyBucketsResult/>"))
    fields = {
        "endpoint": url,
        "region": "us-east-1",
        "accessKeySecret": {"name": "s", "key": "a"},
        "secretKeySecret": {"name": "s", "key": "b"},
        "sessionTokenSecret": {"name": "s", "key": "c"},
    }
    access = access_of(fields, secrets(a="AKIASECRETS\n", b="the-secret-key\n", c="the-token"))
    assert "the-secret-key" not in repr(access)
    client = make().client("s3", access)
    with client.calling("list buckets") as api:
        api.list_buckets()
    headers = {name.lower(): value for name, value in seen[0][2].items()}
    assert headers["x-amz-security-token"] == "the-token"
    assert "Credential=AKIASECRETS/" in headers["authorization"]
    assert client.who() == "access key ...RETS of secret 's' key 'a'"


def test_a_role_is_assumed_by_sts_with_whatever_keys_there_are(aws, make, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    learnt = []
    access = access_of(
        {
            "roleARN": ROLE,
            "region": "us-east-1",
            "accessKeySecret": {"name": "s", "key": "a"},
            "secretKeySecret": {"name": "s", "key": "b"},
        },
        secrets(a="AKIAROLEBASE", b="role-base-secret"),
    )
    client = make(learn=learnt.append).client("sts", access)
    assert whoami(client) == "arn:aws:sts::123456789012:assumed-role/worker/agg-workflows"
    assert client.who().endswith(f"of role {ROLE}")
    # The base key, and the role's temporary key and token.
    assert len(learnt) == 3
    assert "role-base-secret" in learnt


def test_a_role_that_may_not_be_assumed_says_so(clean_aws, make, monkeypatch, stub_server):
    body = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>"
    url, _ = stub_server(lambda method, path: (403, {}, body))
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    client = make(region="us-east-1").client(
        "s3", Access(role_arn=ROLE, access_key="a", secret_key="b", origin="the YAML")
    )
    with (
        pytest.raises(StoreError, match=f"STS: can't assume the role {ROLE}: AssumeRole is not allowed"),
        client.calling("list") as api,
    ):
        api.list_buckets()


def test_no_credentials_at_all_names_the_chain_and_the_ways_out(clean_aws, make):
    client = make(region="us-east-1").client("s3")
    with pytest.raises(StoreError) as caught, client.calling("store s3://b/k") as api:
        api.list_buckets()
    for word in (
        "S3: can't store s3://b/k",
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "SSO",
        "instance role",
    ):
        assert word in caught.value.message
    assert "--sandbox" in caught.value.hint
    assert "secrets" in caught.value.hint


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"accessKeySecret": {"name": "s", "key": "a"}}, "accessKeySecret is given without secretKeySecret"),
        ({"secretKeySecret": {"name": "s", "key": "a"}}, "secretKeySecret is given without accessKeySecret"),
        ({"sessionTokenSecret": {"name": "s", "key": "a"}}, "without keys"),
        ({"accessKeySecret": {"name": "s"}}, "accessKeySecret must name a secret"),
        ({"region": "AWS_REGION"}, "looks like a placeholder"),
        ({"region": "us_east"}, "is no AWS region"),
        ({"region": 5}, "region must be a text"),
        ({"addressingStyle": "diagonal"}, "addressingStyle 'diagonal'"),
    ],
)
def test_fields_that_make_no_sense(fields, words):
    with pytest.raises(StoreError, match=words):
        access_of(fields, secrets(a="value"))


def test_a_store_that_is_not_aws_names_its_regions_as_it_likes():
    assert access_of({"region": "garage", "endpoint": "localhost:3900"}, secrets()).region == "garage"


def test_a_certificate_of_the_endpoints_own(clean_aws, make, tls_server):
    url, _, pem, _ = tls_server(b"<ListAllMyBucketsResult/>")
    fields = {
        "endpoint": url.removeprefix("https://").removesuffix("/x"),
        **KEYS,
        "caSecret": {"name": "s", "key": "ca"},
    }
    clients = make()
    client = clients.client("s3", access_of(fields, secrets(a="key", b="secret", ca=pem)))
    with client.calling("list buckets") as api:
        assert api.list_buckets().get("Buckets", []) == []
    stranger = make().client("s3", access_of({**fields, "caSecret": None}, secrets(a="key", b="secret")))
    with pytest.raises(StoreError, match="TLS") as caught, stranger.calling("list buckets") as api:
        api.list_buckets()
    assert "caSecret" in caught.value.hint


def test_a_certificate_that_is_none(clean_aws, make):
    access = access_of({"endpoint": "minio.example", "caSecret": {"name": "s", "key": "ca"}}, secrets(ca="what"))
    with pytest.raises(StoreError, match="no PEM certificate"):
        make().client("s3", access)
