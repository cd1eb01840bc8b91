"""What the sandbox finds in a run's documents: buckets, topics, queues, accounts and secrets."""

import pytest

from aggregator.sandbox.scan import DEFAULT_ACCOUNT, Resource, scan


def workflow(parameters=(), **spec):
    rows = [{"name": name, "value": value} for name, value in dict(parameters).items()]
    return {"kind": "Workflow", "spec": {"arguments": {"parameters": rows}, **spec}}


def test_nothing_named_means_the_default_account_and_nothing_to_make():
    named = scan([workflow()], {})
    assert (named.account, named.buckets, named.topics, named.queues, named.secrets) == (
        DEFAULT_ACCOUNT,
        {},
        set(),
        set(),
        {},
    )
    assert named.region == "us-east-1"


def test_buckets_stand_under_s3_with_their_region():
    template = {
        "outputs": {"artifacts": [{"name": "a", "s3": {"bucket": "my-data", "region": "eu-west-1", "key": "k"}}]}
    }
    assert scan([workflow(templates=[template])], {}).buckets == {"my-data": "eu-west-1"}


def test_workflow_parameters_are_filled_in_and_given_ones_win():
    template = {
        "inputs": {
            "artifacts": [{"s3": {"bucket": "{{workflow.parameters.b}}", "region": "{{ workflow.parameters.r }}"}}]
        }
    }
    documents = [workflow({"b": "default-bucket", "r": "eu-central-1"}, templates=[template])]
    assert scan(documents, {}).buckets == {"default-bucket": "eu-central-1"}
    assert scan(documents, {"b": "given-bucket"}).buckets == {"given-bucket": "eu-central-1"}


def test_an_input_stands_for_every_value_that_an_input_of_its_name_is_given():
    store = {
        "inputs": {"parameters": [{"name": "to"}]},
        "outputs": {"artifacts": [{"s3": {"bucket": "x-{{inputs.parameters.to}}"}}]},
    }
    tasks = [
        {"arguments": {"parameters": [{"name": "to", "value": "{{workflow.parameters.b}}"}]}},
        {"arguments": {"parameters": [{"name": "to", "value": "second"}]}},
        {"arguments": {"parameters": [{"name": "to", "value": "{{item}}"}]}},
    ]
    named = scan([workflow({"b": "first"}, templates=[store, {"dag": {"tasks": tasks}}])], {})
    assert set(named.buckets) == {"x-first", "x-second"}


def test_texts_name_buckets_by_s3_urls_and_repositories_by_their_yaml():
    script = {"script": {"source": "aws s3 cp x s3://from-url/key\necho s3://${BUCKET}/y s3://S3_BUCKET_NAME/z"}}
    repository = {"kind": "ConfigMap", "data": {"default": "s3:\n  bucket: from-map\n  endpoint: minio:9000\n"}}
    assert set(scan([workflow(templates=[script]), repository], {}).buckets) == {"from-url", "from-map"}


@pytest.mark.parametrize("bucket", ["S3_BUCKET_NAME", "a", "-x-", "{{inputs.parameters.none}}", "has space"])
def test_what_can_be_no_bucket_is_left_out(bucket):
    assert scan([workflow(templates=[{"s3": {"bucket": bucket}}])], {}).buckets == {}


def test_topics_and_queues_are_found_by_arn_or_url_anywhere():
    texts = [
        "arn:aws:sns:eu-west-1:111122223333:deals",
        "publish to arn:aws:sns:us-east-1:111122223333:orders.fifo now",
        "arn:aws-cn:sqs:cn-north-1:444455556666:jobs",
        "https://sqs.us-west-2.amazonaws.com/111122223333/inbox",
        "arn:aws:lambda:us-east-1:111122223333:function:f",
        "arn:aws:s3:::plain-bucket/key",
    ]
    named = scan([workflow(templates=[{"container": {"args": texts}}])], {})
    assert named.topics == {
        Resource("111122223333", "eu-west-1", "deals"),
        Resource("111122223333", "us-east-1", "orders.fifo"),
    }
    assert named.queues == {
        Resource("444455556666", "cn-north-1", "jobs"),
        Resource("111122223333", "us-west-2", "inbox"),
    }
    assert set(named.buckets) == {"plain-bucket"}
    assert named.account == "111122223333", "the account that most ARNs name"


def test_parameters_given_on_the_command_line_are_read_too():
    assert scan([], {"topic": "arn:aws:sns:us-east-1:999988887777:t"}).account == "999988887777"


def test_secrets_have_the_role_in_which_they_are_used():
    documents = [
        workflow(
            templates=[
                {
                    "s3": {
                        "bucket": "data",
                        "accessKeySecret": {"name": "s", "key": "a"},
                        "secretKeySecret": {"name": "s", "key": "b"},
                    }
                },
                {
                    "env": [
                        {"name": "AWS_ACCESS_KEY_ID", "valueFrom": {"secretKeyRef": {"name": "e", "key": "id"}}},
                        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "e", "key": "token"}}},
                        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "a"}}},
                    ]
                },
                {"http": {"headers": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "h", "key": "k"}}}]}},
            ]
        )
    ]
    assert scan(documents, {}).secrets == {
        ("s", "a"): "access key",
        ("s", "b"): "secret key",
        ("e", "id"): "access key",
        ("e", "token"): "",
        ("h", "k"): "",
    }


def test_secrets_that_a_document_provides_are_left_alone():
    refs = [
        {"valueFrom": {"secretKeyRef": {"name": "s", "key": key}}} for key in ("plain", "coded", "broken", "absent")
    ]
    secret = {
        "kind": "Secret",
        "metadata": {"name": "s"},
        "stringData": {"plain": "x"},
        "data": {"coded": "eA==", "broken": "%"},
    }
    assert set(scan([workflow(templates=[{"env": refs}]), secret], {}).secrets) == {("s", "broken"), ("s", "absent")}
