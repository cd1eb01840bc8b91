"""Loops of tasks, and the odd cases of dag templates."""

import pytest

LEAVES = """
- name: ok
  container: {image: x}
- name: param
  inputs: {parameters: [{name: p}]}
  container: {image: x}
- name: makes
  container: {image: x}
  outputs: {parameters: [{name: out, valueFrom: {path: /out}}]}
"""


def spec(tasks, more="", main=""):
    """A workflow whose entrypoint is a DAG of these tasks."""
    listed = "\n".join(f"    - {t}" for t in tasks)
    return f"entrypoint: main\ntemplates:{LEAVES}{more}\n- name: main\n{main}\n  dag:\n    tasks:\n" + listed.replace(
        "\n    -", "\n    -"
    )


class TestLoops:
    """A looped task has a TaskGroup; its phase is that of the last element that failed."""

    def test_group_and_elements(self, play):
        run = play(
            spec(
                [
                    "{name: A, template: ok}",
                    "{name: B, template: ok, dependencies: [A], withItems: [x, z]}",
                    "{name: C, template: ok, dependencies: [B]}",
                ]
            )
        )
        nodes = run.nodes
        assert nodes["B"]["type"] == "TaskGroup"
        assert nodes["B"]["children"] == [nodes["B(0:x)"]["id"], nodes["B(1:z)"]["id"]]
        assert nodes["A"]["children"] == [nodes["B"]["id"]]
        assert nodes["B(0:x)"]["children"] == nodes["B(1:z)"]["children"] == [nodes["C"]["id"]]

    @pytest.mark.parametrize(
        ("answers", "phase"),
        [
            ({"A(0:x)": "Failed"}, "Failed"),
            ({"A(0:x)": "Failed", "A(1:z)": "Error"}, "Error"),
            ({"A(0:x)": "Error", "A(1:z)": "Failed"}, "Failed"),
            ({}, "Succeeded"),
        ],
    )
    def test_phase(self, play, answers, phase):
        assert play(spec(["{name: A, template: ok, withItems: [x, z]}"]), answers).phase == phase

    @pytest.mark.parametrize(
        ("depends", "answers", "phase"),
        [
            ("A.AnySucceeded", {"A(0:x)": "Failed"}, "Succeeded"),
            ("A.AnySucceeded", {"A(0:x)": "Failed", "A(1:z)": "Failed"}, "Omitted"),
            ("A.AllFailed", {"A(0:x)": "Failed", "A(1:z)": "Failed"}, "Succeeded"),
            ("A.AllFailed", {"A(0:x)": "Failed", "A(1:z)": "Error"}, "Omitted"),
        ],
    )
    def test_any_succeeded_and_all_failed(self, play, depends, answers, phase):
        run = play(
            spec(["{name: A, template: ok, withItems: [x, z]}", f"{{name: B, template: ok, depends: {depends}}}"]),
            answers,
        )
        assert run.phase_of("B") == phase

    def test_results_are_gathered_for_dependants(self, play):
        run = play(
            spec(
                [
                    "{name: A, template: makes, withItems: [x, z]}",
                    "{name: B, template: param, dependencies: [A], arguments: {parameters: [{name: p, value: '{{tasks.A.outputs.result}} {{tasks.A.outputs.parameters.out}} {{tasks.A.outputs.parameters}}'}]}}",
                ]
            ),
            {
                "A(0:x)": {"result": "1", "parameters": {"out": "3"}},
                "A(1:z)": {"result": '{"k": 2}', "parameters": {"out": "4"}},
            },
        )
        assert run.inputs("B") == {"p": '[1,{"k":2}] ["3","4"] [{"out":"3"},{"out":"4"}]'}

    def test_a_reference_to_results_that_are_no_json_names_the_element(self, play):
        run = play(
            spec(
                [
                    "{name: A, template: ok, withItems: [x]}",
                    "{name: B, template: param, dependencies: [A], arguments: {parameters: [{name: p, value: '{{tasks.A.outputs.result}}'}]}}",
                ]
            ),
            {"A": {"result": "plain words"}},
        )
        assert run.phase_of("B") == "Error"
        assert "A(0:x)" in run.message_of("B")

    def test_an_empty_loop_is_one_skipped_node(self, play):
        run = play(spec(["{name: A, template: ok, withParam: '[]'}", "{name: B, template: ok, dependencies: [A]}"]))
        assert (run.nodes["A"]["type"], run.phase_of("A"), run.message_of("A")) == (
            "Skipped",
            "Skipped",
            "Skipped, empty params",
        )
        assert run.phase_of("B") == "Succeeded"

    def test_a_list_that_is_none_is_an_error_unless_the_task_is_skipped_anyway(self, play):
        run = play(
            spec(
                [
                    "{name: A, template: ok, withParam: 'nope'}",
                    "{name: B, template: ok, withParam: 'nope', when: 'false'}",
                ]
            )
        )
        assert run.phase_of("A") == "Error"
        assert "nope" in run.message_of("A")
        assert run.phase_of("B") == "Skipped"


class TestOddCases:
    def test_artifacts_handed_to_a_template_that_passes_them_on(self, play):
        text = f"""
entrypoint: main
templates:{LEAVES}
- name: art
  container: {{image: x}}
  outputs: {{artifacts: [{{name: a, path: /a}}]}}
- name: take
  inputs: {{artifacts: [{{name: in, path: /in}}]}}
  container: {{image: x}}
- name: inner
  inputs: {{artifacts: [{{name: in}}]}}
  dag:
    tasks:
    - {{name: I, template: take, arguments: {{artifacts: [{{name: in, from: '{{{{inputs.artifacts.in}}}}'}}]}}}}
- name: main
  dag:
    tasks:
    - {{name: A, template: art}}
    - {{name: B, template: inner, dependencies: [A], arguments: {{artifacts: [{{name: in, from: '{{{{tasks.A.outputs.artifacts.a}}}}'}}]}}}}
"""
        run = play(text, {"art": {"artifacts": [{"name": "a", "path": "/a", "s3": {"key": "k"}}]}})
        assert run.attempt("I").template["inputs"]["artifacts"] == [{"name": "in", "path": "/in", "s3": {"key": "k"}}]

    def test_a_skipped_task_whose_template_is_not_there(self, play):
        run = play(
            spec(
                [
                    "{name: A, template: nope, when: 'false'}",
                    "{name: B, template: param, dependencies: [A], arguments: {parameters: [{name: p, value: '{{=tasks.A.status}}'}]}}",
                    "{name: C, template: param, dependencies: [A], arguments: {parameters: [{name: p, value: '{{tasks.A.outputs.parameters.x}}'}]}}",
                ]
            )
        )
        assert run.inputs("B") == {"p": "Skipped"}
        assert "'A' ended Skipped and has no outputs.parameters.x" in run.message_of("C")

    def test_an_empty_loop_and_a_name_of_nobody_are_told_apart(self, play):
        def asks(name):
            return f"arguments: {{parameters: [{{name: p, value: '{{{{tasks.{name}.outputs.result}}}}'}}]}}"

        run = play(
            spec(
                [
                    "{name: A, template: ok, withItems: [1], when: 'false'}",
                    "{name: E, template: ok, withParam: '[]'}",
                    f"{{name: B, template: param, dependencies: [E], {asks('E')}}}",
                    f"{{name: C, template: param, dependencies: [E], {asks('nobody')}}}",
                ]
            )
        )
        assert "had no items" in run.message_of("B")
        assert "tasks.nobody.outputs.result" in run.message_of("C")
        assert run.phase_of("A(0:1)") == "Skipped"

    def test_outputs_of_the_dag_from_tasks_that_never_got_a_node(self, play):
        outputs = "  outputs: {parameters: [{name: o, valueFrom: {expression: \"tasks.A.status + ('B' in tasks ? 'b' : '-')\"}}]}"
        text = spec(["{name: A, template: ok}", "{name: B, template: ok}"], main=outputs).replace(
            "  dag:\n", "  dag:\n    target: A\n"
        )
        assert play(text).parameters("wf") == {"o": "Succeeded-"}
        outputs = (
            "  outputs: {parameters: [{name: o, valueFrom: {parameter: '{{tasks.B.outputs.result}}', default: none}}]}"
        )
        text = spec(["{name: A, template: ok}", "{name: B, template: ok}"], main=outputs).replace(
            "  dag:\n", "  dag:\n    target: A\n"
        )
        assert play(text).parameters("wf") == {"o": "none"}

    def test_a_parameter_that_was_declared_and_has_no_value_is_not_there(self, play):
        more = "- name: inner\n  steps: [[{name: i, template: ok}]]\n  outputs: {parameters: [{name: o}]}"
        run = play(
            spec(
                [
                    "{name: A, template: inner}",
                    '{name: B, template: param, dependencies: [A], arguments: {parameters: [{name: p, value: "{{=toJson(tasks.A)}}"}]}}',
                ],
                more,
            )
        )
        assert '"outputs"' not in run.inputs("B")["p"]

    def test_a_condition_that_can_t_be_judged_before_the_list_is_known_does_not_excuse_it(self, play):
        run = play(
            spec(
                [
                    "{name: A, template: ok, withParam: 'nope', when: '{{item}} =='}",
                    "{name: B, template: ok, withParam: 'nope', when: '1 <'}",
                ]
            )
        )
        assert (run.phase_of("A"), run.phase_of("B")) == ("Error", "Error")

    def test_an_outer_common_ancestor_of_two_branches_is_found_once(self, play):
        run = play(
            spec(
                [
                    "{name: A, template: makes}",
                    "{name: B, template: ok, dependencies: [A]}",
                    "{name: C, template: ok, dependencies: [A]}",
                    "{name: D, template: ok, dependencies: [B, C]}",
                    '{name: E, template: param, dependencies: [D, B], arguments: {parameters: [{name: p, value: "{{tasks.A.outputs.parameters.out}}{{=len(keys(tasks))}}"}]}}',
                    "{name: F, template: param, dependencies: [D, B], arguments: {parameters: [{name: p, value: '{{tasks.G.status}}'}]}}",
                    "{name: G, template: ok}",
                ]
            ),
            {"makes": {"parameters": {"out": "7"}}},
        )
        assert run.inputs("E") == {"p": "74"}
        assert run.phase_of("F") == "Error"

    def test_an_artifact_of_the_dag_without_a_global_name(self, play):
        text = spec(
            ["{name: A, template: makes}"],
            main="  outputs: {artifacts: [{name: o, from: '{{tasks.A.outputs.artifacts.art}}'}]}",
        )
        run = play(text, {"makes": {"artifacts": [{"name": "art", "path": "/a", "s3": {"key": "k"}}]}})
        assert run.nodes["wf"]["outputs"] == {"artifacts": [{"name": "o", "s3": {"key": "k"}}]}

    def test_a_loop_that_was_parked_is_dropped_with_its_dag(self, play):
        from aggregator.engine.events import StopRequested

        run = play.begin(spec(["{name: A, template: ok, withItems: [1, 2, 3]}"], main="  parallelism: 1"), held=["A"])
        run.settle()
        run.post(StopRequested(run.now))
        run.run()
        assert (run.phase_of("A"), run.phase) == ("Failed", "Failed")

    def test_a_loop_whose_elements_were_dropped_but_none_failed(self, play):
        from aggregator.engine.events import Outcome, StopRequested

        run = play.begin(spec(["{name: A, template: ok, withItems: [1, 2, 3]}"], main="  parallelism: 1"), held=["A"])
        run.settle()
        run.post(StopRequested(run.now))
        run.finish(next(iter(run.held)), Outcome(phase="Succeeded"))
        run.run()
        assert (run.phase_of("A(0:1)"), run.phase_of("A"), run.phase) == ("Succeeded", "Failed", "Failed")
