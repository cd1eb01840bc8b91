"""The folder with Argo's own example files, which lives outside the repository; and a short way to check a text."""

import os
from pathlib import Path

import pytest

from aggregator.source import Source
from aggregator.spec.bundle import Bundle
from aggregator.spec.checks import check_documents
from aggregator.spec.decode import decode_text


@pytest.fixture(scope="session")
def example_sources():
    """Every example file; skipped where the folder is absent, except in CI."""
    beside = Path(__file__).parents[4] / "shared" / "argo"
    folder = Path(os.environ.get("AGG_CORPUS", beside)) / "examples"
    files = sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")])
    if not files:
        if os.environ.get("CI"):
            pytest.fail(f"no example files under {folder}")
        pytest.skip(f"no example files under {folder}")
    return [Source(str(path.relative_to(folder)), path.read_text()) for path in files]


HEAD = "apiVersion: argoproj.io/v1alpha1\n"


@pytest.fixture
def check():
    """`check(text)`: the errors in a text, as `code: message`; `beside` is a text with stored templates.

    A text that begins with `- ` is the list of templates of a workflow whose entrypoint is `main`; `spec` adds fields to it.
    """

    def run(text, *, beside="", spec="", submitted=False, ignore_missing=False, codes=None, severity="error"):
        if text.lstrip().startswith("- "):
            indented = "".join(f"  {line}\n" for line in text.strip("\n").splitlines())
            text = f"{HEAD}kind: Workflow\nmetadata: {{generateName: w-}}\nspec:\n  entrypoint: main\n{spec}  templates:\n{indented}"
        elif "apiVersion" not in text:
            text = HEAD + text
        main = decode_text(Source("main.yaml", text))
        everything = Bundle()
        everything.merge(main)
        if beside:
            everything.merge(decode_text(Source("beside.yaml", beside)))
        assert not everything.errors, [d.render() for d in everything.errors]
        documents = [
            *main.workflows, *main.workflow_templates, *main.cluster_workflow_templates, *main.cron_workflows,
        ]  # fmt: skip
        found = check_documents(everything, documents, submitted=submitted, ignore_missing=ignore_missing)
        return [
            f"{d.code}: {d.message}" for d in found if (codes is None or d.code in codes) and d.severity == severity
        ]

    return run
