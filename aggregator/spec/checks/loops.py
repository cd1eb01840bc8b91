"""Loops: one kind at a time, and the items that their tags can use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.spec.checks.variables import ANY_ITEM

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.models import WorkflowStep

NO_ITEM: Final[frozenset[str]] = frozenset()


def is_looped(call: WorkflowStep) -> bool:
    """Whether the step or task is expanded when it runs."""
    return bool(call.with_items) or bool(call.with_param) or call.with_sequence is not None


def is_listed(call: WorkflowStep) -> bool:
    """Whether it loops over items, so that all its output parameters are there as one list."""
    return bool(call.with_items) or bool(call.with_param)


def check_loop(findings: Findings, call: WorkflowStep, place: Place, where: str) -> None:
    """At most one loop; a sequence has one end."""
    if not is_looped(call):
        return
    kinds = [
        key
        for key, given in (
            ("withItems", bool(call.with_items)),
            ("withParam", bool(call.with_param)),
            ("withSequence", call.with_sequence is not None),
        )
        if given
    ]
    if len(kinds) > 1:
        message = (
            f"{where} only one of withItems, withParam, withSequence can be specified, there are {' and '.join(kinds)}"
        )
        findings.error("two-loops", message, place.at(kinds[1]))
    sequence = call.with_sequence
    if sequence is None:
        return
    at = place.at("withSequence")
    if sequence.count is not None and sequence.end is not None:
        findings.error("two-ends", f"{where} only one of count or end can be defined in withSequence", at.at("end"))
    elif sequence.count is None and sequence.end is None:
        findings.warn("no-end", f"{where} withSequence has neither count nor end, so it cannot be expanded", at)
    for key, value in (("count", sequence.count), ("start", sequence.start), ("end", sequence.end)):
        if isinstance(value, str) and value and "{{" not in value and not is_whole(value):
            findings.warn(
                "not-a-number", f"{where} withSequence.{key} must be a whole number, it is {value!r}", at.at(key)
            )


def is_whole(text: str) -> bool:
    """Whether a text is read as a number where a field takes either."""
    digits = text.strip().removeprefix("-").removeprefix("+")
    return digits.isascii() and digits.isdigit()


def items_of(call: WorkflowStep) -> frozenset[str]:
    """The `item` variables inside a loop; empty where there is none."""
    if call.with_param:
        return ANY_ITEM
    if not is_looped(call):
        return NO_ITEM
    keys: set[str] = set()
    if call.with_sequence is not None:
        keys.add("item")
    for item in call.with_items or ():
        keys.add("item")
        if isinstance(item, dict):
            keys.update(f"item.{key}" for key in item)
        elif isinstance(item, str) and "{{" in item:
            return ANY_ITEM
    return frozenset(keys)
