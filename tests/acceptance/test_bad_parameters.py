"""Parameters that are wrong: said at once, with the value seen and where it is used, and nothing is stored."""

import json

import pytest

HELLO = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  arguments:
    parameters:
      - {name: message, value: hi}
      - {name: level, value: low, enum: [low, high]}
  templates:
    - name: main
      inputs: {parameters: [{name: message}]}
      container: {image: alpine, command: [sh, -c], args: ['echo "said {{inputs.parameters.message}}"']}
"""


@pytest.mark.parametrize(
    ("count", "why"),
    [
        ("abc", "withSequence.count must be a whole number, it is 'abc'"),
        ("1.5", "withSequence.count must be a whole number, it is '1.5'"),
        ("", "withSequence"),
        ("-1", "withSequence.count must not be negative, it is -1"),
        ("99999999999", "99999999999 elements"),
        ("0", "the loop of 'fetch-all' had no items, so there is no outputs.result"),
    ],
)
def test_a_count_that_is_none(agg, cloud, posts_server, count, why):
    """The run ends at once with an Error that has the value; nothing is stored, and the message tells of it."""
    server = posts_server()
    answer = agg(
        "run", f"--count={count}", "--base-url", server.url, "--s3-bucket", cloud.bucket, "--sns-topic-arn", cloud.topic,
        "-o", "json", env=cloud.environment,
    )  # fmt: skip
    assert answer.code == 1, answer
    status = answer.json["status"]
    assert status["phase"] == "Error"
    by_name = {node["displayName"]: node for node in status["nodes"].values()}
    loop = by_name["fetch-all"]
    if count == "0":
        assert (loop["phase"], loop["message"]) == ("Skipped", "Skipped, empty params")
        assert why in by_name["save-results"]["message"]
    else:
        assert loop["phase"] == "Error"
        assert why in loop["message"]
        assert "save-results" not in by_name or by_name["save-results"]["phase"] == "Omitted"
    first = answer.err.splitlines()[-2]
    assert first.startswith("dynamic-deal-aggregator.yaml:"), answer
    assert why in first
    assert "next: agg get dynamic-deal-aggregator-" in answer.err.splitlines()[-1]
    assert cloud.keys() == []
    assert server.requests == {}
    (message,) = map(json.loads, cloud.messages())
    assert (message["status"], message["stored"], message["artifact"]) == ("Error", 0, "")
    assert any(why in failure for failure in message["failures"])


def test_the_articles_own_file_with_no_items(agg, shared):
    answer = agg("run", shared("article/filled.yaml"), "-p", "count=0", "--sandbox", "-o", "json")
    assert answer.code == 1, answer
    assert answer.json["status"]["phase"] == "Error"
    assert "the loop of 'fetch-all' had no items" in answer.err.splitlines()[-2]
    assert "stored " not in answer.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-p", "message"], ["-p 'message' must be NAME=VALUE"]),
        (["-p", "=x"], ["-p '=x' must be NAME=VALUE"]),
        (["-p"], ["-p needs a value"]),
        (["-p", "message=1", "-p", "message=2"], ["'message' is given more than once"]),
        (["-p", "message=1", "--message", "2"], ["'message' is given more than once"]),
        (["--mesage", "x"], ["no flag --mesage", "did you mean '--message'?"]),
        (["--message"], ["--message needs a value"]),
        (["--priority", "high"], ["--priority 'high'", "whole number"]),
        (["--http-concurrency", "many"], ["--http-concurrency", '"many"', "whole number"]),
        (["-l", "novalue"], ["-l 'novalue' must be NAME=VALUE"]),
        (["-o", "xml"], ["xml", "json, yaml"]),
        (["other.yaml"], ["one file", "--with"]),
        (["--with", "nothing"], ["nothing: no such file"]),
        (["-f", "list.yaml"], ["list.yaml", "map of parameter names"]),
        (["-f", "nothing.yaml"], ["nothing.yaml: no such file"]),
        (["--config", "nothing.toml"], ["nothing.toml"]),
        (["--config", "broken.toml"], ["broken.toml", "TOML", "line 1"]),
        (["--sandbox-faults", "some"], ["--sandbox-faults 'some' must be a number"]),
        (["--sandbox-faults", "7"], ["share of faults is 7.0", "between 0 and 1"]),
    ],
)
def test_arguments_that_make_no_sense(agg, arguments, told):
    agg.file("hello.yaml", HELLO)
    agg.file("list.yaml", "[message]\n")
    agg.file("broken.toml", "home = = 1\n")
    answer = agg("run", "hello.yaml", *arguments)
    assert answer.code == (1 if "no such file" in told[0] else 2), answer
    assert answer.out == ""
    assert answer.err.startswith("agg: error: "), answer
    for words in told:
        assert words in answer.err, answer
    assert not (agg.home / "runs").exists()


def test_a_broken_parameter_file_has_its_place(agg):
    agg.file("hello.yaml", HELLO)
    agg.file("given.yaml", "message: a\nmessage: b\n")
    answer = agg("run", "hello.yaml", "-f", "given.yaml")
    assert answer.code == 3, answer
    assert answer.err.startswith("given.yaml:2:1: "), answer
    assert "'message' is given twice" in answer.err
    assert "1 error in given.yaml" in answer.err
    agg.file("given.yaml", "message: [a\n")
    answer = agg("run", "hello.yaml", "-f", "given.yaml", "-o", "json")
    assert answer.code == 3, answer
    assert answer.err.startswith("given.yaml:2:1: "), answer
    assert answer.json["status"]["phase"] == "Failed"


def test_a_value_that_is_not_allowed(agg):
    agg.file("hello.yaml", HELLO)
    answer = agg("run", "hello.yaml", "-p", "level=middle")
    assert answer.code == 3, answer
    assert "level" in answer.err
    assert "middle" in answer.err
    assert "low" in answer.err
    assert answer.err.startswith("hello.yaml:9:"), answer


def test_a_parameter_that_nothing_uses_is_taken_as_argo_does_but_told(agg):
    agg.file("hello.yaml", HELLO)
    answer = agg("run", "hello.yaml", "-p", "mesage=x", "-o", "name")
    assert answer.code == 0, answer
    assert "parameter 'mesage' is given" in answer.err
    assert "did you mean 'message'?" in answer.err
    agg.file("uses.yaml", HELLO.replace("echo", "echo {{workflow.parameters.mesage}}"))
    answer = agg("run", "uses.yaml", "-p", "mesage=x", "-o", "name")
    assert answer.code == 0, answer
    assert "is given" not in answer.err


def test_no_workflow_on_stdin(agg):
    answer = agg("run", "-", stdin="")
    assert answer.code == 3, answer
    assert answer.err.startswith("<stdin>:1:1: "), answer
    assert "empty" in answer.err
