"""`agg run` as a user meets it: outputs, exit codes, flags, signals, locks."""

import json
import signal

import pytest
import yaml

HELLO = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  arguments:
    parameters:
      - {name: message, value: hi, description: What to say}
      - {name: level, value: low, enum: [low, high]}
  templates:
    - name: main
      inputs: {parameters: [{name: message}]}
      container: {image: alpine, command: [sh, -c], args: ['echo "said {{inputs.parameters.message}}"']}
"""

SLEEPER = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: sleeper-}
spec:
  entrypoint: main
  onExit: bye
  templates:
    - name: main
      container: {image: alpine, command: [sh, -c], args: ['echo begun; exec sleep 60']}
    - name: bye
      container: {image: alpine, command: [sh, -c], args: ['echo "was {{workflow.status}}"']}
"""


def workflow(answer):
    return json.loads(answer.out)


def test_stdout_holds_exactly_one_json_document_in_argos_shape(agg):
    agg.file("hello.yaml", HELLO)
    answer = agg("run", "hello.yaml", "-o", "json")
    assert answer.code == 0
    found = workflow(answer)
    name = found["metadata"]["name"]
    assert found["kind"] == "Workflow"
    assert name.startswith("hello-")
    assert found["status"]["phase"] == "Succeeded"
    root = found["status"]["nodes"][name]
    assert (root["type"], root["displayName"], root["templateName"], root["phase"]) == (
        "Pod",
        name,
        "main",
        "Succeeded",
    )
    assert root["inputs"]["parameters"] == [{"name": "message", "value": "hi"}]
    assert yaml.safe_load(agg("run", "hello.yaml", "-o", "yaml").out)["status"]["phase"] == "Succeeded"
    assert agg("run", "hello.yaml", "-o", "name").out.startswith("hello-")
    assert "STEP" in agg("run", "hello.yaml", "-o", "wide").out


def test_parameters_come_as_flags_files_and_assignments(agg):
    agg.file("hello.yaml", HELLO)
    agg.file("given.yaml", "message: from a file\n")
    for arguments, said in [
        (["--message", "flag"], "said flag"),
        (["-p", "message=assigned"], "said assigned"),
        (["-f", "given.yaml"], "said from a file"),
        (["--message=-1"], "said -1"),
    ]:
        answer = agg("run", "hello.yaml", *arguments, "--log", "--progress", "none")
        assert answer.code == 0, answer
        assert said in answer.out


def test_a_workflow_comes_by_stdin(agg):
    answer = agg("run", "-", "-o", "json", stdin=HELLO)
    assert answer.code == 0, answer
    assert workflow(answer)["status"]["phase"] == "Succeeded"


def test_dry_run_prints_the_workflow_and_runs_nothing(agg):
    agg.file("hello.yaml", HELLO)
    answer = agg("run", "hello.yaml", "--dry-run", "--message", "x", "--name", "named", "-l", "a=b")
    assert answer.code == 0, answer
    shown = yaml.safe_load(answer.out)
    assert shown["metadata"]["name"] == "named"
    assert shown["metadata"]["labels"] == {"a": "b"}
    assert shown["spec"]["arguments"]["parameters"][0] == {
        "name": "message",
        "value": "x",
        "description": "What to say",
    }
    assert not (agg.home / "agg.db").exists()


def test_help_of_a_file_lists_its_parameters(agg):
    agg.file("hello.yaml", HELLO)
    answer = agg("run", "hello.yaml", "--help")
    assert answer.code == 0
    assert "--message VALUE" in answer.out
    assert "What to say; default 'hi'" in answer.out
    assert "one of low, high" in answer.out


def test_the_bundled_workflow_names_what_is_missing_for_a_live_run(agg):
    answer = agg("run", "--s3-bucket", "b")
    assert answer.code == 2
    assert "snsTopicArn" in answer.err
    answer = agg("run", "--sns-topic-arn", "arn:aws:sns:us-east-1:123456789012:t")
    assert answer.code == 2
    assert "s3Bucket" in answer.err


def test_unknown_fields_are_errors_unless_told_otherwise(agg):
    agg.file("odd.yaml", HELLO.replace("entrypoint: main", "entrypoint: main\n  entrypiont: main"))
    answer = agg("run", "odd.yaml", "-o", "json")
    assert answer.code == 3
    assert "odd.yaml:7:" in answer.err
    assert "entrypoint" in answer.err
    assert workflow(answer)["status"]["phase"] == "Failed"
    answer = agg("run", "odd.yaml", "--no-strict")
    assert answer.code == 0, answer
    assert "warning" in answer.err


def test_a_failed_run_ends_with_its_first_cause_its_place_and_what_helps_next(agg):
    agg.file("bad.yaml", HELLO.replace('echo "said', 'echo oh no >&2; exit 3; echo "said'))
    answer = agg("run", "bad.yaml")
    assert answer.code == 1
    first, second = answer.err.splitlines()[-2:]
    assert first.startswith("bad.yaml:12:")
    assert "exit code 3" in first
    assert second.startswith("log: ")
    command = second.rpartition("next: agg ")[2].split()
    helped = agg(*command)
    assert helped.code == 0, helped
    assert "oh no" in helped.out


def test_a_deadline_has_an_exit_code_of_its_own(agg):
    agg.file(
        "late.yaml",
        SLEEPER.replace("entrypoint: main", "entrypoint: main\n  activeDeadlineSeconds: 1"),
    )
    answer = agg("run", "late.yaml", "-o", "json", "--log")
    assert answer.code == 6, answer
    assert workflow(answer)["status"]["phase"] == "Failed"
    assert "was Failed" in answer.err


def interrupted(agg, *signals):
    agg.file("sleeper.yaml", SLEEPER)
    process = agg.start("run", "sleeper.yaml", "--log", "--progress", "none", "--name", "sleeper")
    assert "begun" in process.stdout.readline()
    for number in signals:
        process.send_signal(number)
    printed, _ = process.communicate(timeout=60)
    return process.returncode, printed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_signal_ends_the_run_gracefully_and_the_exit_handler_runs(agg, number, code):
    ended, printed = interrupted(agg, number)
    assert ended == code
    assert "was Failed" in printed
    shown = json.loads(agg("get", "sleeper", "-o", "json").out)
    assert shown["status"]["phase"] == "Failed"
    assert shown["status"]["message"] == "Stopped with strategy 'Stop'"


def test_a_second_signal_ends_the_exit_handler_too(agg):
    agg.file("slow-exit.yaml", SLEEPER.replace('echo "was', 'sleep 60; echo "was'))
    process = agg.start("run", "slow-exit.yaml", "--log", "--progress", "plain", "--name", "slow")
    assert "begun" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if "onExit" in line and "Running" in line:
            break
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "was Failed" not in printed


def test_a_lock_lets_one_run_in_and_is_free_after_kill_9(agg):
    agg.file("sleeper.yaml", SLEEPER)
    agg.file("hello.yaml", HELLO)
    first = agg.start("run", "sleeper.yaml", "--lock", "nightly", "--log", "--progress", "none")
    assert "begun" in first.stdout.readline()
    second = agg("run", "hello.yaml", "--lock", "nightly")
    assert second.code == 7
    assert "nightly" in second.err
    first.send_signal(signal.SIGKILL)
    first.communicate()
    third = agg("run", "hello.yaml", "--lock", "nightly")
    assert third.code == 0, third


def test_a_name_that_is_taken_is_refused(agg):
    agg.file("hello.yaml", HELLO)
    assert agg("run", "hello.yaml", "--name", "same").code == 0
    answer = agg("run", "hello.yaml", "--name", "same")
    assert answer.code == 2
    assert "same" in answer.err


def test_supporting_documents_come_from_the_file_and_by_with(agg):
    template = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: shared}
spec:
  entrypoint: say
  arguments: {parameters: [{name: text, value: stored}]}
  templates:
    - name: say
      inputs: {parameters: [{name: text}]}
      container: {image: alpine, command: [sh, -c], args: ['echo "{{inputs.parameters.text}}"']}
"""
    caller = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: caller-}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - name: a
            templateRef: {name: shared, template: say}
            arguments: {parameters: [{name: text, value: called}]}
"""
    (agg.folder / "templates").mkdir()
    agg.file("templates/shared.yaml", template)
    agg.file("caller.yaml", caller)
    agg.file("both.yaml", caller + "---" + template)
    for arguments, said in [
        (["caller.yaml", "--with", "templates"], "called"),
        (["both.yaml"], "called"),
        (["--from", "workflowtemplate/shared", "--with", "templates/shared.yaml"], "stored"),
        (["templates/shared.yaml", "--text", "given"], "given"),
    ]:
        answer = agg("run", *arguments, "--log", "--progress", "none")
        assert answer.code == 0, answer
        assert said in answer.out
    answer = agg("run", "caller.yaml")
    assert answer.code != 0
    assert "shared" in answer.err


ASKING = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: asking-}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: alpine, command: [echo], args: ["{{=sprig.getHostByName('127.0.0.1')}}"]}
"""


def test_expressions_look_up_hosts_only_where_the_settings_allow_it(agg):
    agg.file("asking.yaml", ASKING)
    refused = agg("run", "asking.yaml")
    assert refused.code == 1
    assert "not allowed" in refused.err
    assert agg("run", "asking.yaml", env={"AGG_EXPRESSIONS_GET_HOST_BY_NAME": "true"}).code == 0
    assert agg("logs", "@latest").out.strip().endswith(": 127.0.0.1")
    # The run is shown from its journal, which holds the answer: nobody asks again.
    assert "Succeeded" in agg("get", "@latest").out
