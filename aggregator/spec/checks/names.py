"""Names: the letters that they may have, their length, and that each is there once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aggregator.spec.checks.findings import Findings, Place

LONGEST: Final = 128
FIELD_NAME: Final = re.compile(r"[A-Za-z0-9][-A-Za-z0-9]*")
VALUE_NAME: Final = re.compile(r"[-A-Za-z0-9_]+")
TAG: Final = re.compile(r"\{\{.*?\}\}")


def field_name_problem(name: str) -> str:
    """What is wrong with the name of a template, step or task; its tags stand for letters."""
    if "{{" in name:
        name = TAG.sub("x", name)
    if len(name) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if FIELD_NAME.fullmatch(name):
        return ""
    return "use letters, digits and '-', beginning with a letter or digit"


def value_name_problem(name: str) -> str:
    """What is wrong with the name of a parameter or artifact."""
    if len(name) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if VALUE_NAME.fullmatch(name):
        return ""
    return "use letters, digits, '-' and '_'"


def check_field_names(findings: Findings, names: Iterable[str], place: Place, where: str) -> None:
    """Names of templates or tasks that stand in one list at `place`."""
    _check(findings, names, place, where, values=False)


def check_value_names(findings: Findings, names: Iterable[str], place: Place, where: str) -> None:
    """Names of parameters or artifacts that stand in one list at `place`."""
    _check(findings, names, place, where, values=True)


def _check(findings: Findings, names: Iterable[str], place: Place, where: str, *, values: bool) -> None:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if not name:
            findings.error("name-required", f"{where}[{index}].name is required", place.at(index))
            continue
        problem = value_name_problem(name) if values else field_name_problem(name)
        if problem:
            message = f"{where}[{index}].name: '{name}' is invalid: {problem}"
            findings.error("invalid-name", message, place.at(index, "name"))
        first = seen.setdefault(name, index)
        if first != index:
            message = f"{where}[{index}].name '{name}' is not unique"
            notes = ((place.at(first, "name").span(), "the first one is here"),)
            findings.add("duplicate-name", message, place.at(index, "name").span(), notes=notes)
