"""Parameters and arguments: what a template gets, from where, and what happens when nobody supplies it."""

import pytest

MAPS = [
    {
        "metadata": {"name": "conf", "labels": {"workflows.argoproj.io/configmap-type": "Parameter"}},
        "data": {"k": "from-map"},
    },
    {"metadata": {"name": "bare"}, "data": {"k": "v"}},
]


def spec(inputs, arguments="", more="", body="container: {image: x, args: ['{{inputs.parameters}}']}"):
    given = f", arguments: {arguments}" if arguments else ""
    return f"entrypoint: main\n{more}\ntemplates:\n- name: main\n  steps: [[{{name: a, template: leaf{given}}}]]\n- name: leaf\n  inputs: {inputs}\n  {body}\n"


class TestParameters:
    """An argument wins over the input's value, that over its default."""

    @pytest.mark.parametrize(
        ("declared", "given", "value"),
        [
            ("{name: p, default: d}", "", "d"),
            ("{name: p, value: v, default: d}", "", "v"),
            ("{name: p, value: v}", "{name: p, value: a}", "a"),
            ("{name: p, default: d}", "{name: p, value: ''}", ""),
            ("{name: p}", "{name: p, value: a}", "a"),
            ("{name: p}", "{name: p, valueFrom: {configMapKeyRef: {name: conf, key: k}}}", "from-map"),
            ("{name: p, valueFrom: {configMapKeyRef: {name: conf, key: k}}}", "", "from-map"),
            ("{name: p, valueFrom: {configMapKeyRef: {name: conf, key: k}}}", "{name: p, value: a}", "a"),
            ("{name: p, valueFrom: {default: d, configMapKeyRef: {name: nope, key: k}}}", "", "d"),
            ("{name: p, valueFrom: {default: d, configMapKeyRef: {name: conf, key: nope}}}", "", "d"),
            ("{name: p, valueFrom: {default: d}}", "", "d"),
            ("{name: p}", "{name: p, value: 1.0}", "1"),
            ("{name: p}", "{name: p, value: true}", "true"),
            ("{name: p, default: d}", "{name: other, value: a}", "d"),
        ],
    )
    def test_values(self, play, declared, given, value):
        run = play(
            spec(f"{{parameters: [{declared}]}}", f"{{parameters: [{given}]}}" if given else ""), config_maps=MAPS
        )
        assert run.inputs("a") == {"p": value}

    @pytest.mark.parametrize(
        ("declared", "given", "words"),
        [
            ("{name: p}", "", "inputs.parameters.p was not supplied"),
            ("{name: p, default: d}", "{name: p}", "inputs.parameters.p was not supplied"),
            (
                "{name: p}",
                "{name: p, valueFrom: {configMapKeyRef: {name: nope, key: k}}}",
                "ConfigMap 'nope' not found",
            ),
            (
                "{name: p}",
                "{name: p, valueFrom: {configMapKeyRef: {name: conf, key: nope}}}",
                "does not have the key 'nope'",
            ),
            ("{name: p}", "{name: p, valueFrom: {configMapKeyRef: {name: bare, key: k}}}", "needs the label"),
        ],
    )
    def test_nothing_supplies_it(self, play, declared, given, words):
        run = play(
            spec(f"{{parameters: [{declared}]}}", f"{{parameters: [{given}]}}" if given else ""), config_maps=MAPS
        )
        assert run.phase_of("a") == "Error"
        assert words in run.message_of("a")

    def test_names_of_config_maps_may_hold_tags(self, play):
        text = spec(
            "{parameters: [{name: p, valueFrom: {configMapKeyRef: {name: '{{workflow.parameters.map}}', key: k}}}]}",
            more="arguments: {parameters: [{name: map, value: conf}]}",
        )
        assert play(text, config_maps=MAPS).inputs("a") == {"p": "from-map"}

    def test_a_default_may_hold_tags_of_the_run_and_of_other_inputs(self, play):
        run = play(
            spec(
                "{parameters: [{name: p, value: 'x'}, {name: q, default: '{{inputs.parameters.p}}-{{workflow.name}}-{{=1 + 1}}'}]}"
            )
        )
        assert run.inputs("a")["q"] == "x-wf-2"

    def test_what_an_argument_holds_is_data(self, play):
        """A value is never read as a tag again: what a leaf printed can't inject one."""
        text = """
entrypoint: main
templates:
- name: main
  steps:
  - - {name: a, template: leaf}
  - - {name: b, template: use, arguments: {parameters: [{name: p, value: '{{steps.a.outputs.result}}'}]}}
- name: leaf
  container: {image: x}
- name: use
  inputs: {parameters: [{name: p}]}
  container: {image: x, args: ['{{inputs.parameters.p}}']}
"""
        run = play(text, {"leaf": {"result": "{{workflow.name}} {{=1+1}}"}})
        assert run.attempt("b").template["container"]["args"] == ["{{workflow.name}} {{=1+1}}"]

    def test_all_inputs_as_json(self, play):
        run = play(spec("{parameters: [{name: p, value: '1'}, {name: q, value: 'a\"b'}]}"))
        assert run.attempts[0].template["container"]["args"] == [
            '[{"name":"p","value":"1"},{"name":"q","value":"a\\"b"}]'
        ]

    def test_the_entrypoint_gets_the_workflows_arguments(self, play):
        text = "entrypoint: main\narguments: {parameters: [{name: p, value: '{{workflow.name}}!'}, {name: q, default: d}, {name: r, valueFrom: {configMapKeyRef: {name: conf, key: k}}}]}\ntemplates:\n- name: main\n  inputs: {parameters: [{name: p}, {name: q}, {name: r}]}\n  container: {image: x}\n"
        run = play(text, config_maps=MAPS)
        assert run.inputs("wf") == {"p": "wf!", "q": "d", "r": "from-map"}

    def test_a_config_map_that_a_workflow_argument_misses_is_an_invalid_spec(self, play):
        text = "entrypoint: main\narguments: {parameters: [{name: r, valueFrom: {configMapKeyRef: {name: nope, key: k}}}]}\ntemplates:\n- name: main\n  container: {image: x}\n"
        run = play(text)
        assert (run.phase, run.message.startswith("invalid spec: ConfigMap 'nope'"), run.nodes) == ("Failed", True, {})

    def test_an_optional_key_that_is_missing_counts_as_not_given(self, play):
        text = "entrypoint: main\narguments: {parameters: [{name: r, default: d, valueFrom: {configMapKeyRef: {name: %s, key: nope, optional: true}}}]}\ntemplates:\n- name: main\n  inputs: {parameters: [{name: r}]}\n  container: {image: x}\n"
        for name in ("nope", "conf"):
            assert play(text % name, config_maps=MAPS).inputs("wf") == {"r": "d"}

    def test_a_broken_tag_in_an_argument_of_the_workflow(self, play):
        run = play(
            "entrypoint: main\narguments: {parameters: [{name: p, value: '{{workflow.name'}]}\ntemplates:\n- name: main\n  container: {image: x}\n"
        )
        assert (run.phase, "invalid spec" in run.message) == ("Failed", True)


class TestSkippedProducers:
    """A step that never ran gives its declared defaults; what has none is absent."""

    TEXT = """
entrypoint: main
templates:
- name: main
  steps:
  - - {name: a, template: makes, when: 'false'}
  - - {name: b, template: use, arguments: {parameters: [{name: p, value: "%s"}]}}
- name: makes
  container: {image: x}
  outputs: {parameters: [{name: with, valueFrom: {path: /o, default: d}}, {name: without, valueFrom: {path: /o}}], artifacts: [{name: art, path: /a}]}
- name: use
  inputs: {parameters: [{name: p%s}]}
  container: {image: x}
"""

    @pytest.mark.parametrize(
        ("value", "default", "seen"),
        [
            ("{{steps.a.outputs.parameters.with}}", "", "d"),
            ("{{steps.a.outputs.parameters.without}}", ", default: mine", "mine"),
            ("{{=steps.a.outputs.parameters.without ?? 'other'}}", "", "other"),
            ("{{steps.a.status}}", "", "Skipped"),
        ],
    )
    def test_values(self, play, value, default, seen):
        assert play(self.TEXT % (value, default)).inputs("b") == {"p": seen}

    @pytest.mark.parametrize(
        "value", ["{{steps.a.outputs.parameters.without}}", "x-{{steps.a.outputs.parameters.without}}"]
    )
    def test_errors(self, play, value):
        run = play(self.TEXT % (value, ""))
        assert run.phase_of("b") == "Error"
        assert "absent optional" in run.message_of("b")


STORED = {"makes": {"artifacts": [{"name": "art", "path": "/a", "s3": {"key": "runs/a.tgz", "bucket": "b"}}]}}


@pytest.mark.parametrize(
    ("calls", "name"),
    [
        ("steps: [[{name: a, template: inner}]]", "a"),
        ("steps: [[{name: a, template: middle}]]", "a"),
        ("dag: {tasks: [{name: a, template: inner}]}", "a"),
        ("dag: {tasks: [{name: a, template: middle, withItems: [1, 2]}]}", "a"),
    ],
)
def test_the_name_of_a_call(play, calls, name):
    """In what a template hands over, `steps.name` is its own name as a step; the called step's where it is none itself."""
    key = calls.partition(":")[0].replace("dag", "tasks")
    given = f"arguments: {{parameters: [{{name: p, value: '{{{{{key}.name}}}}'}}]}}"
    text = (
        f"entrypoint: main\ntemplates:\n- name: main\n  {calls.replace('template: inner', 'template: inner, ' + given)}\n"
        f"- name: middle\n  steps: [[{{name: b, template: inner, {given}}}]]\n"
        "- name: inner\n  inputs: {parameters: [{name: p}]}\n  container: {image: x, args: ['{{inputs.parameters.p}}']}\n"
    )
    run = play(text)
    assert {a.template["container"]["args"][0] for a in run.attempts} == {name}


class TestTemplates:
    """Which template a call means."""

    STORED = "  templates:\n  - name: t\n    steps: [[{name: i, template: own}]]\n  - name: own\n    container: {image: stored}\n"

    def test_names_inside_a_stored_template_are_its_own(self, play):
        text = "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: a, templateRef: {name: st, template: t}}]]\n- name: own\n  container: {image: local}\n"
        run = play(text, templates={"st": self.STORED})
        assert run.attempts[0].template["container"]["image"] == "stored"
        assert run.nodes["a"]["templateScope"] == "local/wf"
        assert run.nodes["i"]["templateScope"] == "namespaced/st"
        assert set(run.status["storedTemplates"]) == {"namespaced/st/t", "namespaced/st/own"}

    @pytest.mark.parametrize(
        ("call", "words"),
        [
            ("template: nope", "template 'nope' not found in local/wf"),
            ("templateRef: {name: nope, template: t}", "workflowtemplate 'nope' not found"),
            ("templateRef: {name: nope, template: t, clusterScope: true}", "clusterworkflowtemplate 'nope' not found"),
            ("templateRef: {name: st, template: nope}", "template 'nope' not found in namespaced/st"),
            ("template: empty", "template 'empty' has no type"),
        ],
    )
    def test_what_is_not_there(self, play, call, words):
        text = f"entrypoint: main\ntemplates:\n- name: main\n  steps: [[{{name: a, {call}}}]]\n- name: empty\n"
        run = play(text, templates={"st": self.STORED})
        assert run.phase_of("a") == "Error"
        assert words in run.message_of("a")

    def test_a_reference_by_tags_per_element(self, play):
        text = "entrypoint: main\ntemplates:\n- name: main\n  steps: [[{name: a, templateRef: {name: '{{item.w}}', template: '{{item.t}}'}, withItems: [{w: st, t: own}, {w: st, t: t}]}]]\n"
        run = play(text, templates={"st": self.STORED})
        assert [n.template.name for n in run.machine.nodes if n.item is not None] == ["own", "t"]

    def test_a_name_by_tag_never_sees_the_item(self, play):
        text = "entrypoint: main\narguments: {parameters: [{name: t, value: leaf}]}\ntemplates:\n- name: main\n  steps: [[{name: a, template: '{{%s}}', withItems: [leaf]}]]\n- name: leaf\n  container: {image: x}\n"
        assert play(text % "workflow.parameters.t").phase == "Succeeded"
        assert play(text % "item").phase_of("a(0:leaf)") == "Error"

    def test_inline_templates(self, play):
        text = "entrypoint: main\ntemplates:\n- name: main\n  inputs: {parameters: [{name: who, value: me}]}\n  steps: [[{name: a, inline: {container: {image: x, args: ['{{item}} {{inputs.parameters.who}}']}}, withItems: [1, 2]}]]\n"
        assert [a.template["container"]["args"] for a in play(text).attempts] == [["1 me"], ["2 me"]]

    def test_template_defaults(self, play):
        text = "entrypoint: main\ntemplateDefaults: {activeDeadlineSeconds: 9, container: {env: [{name: E, value: '1'}]}}\ntemplates:\n- name: main\n  steps: [[{name: a, template: c}, {name: b, template: s}, {name: i, inline: {container: {image: x}}}]]\n- name: c\n  container: {image: x}\n- name: s\n  activeDeadlineSeconds: 5\n  script: {image: x, source: s}\n"
        run = play(text)
        assert run.attempt("a").template["container"]["env"] == [{"name": "E", "value": "1"}]
        assert run.attempt("a").template["activeDeadlineSeconds"] == 9
        assert run.attempt("b").template["activeDeadlineSeconds"] == 5
        assert "container" not in run.attempt("b").template
        assert run.attempt("i").template["activeDeadlineSeconds"] == 9


class TestDisplayName:
    """The annotation replaces the name that is shown."""

    TEXT = "entrypoint: main\ntemplates:\n- name: main\n  inputs: {{parameters: [{{name: p, value: v1}}]}}\n  annotations: {{workflows.argoproj.io/display-name: '{}'}}\n  container: {{image: x}}\n"

    def test_with_tags(self, play):
        assert "run-v1" in play(self.TEXT.format("run-{{inputs.parameters.p}}")).nodes

    @pytest.mark.parametrize("name", ["has blanks", "-x", "x" * 64])
    def test_what_is_no_name_is_an_error(self, play, name):
        run = play(self.TEXT.format(name))
        assert (run.phase, "display-name" in run.message) == ("Error", True)


def test_an_expression_in_a_body_that_has_no_value_ends_the_node(play):
    run = play(
        "entrypoint: main\ntemplates:\n- name: main\n  container: {image: x, args: ['{{unknown}}', '{{=nope.x}}']}\n"
    )
    assert run.phase == "Error"
    assert "nope" in run.message
    run = play("entrypoint: main\ntemplates:\n- name: main\n  container: {image: x, args: ['{{unknown}}']}\n")
    assert run.attempts[0].template["container"]["args"] == ["{{unknown}}"]


def test_a_template_whose_fields_can_t_be_filled_is_called_wrongly(play):
    run = play("entrypoint: main\ntemplates:\n- name: main\n  timeout: '{{broken'\n  container: {image: x}\n")
    assert (run.phase, "not closed" in run.message) == ("Error", True)


def test_a_leaf_knows_its_own_names(play):
    text = """
entrypoint: main
templates:
- name: main
  steps: [[{name: a, template: group}]]
- name: group
  dag: {tasks: [{name: B, template: leaf}]}
- name: leaf
  container: {image: x, args: ['{{node.name}} {{pod.name}} {{tasks.name}}']}
  outputs: {parameters: [{name: o, valueFrom: {path: /o}}], artifacts: [{name: art, path: /p, s3: {key: '{{pod.name}}'}}]}
  metadata: {annotations: {paths: '{{outputs.parameters.o.path}} {{outputs.artifacts.art.path}}'}}
"""
    attempt = play(text).attempts[0]
    assert attempt.template["container"]["args"] == [f"wf[0].a.B {attempt.pod_name} B"]
    assert attempt.pod_name.startswith("wf-leaf-")
    assert attempt.template["metadata"]["annotations"] == {"paths": "/o /p"}
    assert attempt.template["outputs"]["artifacts"][0]["s3"] == {"key": attempt.pod_name}


class TestTagsInTags:
    """`{{a.{{b}}}}`: the inner one says which variable the outer one names."""

    @pytest.mark.parametrize(
        ("text", "values"),
        [
            ("{{inputs.parameters.{{item}}}}", ["deep", "high"]),
            ("{{workflow.parameters.{{item}}}}!", ["deep!", "high!"]),
            ("<{{inputs.parameters.{{item}}}}|{{item}}>", ["<deep|xa>", "<high|ya>"]),
            ("{{inputs.parameters.no-{{item}}}}", ["{{inputs.parameters.no-xa}}", "{{inputs.parameters.no-ya}}"]),
            ("{{ .Jinja {{item}} }}", ["{{ .Jinja xa }}", "{{ .Jinja ya }}"]),
        ],
    )
    def test_in_an_argument_of_a_loop(self, play, text, values):
        run = play(
            f"""
entrypoint: main
arguments: {{parameters: [{{name: xa, value: deep}}, {{name: ya, value: high}}]}}
templates:
- name: main
  inputs: {{parameters: [{{name: xa}}, {{name: ya}}]}}
  steps:
  - - {{name: a, template: p, withItems: [xa, ya], arguments: {{parameters: [{{name: v, value: "{text}"}}]}}}}
- name: p
  inputs: {{parameters: [{{name: v}}]}}
  container: {{image: x}}
"""
        )
        assert run.phase == "Succeeded"
        assert [run.inputs(name)["v"] for name in ("a(0:xa)", "a(1:ya)")] == values

    def test_in_a_body_what_is_found_is_not_searched_again(self, play):
        run = play(
            """
entrypoint: main
arguments: {parameters: [{name: which, value: xa}, {name: xa, value: "{{inputs.parameters.which}}"}]}
templates:
- name: main
  inputs: {parameters: [{name: which}, {name: xa}]}
  container: {image: x, args: ["{{inputs.parameters.{{inputs.parameters.which}}}}"]}
"""
        )
        assert run.attempts[0].template["container"]["args"] == ["{{inputs.parameters.which}}"]
