"""Artifacts that are deleted with their run, as the status tells of them; outputs that only a plugin knows."""

from aggregator.engine.events import ArtifactsDeleted

TWO = """
entrypoint: main
templates:
- name: main
  steps: [[{name: a, template: leaf}, {name: b, template: leaf}]]
- name: leaf
  container: {image: x}
  outputs: {artifacts: [{name: x, path: /x}, {name: z, path: /z}]}
"""
STORED = {"artifacts": [{"name": "x", "s3": {"key": "x"}}, {"name": "z", "s3": {"key": "z"}}]}


def test_what_is_gone_is_marked_and_what_is_not_is_a_condition(play):
    """The mark is only on the artifacts named; the run's phase stays; the journal folds into the same."""
    run = play(TWO, {"leaf": STORED})
    run.post(ArtifactsDeleted(run.now, [(run.nodes["a"]["id"], "z")], ["artifact 'x' could not be deleted: no"]))
    run.settle()
    marks = {
        name: [artifact.get("deleted", False) for artifact in run.nodes[name]["outputs"]["artifacts"]]
        for name in ("a", "b")
    }
    assert marks == {"a": [False, True], "b": [False, False]}
    assert run.phase == "Succeeded"
    problems = [c["message"] for c in run.status["conditions"] if c["type"] == "ArtifactGCError"]
    assert problems == ["artifact 'x' could not be deleted: no"]


def test_outputs_of_a_plugin_need_not_be_declared(play):
    """Declared ones keep their declaration, others have a name and a value."""
    run = play(
        """
        entrypoint: main
        templates:
        - name: main
          plugin: {hello: {}}
          outputs: {parameters: [{name: a, globalName: g, valueFrom: {default: z}}]}
        """,
        {"main": {"parameters": {"a": "1", "b": "2"}}},
    )
    assert run.parameters("wf") == {"a": "1", "b": "2"}
    assert run.status["outputs"]["parameters"][0]["name"] == "g"
