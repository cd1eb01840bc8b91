"""An artifact kept by an artifact plugin can't be read or written here: refused before anything starts, wherever it stands."""

import pytest

LEAF = """
    - name: leaf
      container: {image: alpine, command: [sh, -c], args: ["echo > /tmp/x"]}
      outputs: {artifacts: [{name: kept, path: /tmp/x, plugin: {name: mine, key: k}}]}
"""
HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: w-}\nspec:\n"
STORED = (
    "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: stored}\n"
    f"spec:\n  entrypoint: leaf\n  templates:{LEAF}"
)


@pytest.mark.parametrize(
    "spec",
    [
        f"  entrypoint: leaf\n  templates:{LEAF}",
        "  workflowTemplateRef: {name: stored}\n",
        (
            "  entrypoint: main\n  templates:\n    - name: main\n"
            "      steps: [[{name: a, templateRef: {name: stored, template: leaf}}]]\n"
        ),
    ],
    ids=["own", "workflowTemplateRef", "templateRef"],
)
def test_it_is_exit_code_4_with_the_reason(agg, spec):
    answer = agg("run", agg.file("w.yaml", HEAD + spec), "--with", agg.file("stored.yaml", STORED))
    assert answer.code == 4, answer
    assert "artifact" in answer.err
    assert "cluster" in answer.err
    assert "s3, http or a local folder" in answer.err


def test_what_is_not_called_does_not_matter(agg):
    spec = "  entrypoint: main\n  templates:\n    - name: main\n      container: {image: alpine, command: ['true']}\n"
    answer = agg("run", agg.file("w.yaml", HEAD + spec), "--with", agg.file("stored.yaml", STORED))
    assert answer.code == 0, answer
