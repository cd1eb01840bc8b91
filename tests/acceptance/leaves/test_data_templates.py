"""`data` templates: the keys of an artifact's location, transformed; used by loops."""

import json

import boto3
import pytest
import yaml

PROCESS = {"AGG_RUNTIME": "process"}


def workflow(source, *expressions, **more):
    """A file whose only template lists `source`."""
    data = {"source": {"artifactPaths": {"name": "all", **source}}}
    if expressions:
        data["transformation"] = [{"expression": text} for text in expressions]
    return yaml.safe_dump(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": "it"},
            "spec": {"entrypoint": "main", "templates": [{"name": "main", "data": data, **more}]},
        }
    )


@pytest.fixture
def bucket(aws, agg):
    """A bucket with keys, and the location that leads to it."""
    client = boto3.client(
        "s3", endpoint_url=aws, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )
    client.create_bucket(Bucket="pile")
    for key in ("foo/script.py", "doc.pdf", "foo/doc.pdf", "script.py"):
        client.put_object(Bucket="pile", Key=key, Body=key.encode())
    agg.environment |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": aws, **PROCESS}
    return {"s3": {"bucket": "pile", "region": "us-east-1"}}


def result(answer):
    assert answer.code == 0, answer
    node = next(iter(answer.json["status"]["nodes"].values()))
    assert (node["type"], node["phase"]) == ("Pod", "Succeeded")
    return json.loads(node["outputs"]["result"])


def test_all_keys_of_a_bucket_are_listed_in_order(agg, bucket):
    answer = agg("run", agg.file("w.yaml", workflow(bucket)), "-o", "json")
    assert result(answer) == ["doc.pdf", "foo/doc.pdf", "foo/script.py", "script.py"]


def test_a_key_is_a_prefix(agg, bucket):
    bucket["s3"]["key"] = "foo"
    answer = agg("run", agg.file("w.yaml", workflow(bucket)), "-o", "json")
    assert result(answer) == ["foo/doc.pdf", "foo/script.py"]


def test_expressions_are_applied_one_after_the_other(agg, bucket):
    steps = ('filter(data, {# endsWith ".py"})', "map(data, {upper(#)})", "{count: len(data), names: data}")
    answer = agg("run", agg.file("w.yaml", workflow(bucket, *steps)), "-o", "json")
    assert result(answer) == {"count": 2, "names": ["FOO/SCRIPT.PY", "SCRIPT.PY"]}


def test_a_loop_takes_each_key_as_its_artifact(agg, bucket):
    text = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: it}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: list, template: list}
    - - name: show
        template: show
        withParam: "{{steps.list.outputs.result}}"
        arguments: {artifacts: [{name: file, s3: {bucket: pile, region: us-east-1, key: "{{item}}"}}]}
  - name: list
    data:
      source: {artifactPaths: {name: all, s3: {bucket: pile, region: us-east-1}}}
      transformation: [{expression: 'filter(data, {# endsWith ".py"})'}]
  - name: show
    inputs: {artifacts: [{name: file, path: /tmp/file}]}
    script: {image: bash, command: [bash], source: "cat /tmp/file"}
"""
    answer = agg("run", agg.file("w.yaml", text), "--log")
    assert answer.code == 0, answer
    said = sorted(line.partition(": ")[2] for line in answer.out.splitlines() if line.startswith("it-show-"))
    assert said == ["foo/script.py", "script.py"]
    names = {n["displayName"] for n in json.loads(agg("get", "it", "-o", "json").out)["status"]["nodes"].values()}
    assert {"show(0:foo/script.py)", "show(1:script.py)"} <= names


def test_without_a_location_the_default_repository_is_listed(agg):
    """What an earlier step stored, in the run's own folder."""
    text = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: it}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: make, template: make}
    - - {name: list, template: list}
  - name: make
    script: {image: bash, command: [bash], source: "mkdir /tmp/o; touch /tmp/o/a /tmp/o/b"}
    outputs: {artifacts: [{name: o, path: /tmp/o, archive: {none: {}}, s3: {key: made/here}}]}
  - name: list
    data: {source: {artifactPaths: {name: all}}}
"""
    answer = agg("run", agg.file("w.yaml", text), "-o", "json", env=PROCESS)
    assert answer.code == 0, answer
    node = next(n for n in answer.json["status"]["nodes"].values() if n["displayName"] == "list")
    assert json.loads(node["outputs"]["result"]) == ["made/here/a", "made/here/b"]


@pytest.mark.parametrize(
    ("expression", "words"),
    [("filter(data, {", "transformation[0]"), ("data.nothing.more", "transformation[0]"), ("1 / nobody", "nobody")],
)
def test_an_expression_that_fails_is_named(agg, bucket, expression, words):
    answer = agg("run", agg.file("w.yaml", workflow(bucket, expression)), "-o", "json")
    assert answer.code in (1, 3)
    assert words in answer.err


def test_a_bucket_that_is_not_there_is_an_error_with_its_name(agg, bucket):
    bucket["s3"]["bucket"] = "nobody-made-this"
    answer = agg("run", agg.file("w.yaml", workflow(bucket)), "-o", "json")
    assert answer.code == 1
    assert "can't list 'all'" in answer.err
    assert "nobody-made-this" in answer.err
