"""The verdicts of a session as JUnit XML, for CI servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aggregator.testing.session import Verdict

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(verdicts: Sequence[Verdict], path: Path) -> None:
    """One suite per test file."""
    root = Element("testsuites")
    by_file: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_file.setdefault(verdict.file, []).append(verdict)
    for file, members in by_file.items():
        suite = SubElement(root, "testsuite", _counts(members), name=_clean(file))
        for verdict in members:
            case = SubElement(
                suite,
                "testcase",
                name=_clean(verdict.name or "the file can be read"),
                classname=_clean(file),
                file=_clean(file),
                time=f"{verdict.seconds:.3f}",
            )
            if not verdict.passed:
                first = _clean(verdict.problems[0].splitlines()[0])
                SubElement(case, "failure", message=first).text = _clean("\n\n".join(verdict.problems))
    for key, value in _counts(verdicts).items():
        root.set(key, value)
    indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _counts(verdicts: Sequence[Verdict]) -> dict[str, str]:
    return {
        "tests": str(len(verdicts)),
        "failures": str(sum(not verdict.passed for verdict in verdicts)),
        "errors": "0",
        "skipped": "0",
        "time": f"{sum(verdict.seconds for verdict in verdicts):.3f}",
    }


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
