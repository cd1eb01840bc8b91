"""`dag:` tasks start when what they depend on has ended as they wish; the DAG's phase follows its targets."""

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


def test_tasks_start_as_soon_as_what_they_need_has_ended(play):
    run = play.begin(
        spec(
            [
                "{name: A, template: ok}",
                "{name: B, template: ok, dependencies: [A]}",
                "{name: C, template: ok, dependencies: [A]}",
                "{name: D, template: ok, dependencies: [B, C]}",
            ]
        ),
        held=["A", "B", "C", "D"],
    )
    run.settle()
    assert run.running == ["A"]
    run.end("A")
    assert run.running == ["B", "C"]
    run.end("C")
    assert run.running == ["B"]
    run.end("B")
    assert run.running == ["D"]
    run.end("D")
    assert run.phase == "Succeeded"
    nodes = run.nodes
    assert nodes["wf"]["children"] == [nodes["A"]["id"]]
    assert nodes["A"]["children"] == [nodes["B"]["id"], nodes["C"]["id"]]
    assert nodes["wf"]["outboundNodes"] == [nodes["D"]["id"]]


@pytest.mark.parametrize(
    ("depends", "phase", "runs"),
    [
        ("A", "Succeeded", True),
        ("A", "Failed", False),
        ("A", "Error", False),
        ("A.Failed", "Failed", True),
        ("A.Failed", "Error", False),
        ("A.Errored", "Error", True),
        ("A.Succeeded || A.Failed", "Failed", True),
        ("!A.Succeeded", "Succeeded", False),
        ("!A.Succeeded", "Failed", True),
        ("A.Skipped", "Succeeded", False),
        ("A.AnySucceeded", "Succeeded", False),
        ("A.Daemoned", "Succeeded", False),
    ],
)
def test_depends_asks_for_results(play, depends, phase, runs):
    run = play(spec(["{name: A, template: ok}", f"{{name: B, template: ok, depends: '{depends}'}}"]), {"A": phase})
    assert run.phase_of("B") == ("Succeeded" if runs else "Omitted")
    if not runs:
        assert run.nodes["B"]["type"] == "Skipped"
        assert run.message_of("B") == "omitted: depends condition not met"


@pytest.mark.parametrize("phase", ["Failed", "Error"])
@pytest.mark.parametrize("flag", ["failed", "error"])
def test_a_task_that_may_fail_satisfies_a_bare_dependency(play, flag, phase):
    """`continueOn` of A itself says so, for each phase apart; then A's failure does not fail the DAG either."""
    run = play(
        spec(
            [f"{{name: A, template: ok, continueOn: {{{flag}: true}}}}", "{name: B, template: ok, dependencies: [A]}"]
        ),
        {"A": phase},
    )
    forgiven = (flag == "failed") == (phase == "Failed")
    assert run.phase_of("B") == ("Succeeded" if forgiven else "Omitted")
    assert run.phase == ("Succeeded" if forgiven else phase)


def test_no_short_circuit(play):
    """`A || B` waits for both."""
    run = play.begin(
        spec(["{name: A, template: ok}", "{name: B, template: ok}", "{name: C, template: ok, depends: 'A || B'}"]),
        held=["A", "B", "C"],
    )
    run.settle()
    run.end("A")
    assert run.running == ["B"]
    run.end("B", "Failed")
    assert run.running == ["C"]


def test_a_skipped_task_satisfies_a_bare_dependency_and_an_omitted_one_does_not(play):
    run = play(
        spec(
            [
                "{name: A, template: ok, when: 'false'}",
                "{name: B, template: ok, dependencies: [A]}",
                "{name: C, template: ok, depends: A.Failed}",
                "{name: D, template: ok, depends: C}",
                "{name: E, template: ok, depends: C.Omitted}",
            ]
        )
    )
    assert [run.phase_of(n) for n in "ABCDE"] == ["Skipped", "Succeeded", "Omitted", "Omitted", "Succeeded"]
    assert run.phase == "Succeeded"


class TestPhase:
    """A target that never ran takes the phase of the branch that led to it; a handled failure does not count."""

    def test_a_failure_that_a_later_task_handles(self, play):
        run = play(spec(["{name: A, template: ok}", "{name: C, template: ok, depends: A.Failed}"]), {"A": "Failed"})
        assert run.phase == "Succeeded"

    def test_an_omitted_leaf_inherits_the_failure(self, play):
        tasks = [
            "{name: A, template: ok}",
            "{name: B, template: ok, depends: A}",
            "{name: C, template: ok, depends: A.Failed}",
        ]
        run = play(spec(tasks), {"A": "Failed"})
        assert (run.phase_of("B"), run.phase_of("C"), run.phase) == ("Omitted", "Succeeded", "Failed")

    def test_the_only_leaf_waits_for_the_omission(self, play):
        tasks = [
            "{name: A, template: ok}",
            "{name: B, template: ok, depends: A}",
            "{name: C, template: ok, depends: A.Failed && B.Omitted}",
        ]
        assert play(spec(tasks), {"A": "Failed"}).phase == "Succeeded"

    def test_error_is_told_from_failed(self, play):
        assert play(spec(["{name: A, template: ok}"]), {"A": "Error"}).phase == "Error"

    def test_a_loop_whose_last_element_succeeded_hides_no_failure_from_an_omitted_target(self, play):
        tasks = ["{name: A, template: ok, withItems: [1, 2]}", "{name: B, template: ok, depends: A}"]
        run = play(spec(tasks), {"A(0:1)": "Failed"})
        assert (run.phase_of("A"), run.phase_of("B"), run.phase) == ("Failed", "Omitted", "Failed")

    def test_a_retried_task_counts_by_its_last_attempt(self, play):
        more = "- name: again\n  retryStrategy: {limit: 2}\n  container: {image: x}"
        run = play(
            spec(["{name: A, template: again}", "{name: B, template: ok, depends: A}"], more),
            {"again": ["Failed", "Succeeded"]},
        )
        assert run.phase == "Succeeded"

    def test_a_target_reached_by_two_branches_prefers_the_failure(self, play):
        tasks = [
            "{name: A, template: ok}",
            "{name: B, template: ok}",
            "{name: C, template: ok, dependencies: [A, B]}",
        ]
        run = play(spec(tasks), {"B": "Failed"})
        assert (run.phase_of("C"), run.phase) == ("Omitted", "Failed")


class TestTarget:
    """Only targets and what they need ever get nodes."""

    TASKS = (
        "{name: A, template: ok}",
        "{name: B, template: ok, dependencies: [A]}",
        "{name: C, template: ok}",
    )

    @pytest.mark.parametrize(("target", "nodes"), [("B", {"A", "B"}), ("C A", {"A", "C"}), ("C", {"C"})])
    def test_targets(self, play, target, nodes):
        run = play(spec(self.TASKS).replace("  dag:\n", f"  dag:\n    target: {target}\n"))
        assert set(run.nodes) - {"wf"} == nodes
        assert run.phase == "Succeeded"

    def test_a_target_by_tag(self, play):
        text = spec(self.TASKS, main="  inputs: {parameters: [{name: t, value: B}]}")
        run = play(text.replace("  dag:\n", "  dag:\n    target: '{{inputs.parameters.t}}'\n"))
        assert set(run.nodes) - {"wf"} == {"A", "B"}

    def test_an_unknown_target_is_an_error(self, play):
        run = play(spec(self.TASKS).replace("  dag:\n", "  dag:\n    target: nope\n"))
        assert run.phase == "Error"
        assert "'nope'" in run.message


def test_depends_may_hold_tags_of_the_inputs(play):
    text = spec(
        ["{name: A, template: ok}", "{name: B, template: ok, depends: 'A.{{inputs.parameters.how}}'}"],
        main="  inputs: {parameters: [{name: how, value: Failed}]}",
    )
    assert play(text).phase_of("B") == "Omitted"


@pytest.mark.parametrize("depends", ["A &&", "nope", "A.Nope", "A and A"])
def test_depends_that_can_t_be_read_is_an_error_of_the_task(play, depends):
    run = play(spec(["{name: A, template: ok}", f"{{name: B, template: ok, depends: '{depends}'}}"]))
    assert (run.phase_of("B"), run.nodes["B"]["type"], run.phase) == ("Error", "Skipped", "Error")


def test_a_task_sees_its_ancestors_and_nobody_else(play):
    run = play(
        spec(
            [
                "{name: A, template: makes}",
                "{name: B, template: ok, dependencies: [A]}",
                "{name: C, template: param, dependencies: [B], arguments: {parameters: [{name: p, value: '{{tasks.A.outputs.parameters.out}}'}]}}",
                "{name: D, template: makes}",
                "{name: E, template: param, dependencies: [B], arguments: {parameters: [{name: p, value: '{{tasks.D.outputs.parameters.out}}'}]}}",
                "{name: F, template: param, dependencies: [B], arguments: {parameters: [{name: p, value: \"{{=tasks.A.outputs.parameters.out + tasks['B'].status}}\"}]}}",
            ]
        ),
        {"makes": {"parameters": {"out": "42"}}},
    )
    assert run.inputs("C") == {"p": "42"}
    assert run.inputs("F") == {"p": "42Succeeded"}
    assert run.phase_of("E") == "Error"
    assert "tasks.D.outputs.parameters.out" in run.message_of("E")
    assert run.phase == "Error"


def test_wrong_arguments_are_an_error_of_the_task_alone(play):
    run = play(
        spec(["{name: A, template: param}", "{name: B, template: ok}", "{name: C, template: ok, depends: A.Errored}"])
    )
    assert (run.phase_of("A"), run.phase_of("B"), run.phase_of("C")) == ("Error", "Succeeded", "Succeeded")
    assert run.phase == "Succeeded"


def test_failfast_of_the_dag_lets_independent_branches_run_to_their_end(play):
    tasks = ["{name: A, template: ok}", "{name: B, template: ok}", "{name: C, template: ok, dependencies: [B]}"]
    for flag in ("true", "false"):
        run = play(spec(tasks).replace("  dag:\n", f"  dag:\n    failFast: {flag}\n"), {"A": "Failed"})
        assert (run.phase_of("C"), run.phase) == ("Succeeded", "Failed")


def test_failfast_of_the_template_starts_no_more_children(play):
    tasks = [
        "{name: A, template: ok}",
        "{name: B, template: ok, withItems: [1, 2, 3]}",
        "{name: C, template: ok, dependencies: [B]}",
    ]
    run = play(spec(tasks, main="  failFast: true\n  parallelism: 2"), {"A": "Failed"})
    assert run.started == ["A", "B(0:1)"]
    assert run.phase == "Failed"
    assert "failFast" in run.message_of("wf")
    assert run.phase_of("B") == "Failed"


def test_outputs_are_read_when_the_dag_succeeded(play):
    text = spec(
        ["{name: A, template: makes}"],
        main="  outputs: {parameters: [{name: o, valueFrom: {parameter: '{{tasks.A.outputs.parameters.out}}'}}]}",
    )
    assert play(text, {"A": {"parameters": {"out": "1"}}}).parameters("wf") == {"o": "1"}
    wrong = play(text)
    assert wrong.phase == "Error"
    assert "tasks.A.outputs.parameters.out" in wrong.message


def test_a_dag_of_no_tasks_succeeds(play):
    assert play("entrypoint: main\ntemplates:\n- name: main\n  dag: {tasks: []}\n").phase == "Succeeded"
