"""Tags: a variable exists at the place where it is mentioned. Only tags with a known prefix are looked at."""

import pytest

STEPS = """
- name: main
  inputs: {parameters: [{name: p, value: v}]}
  steps:
  - - {name: one, template: made}
  - - {name: two, template: echo, arguments: {parameters: [{name: m, value: "%s"}]}}
    - {name: three, template: made}
- name: made
  container: {image: alpine, command: [date]}
  outputs: {parameters: [{name: o, valueFrom: {path: /o}}], artifacts: [{name: f, path: /f}]}
- name: echo
  inputs: {parameters: [{name: m}]}
  container: {image: alpine, command: [echo, "{{inputs.parameters.m}}"]}
"""


@pytest.mark.parametrize(
    "key",
    [
        "inputs.parameters.p", "inputs.parameters", "steps.one.outputs.parameters.o", "steps.one.outputs.result",
        "steps.one.status", "steps.one.id", "steps.one.startedAt", "steps.one.exitCode", "steps.three.status", "steps.name",
        "workflow.name", "workflow.creationTimestamp.Y", "workflow.parameters", "workflow.duration", "workflow.scheduledTime",
        "custom.thing", "retries", "  workflow.name  ", "=nonsense.that.is.no.tag",
    ],
)  # fmt: skip
def test_variables_that_exist(check, key):
    assert check(STEPS % f"{{{{{key}}}}}") == []


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("inputs.parameters.q", "no such variable"),
        ("inputs.artifacts.p.path", "no such variable"),
        ("steps.one.outputs.parameters.x", "no output parameter 'x'"),
        ("steps.one.outputs.artifacts.x", "no output artifact 'x'"),
        ("steps.one.ip", "has no 'ip'"),
        ("steps.one", "say what of 'one'"),
        ("steps.three.outputs.result", "has not run by then"),
        ("steps.four.status", "there is no 'four'"),
        ("tasks.one.status", "there are no tasks"),
        ("workflow.parameters.x", "no such variable"),
        ("workflow.status", "no such variable"),
        ("workflow.outputs.parameters.x", "no such variable"),
        ("workflow.priority", "no such variable"),
        ("workflow.labels.x", "no such variable"),
        ("item.x", "no such variable"),
        ("pod.name", "no such variable"),
    ],
)
def test_variables_that_do_not(check, key, why):
    (found,) = check(STEPS % f"{{{{{key}}}}}")
    assert found.startswith(f"unknown-variable: templates.main.steps[1].two failed to resolve {{{{{key}}}}}")
    assert why in found


def test_the_tag_is_shown_as_it_is_written(check):
    assert "{{  workflow.nothing  }}" in check(STEPS % "{{  workflow.nothing  }}")[0]


def test_of_a_tag_inside_a_tag_only_the_inner_one_can_be_looked_at(check):
    assert check(STEPS % "{{steps.{{inputs.parameters.p}}.status}}") == []
    assert "{{inputs.parameters.q}}" in check(STEPS % "{{steps.{{inputs.parameters.q}}.status}}")[0]


def test_names_of_steps_may_have_tags_and_then_nobody_knows(check):
    text = STEPS.replace("name: one", 'name: "one-{{inputs.parameters.p}}"') % "{{steps.one-v.status}}"
    assert check(text) == []


def test_a_leaf_knows_its_inputs_its_outputs_and_its_pod(check):
    leaf = """
- name: main
  inputs: {artifacts: [{name: a, path: /a, raw: {data: x}}]}
  container: {image: alpine, command: [echo, "%s"]}
  outputs: {artifacts: [{name: b, path: /b}]}
"""
    for key in (
        "pod.name",
        "inputs.artifacts.a.path",
        "outputs.artifacts.b.path",
        "outputs.parameters.any.path",
        "steps.name",
    ):
        assert check(leaf % f"{{{{{key}}}}}") == [], key
    assert "there are no steps" in check(leaf % "{{steps.x.status}}")[0]
    assert check("- {name: main, suspend: {duration: '{{pod.name}}'}}") != []


def test_a_loop_gives_its_items(check):
    loop = """
- name: main
  steps:
  - - {name: a, template: echo, %s, arguments: {parameters: [{name: m, value: "%s"}]}}
- name: echo
  inputs: {parameters: [{name: m}]}
  container: {image: alpine, command: [echo, "{{inputs.parameters.m}}"]}
"""
    assert check(loop % ("withItems: [{x: 1}]", "{{item.x}}")) == []
    assert check(loop % ("withItems: [{x: 1}]", "{{item.y}}")) != []
    assert check(loop % ("withItems: ['{{workflow.name}}']", "{{item.y}}")) == []
    assert check(loop % ("withParam: '[]'", "{{item.any}}")) == []
    assert check(loop % ("withSequence: {count: 2}", "{{item.any}}")) != []
    assert check(loop % ("when: 'true'", "{{item}}"), severity="warning", codes={"item-outside-loop"}) == [
        "item-outside-loop: templates.main.steps[0].a: {{item}} stands outside of a loop"
    ]


def test_only_loops_over_items_have_all_parameters_as_a_list(check):
    text = """
- name: main
  steps:
  - - {name: a, template: made, %s}
  - - {name: b, template: made, when: "'{{steps.a.outputs.parameters}}' != ''"}
- name: made
  container: {image: alpine}
  outputs: {parameters: [{name: o, valueFrom: {path: /o}}]}
"""
    assert check(text % "withItems: [1]") == []
    assert check(text % "withParam: '[1]'") == []
    assert check(text % "withSequence: {count: 1}") != []
    assert check(text % "when: 'true'") != []


def test_what_the_workflow_has_exists(check):
    text = "- name: main\n  container: {image: alpine, command: [echo, '{{workflow.%s}}']}\n"
    spec = """  priority: 3
  arguments: {parameters: [{name: a, value: x}]}
  workflowMetadata: {labels: {l: x}, annotations: {note: x}, labelsFrom: {f: {expression: "'x'"}}}
"""
    for key in ("priority", "parameters.a", "labels.l", "labels.f", "annotations.note", "labels.json"):
        assert check(text % key, spec=spec) == [], key


def test_status_and_failures_exist_where_there_is_an_exit_handler_or_hook(check):
    text = "- name: main\n  container: {image: alpine, command: [echo, '{{workflow.status}} {{workflow.failures}}']}\n"
    assert len(check(text)) == 2
    assert check(text, spec="  onExit: main\n") == []
    assert check(text, spec="  hooks: {exit: {template: main}}\n") == []


def test_global_outputs_exist_where_any_template_makes_them(check):
    text = """
- name: main
  container: {image: alpine, command: [echo, "{{workflow.outputs.parameters.g}} {{workflow.outputs.artifacts.h}}"]}
- name: other
  container: {image: alpine}
  outputs:
    parameters: [{name: a, valueFrom: {path: /a}, globalName: %s}]
    artifacts: [{name: b, path: /b, globalName: %s}]
"""
    assert check(text % ("g", "h")) == []
    assert len(check(text % ("x", "z"))) == 2
    assert check(text % ("'{{workflow.name}}'", "'x-{{workflow.name}}'")) == []


def test_a_stored_workflow_may_get_parameters_and_labels_from_whoever_runs_it(check):
    text = """kind: WorkflowTemplate
metadata: {name: t}
spec:
  templates:
  - name: a
    container: {image: alpine, command: [echo, "{{workflow.parameters.x}} {{workflow.labels.y}} {{workflow.status}}", "%s"]}
"""
    assert check(text % "x") == []
    assert check(text % "{{workflow.nothing}}") != []


def test_a_daemon_has_an_address(check):
    text = """
- name: main
  steps:
  - - {name: d, template: server}
  - - {name: c, template: client, arguments: {parameters: [{name: m, value: "{{steps.d.ip}}"}]}}
- {name: server, daemon: true, container: {image: alpine}}
- name: client
  inputs: {parameters: [{name: m}]}
  container: {image: alpine, command: [ping, "{{inputs.parameters.m}}"]}
"""
    assert check(text) == []


def test_other_texts_of_steps_and_dags_are_warnings_since_argo_does_not_look_at_them(check):
    text = "- name: main\n  synchronization: {mutexes: [{name: '{{inputs.parameters.x}}'}]}\n  steps: [[]]\n"
    assert check(text) == []
    assert len(check(text, severity="warning")) == 1
    assert check("- name: main\n  inputs: {parameters: [{name: a, default: '{{workflow.x}}'}]}\n  steps: [[]]\n") != []
    named = "- name: main\n  serviceAccountName: '{{workflow.x}}'\n  steps: [[]]\n"
    assert len(check(named, severity="warning", codes={"unknown-variable"})) == 1
    assert check(named.replace("{{workflow.x}}", "me"), severity="warning", codes={"unknown-variable"}) == []


def test_expressions_that_cannot_be_evaluated_are_warnings(check):
    codes = {"expression-variable", "expression-syntax"}

    def warned(expression):
        return [
            found.partition(":")[0]
            for found in check(STEPS % f"{{{{={expression}}}}}", severity="warning", codes=codes)
        ]

    assert warned("inputs.parameters.p + steps.one.outputs.result") == []
    assert warned("inputs.parameters['p']") == []
    assert warned("toJson(inputs.parameters)") == []
    assert warned("steps.one.outputs.result.missing") == []
    assert warned("inputs.parameters.q") == ["expression-variable"]
    assert warned("inputs.parameters.q ?? 1") == []
    assert warned("steps.four.outputs.result") == ["expression-variable"]
    assert warned("steps['one'].outputs.parameters.x") == ["expression-variable"]
    assert warned("workflow.parameters.x") == ["expression-variable"]
    assert warned("1 +") == ["expression-syntax"]
    assert warned("let x = 1; x") == []


def test_bare_expressions_are_parsed_too(check):
    text = """
- name: main
  retryStrategy: {expression: "lastRetry.exitCode != "}
  http: {url: "http://x", successCondition: "response.statusCode =="}
- {name: d, data: {source: {artifactPaths: {name: a, s3: {bucket: b}}}, transformation: [{expression: "filter("}]}}
- {name: e, http: {url: "http://x", successCondition: "{{inputs.parameters.x"}}
"""
    assert len(check(text, severity="warning", codes={"expression-syntax"})) == 3


def test_a_blank_before_the_equals_sign_makes_no_expression(check):
    found = check(STEPS % "{{ =inputs.parameters.p }}", severity="warning")
    assert found[0].startswith("spaced-expression")


def test_an_open_tag_is_told(check):
    assert [f.partition(":")[0] for f in check(STEPS % "{{x", severity="warning", codes={"unclosed-tag"})] == [
        "unclosed-tag"
    ]


def test_keys_of_maps_are_texts_too(check):
    text = "- name: main\n  metadata: {labels: {'{{workflow.x}}': a}}\n  container: {image: alpine}\n"
    assert check(text) != []


def test_whole_items_and_steps_in_an_expression_are_taken_as_they_are(check):
    text = """
- name: main
  steps:
  - - {name: a, template: leaf, withItems: [{k: 1}], arguments: {parameters: [{name: p, value: "{{=toJson(item.k)}}"}]}}
  - - {name: b, template: leaf, arguments: {parameters: [{name: p, value: "{{=toJson(steps.a)}}{{=toJson(steps['a'].outputs)}}"}]}}
- {name: leaf, inputs: {parameters: [{name: p}]}, container: {image: x, args: ["{{inputs.parameters.p}}"]}}
"""
    assert check(text, severity="warning", codes={"expression-variable"}) == []
    outside = text.replace("withItems: [{k: 1}], ", "")
    assert check(outside, severity="warning", codes={"expression-variable"}) != []
