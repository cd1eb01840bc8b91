"""References to outputs of steps and tasks: what exists when, and what is said of what does not."""

import pytest


class TestReferences:
    """What `steps.X` and `tasks.X` can be asked for."""

    def ask(self, play, text, **kwargs):
        return play(
            f"""
entrypoint: main
templates:
- name: main
  steps:
  - - {{name: a, template: leaf}}
  - - {{name: b, template: use, arguments: {{parameters: [{{name: p, value: "{text}"}}]}}}}
- name: leaf
  container: {{image: x}}
- name: use
  inputs: {{parameters: [{{name: p}}]}}
  container: {{image: x}}
""",
            {"a": {"result": "r", "exit_code": 3}},
            **kwargs,
        )

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("{{steps.a.status}}", "Succeeded"),
            ("{{steps.a.exitCode}}", "3"),
            ("{{steps.a.outputs.result}}", "r"),
            ("{{steps.a.startedAt}}", "2023-11-14T22:13:20Z"),
            ("{{steps.a.finishedAt}}", "2023-11-14T22:13:21Z"),
            ("{{steps.a.hostNodeName}}", "box"),
            ("{{=steps.a.exitCode + steps.a.outputs.result + steps.a.hostNodeName}}", "3rbox"),
            ("{{=toJson(steps)}}", None),
        ],
    )
    def test_fields(self, play, text, value):
        run = self.ask(play, text, options={"host": "box"})
        assert run.phase == "Succeeded"
        if value is not None:
            assert run.inputs("b") == {"p": value}

    def test_of_what_is_retried_they_are_the_last_attempts(self, play):
        fields = (
            "{{steps.a.id}} {{steps.a.startedAt}} {{steps.a.finishedAt}} {{steps.a.hostNodeName}} {{steps.a.exitCode}}"
        )
        text = f"""
entrypoint: main
templates:
- name: main
  steps:
  - - {{name: a, template: leaf, hooks: {{done: {{template: use, expression: "steps.a.status == 'Succeeded'"}}}}}}
  - - {{name: b, template: use, arguments: {{parameters: [{{name: p, value: "{fields}"}}]}}}}
- name: leaf
  retryStrategy: {{limit: 1}}
  container: {{image: x}}
- name: use
  inputs: {{parameters: [{{name: p, default: ''}}]}}
  container: {{image: x}}
"""
        answers = {"a": [{"phase": "Failed", "exit_code": 3}, {"exit_code": 0}]}
        run = play(text, answers, options={"host": "box"})
        last = run.nodes["a(1)"]
        assert run.inputs("b")["p"].split() == [last["id"], last["startedAt"], last["finishedAt"], "box", "0"]
        assert last["startedAt"] != run.nodes["a"]["startedAt"]

    @pytest.mark.parametrize(
        "text",
        [
            "{{steps.a.ip}}",
            "{{steps.a.outputs.parameters.nope}}",
            "{{steps.nobody.status}}",
            "{{=steps.a.outputs.nope.x}}",
        ],
    )
    def test_what_is_not_there_is_an_error_that_names_it(self, play, text):
        run = self.ask(play, text)
        assert run.phase == "Failed"
        assert any(word in run.message for word in ("steps.", "nope"))

    def test_an_empty_loop_is_told(self, play):
        run = play(
            """
entrypoint: main
templates:
- name: main
  steps:
  - - {name: a, template: leaf, withParam: '[]'}
  - - {name: b, template: use, arguments: {parameters: [{name: p, value: "{{steps.a.outputs.result}}"}]}}
- name: leaf
  container: {image: x}
- name: use
  inputs: {parameters: [{name: p}]}
  container: {image: x}
"""
        )
        assert "had no items" in run.message

    def test_a_loop_whose_results_are_no_json_is_told_in_expressions_too(self, play):
        run = play(
            """
entrypoint: main
templates:
- name: main
  dag:
    tasks:
    - {name: a, template: leaf, withItems: [1]}
    - {name: b, template: use, dependencies: [a], arguments: {parameters: [{name: p, value: "{{=toJson(tasks)}}"}]}}
    - {name: c, template: use, dependencies: [a], arguments: {parameters: [{name: p, value: "{{tasks.a.status}} {{tasks.a.id}}"}]}}
- name: leaf
  container: {image: x}
- name: use
  inputs: {parameters: [{name: p}]}
  container: {image: x}
""",
            {"a": {"result": "plain"}},
        )
        assert "can't be made one JSON list" in run.message_of("b")
        assert run.inputs("c")["p"].startswith("Succeeded wf-")
