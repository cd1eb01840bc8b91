"""Names: the letters that they may have, their length, and that each is there once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.models import Artifact, Parameter, Template, WorkflowStep

    Named = Template | WorkflowStep | Parameter | Artifact

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


def check_field_names(findings: Findings, named: Sequence[Named], place: Place, key: str, where: str) -> None:
    """Names of the templates or tasks that are listed under `key`."""
    _check(findings, named, place, key, where, field_name_problem)


def check_value_names(findings: Findings, named: Sequence[Named], place: Place, key: str, where: str) -> None:
    """Names of the parameters or artifacts that are listed under `key`."""
    _check(findings, named, place, key, where, value_name_problem)


def _check(
    findings: Findings, named: Sequence[Named], place: Place, key: str, where: str, problem_of: Callable[[str], str]
) -> None:
    seen: dict[str, int] = {}
    for index, item in enumerate(named):
        name = item.name
        if not name:
            findings.error("name-required", f"{where}.{key}[{index}].name is required", place.at(key, index))
            continue
        problem = problem_of(name)
        if problem:
            message = f"{where}.{key}[{index}].name: '{name}' is invalid: {problem}"
            findings.error("invalid-name", message, place.at(key, index, "name"))
        first = seen.setdefault(name, index)
        if first != index:
            message = f"{where}.{key}[{index}].name '{name}' is not unique"
            notes = ((place.at(key, first, "name").span(), "the first one is here"),)
            findings.add("duplicate-name", message, place.at(key, index, "name").span(), notes=notes)
