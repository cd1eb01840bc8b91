"""Input artifacts: where they come from, and what is wrong with them."""

import pytest


def spec(inputs, arguments="", more="", body="container: {image: x, args: ['{{inputs.parameters}}']}"):
    given = f", arguments: {arguments}" if arguments else ""
    return f"entrypoint: main\n{more}\ntemplates:\n- name: main\n  steps: [[{{name: a, template: leaf{given}}}]]\n- name: leaf\n  inputs: {inputs}\n  {body}\n"


ARTIFACTS = """
entrypoint: main
templates:
- name: main
  steps:
  - - {name: a, template: makes}
  - - {name: b, template: use, arguments: {artifacts: [%s]}}
- name: makes
  container: {image: x}
  outputs: {artifacts: [{name: art, path: /a, optional: true}]}
- name: use
  inputs: {artifacts: [{name: in, path: /in, mode: 493%s}]}
  container: {image: x, args: ['{{inputs.artifacts.in.path}}']}
"""

STORED = {"makes": {"artifacts": [{"name": "art", "path": "/a", "s3": {"key": "runs/a.tgz", "bucket": "b"}}]}}


class TestArtifacts:
    """An artifact comes from another step, from an expression, or from a place of its own."""

    @pytest.mark.parametrize(
        ("argument", "location"),
        [
            ("{name: in, from: '{{steps.a.outputs.artifacts.art}}'}", {"s3": {"key": "runs/a.tgz", "bucket": "b"}}),
            (
                "{name: in, from: '{{steps.a.outputs.artifacts.art}}', subPath: /deep/x}",
                {"s3": {"key": "runs/a.tgz/deep/x", "bucket": "b"}},
            ),
            (
                "{name: in, fromExpression: \"steps.a.status == 'Succeeded' ? steps.a.outputs.artifacts.art : steps.none\"}",
                {"s3": {"key": "runs/a.tgz", "bucket": "b"}},
            ),
            ("{name: in, raw: {data: '{{workflow.name}}'}}", {"raw": {"data": "wf"}}),
            ("{name: in, s3: {key: 'k-{{steps.a.status}}'}}", {"s3": {"key": "k-Succeeded"}}),
            (
                "{name: in, from: '{{steps.a.outputs.artifacts.art}}', archive: {none: {}}}",
                {"s3": {"key": "runs/a.tgz", "bucket": "b"}, "archive": {"none": {}}},
            ),
        ],
    )
    def test_arguments(self, play, argument, location):
        run = play(ARTIFACTS % (argument, ""), STORED)
        (made,) = run.attempt("b").template["inputs"]["artifacts"]
        assert made == {"name": "in", "path": "/in", "mode": 493, **location}
        assert run.attempt("b").template["container"]["args"] == ["/in"]

    def test_local_places(self, play):
        stored = {"makes": {"artifacts": [{"name": "art", "path": "/a", "local": {"key": "a"}}]}}
        run = play(ARTIFACTS % ("{name: in, from: '{{steps.a.outputs.artifacts.art}}', subPath: x}", ""), stored)
        assert run.attempt("b").template["inputs"]["artifacts"][0]["local"] == {"key": "a/x"}

    @pytest.mark.parametrize(
        ("argument", "words"),
        [
            (
                "{name: in, from: '{{steps.a.outputs.artifacts.nope}}'}",
                "unable to resolve {{steps.a.outputs.artifacts.nope}}",
            ),
            ("{name: in, from: '{{steps.a.outputs.result}}'}", "is not an artifact"),
            ("{name: in, from: '{{steps.a.outputs.artifacts.art}}'}", "unable to resolve"),
            ("{name: in, fromExpression: steps.a.status}", "gave no artifact"),
            ("{name: in, s3: {key: '{{steps.a.outputs.result}}'}}", ""),
            ("{name: other, raw: {data: x}}", "inputs.artifacts.in was not supplied"),
        ],
    )
    def test_what_can_t_be_resolved(self, play, argument, words):
        answers = {"makes": {"result": "text"}} if "result" in argument else {}
        run = play(ARTIFACTS % (argument, ""), answers)
        if not words:
            assert run.phase == "Succeeded"
            return
        assert run.phase_of("b") == "Error"
        assert words in run.message_of("b")

    @pytest.mark.parametrize(
        "argument",
        [
            "{name: in, optional: true, from: '{{steps.a.outputs.artifacts.art}}'}",
            "{name: in, from: '{{steps.a.outputs.artifacts.art}}'}",
        ],
    )
    def test_an_optional_one_may_be_missing(self, play, argument):
        run = play(ARTIFACTS % (argument, ", optional: true"))
        assert run.phase == "Succeeded"
        assert not run.attempt("b").template["inputs"].get("artifacts")

    def test_one_that_was_skipped_is_absent(self, play):
        text = (ARTIFACTS % ("{name: in, from: '{{steps.a.outputs.artifacts.art}}'}", "")).replace(
            "template: makes}", "template: makes, when: 'false'}"
        )
        run = play(text)
        assert "was never written" in run.message_of("b")

    def test_a_place_in_the_template_itself(self, play):
        text = "entrypoint: main\ntemplates:\n- name: main\n  inputs: {artifacts: [{name: in, path: /in, raw: {data: '{{workflow.name}}'}}]}\n  container: {image: x}\n"
        assert play(text).attempts[0].template["inputs"]["artifacts"][0]["raw"] == {"data": "wf"}

    def test_what_the_template_says_of_an_artifact_sees_its_parameters_and_what_was_handed_over_is_data(self, play):
        """Place and path may hold the template's own parameters; a key that an argument brought is not read for tags."""
        inputs = "{parameters: [{name: p}], artifacts: [{name: own, path: '/in/{{inputs.parameters.p}}', s3: {key: '{{inputs.parameters.p}}/k'}}, {name: given, path: '/g/{{inputs.parameters.p}}'}]}"
        given = (
            "{parameters: [{name: p, value: x}], artifacts: [{name: given, raw: {data: '{{inputs.parameters.p}}'}}]}"
        )
        run = play(spec(inputs, given, body="container: {image: x, args: ['{{inputs.artifacts.given.path}}']}"))
        own, handed = run.attempt("a").template["inputs"]["artifacts"]
        assert own == {"name": "own", "path": "/in/x", "s3": {"key": "x/k"}}
        assert handed == {"name": "given", "path": "/g/x", "raw": {"data": "{{inputs.parameters.p}}"}}
        assert run.attempt("a").template["container"]["args"] == ["/g/x"]

    @pytest.mark.parametrize("place", ["http: {url: ''}", "git: {repo: ''}"])
    def test_an_empty_address_is_no_place(self, play, place):
        text = f"entrypoint: main\ntemplates:\n- name: main\n  inputs: {{artifacts: [{{name: in, path: /in, optional: true, {place}}}]}}\n  container: {{image: x}}\n"
        assert play(text).phase == "Succeeded"
        assert play(text.replace("optional: true, ", "")).phase == "Error"
