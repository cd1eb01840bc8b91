"""Decisions of a run, one by one: what was decided of a node, by which expression with which values, and by what rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Verb = Literal["due", "ran", "skipped", "omitted", "retried", "waited", "gave up", "ended"]
Operand = tuple[str, str]

RULES: dict[str, str] = {
    "entrypoint": "the run begins with the template that spec.entrypoint names",
    "exit": "spec.onExit starts when the entrypoint has ended, however it ended, unless the run is terminated",
    "hook": "a hook starts once, as soon as its expression is true; `exit` when its node has ended",
    "first": "a task that depends on nothing starts with its DAG",
    "depends": "a task starts when all that it depends on has ended and the condition holds",
    "omitted": "a task whose condition on others does not hold is Omitted, and never runs",
    "step": "the steps of a group start together, when the group before has succeeded",
    "when": "a step or task runs only if its `when` is true",
    "skipped": "a step or task whose `when` is false is Skipped; to others it counts as done",
    "loop": "a loop makes one node for each item",
    "empty": "a loop without items is one node that is Skipped; to others it counts as done",
    "parallelism": "no more than `parallelism` run at the same time; the others wait in order",
    "class": "no more leaves of one kind run at the same time than the settings allow; the others wait in order",
    "suspended": "nothing starts while the run is suspended",
    "locks": "a node starts when it holds all its mutexes and semaphores; holders come by priority, then by age",
    "cache": "a memoized node whose key is in the cache takes its outputs from there",
    "backoff": "the next attempt waits for the backoff: duration times factor for each retry, up to cap",
    "again": "a failed attempt is followed by another while the policy covers it, the limit allows it, and the time is not over",
    "limit": "a limit of N allows N retries after the first attempt",
    "policy": "only failures that the retryPolicy covers are tried again",
    "time": "no attempt starts when maxDuration is over, or would be at its start",
    "expression": "where there is an expression, another attempt follows only if it is true",
    "stopped": "a run that is being ended tries nothing again",
}
"""Every rule that is named, in one sentence each; docs/compatibility.md has them at length."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: `expression` is the text in the workflow, `operands` its parts with the values that they had then."""

    at: float
    verb: Verb
    why: str
    rule: str
    expression: str = ""
    operands: tuple[Operand, ...] = ()

    def lines(self, start: float) -> list[str]:
        """As people read it; times count from the run's begin."""
        found = [f"+{max(0.0, self.at - start):.1f}s  {self.verb}: {self.why}"]
        if self.expression:
            found.append(f"    expression  {self.expression}")
        for name, value in self.operands:
            found.append(f"    operand     {name} = {value}")
        found.append(f"    rule        {RULES[self.rule]}")
        return found

    def plain(self, start: float) -> dict[str, object]:
        """As data."""
        return {
            "at": round(self.at - start, 6),
            "decision": self.verb,
            "why": self.why,
            "expression": self.expression,
            "operands": [{"operand": name, "value": value} for name, value in self.operands],
            "rule": RULES[self.rule],
        }


@dataclass(slots=True)
class Story:
    """The decisions about one node, in order."""

    decisions: list[Decision] = field(default_factory=list)

    @property
    def verbs(self) -> set[str]:
        return {decision.verb for decision in self.decisions}
