"""Explains retries: why a failed attempt was followed by another, how long that waited, or why it was the last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aggregator.app.decisions import Decision, Operand
from aggregator.engine.strategy import TRANSIENT
from aggregator.errors import LanguageError

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.engine.retry import RetryFrame

_REASONS = {
    "No more retries left": ("limit", "the limit is reached"),
    "Max duration limit exceeded": ("time", "maxDuration is over"),
    "Backoff would exceed max duration limit": ("time", "maxDuration would be over before the next attempt"),
    "retryStrategy.expression evaluated to false": ("expression", "the expression is false"),
}
_COVERED = {
    "Always": "every failure",
    "OnFailure": "Failed",
    "OnError": "Error",
    "OnTransientError": "failures that may pass",
}


def tried_again(machine: Machine, frame: RetryFrame) -> list[Decision]:
    """The decision for another attempt, and the wait before it."""
    number = len(frame.attempts)
    found = [
        Decision(
            machine.at, "retried", f"attempt {number - 1} failed", "again", _text(frame), _operands(machine, frame)
        )
    ]
    wait = frame.strategy.delay(number)
    told = frame.node.message
    if told:
        operands: list[Operand] = [("backoff", f"{wait:g}s after attempt {number - 1}")]
        if frame.retry_after is not None:
            operands.append(("Retry-After", f"{frame.retry_after:g}s"))
        if frame.strategy.cap is not None:
            operands.append(("cap", f"{frame.strategy.cap:g}s"))
        found.append(Decision(machine.at, "waited", told, "backoff", _text(frame), tuple(operands)))
    return found


def given_up(machine: Machine, frame: RetryFrame, message: str) -> Decision:
    """The decision that the last attempt was the last."""
    exempt = frame.node.exempt
    if machine.stopping(exempt=exempt):
        rule, why = "stopped", f"the run is being ended ({machine.stop})"
    elif message in _REASONS:
        rule, why = _REASONS[message]
    else:
        rule, why = "policy", f"retryPolicy {frame.strategy.policy} does not cover it"
    return Decision(machine.at, "gave up", why, rule, _text(frame), _operands(machine, frame))


def _text(frame: RetryFrame) -> str:
    template = frame.node.template
    if template is None or template.retry is None:
        return ""
    return f"retryStrategy: {json.dumps(template.retry.tree.value, ensure_ascii=False)}"


def _operands(machine: Machine, frame: RetryFrame) -> tuple[Operand, ...]:
    """All that the decision looks at, with the values that it had."""
    strategy, last = frame.strategy, frame.attempts[-1]
    found: list[Operand] = [
        ("lastRetry.status", last.phase),
        ("lastRetry.message", last.message or "(none)"),
        ("attempts", str(len(frame.attempts))),
        ("limit", "none" if strategy.limit is None else f"{strategy.limit} retries"),
        ("retryPolicy", f"{strategy.policy}, which covers {_COVERED[strategy.policy]}"),
    ]
    if strategy.policy == "OnTransientError":
        transient = frame.transient or TRANSIENT.search(last.message) is not None
        found.append(("transient", str(transient).lower()))
    if strategy.max_duration is not None:
        spent = machine.at - frame.attempts[0].started
        found.append(("maxDuration", f"{strategy.max_duration:g}s, of which {spent:g}s are over"))
    if strategy.expression:
        found.append((strategy.expression, _value(machine, frame)))
    return tuple(found)


def _value(machine: Machine, frame: RetryFrame) -> str:
    value: Any
    try:
        value = frame._wanted(machine, frame.attempts[-1])  # noqa: SLF001 - it looks over the frame's shoulder
    except LanguageError as problem:
        return f"wrong: {problem.message}"
    return str(value).lower()
