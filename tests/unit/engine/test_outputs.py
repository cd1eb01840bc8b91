"""Outputs: of leaves, of steps and dags, of loops, of the run."""

import pytest

from aggregator.engine.inputs import NodeError
from aggregator.engine.node import Node
from aggregator.engine.outputs import compact_json, gather


def element(index, **outputs):
    made = Node(index, f"wf.a({index}:x)", f"a({index}:x)", "Pod", 0.0)
    made.phase = outputs.pop("phase", "Succeeded")
    made.item = index
    parameters = outputs.pop("parameters", None)
    made.outputs = dict(outputs)
    if parameters:
        made.outputs["parameters"] = [{"name": k, "value": v} for k, v in parameters.items()]
    return made


def gathered(*values):
    return gather("a", [element(i, parameters={"p": v}) for i, v in enumerate(values)])["outputs.parameters.p"]


class TestGather:
    """A loop's outputs as JSON lists of the elements that Succeeded, in the order of their index."""

    @pytest.mark.parametrize(
        ("values", "text"),
        [
            (["1"], '["1"]'),
            (["foo", "bar"], '["foo","bar"]'),
            (['["1"]', "2"], '["[\\"1\\"]","2"]'),
            (['["1"]', '["2"]'], '[["1"],["2"]]'),
            ([' ["1"]', '["2"] '], '[["1"],["2"]]'),
            (['{"n":"1"}', '{"n":"2"}'], '[{"n":"1"},{"n":"2"}]'),
            (['{"a": 1', "{}"], '["{\\"a\\": 1","{}"]'),
        ],
    )
    def test_parameters_are_embedded_if_all_are_objects_or_lists(self, values, text):
        assert gathered(*values) == text

    def test_results_must_be_json(self):
        assert (
            gather("a", [element(0, result="5"), element(1, result='{"a": "<"}')])["outputs.result"]
            == '[5,{"a":"\\u003c"}]'
        )
        with pytest.raises(NodeError, match=r"element 'a\(0:x\)' gave 'plain"):
            gather("a", [element(0, result="plain " + "x" * 100)])

    def test_only_what_succeeded_counts(self):
        nodes = [element(0, result="1", phase="Failed"), element(1, result="2"), element(2, phase="Skipped")]
        assert gather("a", nodes)["outputs.result"] == "[2]"
        assert gather("a", nodes[:1]) == {"outputs.result": "[]", "outputs.parameters": "[]"}
        assert gather("a", []) == {}

    def test_elements_without_parameters_are_left_out(self):
        nodes = [element(0, parameters={"p": "1"}), element(1, result="2")]
        assert gather("a", nodes)["outputs.parameters"] == '[{"p":"1"}]'

    def test_compact_json(self):
        assert compact_json(' { "b" : 1 , "a" : "&" } ') == '{"b":1,"a":"\\u0026"}'
        with pytest.raises(ValueError, match="JSON"):
            compact_json("nope")


class TestLeaves:
    """What a leaf wrote, under what its template declares."""

    def test_declared_parameters(self, play):
        text = "entrypoint: main\ntemplates:\n- name: main\n  container: {image: x}\n  outputs: {parameters: [{name: a, valueFrom: {path: /a}}, {name: b, valueFrom: {path: /b}}, {name: c, value: fixed}]}\n"
        run = play(
            text,
            {
                "main": {
                    "parameters": {"a": "1", "z": "9"},
                    "result": "out",
                    "exit_code": 0,
                    "artifacts": [{"name": "art", "path": "/x"}],
                }
            },
        )
        assert run.parameters("wf") == {"a": "1", "c": "fixed"}
        assert run.nodes["wf"]["outputs"]["artifacts"] == [{"name": "art", "path": "/x"}]

    def test_results_are_wanted_where_the_enclosing_template_refers_to_them(self, play):
        text = """
entrypoint: main
templates:
- name: main
  steps:
  - - {name: a, template: leaf}
    - {name: b-b, template: leaf}
    - {name: c, template: leaf}
    - {name: h, template: call}
  - - {name: d, template: use, arguments: {parameters: [{name: p, value: "{{steps.a.outputs.result}} {{=steps['b-b'].outputs.result}}"}]}}
- name: leaf
  container: {image: x}
- name: call
  http: {url: "http://x"}
- name: use
  inputs: {parameters: [{name: p}]}
  container: {image: x}
"""
        run = play(text, {"a": {"result": "1"}, "b-b": {"result": "2"}})
        assert {a.display_name: a.want_result for a in run.attempts} == {
            "a": True,
            "b-b": True,
            "c": False,
            "h": True,
            "d": False,
        }

    def test_failed_leaves_keep_theirs(self, play):
        run = play(
            "entrypoint: main\ntemplates:\n- name: main\n  container: {image: x}\n",
            {"main": {"phase": "Failed", "result": "so far"}},
        )
        assert run.nodes["wf"]["outputs"] == {"result": "so far"}


def steps(outputs, answers=None):
    return f"""
entrypoint: main
templates:
- name: main
  inputs: {{parameters: [{{name: i, value: in}}]}}
  steps:
  - - {{name: a, template: leaf}}
    - {{name: s, template: leaf, when: 'false'}}
  - - {{name: l, template: leaf, withItems: [1, 2]}}
  outputs: {outputs}
- name: leaf
  container: {{image: x}}
  outputs: {{parameters: [{{name: out, valueFrom: {{path: /out}}}}], artifacts: [{{name: art, path: /a, optional: true}}]}}
"""


MADE = {
    "leaf": {
        "result": "3",
        "exit_code": 0,
        "parameters": {"out": "1"},
        "artifacts": [{"name": "art", "path": "/a", "s3": {"key": "k"}}],
    }
}


class TestTemplates:
    """Outputs of steps and dags: values, parameters, expressions, artifacts."""

    @pytest.mark.parametrize(
        ("source", "value"),
        [
            ("value: 'x-{{inputs.parameters.i}}'", "x-in"),
            ("valueFrom: {parameter: '{{steps.a.outputs.parameters.out}}'}", "1"),
            ("valueFrom: {parameter: '{{steps.a.outputs.parameters.out}}-{{steps.a.exitCode}}'}", "1-0"),
            ("valueFrom: {parameter: '{{steps.l.outputs.result}}'}", "[3,3]"),
            ("valueFrom: {expression: 'steps.a.outputs.parameters.out + inputs.parameters.i'}", "1in"),
            ("valueFrom: {expression: '[1, 2]'}", "[1,2]"),
            ("valueFrom: {expression: 'steps.s.outputs.parameters.out', default: d}", "d"),
            ("valueFrom: {parameter: '{{steps.s.outputs.parameters.out}}', default: d}", "d"),
            ("valueFrom: {parameter: '{{nope}}', default: d}", "d"),
            ("valueFrom: {default: d}", "d"),
            ("valueFrom: {expression: \"steps['l'].outputs.parameters\"}", '{"out":"[\\"1\\",\\"1\\"]"}'),
            (
                "valueFrom: {parameter: '{{steps.a.outputs.artifacts.art}}'}",
                '{"name":"art","path":"/a","s3":{"key":"k"}}',
            ),
        ],
    )
    def test_parameters(self, play, source, value):
        run = play(steps(f"{{parameters: [{{name: o, {source}}}]}}"), MADE)
        assert run.parameters("wf") == {"o": value}

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            (
                "valueFrom: {parameter: '{{steps.a.outputs.parameters.nope}}'}",
                "unable to resolve {{steps.a.outputs.parameters.nope}}",
            ),
            ("valueFrom: {parameter: '{{steps.s.outputs.parameters.out}}'}", "unable to resolve"),
            ("valueFrom: {parameter: 'a {{nope}}'}", "nope"),
            ("valueFrom: {expression: 'nil'}", "gave nothing"),
            ("valueFrom: {expression: '1 +'}", "output parameter 'o'"),
            ("valueFrom: {}", "needs valueFrom.parameter or valueFrom.expression"),
            ("valueFrom: {path: /x}", "needs valueFrom.parameter or valueFrom.expression"),
        ],
    )
    def test_what_can_t_be_read_is_an_error(self, play, source, words):
        run = play(steps(f"{{parameters: [{{name: o, {source}}}]}}"), MADE)
        if "{}" in source:
            assert run.parameters("wf") == {"o": None}
            return
        assert run.phase == "Error"
        assert words in run.message

    def test_a_declared_parameter_without_any_source(self, play):
        assert play(steps("{parameters: [{name: o}]}"), MADE).parameters("wf") == {"o": None}

    @pytest.mark.parametrize(
        "source",
        [
            "from: '{{steps.a.outputs.artifacts.art}}'",
            "fromExpression: \"inputs.parameters.i == 'in' ? steps.a.outputs.artifacts.art : steps.s.outputs.artifacts.art\"",
            "s3: {key: k}",
        ],
    )
    def test_artifacts(self, play, source):
        run = play(steps(f"{{artifacts: [{{name: o, globalName: kept, {source}}}]}}"), MADE)
        (made,) = run.nodes["wf"]["outputs"]["artifacts"]
        assert (made["name"], made["s3"]) == ("o", {"key": "k"})
        assert run.status["outputs"]["artifacts"][0]["name"] == "kept"
        assert "path" not in made

    @pytest.mark.parametrize(
        "source",
        [
            "from: '{{steps.s.outputs.artifacts.art}}'",
            "from: '{{steps.nope}}'",
            "fromExpression: '1'",
            "fromExpression: nope.x",
        ],
    )
    def test_artifacts_that_are_not_there(self, play, source):
        assert play(steps(f"{{artifacts: [{{name: o, {source}}}]}}"), MADE).phase == "Error"
        run = play(steps(f"{{artifacts: [{{name: o, optional: true, {source}}}]}}"), MADE)
        assert (run.phase, "outputs" in run.nodes["wf"]) == ("Succeeded", False)


def test_global_outputs_are_overwritten_by_later_writers(play):
    run = play(
        """
entrypoint: main
templates:
- name: main
  steps:
  - - {name: a, template: leaf}
  - - {name: b, template: leaf}
- name: leaf
  container: {image: x}
  outputs: {parameters: [{name: out, globalName: g, valueFrom: {path: /o}}]}
""",
        {"a": {"parameters": {"out": "1"}}, "b": {"parameters": {"out": "2"}}},
    )
    assert run.status["outputs"]["parameters"] == [{"name": "g", "value": "2"}]
