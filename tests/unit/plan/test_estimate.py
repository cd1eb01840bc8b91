"""What would run: loops are counted where they are known, and what only the run can tell is marked."""

import random

import pytest

from aggregator.lang.context import Context
from aggregator.plan.compile import compile_workflow
from aggregator.plan.estimate import BUDGET, estimate
from aggregator.source import Source
from aggregator.spec.yaml import parse_text

LEAF = "- {name: leaf, inputs: {parameters: [{name: p, default: d}]}, container: {image: x}}\n"


@pytest.fixture
def plan():
    def run(templates, spec="", **known):
        indented = "".join(f"  {line}\n" for line in (templates.strip("\n") + "\n" + LEAF).splitlines())
        text = f"metadata: {{name: w}}\nspec:\n  entrypoint: main\n{spec}  templates:\n{indented}"
        (document,) = parse_text(Source("w", text)).documents
        context = Context(now=0, random=random.Random(1), keep=lambda _, make: make())
        return estimate(
            compile_workflow(document.value), context, {f"workflow.parameters.{k}": v for k, v in known.items()}
        )

    return run


def steps(*groups):
    return "- name: main\n  steps:\n" + "".join(f"  - [{', '.join(group)}]\n" for group in groups)


def dag(*tasks, more=""):
    return f"- name: main\n{more}  dag:\n    tasks:\n" + "".join(f"    - {{{task}}}\n" for task in tasks)


def test_steps_are_as_wide_as_their_widest_group_and_as_long_as_all_groups(plan):
    one, three = ["{name: a, template: leaf}"], [f"{{name: b{i}, template: leaf}}" for i in range(3)]
    found = plan(steps(one, three, one))
    assert (found.leaves, found.width, found.path) == (5, 3, ("leaf", "leaf", "leaf"))
    assert [child.group for child in found.main.children] == [0, 1, 1, 1, 2]


def test_a_dag_is_as_wide_as_its_widest_level_and_as_long_as_its_longest_chain(plan):
    found = plan(
        dag(
            "name: A, template: leaf",
            "name: B, template: leaf, depends: A",
            "name: C, template: leaf, depends: A",
            "name: D, template: leaf, depends: B && C",
        )
    )
    assert (found.leaves, found.width, found.path) == (4, 2, ("leaf",) * 3)
    assert found.main.children[3].after == ("B", "C")


def test_only_targets_and_what_they_wait_for_are_there(plan):
    text = dag("name: A, template: leaf", "name: B, template: leaf, depends: A", "name: C, template: leaf").replace(
        "  dag:\n", "  dag:\n    target: B\n"
    )
    assert [child.name for child in plan(text).main.children] == ["A", "B"]


@pytest.mark.parametrize(
    ("loop", "count"),
    [
        ("withItems: [1, 2, 3]", 3),
        ("withSequence: {count: '{{workflow.parameters.n}}'}", 4),
        ("withSequence: {start: 5, end: 3}", 3),
        ("withParam: '[1, 2]'", 2),
        ("withItems: [1]", 1),
    ],
)
def test_loops_that_are_known_are_counted(plan, loop, count):
    found = plan(dag(f"name: A, template: leaf, {loop}"), n="4")
    assert (found.leaves, found.width, found.unknown) == (count, count, False)


def test_a_loop_over_nothing_does_not_run(plan):
    found = plan(dag("name: A, template: leaf, withParam: '[]'"))
    assert (found.leaves, found.main.children[0].times) == (0, 0)


@pytest.mark.parametrize("loop", ["withParam: '{{tasks.Z.outputs.result}}'", "withSequence: {count: '{{workflow.parameters.n}}'}", "withParam: nonsense", "withSequence: {count: many}"])  # fmt: skip
def test_loops_that_only_the_run_can_count_are_marked(plan, loop):
    found = plan(dag(f"name: A, template: leaf, {loop}"))
    (task,) = found.main.children
    assert (task.times, found.unknown, found.leaves) == (None, True, 1)
    assert task.note.startswith("as many as")


def test_nested_loops_multiply(plan):
    text = (
        steps(["{name: a, template: inner, withItems: [1, 2, 3]}"])
        + "- name: inner\n  steps:\n  - - {name: b, template: leaf, withSequence: {count: 4}}\n"
    )
    assert (plan(text).leaves, plan(text).width) == (12, 12)


def test_a_loop_beyond_the_budget_is_multiplied_from_its_first_element(plan):
    found = plan(
        dag(f"name: A, template: get, withSequence: {{count: {BUDGET + 1}}}")
        + "- {name: get, http: {url: 'http://h/{{inputs.parameters.x}}'}}\n"
    )
    assert (found.leaves, found.requests["h"]) == (BUDGET + 1, BUDGET + 1)


def test_values_flow_into_templates_and_what_is_not_known_stays_a_tag(plan):
    call = "name: A, template: leaf, arguments: {parameters: [{name: p, value: 'x-%s'}]}"
    assert plan(dag(call % "{{workflow.parameters.n}}"), n="4").main.children[0].inputs == {"p": "x-4"}
    assert plan(dag(call % "{{tasks.B.outputs.result}}")).main.children[0].inputs == {
        "p": "x-{{tasks.B.outputs.result}}"
    }
    assert plan(dag("name: A, template: leaf")).main.children[0].inputs == {"p": "d"}


def test_requests_are_counted_by_host(plan):
    text = dag(
        "name: A, template: get, withItems: [a, b, a], arguments: {parameters: [{name: url, value: 'http://{{item}}.example/x'}]}",
        "name: B, template: get, arguments: {parameters: [{name: url, value: '{{tasks.A.outputs.result}}'}]}",
        "name: C, template: get, arguments: {parameters: [{name: url, value: 'https://c.example:8/{{tasks.A.outputs.result}}'}]}",
    )
    found = plan(
        text + "- {name: get, inputs: {parameters: [{name: url}]}, http: {url: '{{inputs.parameters.url}}'}}\n"
    )
    assert dict(found.requests) == {"a.example": 2, "b.example": 1, "?": 1, "c.example:8": 1}


@pytest.mark.parametrize(("limit", "worst"), [("2", 3), ("'{{inputs.parameters.n}}'", None), ("'{{inputs.parameters.p}}'", 5), ("x", None)])  # fmt: skip
def test_attempts_at_worst(plan, limit, worst):
    text = dag("name: A, template: again") + (
        f"- {{name: again, inputs: {{parameters: [{{name: p, value: 4}}]}}, retryStrategy: {{limit: {limit}}}, suspend: {{}}}}\n"
    )
    assert plan(text).worst == worst


def test_retries_of_a_group_multiply_those_inside(plan):
    text = dag("name: A, template: again, withItems: [1, 2]", more="  retryStrategy: {limit: 1}\n")
    found = plan(text + "- {name: again, retryStrategy: {limit: 2}, container: {image: x}}\n")
    assert (found.leaves, found.worst) == (2, 12)
    assert plan(dag("name: A, template: leaf"), spec="  retryStrategy: {}\n").worst is None


def test_conditions_that_are_known_decide(plan):
    text = dag("name: A, template: leaf, when: '{{workflow.parameters.n}} == %s'")
    assert plan(text % "4", n="4").leaves == 1
    found = plan(text % "5", n="4")
    assert (found.leaves, found.main.children[0].note) == (0, "skipped: 4 == 5")
    found = plan(text % "5")
    assert (found.leaves, found.main.children[0].note) == (1, "when {{workflow.parameters.n}} == 5")
    assert plan(text % "&", n="4").leaves == 0


def test_tasks_that_wait_for_a_failure_do_not_run_normally(plan):
    found = plan(
        dag(
            "name: A, template: leaf",
            "name: B, template: leaf, depends: A.Failed",
            "name: C, template: leaf, depends: A || A.Failed",
        )
    )
    assert (found.leaves, found.worst) == (2, 3)
    assert found.main.children[1].note == "only if A.Failed"


def test_parallelism_limits_the_width(plan):
    tasks = [f"name: t{i}, template: leaf" for i in range(9)]
    assert plan(dag(*tasks, more="  parallelism: 4\n")).width == 4
    assert plan(dag(*tasks), spec="  parallelism: 3\n").width == 3


def test_suspended_nodes_take_no_place(plan):
    assert plan(dag("name: A, template: wait") + "- {name: wait, suspend: {}}\n").width == 0


def test_templates_that_call_themselves_are_walked_once(plan):
    found = plan(steps(["{name: a, template: leaf}", "{name: again, template: main}"]))
    assert (found.leaves, found.unknown) == (1, True)
    assert "calls itself" in found.main.children[1].note


def test_handlers_are_counted(plan):
    found = plan(dag("name: A, template: leaf, onExit: leaf, withItems: [1, 2]"), spec="  onExit: leaf\n")
    assert (found.leaves, found.path, len(found.parts)) == (5, ("leaf",) * 3, 2)
    args = "  hooks: {exit: {template: leaf, arguments: {parameters: [{name: p, value: z}]}}}\n"
    assert plan(dag("name: A, template: leaf"), spec=args).exit.inputs == {"p": "z"}


def test_a_template_that_is_not_there_is_marked(plan):
    found = plan(dag("name: A, template: gone"))
    assert (found.leaves, found.unknown) == (0, True)
    assert "'gone' not found" in found.main.children[0].note


def test_a_cycle_is_no_endless_loop(plan):
    assert (
        plan(dag("name: A, template: leaf, dependencies: [B]", "name: B, template: leaf, dependencies: [A]")).width == 0
    )


def test_texts_that_cannot_be_filled_stay_as_they_are(plan):
    argument = "arguments: {parameters: [{name: p, value: '{{workflow.parameters.a}} {{open'}]}"
    found = plan(steps([f"{{name: a, template: leaf, {argument}}}"]), a="known")
    assert found.main.children[0].inputs == {"p": "{{workflow.parameters.a}} {{open"}
    looped = plan(steps(["{name: a, template: leaf, withItems: ['{{open', b]}"]))
    assert looped.main.children[0].times == 2
