"""Cron workflows: schedules, timezone and policies. Their workflowSpec is checked like any workflow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aggregator.errors import LanguageError
from aggregator.lang.expr import parse as parse_expression
from aggregator.spec.checks.findings import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.spec.bundle import Loaded
    from aggregator.spec.checks.findings import Findings
    from aggregator.spec.models import CronWorkflow

POLICIES: Final = ("Allow", "Forbid", "Replace")
DESCRIPTORS: Final = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905 - one line
DAYS: Final = "sun mon tue wed thu fri sat".split()  # noqa: SIM905
# Lowest and highest value of each field, and the names that may stand for values.
FIELDS: Final = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of week", 0, 6, DAYS),
)
EVERY: Final = re.compile(r"@every\s+(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+")


def check_cron(findings: Findings, loaded: Loaded[CronWorkflow]) -> None:
    """The fields around workflowSpec."""
    spec, place = loaded.model.spec, Place(loaded, ("spec",))
    if not spec.schedules:
        findings.error("schedule", "cron workflow must have at least one schedule", place.at("schedules"))
    for index, schedule in enumerate(spec.schedules):
        problem = schedule_problem(schedule)
        if problem:
            message = f"cron schedule {schedule!r} is malformed: {problem}"
            findings.error(
                "schedule", message, place.at("schedules", index), "minute hour day-of-month month day-of-week"
            )
    if spec.timezone and not _is_zone(spec.timezone):
        message = f'invalid timezone "{spec.timezone}"'
        findings.error("timezone", message, place.at("timezone"), "a name like Europe/Berlin")
    if spec.concurrency_policy and spec.concurrency_policy not in POLICIES:
        message = f"'{spec.concurrency_policy}' is not a valid concurrencyPolicy"
        hint = findings.suggest(spec.concurrency_policy, POLICIES) or f"one of {', '.join(POLICIES)}"
        findings.error("strategy", message, place.at("concurrencyPolicy"), hint)
    if spec.starting_deadline_seconds is not None and spec.starting_deadline_seconds < 0:
        message = "startingDeadlineSeconds must be positive"
        findings.error("deadline", message, place.at("startingDeadlineSeconds"))
    if spec.stop_strategy is not None and spec.stop_strategy.expression:
        try:
            parse_expression(spec.stop_strategy.expression)
        except LanguageError as error:
            at = place.at("stopStrategy", "expression")
            findings.warn("expression-syntax", f"spec.stopStrategy.expression: {error.message}", at, error.hint)


def _is_zone(name: str) -> bool:
    if name == "Local":
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def schedule_problem(text: str) -> str:
    """Why a text is no schedule; empty when it is one."""
    words = text.split()
    if words and words[0].startswith(("CRON_TZ=", "TZ=")):
        zone = words[0].partition("=")[2]
        if not _is_zone(zone):
            return f"there is no timezone {zone!r}"
        words = words[1:]
    rest = " ".join(words)
    if not rest:
        return "it is empty"
    if rest.startswith("@"):
        if words[0] == "@every":
            return "" if EVERY.fullmatch(rest) else "after @every comes a duration, as in '@every 1h30m'"
        return (
            "" if rest in DESCRIPTORS else f"there is no {words[0]}; known are {', '.join(sorted(DESCRIPTORS))}, @every"
        )
    if len(words) != len(FIELDS):
        return f"expected 5 fields, found {len(words)}"
    for word, (name, low, high, names) in zip(words, FIELDS, strict=True):
        for part in word.split(","):
            problem = _part_problem(part, low, high, names)
            if problem:
                return f"{name} {part!r} {problem}"
    return ""


def _part_problem(part: str, low: int, high: int, names: Sequence[str]) -> str:
    """One item of a field: `*`, `?`, `a`, `a-b`, each with `/step`."""
    span, slash, step = part.partition("/")
    if slash and not (step.isdecimal() and int(step) > 0):
        return "has a step that is no positive number"
    if span in ("*", "?"):
        return ""
    values = []
    for end in span.split("-"):
        if end.lower() in names:
            values.append(names.index(end.lower()) + low)
        elif end.isascii() and end.isdecimal():
            values.append(int(end))
        else:
            return "is no number" + (" or name" if names else "")
    if len(values) > 2:
        return "has more than one '-'"
    if any(not low <= value <= high for value in values):
        return f"is not between {low} and {high}"
    return "begins after its end" if values[0] > values[-1] else ""
