"""The built-in plugin that calls a function of AWS Lambda: its answers, its failures, and what it refuses before it calls."""

import asyncio
import base64
import io
import json
import urllib.request
import zipfile

import pytest

from aggregator.aws.clients import AwsClients
from aggregator.engine.commands import Attempt
from aggregator.errors import TransientError
from aggregator.runtimes.plugin import PluginRuntime
from aggregator.secrets.store import SecretStore

ROLE = "arn:aws:iam::123456789012:role/worker"


class Recorder:
    def __init__(self):
        self.calls = []

    def started(self):
        self.calls.append("started")

    def write(self, stream, data):
        self.calls.append((stream, data))


def attempt(body):
    return Attempt(
        node=1,
        node_id="wf-1",
        name="wf.notify",
        display_name="notify",
        template_name="notify",
        pod_name="wf-notify-1",
        kind="plugin",
        template={"name": "notify", "plugin": body},
        index=0,
        workflow="wf",
        uid="u",
        namespace="default",
        deadline=None,
        want_result=True,
    )


class World:
    """A runtime over moto, and boto3's own clients to look at what arrived."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.clients = AwsClients(endpoint=endpoint, environ={}, read_timeout=5)
        self.secrets = SecretStore(environ={}, extra={("s", "a"): "AKIAPLUGIN", ("s", "b"): "plugin-secret-key"})
        self.runtime = PluginRuntime(clients=self.clients, secrets=self.secrets)
        self.sink = Recorder()

    def __getattr__(self, name):
        return self.clients.client({"awslambda": "lambda"}.get(name, name)).api

    def run(self, **body):
        body = {name.replace("_", "-"): fields for name, fields in body.items()}
        return asyncio.run(self.runtime.run(attempt(body), None, self.sink))

    def queue(self, name="queue", **attributes):
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def received(self, url):
        got = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        return got.get("Messages", [])

    def topic(self, name="topic", **attributes):
        """A topic and a queue that gets its messages."""
        arn = self.sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
        url = self.queue(name.replace("topic", "inbox"), **attributes)
        target = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=target)
        return arn, url

    def function(self, name="work", answers=()):
        self.iam.create_role(RoleName="worker", AssumeRolePolicyDocument="{}")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("main.py", "def handler(event, context): return event\n")
        self.awslambda.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=ROLE,
            Handler="main.handler",
            Code={"ZipFile": packed.getvalue()},
        )
        if answers:
            body = json.dumps({"results": list(answers), "region": "us-east-1"}).encode()
            request = urllib.request.Request(
                f"{self.endpoint}/moto-api/static/lambda-simple/response", body, method="POST"
            )
            request.add_header("Content-Type", "application/json")
            urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture
def world(aws):
    made = World(aws)
    yield made
    made.clients.close()


@pytest.fixture
def unused(clean_aws):
    """A world in which nothing may be called."""
    made = World("http://127.0.0.1:9")
    yield made
    made.clients.close()


def test_the_payload_of_a_function_is_the_result(world):
    world.function()
    outcome = world.run(aws_lambda={"functionName": "work", "payload": {"items": [1, "ü"]}})
    assert outcome.phase == "Succeeded"
    assert json.loads(outcome.result) == {"items": [1, "ü"]}
    by_arn = "arn:aws:lambda:us-east-1:123456789012:function:work"
    assert json.loads(world.run(aws_lambda={"functionName": by_arn, "payload": '{"a": 1}'}).result) == {"a": 1}
    assert json.loads(world.run(aws_lambda={"functionName": "work", "payload": "no json"}).result) == "no json"
    assert json.loads(world.run(aws_lambda={"functionName": "work"}).result) == {}


def test_an_answer_that_is_no_payload_fails_the_leaf(world):
    world.function(answers=["Simple Lambda happy path OK"])
    outcome = world.run(aws_lambda={"functionName": "work", "payload": {}})
    assert outcome.phase == "Failed"
    assert outcome.message == "Lambda: work answered 'Simple Lambda happy path OK', which is no JSON payload"
    assert outcome.result == "Simple Lambda happy path OK"


def test_an_event_is_only_accepted(world):
    world.function()
    outcome = world.run(aws_lambda={"functionName": "work", "payload": {}, "invocationType": "Event"})
    assert (outcome.phase, json.loads(outcome.result)) == ("Succeeded", {"StatusCode": 202})


def fake_lambda(stub_server, headers, body, status=200):
    url, seen = stub_server(lambda method, path: (status, headers, body))
    return World(url), seen


def test_a_function_that_failed_fails_the_leaf_and_tells_its_error(clean_aws, stub_server):
    error = json.dumps({"errorType": "ValueError", "errorMessage": "bad item 7", "stackTrace": []}).encode()
    log = base64.b64encode(b"START\nbad\n").decode()
    world, seen = fake_lambda(stub_server, {"X-Amz-Function-Error": "Unhandled", "X-Amz-Log-Result": log}, error)
    outcome = world.run(aws_lambda={"functionName": "work", "payload": {}, "logType": "Tail", "qualifier": "live"})
    world.clients.close()
    assert outcome.phase == "Failed"
    assert outcome.message == "Lambda: work failed (Unhandled): ValueError: bad item 7"
    assert outcome.result == error.decode()
    assert ("stderr", b"START\nbad\n") in world.sink.calls
    assert "Qualifier=live" in seen[0][1]


@pytest.mark.parametrize(
    ("body", "words"), [(b"", "without a payload"), (b"\xff\xfe", "no JSON payload"), (b'{"cut":', "no JSON payload")]
)
def test_answers_that_are_no_payload(clean_aws, stub_server, body, words):
    world, _ = fake_lambda(stub_server, {}, body)
    outcome = world.run(aws_lambda={"functionName": "work"})
    world.clients.close()
    assert outcome.phase == "Failed"
    assert words in outcome.message


def test_throttling_is_left_to_the_driver(clean_aws, stub_server):
    body = json.dumps({"message": "Rate exceeded"}).encode()
    world, seen = fake_lambda(
        stub_server, {"x-amzn-errortype": "TooManyRequestsException", "Retry-After": "3"}, body, 429
    )
    with pytest.raises(TransientError, match="Rate exceeded") as caught:
        world.run(aws_lambda={"functionName": "work"})
    world.clients.close()
    assert caught.value.retry_after == 3
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"functionName": ""}, "needs 'functionName'"),
        ({"functionName": "LAMBDA_NAME"}, "looks like a placeholder"),
        ({"functionName": "arn:aws:sns:us-east-1:1:x"}, "not of 'lambda'"),
        ({"invocationType": "Later"}, "invocationType 'Later'"),
        ({"payload": "x" * (6 * 1024 * 1024)}, "Lambda takes 6291456 at most"),
    ],
)
def test_what_lambda_would_refuse_is_refused_before_the_call(unused, changes, words):
    outcome = unused.run(aws_lambda={"functionName": "work", **changes})
    assert outcome.phase == "Error"
    assert words in outcome.message
