"""The pytest plugin of agg: collects `*.aggtest.yaml`, each test in it as one item. It stands outside of the package and
imports it only when such a file is met, so that other projects' runs pay nothing for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aggregator.testing.cases import Case

SUFFIXES = (".aggtest.yaml", ".aggtest.yml")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> AggTestFile | None:
    """Take over the files that are ours, wherever pytest is told to look."""
    return AggTestFile.from_parent(parent, path=file_path) if file_path.name.endswith(SUFFIXES) else None


class AggTestFile(pytest.File):
    """A test file."""

    def collect(self) -> Iterator[AggTestItem]:
        from aggregator.errors import InvalidWorkflow
        from aggregator.testing.load import load_file

        try:
            cases = load_file(self.path)
        except InvalidWorkflow as problem:
            text = "\n".join(diagnostic.render() for diagnostic in problem.diagnostics)
            raise self.CollectError(text) from None
        for case in cases:
            yield AggTestItem.from_parent(self, name=case.name, case=case)


class AggTestItem(pytest.Item):
    """One test of a workflow."""

    def __init__(self, *, case: Case, **rest: Any) -> None:
        super().__init__(**rest)
        self.case = case

    def runtest(self) -> None:
        from aggregator.testing.session import judge

        verdict = judge(self.case)
        if not verdict.passed:
            raise DifferencesError("\n".join(verdict.problems))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *rest: Any, **more: Any) -> Any:
        """The differences, without a traceback of ours."""
        if isinstance(excinfo.value, DifferencesError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *rest, **more)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        span = self.case.span
        line = span.source.position(span.start)[0] - 1 if span is not None else None
        return self.path, line, f"{self.path.name}: {self.name}"


class DifferencesError(Exception):
    """A test expected something else than what came."""
