"""DAG and steps templates: dependencies, cycles, targets, names, loops."""

import pytest

ECHO = "- {name: ok, container: {image: alpine}}\n"


def dag(*tasks, more="", target=""):
    lines = "".join(f"    - {{{task}}}\n" for task in tasks)
    return f"- name: main\n  dag:\n{target}    tasks:{' []' if not tasks else ''}\n{lines}{ECHO}{more}"


def test_a_cycle_is_named(check):
    text = dag(
        "name: A, template: ok, dependencies: [C]",
        "name: B, template: ok, dependencies: [A]",
        "name: C, template: ok, depends: B",
    )
    found = check(text.replace("depends: B", "dependencies: [B]"))
    assert (
        found == ["cycle: templates.main cycle detected: A waits for C waits for B waits for A"] or "cycle" in found[0]
    )
    assert "waits for" in check(dag("name: A, template: ok, depends: A"))[0]


def test_a_long_cycle_is_cut(check):
    tasks = [f"name: t{i}, template: ok, dependencies: [t{(i + 1) % 50}]" for i in range(50)]
    assert "…" in check(dag(*tasks))[0]


def test_dependencies_exist(check):
    assert check(dag("name: A, template: ok, dependencies: [X]")) == [
        "unknown-dependency: templates.main.tasks.A dependency 'X' not defined"
    ]
    assert check(dag("name: A, template: ok, depends: X.Succeeded && !Y")) == [
        "unknown-dependency: templates.main.tasks.A dependency 'X' not defined",
        "unknown-dependency: templates.main.tasks.A dependency 'Y' not defined",
    ]


def test_depends_is_read_and_results_of_loops_need_a_loop(check):
    assert "depends-syntax" in check(dag("name: A, template: ok", "name: B, template: ok, depends: A &&"))[0]
    assert "depends-syntax" in check(dag("name: A, template: ok", "name: B, template: ok, depends: A.Happy"))[0]
    loop = "name: A, template: ok, withItems: [1]"
    assert check(dag(loop, "name: B, template: ok, depends: A.AnySucceeded")) == []
    assert check(dag("name: A, template: ok", "name: B, template: ok, depends: A.AllFailed")) == [
        "not-a-loop: templates.main.tasks.B dependency 'A' uses 'AllFailed' but does not contain any items"
    ]


def test_depends_with_tags_is_read_when_it_runs(check):
    text = dag("name: A, template: ok", "name: B, template: ok, depends: 'A && {{inputs.parameters.x}}'")
    assert [f for f in check(text) if f.startswith("depends")] == []


def test_depends_and_dependencies_do_not_mix_nor_depends_and_continue_on(check):
    mixed = dag(
        "name: A, template: ok", "name: B, template: ok, depends: A", "name: C, template: ok, dependencies: [A]"
    )
    assert check(mixed) == [
        "mixed-dependencies: templates.main cannot use both 'depends' and 'dependencies' in the same DAG template"
    ]
    text = dag("name: A, template: ok, continueOn: {failed: true}", "name: B, template: ok, depends: A")
    assert check(text)[0].startswith("continue-on")
    assert check(text.replace("depends: A", "dependencies: [A]")) == []


def test_names_begin_with_a_letter_where_tasks_depend_on_each_other(check):
    assert check(dag("name: 5A, template: ok", "name: B, template: ok")) == []
    assert "digit-name" in check(dag("name: 5A, template: ok", "name: B, template: ok, depends: 5A"))[0]
    assert "digit-name" in check(dag("name: B, template: ok", "name: 5A, template: ok, dependencies: [B]"))[0]


def test_a_dag_has_tasks_and_its_targets_exist(check):
    assert check(dag()) == ["no-tasks: templates.main must have at least one task"]
    assert check(dag("name: A, template: ok", target="    target: A X\n")) == [
        "unknown-target: templates.main.target 'X' is not defined"
    ]
    assert check(dag("name: A, template: ok", target="    target: '{{inputs.parameters.x}}'\n")) != []
    assert check(dag("name: A, template: ok", target="    target: '{{workflow.name}}'\n")) == []


@pytest.mark.parametrize("needs", ["dependencies: [%s]", "depends: %s"])
def test_a_task_knows_the_outputs_of_its_ancestors_only(check, needs):
    text = dag(
        "name: A, template: made",
        f"name: B, template: ok, {needs % 'A'}",
        f"name: C, template: ok, {needs % 'B'}, when: \"'{{{{tasks.A.outputs.parameters.o}}}}' == ''\"",
        "name: D, template: ok, when: \"'{{tasks.%s.status}}' == ''\"",
        more="- {name: made, container: {image: x}, outputs: {parameters: [{name: o, valueFrom: {path: /o}}]}}\n",
    )
    assert check(text % "D") != []
    assert check(text % "X") != []
    (found,) = check(text % "A")
    assert "missing dependency 'A'" in found


def test_a_hook_of_a_task_knows_the_task_itself(check):
    hook = "hooks: {exit: {template: say, arguments: {parameters: [{name: m, value: '{{tasks.A.status}}'}]}}}"
    say = "- {name: say, inputs: {parameters: [{name: m}]}, container: {image: x, args: ['{{inputs.parameters.m}}']}}\n"
    assert check(dag(f"name: A, template: ok, {hook}", more=say)) == []
    assert check(dag(f"name: B, template: ok, {hook}", "name: A, template: ok", more=say)) != []


def test_outputs_of_a_dag_know_all_tasks(check):
    text = dag("name: A, template: ok", more="") + ""
    out = "  outputs: {parameters: [{name: o, valueFrom: {parameter: '{{tasks.%s.outputs.result}}'}}]}\n"
    assert check(text.replace(ECHO, out % "A" + ECHO)) == []
    assert check(text.replace(ECHO, out % "B" + ECHO)) == [
        "unknown-variable: templates.main.outputs failed to resolve {{tasks.B.outputs.result}}: there is no task 'B'"
    ]


def test_names_are_there_once_and_have_the_right_letters(check):
    assert check(dag("template: ok"))[0] == "name-required: templates.main.tasks[0].name is required"
    assert "not unique" in check(dag("name: A, template: ok", "name: A, template: ok"))[0]
    assert "is invalid" in check(dag("name: a_b, template: ok"))[0]
    assert "is invalid" in check(dag(f"name: {'a' * 129}, template: ok"))[0]
    steps = "- name: main\n  steps:\n  - [{name: %s, template: ok}, {name: %s, template: ok}]\n" + ECHO
    assert check(steps % ("a", "a")) == ["duplicate-name: templates.main.steps[0].name 'a' is not unique"]
    assert "is invalid" in check(steps % ("a.b", "c"))[0]
    assert check(steps % ("''", "c")) == ["name-required: templates.main.steps[0].name is required"]
    assert check(steps % ("'a-{{workflow.name}}'", "c")) == []
    assert "is invalid" in check(steps % ("'a_{{workflow.name}}'", "c"))[0]
    assert (
        check(f"{ECHO}- name: main\n  inputs: {{parameters: [{{name: a b, value: x}}]}}\n  container: {{image: x}}\n")
        != []
    )
    long = "x" * 129
    assert (
        check(f"- name: main\n  inputs: {{parameters: [{{name: {long}, value: x}}]}}\n  container: {{image: x}}\n")
        != []
    )


def test_an_empty_group_is_allowed_and_waits_for_nothing(check):
    assert check("- name: main\n  steps:\n  - []\n") == []


def test_one_loop_at_a_time(check):
    def found(loop):
        return check(f"- name: main\n  steps:\n  - - {{name: a, template: ok, {loop}}}\n{ECHO}", codes=None)

    assert found("withItems: [1], withParam: '[]'")[0].startswith("two-loops")
    assert found("withSequence: {count: 1, end: 2}")[0].startswith("two-ends")
    assert found("withSequence: {count: '{{workflow.name}}'}") == []
    assert found("withItems: []") == []


def test_bounds_of_a_sequence_are_whole_numbers(check):
    def warned(loop):
        text = f"- name: main\n  steps:\n  - - {{name: a, template: ok, {loop}}}\n{ECHO}"
        return [f.partition(":")[0] for f in check(text, severity="warning")]

    assert warned("withSequence: {start: 1}") == ["no-end"]
    assert warned("withSequence: {count: many}") == ["not-a-number"]
    assert warned("withSequence: {start: -1, end: '+2'}") == []


def test_many_tasks_with_far_references_stay_cheap(check):
    tasks = ["name: t0, template: ok"]
    tasks += [
        f"name: t{i}, template: ok, dependencies: [t{i - 1}], when: \"'{{{{tasks.t0.status}}}}' == ''\""
        for i in range(1, 300)
    ]
    assert check(dag(*tasks)) == []


def test_templates_that_call_each_other_are_legal(check):
    text = "- name: main\n  steps:\n  - - {name: a, template: other}\n- name: other\n  dag:\n    tasks:\n    - {name: b, template: main}\n"
    assert check(text) == []
