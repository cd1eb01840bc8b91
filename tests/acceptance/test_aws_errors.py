"""What a user reads when AWS refuses: which call, on what, as whom, why, and what to do; nothing passes for stored."""

import json
import urllib.request

import boto3
import pytest

FILE = "dynamic-deal-aggregator.yaml:"
NO_TOPIC = "arn:aws:sns:us-east-1:123456789012:nobody-made-this"


@pytest.fixture
def live(agg, posts_server):
    """Runs the bundled workflow with one post against the given AWS."""
    server = posts_server()

    def run(bucket, topic, env, *more):
        return agg(
            "run", "--count", 1, "--base-url", server.url, "--s3-bucket", bucket, "--sns-topic-arn", topic, *more, env=env
        )  # fmt: skip

    return run


def cause(answer):
    """The line that names the first cause."""
    line = answer.err.splitlines()[-2]
    assert line.startswith(FILE), answer
    return line


def the_message(cloud):
    (message,) = map(json.loads, cloud.messages())
    return message


def test_a_bucket_that_does_not_exist(live, cloud):
    answer = live("nobody-made-this", cloud.topic, cloud.environment)
    assert answer.code == 1, answer
    line = cause(answer)
    assert "save-results: Error: " in line
    assert "the bucket does not exist" in line
    assert "nobody-made-this" in line
    assert "us-east-1" in line
    message = the_message(cloud)
    assert message["status"] == "Error"
    assert message["artifact"] == ""
    assert any("the bucket does not exist" in failure for failure in message["failures"])


@pytest.fixture
def limited(cloud):
    """Keys that may publish and nothing else, on an AWS that asks for permissions."""
    iam = boto3.client(
        "iam", endpoint_url=cloud.endpoint, aws_access_key_id="AKIATEST", aws_secret_access_key="test",
        region_name="us-east-1",
    )  # fmt: skip
    iam.create_user(UserName="publisher")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sns:Publish"], "Resource": "*"}]}
    iam.put_user_policy(UserName="publisher", PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="publisher")["AccessKey"]

    def ask(after):
        request = urllib.request.Request(
            f"{cloud.endpoint}/moto-api/reset-auth", after.encode(), {"Content-Type": "text/plain"}, method="POST"
        )
        urllib.request.urlopen(request, timeout=30).close()

    ask("0")
    yield cloud.environment | {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    ask("inf")


def test_a_bucket_that_is_forbidden(live, cloud, limited):
    answer = live(cloud.bucket, cloud.topic, limited)
    assert answer.code == 1, answer
    line = cause(answer)
    assert "PutObject is not allowed" in line
    assert "AccessDenied" in line
    assert cloud.bucket in line
    assert limited["AWS_ACCESS_KEY_ID"][-4:] in line, "it says as whom"
    assert limited["AWS_SECRET_ACCESS_KEY"] not in answer.err + answer.out


def test_keys_that_aws_does_not_know(live, cloud, limited):
    answer = live(cloud.bucket, cloud.topic, limited | {"AWS_ACCESS_KEY_ID": "AKIAUNKNOWNUNKNOWN99"})
    assert answer.code == 1, answer
    assert "the credentials are not accepted" in cause(answer)
    assert "InvalidAccessKeyId" in cause(answer)


def test_a_topic_that_does_not_exist(live, cloud):
    """The list is stored, and still the run fails: nobody was told of it."""
    answer = live(cloud.bucket, NO_TOPIC, cloud.environment)
    assert answer.code == 1, answer
    line = cause(answer)
    assert f"can't publish to {NO_TOPIC}: it does not exist" in line
    assert f"create the topic {NO_TOPIC}" in line
    assert len(cloud.keys()) == 1


def test_credentials_that_have_expired(live, stub_server):
    def answers(method, path):
        xml = "<Error><Code>{0}</Code><Message>The provided token has expired.</Message></Error>"
        if method == "PUT":
            return 400, {"Content-Type": "application/xml"}, xml.format("ExpiredToken").encode()
        wrapped = f"<ErrorResponse>{xml.format('ExpiredToken')}</ErrorResponse>"
        return 403, {"Content-Type": "text/xml"}, wrapped.encode()

    url, seen = stub_server(answers)
    topic = "arn:aws:sns:us-east-1:123456789012:deals"
    env = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "ASIATEST",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_SESSION_TOKEN": "old",
    }
    answer = live("deals", topic, env)
    assert answer.code == 1, answer
    assert "S3: can't" in cause(answer)
    assert "the credentials have expired" in cause(answer)
    assert "aws sso login" in cause(answer)
    assert "SNS: can't publish" in answer.err
    assert len([method for method, *_ in seen if method == "PUT"]) == 1, "what is refused for good is not tried again"


def test_no_credentials_at_all(live, cloud):
    answer = live(cloud.bucket, cloud.topic, {"AWS_ENDPOINT_URL": cloud.endpoint, "HOME": "/nonexistent"})
    assert answer.code == 1, answer
    line = cause(answer)
    assert "no AWS credentials were found" in line
    tried = ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_PROFILE", "container role", "instance role"]
    assert [line.index(part) for part in tried] == sorted(line.index(part) for part in tried), line
    assert "--sandbox" in line
    assert cloud.keys() == []
    assert cloud.messages() == []


@pytest.mark.parametrize(
    ("flag", "value", "told"),
    [
        ("--s3-bucket", "My_Bucket", ["My_Bucket", "bucket"]),
        ("--s3-bucket", "YOUR_BUCKET_NAME", ["YOUR_BUCKET_NAME", "looks like a placeholder"]),
        ("--sns-topic-arn", "deals", ["'deals'", "ARN"]),
        ("--sns-topic-arn", "arn:aws:sqs:us-east-1:123456789012:deals", ["sqs", "sns"]),
        ("--aws-region", "moon-1x", ["moon-1x", "region"]),
        ("--aws-region", "AWS_REGION", ["AWS_REGION", "looks like a placeholder"]),
    ],
)
def test_names_that_no_bucket_topic_or_region_has(agg, cloud, posts_server, flag, value, told):
    given = {"--s3-bucket": cloud.bucket, "--sns-topic-arn": cloud.topic} | {flag: value}
    arguments = [part for pair in given.items() for part in pair]
    answer = agg("run", "--count", 1, "--base-url", posts_server().url, *arguments, env=cloud.environment)
    assert answer.code in (1, 3), answer
    for words in told:
        assert words in answer.err, answer
    assert FILE in answer.err
    if flag != "--sns-topic-arn":
        assert cloud.keys() == []


PUBLISH = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: publish-}
spec:
  entrypoint: main
  templates:
    - name: main
      plugin:
        aws-sns:
          topicArn: arn:aws:sns:us-east-1:123456789012:deals
          message: hello
"""


def test_aws_that_is_not_there(agg):
    agg.file("publish.yaml", PUBLISH)
    env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "x"}
    answer = agg("run", "publish.yaml", env=env)
    assert answer.code == 1, answer
    line = answer.err.splitlines()[-2]
    assert line.startswith("publish.yaml:7:7: ")
    assert "SNS: can't publish to arn:aws:sns:us-east-1:123456789012:deals: the connection failed" in line
    assert "endpoint http://127.0.0.1:9" in line
    assert "region us-east-1" in line
