"""What AWS clients say of answers that refuse, of networks that fail, and of names that are none."""

import threading

import pytest
from botocore.exceptions import (
    CredentialRetrievalError,
    EndpointConnectionError,
    FlexibleChecksumError,
    IncompleteReadError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    UnauthorizedSSOTokenError,
)

from aggregator.aws.access import Access
from aggregator.aws.clients import AwsClients
from aggregator.aws.errors import Call, translate
from aggregator.aws.names import looks_like_placeholder, parse_arn
from aggregator.errors import NotFound, StoreError, TransientError


@pytest.fixture
def make():
    made = []

    def clients(**settings):
        made.append(AwsClients(**settings))
        return made[-1]

    yield clients
    for each in made:
        each.close()


ANSWERS = [
    (404, "NoSuchKey", NotFound, "no such object"),
    (404, "NoSuchBucket", StoreError, "the bucket does not exist"),
    (403, "AccessDenied", StoreError, "ListBuckets is not allowed"),
    (400, "ExpiredToken", StoreError, "credentials have expired"),
    (403, "InvalidAccessKeyId", StoreError, "credentials are not accepted"),
    (403, "SignatureDoesNotMatch", StoreError, "credentials are not accepted"),
    (403, "RequestTimeTooSkewed", StoreError, "this machine's clock is wrong"),
    (400, "AuthorizationHeaderMalformed", StoreError, "wrong region"),
    (503, "SlowDown", TransientError, "SlowDown"),
    (400, "RequestTimeout", TransientError, "RequestTimeout"),
    (400, "BadDigest", TransientError, "BadDigest"),
    (500, "InternalError", TransientError, "InternalError"),
    (502, "Weird", TransientError, "Weird"),
    (429, "Weird", TransientError, "Weird"),
    (400, "Weird", StoreError, "Weird said so"),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer[1])
def test_answers_that_refuse(clean_aws, make, stub_server, answer):
    status, code, kind, words = answer
    body = f"<Error><Code>{code}</Code><Message>said so</Message></Error>".encode()
    url, _ = stub_server(lambda method, path: (status, {"x-amz-bucket-region": "eu-west-9"}, body))
    access = Access(endpoint=url, region="us-east-1", access_key="AKIAWHOWEARE", secret_key="b", origin="the YAML")
    client = make().client("s3", access)
    with pytest.raises(StoreError if kind is not NotFound else NotFound) as caught, client.calling("do this") as api:
        api.list_buckets()
    assert type(caught.value) is kind
    assert "S3: can't do this: " in caught.value.message
    assert words in caught.value.message
    if "clock" not in words:
        assert f"region us-east-1, endpoint {url}, as access key ...EARE of the YAML" in caught.value.message
    if "region" in words:
        assert "eu-west-9" in caught.value.hint


def test_a_date_in_retry_after_is_measured_against_the_answers_own(clean_aws, make, stub_server):
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT"}
    url, _ = stub_server(lambda method, path: (503, headers, b""))
    client = make().client("s3", Access(endpoint=url, access_key="a", secret_key="b"))
    with pytest.raises(TransientError) as caught, client.calling("x") as api:
        api.list_buckets()
    assert caught.value.retry_after == 0  # the stub's Date is today, long after


@pytest.mark.parametrize(
    ("exc", "kind", "words"),
    [
        (EndpointConnectionError(endpoint_url="u", error="Name or service not known"), StoreError, "does not resolve"),
        (
            EndpointConnectionError(endpoint_url="u", error="Temporary failure in name resolution"),
            TransientError,
            "Temporary",
        ),
        (FlexibleChecksumError(error_msg="crc32 differs"), TransientError, "damaged"),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), TransientError, "1 read"),
        (UnauthorizedSSOTokenError(), StoreError, "SSO session"),
        (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), StoreError, "incomplete"),
        (CredentialRetrievalError(provider="p", error_msg="no"), StoreError, "could not be fetched"),
        (NoRegionError(), StoreError, "no region"),
        (ParamValidationError(report="bad Bucket"), StoreError, "bad Bucket"),
        (KeyError("odd"), StoreError, "KeyError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_boto3_raises_by_itself(exc, kind, words):
    error = translate(exc, Call("S3", "do this"))
    assert type(error) is kind
    assert words in error.message


def test_nobody_listens(clean_aws, make):
    client = make().client("s3", Access(endpoint="http://127.0.0.1:9", access_key="a", secret_key="b"))
    with pytest.raises(TransientError, match="the connection failed"), client.calling("x") as api:
        api.list_buckets()


def test_a_stalled_answer_is_transient(clean_aws, make, stub_server):
    gate = threading.Event()

    def stall(method, path):
        gate.wait(20)
        return 200, {}, b""

    url, _ = stub_server(stall)
    client = make(read_timeout=0.2).client("s3", Access(endpoint=url, access_key="a", secret_key="b"))
    try:
        with pytest.raises(TransientError, match="the connection failed"), client.calling("x") as api:
            api.list_buckets()
    finally:
        gate.set()


def test_tls_that_fails_is_not_transient(clean_aws, make, stub_server):
    url, _ = stub_server(lambda method, path: (200, {}, b""))
    client = make().client("s3", Access(endpoint=url.removeprefix("http://"), access_key="a", secret_key="b"))
    with pytest.raises(StoreError, match="TLS") as caught, client.calling("x") as api:
        api.list_buckets()
    assert not isinstance(caught.value, TransientError)
    assert "insecure" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SNS_TOPIC_ARN", "looks like a placeholder"),
        ("arn:aws:sns:AWS_REGION:AWS_ACCOUNT_ID:topic", "looks like a placeholder"),
        ("topic", "no ARN"),
        ("arn:aws:sqs:us-east-1:123456789012:q", "of 'sqs', not of 'sns'"),
        ("arn:aws:sns::123456789012:q", "region '' is none"),
    ],
)
def test_arns_that_are_none(text, words):
    with pytest.raises(StoreError, match=words):
        parse_arn(text, service="sns", field="topicArn")


def test_an_arn():
    arn = parse_arn("arn:aws-cn:sns:cn-north-1:123456789012:a:b", service="sns", field="topicArn")
    assert (arn.partition, arn.region, arn.account, arn.resource) == ("aws-cn", "cn-north-1", "123456789012", "a:b")


@pytest.mark.parametrize("text", ["S3_BUCKET_NAME", "<bucket>", "${BUCKET}", "your-bucket", "xxxx", "YOUR_KEY"])
def test_placeholders(text):
    assert looks_like_placeholder(text)


@pytest.mark.parametrize("text", ["argo-workflow-data", "us-east-1", "data", "", "MYBUCKET"])
def test_real_names_are_no_placeholders(text):
    assert not looks_like_placeholder(text)
