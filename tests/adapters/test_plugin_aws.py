"""The built-in plugins that send by SNS and SQS, and what all of them refuse before they call."""

import asyncio
import base64
import io
import json
import threading
import urllib.request
import zipfile

import pytest

from aggregator.aws.clients import AwsClients
from aggregator.engine.commands import Attempt
from aggregator.errors import TransientError, Unsupported
from aggregator.runtimes.plugin import PluginRuntime
from aggregator.secrets.store import SecretStore

TOPIC = "arn:aws:sns:us-east-1:123456789012:topic"

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


def test_a_message_is_published_and_its_id_is_the_result(world):
    arn, inbox = world.topic()
    outcome = world.run(
        aws_sns={
            "topicArn": arn,
            "subject": "done",
            "message": {"status": "Succeeded", "name": "ü"},
            "messageAttributes": {
                "kind": "report",
                "count": 5,
                "tags": ["a", "b"],
                "ok": True,
                "own": {"DataType": "String", "StringValue": "x"},
            },
        }
    )
    assert outcome.phase == "Succeeded"
    assert set(json.loads(outcome.result)) == {"MessageId"}
    (message,) = world.received(inbox)
    envelope = json.loads(message["Body"])
    assert envelope["MessageId"] == json.loads(outcome.result)["MessageId"]
    assert envelope["Subject"] == "done"
    assert json.loads(envelope["Message"]) == {"status": "Succeeded", "name": "ü"}
    assert envelope["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "report"},
        "count": {"Type": "Number", "Value": "5"},
        "tags": {"Type": "String.Array", "Value": '["a", "b"]'},
        "ok": {"Type": "String", "Value": "true"},
        "own": {"Type": "String", "Value": "x"},
    }
    assert world.sink.calls == ["started"]


def test_a_text_is_sent_as_it_is(world):
    arn, inbox = world.topic()
    assert world.run(aws_sns={"topicArn": arn, "message": "  plain {text}\n"}).phase == "Succeeded"
    assert json.loads(world.received(inbox)[0]["Body"])["Message"] == "  plain {text}\n"


def test_the_region_is_the_topics(world, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    arn = world.clients.client("sns", _in("eu-west-1")).api.create_topic(Name="far")["TopicArn"]
    assert ":eu-west-1:" in arn
    assert world.run(aws_sns={"topicArn": arn, "message": "x"}).phase == "Succeeded"
    wrong = world.run(aws_sns={"topicArn": arn, "message": "x", "region": "us-west-2"})
    assert wrong.phase == "Error"
    assert "is in 'eu-west-1'" in wrong.message


def _in(region):
    from aggregator.aws.access import Access

    return Access(region=region)


def test_a_topic_that_is_missing_fails_the_leaf_with_the_cure(world):
    outcome = world.run(aws_sns={"topicArn": TOPIC, "message": "x"})
    assert outcome.phase == "Failed"
    assert f"SNS: can't publish to {TOPIC}: it does not exist" in outcome.message
    assert f"create the topic {TOPIC}" in outcome.message


def test_a_fifo_topic_needs_a_group(world):
    outcome = world.run(aws_sns={"topicArn": f"{TOPIC}.fifo", "message": "x"})
    assert (outcome.phase, "needs `messageGroupId`" in outcome.message) == ("Error", True)
    made = world.sns.create_topic(Name="topic.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    sent = world.run(aws_sns={"topicArn": made, "message": "x", "messageGroupId": "g", "messageDeduplicationId": "d"})
    assert sent.phase == "Succeeded"


def test_keys_come_from_secrets(world):
    arn, _ = world.topic()
    fields = {"topicArn": arn, "message": "x"}
    keys = {"accessKeySecret": {"name": "s", "key": "a"}, "secretKeySecret": {"name": "s", "key": "b"}}
    assert world.run(aws_sns=fields | keys).phase == "Succeeded"
    assert world.secrets.mask("plugin-secret-key") == "***"
    absent = world.run(aws_sns=fields | {**keys, "secretKeySecret": {"name": "s", "key": "c"}})
    assert absent.phase == "Error"
    assert "AGG_SECRET_S_C" in absent.message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"topicArn": None}, "needs 'topicArn'"),
        ({"topicArn": "SNS_TOPIC_ARN"}, "looks like a placeholder"),
        ({"topicArn": "my-topic"}, "is no ARN"),
        ({"topicArn": 7}, "topicArn must be a text"),
        ({"message": None}, "needs 'message'"),
        ({"message": ""}, "needs 'message'"),
        ({"message": "x" * 262_145}, "has 262145 bytes; SNS takes 262144 at most"),
        ({"message": "ü" * 131_072, "messageAttributes": {"a": "b"}}, "with its attributes has 262152 bytes"),
        ({"subject": "x" * 101}, "has 101 characters"),
        ({"subject": "ü"}, "beyond ASCII"),
        ({"subject": "a\nb"}, "line breaks"),
        ({"subject": " a"}, "begins with a space"),
        ({"subject": 5}, "subject must be a text"),
        ({"mesage": "x"}, "did you mean 'message'"),
        ({"unlike": "x"}, "no field 'unlike'"),
        ({"messageAttributes": ["a"]}, "must be a mapping"),
        ({"messageAttributes": {"a b": "c"}}, "'a b' can't be a name"),
        ({"messageAttributes": {"aws.x": "c"}}, "'aws.x' can't be a name"),
        ({"messageAttributes": {"a": ""}}, "messageAttributes.a is empty"),
        ({"messageAttributes": {"a": {"dataType": "Binary", "binaryValue": "!"}}}, "not base64"),
        ({"region": "AWS_REGION"}, "looks like a placeholder"),
    ],
)
def test_what_sns_would_refuse_is_refused_before_the_call(unused, changes, words):
    outcome = unused.run(aws_sns={"topicArn": TOPIC, "message": "x", **changes})
    assert outcome.phase == "Error"
    assert words in outcome.message


def test_a_message_of_the_limit_is_sent(world):
    arn, _ = world.topic()
    assert world.run(aws_sns={"topicArn": arn, "message": "x" * 262_144, "subject": "y" * 100}).phase == "Succeeded"


def test_a_message_is_sent_to_a_queue(world):
    url = world.queue()
    binary = base64.b64encode(b"\0\1").decode()
    outcome = world.run(
        aws_sqs={
            "queueUrl": url,
            "message": [1, 2],
            "messageAttributes": {"b": {"dataType": "Binary", "binaryValue": binary}},
        }
    )
    assert outcome.phase == "Succeeded"
    assert "MessageId" in json.loads(outcome.result)
    (message,) = world.received(url)
    assert message["Body"] == "[1, 2]"
    assert message["MessageAttributes"]["b"]["BinaryValue"] == b"\0\1"


def test_a_url_of_aws_goes_to_the_sandbox_and_names_the_region(world):
    world.queue()
    outcome = world.run(aws_sqs={"queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/queue", "message": "x"})
    assert outcome.phase == "Succeeded"


def test_a_queue_that_is_missing_fails_the_leaf(world):
    outcome = world.run(aws_sqs={"queueUrl": f"{world.endpoint}/123456789012/absent", "message": "x"})
    assert outcome.phase == "Failed"
    assert "the queue does not exist" in outcome.message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"queueUrl": "QUEUE_URL"}, "looks like a placeholder"),
        ({"queueUrl": "queue"}, "is no URL of a queue"),
        ({"message": "x" * (1024 * 1024 + 1)}, "SQS takes 1048576 at most"),
        ({"delaySeconds": 901}, "takes 0 to 900"),
        ({"delaySeconds": "soon"}, "takes 0 to 900"),
        ({"messageAttributes": {f"a{i}": "x" for i in range(11)}}, "10 at most"),
        ({"queueUrl": "https://sqs.us-east-1.amazonaws.com/1/q.fifo"}, "messageGroupId"),
    ],
)
def test_what_sqs_would_refuse_is_refused_before_the_call(unused, changes, words):
    fields = {"queueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q", "message": "x", **changes}
    outcome = unused.run(aws_sqs=fields)
    assert outcome.phase == "Error"
    assert words in outcome.message


def test_an_unknown_plugin_names_the_known_ones(unused):
    with pytest.raises(Unsupported) as caught:
        unused.run(aws_sna={})
    assert "aws-lambda, aws-sns, aws-sqs" in caught.value.message
    assert "did you mean 'aws-sns'" in caught.value.hint


@pytest.mark.parametrize(("body", "words"), [({}, "not none"), ({"a": {}, "b": {}}, "'a', 'b'"), ("text", "not str")])
def test_a_body_that_names_no_plugin(unused, body, words):
    outcome = asyncio.run(unused.runtime.run(attempt(body), None, unused.sink))
    assert outcome.phase == "Error"
    assert words in outcome.message


def test_fields_have_to_be_a_mapping(unused):
    assert "must be a mapping, not str" in unused.run(aws_sns="x").message


def test_no_connection_is_transient(unused):
    with pytest.raises(TransientError, match="the connection failed"):
        unused.run(aws_sns={"topicArn": TOPIC, "message": "x"})


def test_a_cancelled_call_leaves_at_once(clean_aws, stub_server):
    asked, gate = threading.Event(), threading.Event()

    def stall(method, path):
        asked.set()
        gate.wait(20)
        return 200, {}, b"{}"

    url, _ = stub_server(stall)
    world = World(url)

    async def scenario():
        task = asyncio.create_task(
            world.runtime.run(attempt({"aws-lambda": {"functionName": "work"}}), None, world.sink)
        )
        await asyncio.to_thread(asked.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not gate.is_set()
        await world.runtime.stop()

    asyncio.run(scenario())
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "aws-lambda":
            thread.join(20)
    world.clients.close()


def test_many_at_once(world):
    url = world.queue()

    async def scenario():
        body = {"aws-sqs": {"queueUrl": url, "message": "x"}}
        return await asyncio.gather(*(world.runtime.run(attempt(body), None, Recorder()) for _ in range(20)))

    assert {outcome.phase for outcome in asyncio.run(scenario())} == {"Succeeded"}
