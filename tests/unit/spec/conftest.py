"""The folder with Argo's own example files, which lives outside the repository."""

import os
from pathlib import Path

import pytest

from aggregator.source import Source


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
