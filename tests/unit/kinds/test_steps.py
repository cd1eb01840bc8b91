"""`steps:` groups run one after the other, their members side by side; a failing member never stops its siblings."""

import pytest

LEAVES = """
- name: ok
  container: {image: x}
- name: param
  inputs: {parameters: [{name: p}]}
  container: {image: x, args: ["{{inputs.parameters.p}}"]}
- name: makes
  container: {image: x}
  outputs: {parameters: [{name: out, valueFrom: {path: /out}}]}
"""


def spec(body):
    return f"entrypoint: main\ntemplates:{LEAVES}- name: main\n  steps:\n{body}"


def test_groups_in_order_and_members_together(play):
    run = play(
        spec("""
  - - {name: a, template: ok}
    - {name: b, template: ok}
  - - {name: c, template: ok}
"""),
        {"a": "Succeeded"},
    )
    assert run.phase == "Succeeded"
    assert run.started == ["a", "b", "c"]
    assert run.nodes["c"]["startedAt"] > run.nodes["a"]["startedAt"]
    assert [run.nodes[n]["type"] for n in ("wf", "[0]", "a", "[1]")] == ["Steps", "StepGroup", "Pod", "StepGroup"]


def test_the_next_group_hangs_on_the_ends_of_the_one_before(play):
    run = play(
        spec("""
  - - {name: a, template: ok}
    - {name: b, template: ok}
  - - {name: c, template: ok}
""")
    )
    nodes = run.nodes
    assert nodes["wf"]["children"] == [nodes["[0]"]["id"]]
    assert nodes["a"]["children"] == nodes["b"]["children"] == [nodes["[1]"]["id"]]
    assert nodes["wf"]["outboundNodes"] == [nodes["c"]["id"]]
    assert nodes["a"]["boundaryID"] == "wf"


def test_a_failure_lets_siblings_end_and_then_fails_the_group(play):
    run = play(
        spec("""
  - - {name: a, template: ok}
    - {name: b, template: ok}
  - - {name: c, template: ok}
"""),
        {"a": "Failed"},
    )
    nodes = run.nodes
    assert (nodes["b"]["phase"], "c" in nodes) == ("Succeeded", False)
    assert run.phase == nodes["[0]"]["phase"] == "Failed"
    assert nodes["[0]"]["message"] == nodes["wf"]["message"] == f"child '{nodes['a']['id']}' failed"


def test_a_child_in_error_makes_steps_failed_never_error(play):
    run = play(spec("\n  - - {name: a, template: ok}\n"), {"a": "Error"})
    assert (run.phase_of("a"), run.phase_of("[0]"), run.phase) == ("Error", "Failed", "Failed")


@pytest.mark.parametrize(
    ("flag", "phase", "ends"),
    [
        ("failed", "Failed", "Succeeded"),
        ("failed", "Error", "Failed"),
        ("error", "Error", "Succeeded"),
        ("error", "Failed", "Failed"),
    ],
)
def test_continue_on_forgives_the_phase_that_it_names(play, flag, phase, ends):
    run = play(
        spec(f"\n  - - {{name: a, template: ok, continueOn: {{{flag}: true}}}}\n  - - {{name: b, template: ok}}\n"),
        {"a": phase},
    )
    assert run.phase == ends
    assert run.phase_of("a") == phase


def test_outputs_are_visible_to_later_groups_only(play):
    run = play(
        spec("""
  - - {name: a, template: makes}
  - - name: b
      template: param
      arguments: {parameters: [{name: p, value: "{{steps.a.outputs.parameters.out}} {{steps.a.status}} {{steps.a.id}}"}]}
"""),
        {"a": {"parameters": {"out": "42"}}},
    )
    assert run.inputs("b") == {"p": f"42 Succeeded {run.nodes['a']['id']}"}
    assert run.attempt("b").template["container"]["args"] == [run.inputs("b")["p"]]


def test_steps_of_a_group_are_resolved_together_and_do_not_see_each_other(play):
    """A reference to a sibling can never be resolved: the group is in error before anything starts."""
    run = play(
        spec("""
  - - {name: a, template: makes}
    - {name: b, template: param, arguments: {parameters: [{name: p, value: "{{steps.a.outputs.parameters.out}}"}]}}
"""),
    )
    assert run.phase == "Failed"
    assert run.phase_of("[0]") == "Error"
    assert run.started == []
    assert "step 'b'" in run.message_of("[0]")
    assert "steps.a.outputs.parameters.out" in run.message_of("[0]")


def test_a_loop_with_a_condition_may_refer_to_what_only_its_skipped_elements_lack(play):
    run = play(
        spec("""
  - - name: a
      template: param
      when: "{{item}} == 2"
      withItems: [1, 3]
      arguments: {parameters: [{name: p, value: "{{steps.none.outputs.result}}"}]}
"""),
    )
    assert run.phase == "Succeeded"
    assert run.phase_of("a(0:1)") == "Skipped"


def test_a_member_that_is_called_wrongly_makes_the_group_error_and_starts_no_more(play):
    run = play(
        spec("""
  - - {name: a, template: ok}
    - {name: b, template: param, continueOn: {error: true}}
    - {name: c, template: ok}
"""),
    )
    assert run.phase_of("[0]") == "Error"
    assert "b" in run.message_of("[0]")
    assert run.phase_of("a") == "Succeeded"
    assert "c" not in run.nodes
    assert run.nodes["b"]["type"] == "Skipped"
    assert "inputs.parameters.p was not supplied" in run.message_of("b")


def test_a_false_when_skips_before_anything_else_is_resolved(play):
    run = play(
        spec("""
  - - {name: a, template: param, when: "1 == 2", arguments: {parameters: [{name: p, value: "{{steps.none.outputs.result}}"}]}}
  - - {name: b, template: ok}
"""),
    )
    assert run.phase == "Succeeded"
    assert (run.phase_of("a"), run.nodes["a"]["type"]) == ("Skipped", "Skipped")
    assert run.message_of("a") == "when '1 == 2' evaluated false"


def test_a_broken_when_is_an_error_of_the_group(play):
    run = play(spec("\n  - - {name: a, template: ok, when: \"1 < 'a'\"}\n"))
    assert run.phase == "Failed"
    assert (run.phase_of("a"), run.phase_of("[0]")) == ("Error", "Error")


def test_an_expression_in_when_that_has_no_value_says_so(play):
    run = play(spec('\n  - - {name: a, template: ok, when: "{{=inputs.parameters.nope}} == 1"}\n'))
    assert run.phase_of("a") == "Error"
    assert "inputs.parameters.nope" in run.message_of("a")


def test_template_outputs_come_from_steps_and_reach_the_caller(play):
    run = play(
        f"""
entrypoint: main
templates:{LEAVES}
- name: inner
  steps:
  - - {{name: a, template: makes}}
  outputs:
    parameters:
    - {{name: both, valueFrom: {{expression: "steps.a.outputs.parameters.out + '!'"}}}}
    - {{name: one, globalName: kept, valueFrom: {{parameter: "{{{{steps.a.outputs.parameters.out}}}}"}}}}
- name: main
  steps:
  - - {{name: call, template: inner}}
  - - {{name: use, template: param, arguments: {{parameters: [{{name: p, value: "{{{{steps.call.outputs.parameters.both}}}} {{{{workflow.outputs.parameters.kept}}}}"}}]}}}}
""",
        {"makes": {"parameters": {"out": "42"}}},
    )
    assert run.phase == "Succeeded"
    assert run.parameters("call") == {"both": "42!", "one": "42"}
    assert run.inputs("use") == {"p": "42! 42"}
    assert run.status["outputs"] == {"parameters": [{"name": "kept", "value": "42"}]}


def test_an_output_that_was_never_written_is_an_error_of_the_template(play):
    run = play(
        f"""
entrypoint: main
templates:{LEAVES}
- name: main
  steps:
  - - {{name: a, template: makes}}
  outputs: {{parameters: [{{name: o, valueFrom: {{parameter: "{{{{steps.a.outputs.parameters.out}}}}"}}}}]}}
"""
    )
    assert run.phase == "Error"
    assert "output parameter 'o'" in run.message
    assert "steps.a.outputs.parameters.out" in run.message


def test_empty_steps_succeed(play):
    run = play("entrypoint: main\ntemplates:\n- name: main\n  steps: []\n")
    assert run.phase == "Succeeded"
    assert list(run.nodes) == ["wf"]


def test_failfast_starts_no_more_children_and_fails_the_template(play):
    run = play(
        f"""
entrypoint: main
templates:{LEAVES}
- name: main
  failFast: true
  parallelism: 2
  steps:
  - - {{name: a, template: ok, withItems: [1, 2, 3, 4]}}
    - {{name: b, template: ok}}
""",
        {"a(0:1)": "Failed"},
    )
    assert run.started == ["a(0:1)", "a(1:2)"]
    assert run.phase == "Failed"
    assert "failFast" in run.message_of("wf")
    assert run.phase_of("a(1:2)") == "Succeeded"
