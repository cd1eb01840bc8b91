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


def check_field_names(findings: Findings, names: Iterable[tuple[str, Place]], where: str) -> None:
    """Names of templates, steps or tasks that stand in one list."""
    _check(findings, names, where, values=False)


def check_value_names(findings: Findings, names: Iterable[str], place: Place, where: str) -> None:
    """Names of parameters or artifacts that stand in one list at `place`."""
    _check(findings, ((name, place.at(index)) for index, name in enumerate(names)), where, values=True)


def _check(findings: Findings, names: Iterable[tuple[str, Place]], where: str, *, values: bool) -> None:
    seen: dict[str, Place] = {}
    for index, (name, item) in enumerate(names):
        if not name:
            findings.error("name-required", f"{where}[{index}].name is required", item)
            continue
        place = item.at("name")
        problem = value_name_problem(name) if values else field_name_problem(name)
        if problem:
            findings.error("invalid-name", f"{where}[{index}].name: '{name}' is invalid: {problem}", place)
        if name in seen:
            message = f"{where}[{index}].name '{name}' is not unique"
            findings.add("duplicate-name", message, place.span(), notes=((seen[name].span(), "the first one is here"),))
        else:
            seen[name] = place
