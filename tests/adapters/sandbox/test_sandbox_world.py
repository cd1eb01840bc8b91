"""The sandbox's AWS through boto3 on real sockets: what the run names exists, is reported, kept, and ends with us."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request

import boto3
import pytest
from botocore.exceptions import ClientError

from aggregator.errors import StoreError, UsageError
from aggregator.sandbox import child, world
from aggregator.sandbox.world import ACCESS_KEY, Published, Queued, Stored, World

TOPIC = "arn:aws:sns:eu-west-1:111122223333:deals"
WORKFLOW = {
    "kind": "Workflow",
    "spec": {
        "templates": [
            {
                "outputs": {
                    "artifacts": [
                        {
                            "s3": {
                                "bucket": "{{workflow.parameters.bucket}}",
                                "region": "eu-west-1",
                                "accessKeySecret": {"name": "aws", "key": "id"},
                                "secretKeySecret": {"name": "aws", "key": "secret"},
                            }
                        }
                    ]
                }
            },
            {"plugin": {"aws-sns": {"topicArn": TOPIC}}},
            {"plugin": {"aws-sqs": {"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"}}},
            {"container": {"env": [{"valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}]}},
            {"container": {"args": ["arn:aws:sns:us-east-1:999988887777:elsewhere.fifo"]}},
        ]
    },
}


@pytest.fixture(scope="module")
def one_world():
    told = []
    made = World.start(workflow=WORKFLOW, parameters={"bucket": "my-data"}, notice=told.append)
    made.told = told
    yield made
    made.stop()


@pytest.fixture
def client(one_world, clean_aws, monkeypatch):
    """boto3 clients that know nothing but the world's environment."""
    for name, value in one_world.env.items():
        monkeypatch.setenv(name, value)
    return boto3.client


def test_what_the_run_names_is_there_with_exactly_that_name(one_world, client):
    assert [row["Name"] for row in client("s3").list_buckets()["Buckets"]] == ["my-data"]
    assert client("s3").get_bucket_location(Bucket="my-data")["LocationConstraint"] == "eu-west-1"
    assert [row["TopicArn"] for row in client("sns").list_topics()["Topics"]] == [TOPIC]
    assert client("sts").get_caller_identity()["Account"] == "111122223333"
    assert client("sqs").get_queue_url(QueueName="jobs")["QueueUrl"].endswith("/111122223333/jobs")
    assert one_world.config["topics"] == [TOPIC, "arn:aws:sns:us-east-1:999988887777:elsewhere.fifo"]
    assert "1 bucket, 2 topics, 1 queue" in one_world.told[0]


def test_the_environment_points_every_client_at_the_world_and_past_every_proxy(one_world):
    env = one_world.env
    assert {env[f"AWS_ENDPOINT_URL{name}"] for name in ("", "_S3", "_SNS", "_SQS", "_STS", "_LAMBDA")} == {
        one_world.aws_endpoint
    }
    assert env["AWS_DEFAULT_REGION"] == env["AWS_REGION"] == "eu-west-1"
    assert "127.0.0.1" in env["NO_PROXY"].split(",")
    assert one_world.routes["*.amazonaws.com"] == one_world.aws_endpoint


def test_secrets_that_nobody_provides_have_sandbox_values(one_world):
    assert one_world.secrets[("aws", "id")] == ACCESS_KEY
    assert one_world.secrets[("aws", "secret")] == one_world.env["AWS_SECRET_ACCESS_KEY"]
    assert one_world.secrets[("api", "token")] == "sandbox-api-token"


def test_objects_and_messages_are_reported_and_kept_in_a_folder(one_world, client, tmp_path):
    client("s3").put_object(Bucket="my-data", Key="wf-1/ä posts.json", Body=b"[1]")
    client("s3").put_object(Bucket="my-data", Key="../../escape", Body=b"no")
    client("s3").put_object(Bucket="my-data", Key="wf-1", Body=b"a key that is a folder, too")
    client("sns").publish(
        TopicArn=TOPIC,
        Subject="done",
        Message='{"ok": true}',
        MessageAttributes={"status": {"DataType": "String", "StringValue": "Succeeded"}},
    )
    queue = client("sqs").get_queue_url(QueueName="jobs")["QueueUrl"]
    client("sqs").send_message(QueueUrl=queue, MessageBody="work")
    report = one_world.keep(tmp_path)
    assert report.objects == [
        Stored("my-data", "../../escape", 2),
        Stored("my-data", "wf-1", 27),
        Stored("my-data", "wf-1/ä posts.json", 3),
    ]
    assert report.messages == [Published(TOPIC, "done", '{"ok": true}', {"status": "Succeeded"})]
    assert report.queued == [Queued("arn:aws:sqs:eu-west-1:111122223333:jobs", "work")]
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == [
        "sandbox/s3/my-data/%2E%2E/%2E%2E/escape",
        "sandbox/s3/my-data/wf-1",
        "sandbox/s3/my-data/wf-1%2Fä posts.json",
        "sandbox/sns/deals.jsonl",
        "sandbox/sqs/jobs.jsonl",
    ]
    assert (tmp_path / files[2]).read_bytes() == b"[1]"
    assert json.loads((tmp_path / files[3]).read_text()) == report.messages[0]._asdict()


def test_a_copy_of_each_message_waits_in_a_queue(one_world, client):
    client("sns").publish(TopicArn=TOPIC, Message="copied")
    queue = client("sqs").get_queue_url(QueueName="agg-sandbox-deals")["QueueUrl"]
    bodies = []
    while found := client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for row in found:
            bodies.append(json.loads(row["Body"])["Message"])
            client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=row["ReceiptHandle"])
    assert "copied" in bodies


def test_a_topic_of_another_account_can_be_published_to(one_world, client):
    arn = "arn:aws:sns:us-east-1:999988887777:elsewhere.fifo"
    sns = client("sns", region_name="us-east-1")
    sns.publish(TopicArn=arn, Message="far", MessageGroupId="g", MessageDeduplicationId="d")
    assert Published(arn, "", "far", {}) in one_world.report().messages


def test_any_lambda_function_gives_its_payload_back(client):
    answer = client("lambda").invoke(FunctionName="enrich", Payload=b'{"id": 1}')
    assert (answer["StatusCode"], answer["Payload"].read()) == (200, b'{"id": 1}')


def test_what_the_run_does_not_name_is_not_there(client):
    with pytest.raises(ClientError, match="NotFound"):
        client("sns").publish(TopicArn=f"{TOPIC}x", Message="m")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        client("s3").put_object(Bucket="other", Key="k", Body=b"")


def test_two_worlds_do_not_meet(one_world):
    other = World.start(workflow=WORKFLOW, parameters={"bucket": "my-data"}, posts=False)
    try:
        assert other.aws_endpoint != one_world.aws_endpoint
        assert other.posts_endpoint == ""
        assert other.report().objects == []
    finally:
        other.stop()
        other.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(other.aws_endpoint, timeout=5)


def test_without_moto_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(world.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        World.start(workflow={}, parameters={})
    assert caught.value.hint == "pip install 'agg-workflows[sandbox]'"


def test_a_server_that_does_not_come_up_says_why(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('no such luck')")
    server = child.Child(str(broken), {}, ("-I",), os.environ)
    with pytest.raises(StoreError, match="no such luck"):
        server.wait_ready()


def test_a_server_that_says_nothing_is_given_up(tmp_path):
    silent = tmp_path / "silent.py"
    silent.write_text("import time; time.sleep(60)")
    server = child.Child(str(silent), {}, ("-I",), os.environ)
    with pytest.raises(StoreError, match="did not start within"):
        server.wait_ready(0.2)


def test_the_world_ends_with_its_parent_even_by_kill_9(tmp_path):
    code = textwrap.dedent(
        """
        import sys, time
        from aggregator.sandbox.world import World
        made = World.start(workflow={}, parameters={})
        print(*[child.pid for child in made._children], flush=True)
        time.sleep(600)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
    until = time.monotonic() + 20
    while any(alive(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert [pid for pid in pids if alive(pid)] == []


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
