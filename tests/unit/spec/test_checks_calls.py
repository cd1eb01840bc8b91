"""Calls: steps and tasks name a template that exists, and give it all that it needs."""

LEAF = """
- name: leaf
  inputs: {parameters: [{name: message}]}
  container: {image: alpine, command: [echo, "{{inputs.parameters.message}}"]}
"""
STORED = """apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: stored}
spec:
  templates:
  - name: echo
    inputs: {parameters: [{name: message}]}
    container: {image: alpine, command: [echo, "{{inputs.parameters.message}} {{workflow.parameters.color}}"]}
"""


def steps(step, more=LEAF):
    return f"- name: main\n  steps:\n  - - {step}\n{more}"


def test_an_input_without_a_default_must_be_given(check):
    assert check(steps("{name: a, template: leaf}")) == [
        "not-supplied: templates.main.steps[0].a templates.leaf inputs.parameters.message was not supplied"
    ]
    given = "{name: a, template: leaf, arguments: {parameters: [{name: message, value: hi}]}}"
    assert check(steps(given)) == []


def test_an_input_has_a_value_by_its_own_value_default_or_source(check):
    for own in ("value: x", "default: x", "valueFrom: {configMapKeyRef: {name: c, key: k}}"):
        assert (
            check(steps("{name: a, template: leaf}", LEAF.replace("name: message}", f"name: message, {own}}}"))) == []
        )


def test_a_misspelled_argument_is_suggested(check):
    text = steps("{name: a, template: leaf, arguments: {parameters: [{name: mesage, value: hi}]}}")
    assert len(check(text)) == 1


def test_an_argument_needs_a_value_or_a_source(check):
    text = steps("{name: a, template: leaf, arguments: {parameters: [{name: message}]}}")
    assert check(text) == [
        (
            "no-value: templates.main.steps[0].a.arguments.message.value or "
            "templates.main.steps[0].a.arguments.message.valueFrom is required"
        )
    ]


def test_a_source_of_an_argument_is_a_config_map_or_supplied(check):
    for source, right in (
        ("configMapKeyRef: {name: c, key: k}", True),
        ("supplied: {}", True),
        ("path: /x", False),
        ("expression: '1'", False),
        ("default: x", False),
    ):
        text = steps(
            f"{{name: a, template: leaf, arguments: {{parameters: [{{name: message, valueFrom: {{{source}}}}}]}}}}"
        )
        assert bool(check(text, codes={"invalid-source"})) is not right, source


def test_an_input_artifact_must_be_given_unless_optional_or_located(check):
    leaf = "- name: leaf\n  inputs: {artifacts: [{name: a, path: /a%s}]}\n  container: {image: x}\n"
    assert check(steps("{name: s, template: leaf}", leaf % "")) == [
        "not-supplied: templates.main.steps[0].s templates.leaf inputs.artifacts.a was not supplied"
    ]
    assert check(steps("{name: s, template: leaf}", leaf % ", optional: true")) == []
    assert check(steps("{name: s, template: leaf}", leaf % ", raw: {data: x}")) == []
    given = "{name: s, template: leaf, arguments: {artifacts: [{name: a, %s}]}}"
    assert check(steps(given % "raw: {data: x}", leaf % "")) == []
    assert check(steps(given % "optional: true", leaf % "")) == [
        "no-source: templates.main.steps[0].s.arguments.a.from, artifact location, or key is required"
    ]
    both = "from: '{{workflow.outputs.artifacts.z}}', fromExpression: 'a'"
    assert check(steps(given % both, leaf % ""), codes={"two-sources"}) != []


def test_an_undefined_template_is_told_with_the_nearest_name(check):
    assert check(steps("{name: a, template: leef}")) == [
        "unknown-template: templates.main.steps[0].a template name 'leef' undefined"
    ]
    assert "names no template" in check(steps("{name: a}"))[0]


def test_a_template_whose_name_is_a_tag_is_looked_up_when_it_runs(check):
    text = steps("{name: a, template: 'leaf-{{workflow.parameters.kind}}'}")
    assert check(text, spec="  arguments: {parameters: [{name: kind, value: x}]}\n") == []


def test_references_reach_stored_templates_of_other_files(check):
    ref = (
        "{name: a, templateRef: {name: stored, template: echo}, arguments: {parameters: [{name: message, value: hi}]}}"
    )
    color = "  arguments: {parameters: [{name: color, value: red}]}\n"
    assert check(steps(ref, ""), beside=STORED, spec=color) == []
    assert "no WorkflowTemplate 'stored'" in check(steps(ref, ""))[0]
    assert check(steps(ref, ""), ignore_missing=True) == []
    wrong = ref.replace("template: echo", "template: ecco")
    assert "the WorkflowTemplate has no such template" in check(steps(wrong, ""), beside=STORED)[0]
    cluster = ref.replace("template: echo", "template: echo, clusterScope: true")
    assert "no ClusterWorkflowTemplate" in check(steps(cluster, ""), beside=STORED)[0]


def test_a_stored_template_is_checked_with_the_variables_of_the_workflow_that_calls_it(check):
    ref = (
        "{name: a, templateRef: {name: stored, template: echo}, arguments: {parameters: [{name: message, value: hi}]}}"
    )
    assert check(steps(ref, ""), beside=STORED) == [
        (
            "unknown-variable: templates.echo failed to resolve {{workflow.parameters.color}}: "
            "there is no such variable here"
        )
    ]
    assert (
        "was not supplied"
        in check(steps("{name: a, templateRef: {name: stored, template: echo}}", ""), beside=STORED)[-1]
    )


def test_a_reference_is_complete_and_the_only_one(check):
    assert "resource name is required" in check(steps("{name: a, templateRef: {template: x}}"))[0]
    assert "template name is required" in check(steps("{name: a, templateRef: {name: x}}"))[0]
    both = steps("{name: a, template: leaf, templateRef: {name: stored, template: echo}}")
    assert "cannot be specified with templateRef" in check(both, beside=STORED, codes={"two-templates"})[0]
    inline = "{name: a, template: leaf, inline: {suspend: {}}}"
    assert check(steps(inline), codes={"two-templates"}) != []
    assert check(steps("{name: a, templateRef: {name: '{{workflow.name}}', template: x}}")) == []


def test_an_inline_template_knows_its_own_inputs_and_those_around_it(check):
    text = """
- name: main
  inputs: {parameters: [{name: outer, value: x}]}
  dag:
    tasks:
    - name: a
      arguments: {parameters: [{name: own, value: y}]}
      inline:
        inputs: {parameters: [{name: own}]}
        container: {image: alpine, command: [echo, "{{inputs.parameters.own}}", "{{inputs.parameters.outer}}", "%s"]}
"""
    assert check(text % "x") == []
    assert "{{inputs.parameters.other}}" in check(text % "{{inputs.parameters.other}}")[0]
    assert check(text.replace("arguments: {parameters: [{name: own, value: y}]}", "when: 'true'") % "x") == [
        "not-supplied: templates.main.tasks.a inputs.parameters.own was not supplied"
    ]


def test_an_inline_template_is_a_template_with_all_rules(check):
    text = "- name: main\n  steps:\n  - - {name: a, inline: {steps: [[{name: b, template: gone}]]}}\n"
    assert check(text) == [
        "unknown-template: templates.main.steps[0].a.inline.steps[0].b template name 'gone' undefined"
    ]
    assert "type unspecified" in check("- name: main\n  steps:\n  - - {name: a, inline: {}}\n")[0]


def test_exit_handlers_of_steps_exist(check):
    assert check(
        steps("{name: a, template: ok, onExit: gone}", "- {name: ok, suspend: {}}"), codes={"unknown-template"}
    ) == ["unknown-template: templates.main.steps[0].a onExit template name 'gone' undefined"]


def test_hooks_have_a_template_and_all_but_exit_an_expression(check):
    more = "- {name: ok, suspend: {}}\n" + LEAF
    hook = "{name: a, template: ok, hooks: {%s}}"
    assert check(steps(hook % "exit: {template: ok}", more)) == []
    assert "Expression required" in check(steps(hook % "running: {template: ok}", more))[0]
    running = "running: {template: ok, expression: 'steps.a.status == \"Running\"'}"
    assert check(steps(hook % running, more), codes={"expression-variable"}, severity="warning") == []
    assert "undefined" in check(steps(hook % "exit: {template: gone}", more))[0]
    own = "exit: {template: leaf, arguments: {parameters: [{name: message, value: '{{steps.a.status}}'}]}}"
    assert check(steps(hook % own, more)) == []
    assert "was not supplied" in check(steps(hook % "exit: {template: leaf}", more))[0]
