"""A pod that mounts a volume which nobody declares can't be made: its caller has called it wrongly."""

import pytest

LEAF = "- name: leaf\n  container: {image: x, volumeMounts: [{name: work, mountPath: /work}]}\n"
PLAIN = "- name: plain\n  container: {image: x}\n"
WHY = "volumeMounts names volume 'work', but the workflow has none"


def test_as_the_entrypoint_it_is_the_error_of_the_run_and_no_exit_handler_starts(play):
    run = play(f"entrypoint: leaf\nonExit: plain\ntemplates:\n{LEAF}{PLAIN}")
    assert (run.phase, run.message) == ("Error", f"error in entry template execution: {WHY}")
    assert run.started == []
    assert run.nodes["wf"]["type"] == "Pod"


def test_as_the_exit_handler_it_is_the_error_of_the_run(play):
    run = play(f"entrypoint: plain\nonExit: leaf\ntemplates:\n{LEAF}{PLAIN}")
    assert (run.phase, run.message) == ("Error", f"error in exit template execution: {WHY}")


def test_in_a_step_it_makes_the_group_error_whatever_may_fail(play):
    run = play(
        f"""
entrypoint: main
templates:
{LEAF}{PLAIN}
- name: main
  steps:
  - - {{name: a, template: leaf, continueOn: {{failed: true, error: true}}}}
  - - {{name: b, template: plain}}
"""
    )
    assert [run.phase_of(n) for n in ("a", "[0]", "wf")] == ["Error", "Error", "Failed"]
    assert "b" not in run.nodes


def test_in_a_dag_it_is_the_task_that_is_in_error(play):
    run = play(
        f"""
entrypoint: main
templates:
{LEAF}{PLAIN}
- name: main
  dag:
    tasks:
    - {{name: a, template: leaf, continueOn: {{error: true}}}}
    - {{name: b, template: plain, dependencies: [a]}}
"""
    )
    assert [run.phase_of(n) for n in ("a", "b", "wf")] == ["Error", "Succeeded", "Succeeded"]


@pytest.mark.parametrize(("policy", "attempts"), [("OnFailure", 1), ("Always", 3), ("OnError", 3)])
def test_a_retry_tries_again_only_where_its_policy_covers_errors(play, policy, attempts):
    leaf = LEAF + f"  retryStrategy: {{limit: 2, retryPolicy: {policy}}}\n"
    run = play(f"entrypoint: leaf\ntemplates:\n{leaf}")
    assert run.phase == "Error"
    assert run.message.startswith("error in entry template execution: ")
    assert len(run.nodes) == 1 + attempts


@pytest.mark.parametrize(
    "declared",
    [
        "volumes: [{name: work, emptyDir: {}}]",
        "volumeClaimTemplates: [{metadata: {name: work}, spec: {accessModes: [ReadWriteOnce]}}]",
    ],
)
def test_volumes_of_the_workflow_and_its_claims_are_declared(play, declared):
    assert play(f"entrypoint: leaf\n{declared}\ntemplates:\n{LEAF}").phase == "Succeeded"


def test_volumes_of_the_template_itself_are_declared(play):
    leaf = LEAF + "  volumes: [{name: work, emptyDir: {}}]\n"
    assert play(f"entrypoint: leaf\ntemplates:\n{leaf}").phase == "Succeeded"


@pytest.mark.parametrize(
    "body",
    [
        "script: {image: x, source: echo, volumeMounts: [{name: work, mountPath: /w}]}",
        "containerSet: {containers: [{name: main, image: x, volumeMounts: [{name: work, mountPath: /w}]}]}",
        "containerSet: {volumeMounts: [{name: work, mountPath: /w}], containers: [{name: main, image: x}]}",
        "{container: {image: x}, sidecars: [{name: s, image: x, volumeMounts: [{name: work, mountPath: /w}]}]}",
        "{container: {image: x}, initContainers: [{name: i, image: x, volumeMounts: [{name: work, mountPath: /w}]}]}",
    ],
)
def test_every_container_of_a_pod_is_looked_at(play, body):
    fields = body if body.startswith("{") else "{" + body + "}"
    template = "- {name: leaf, " + fields[1:]
    run = play(f"entrypoint: leaf\ntemplates:\n{template}\n")
    assert run.message == f"error in entry template execution: {WHY}"


def test_the_name_may_come_from_an_input(play):
    text = """
entrypoint: main
volumes: [{name: one, emptyDir: {}}]
templates:
- name: main
  dag:
    tasks:
    - {name: a, template: leaf, arguments: {parameters: [{name: v, value: one}]}}
    - {name: b, template: leaf, arguments: {parameters: [{name: v, value: two}]}}
- name: leaf
  inputs: {parameters: [{name: v}]}
  container: {image: x, volumeMounts: [{name: '{{inputs.parameters.v}}', mountPath: /w}]}
"""
    run = play(text)
    assert [run.phase_of(n) for n in "ab"] == ["Succeeded", "Error"]
    assert run.message_of("b") == "volumeMounts names volume 'two', but the workflow has one"
