"""Documents of a test are read when wanted, forgotten after the last test that runs them, and read again for a story."""

from __future__ import annotations

from aggregator.source import Source
from aggregator.spec.bundle import Bundle
from aggregator.testing.documents import Documents
from aggregator.testing.load import load_file
from aggregator.testing.session import judge, session

TEXT = "kind: Workflow\nmetadata: {name: wf}\nspec:\n  entrypoint: main\n  templates: [{name: main, container: {image: x}}]\n"


def test_forgotten_after_the_last_user():
    """As long as a test is left that will run them, all tests see the same documents."""
    documents = Documents(Source("wf.yaml", TEXT)).use().use()
    first = documents.bundle
    documents.leave()
    assert documents.bundle is first
    documents.leave()
    assert documents.bundle is not first
    assert documents.bundle.workflows[0].name == "wf"


def test_documents_written_in_place_stay():
    """What was written into the test has no text of its own, so it is never forgotten; no documents are an empty bundle."""
    bundle = Bundle()
    documents = Documents(bundle=bundle).use()
    documents.leave()
    assert documents.bundle is bundle
    assert len(Documents().bundle) == 0


def test_a_failing_test_tells_its_story_from_documents_read_again(tmp_path):
    """A run without a trial kept lets go of its documents; its failure is told with the node's story all the same."""
    (tmp_path / "wf.yaml").write_text(TEXT)
    path = tmp_path / "wf.aggtest.yaml"
    path.write_text(
        "workflow: wf.yaml\nmocks: [{default: {phase: Failed, message: broke}}]\nexpect: {nodes: {wf: Skipped}}\n"
    )
    (verdict,) = session([path], lambda _: True, lambda _: None)
    assert verdict.trial is None
    assert "broke" in "\n".join(verdict.problems)
    (case,) = load_file(path)
    kept = judge(case)
    assert kept.trial is not None
    assert kept.trial.prepared is not None
    assert kept.problems == verdict.problems
