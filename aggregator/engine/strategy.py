"""Arithmetic of retryStrategy on plain values: what it says, how long to wait, and whether another attempt follows."""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aggregator.engine.node import ERROR, FAILED
from aggregator.errors import LanguageError
from aggregator.lang.gotime import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

POLICIES = ("OnFailure", "OnError", "OnTransientError", "Always")

LONGEST_WAIT = 10 * 365 * 86_400.0
"""Seconds; a backoff without a cap that doubles a thousand times must still be a time."""

TRANSIENT = re.compile(
    r"TLS handshake timeout|i/o timeout|connection timed out|connection reset by peer|connection refused"
    r"|connection closed by foreign host|http2: client connection lost|GOAWAY|invalid connection"
    r"|did not complete within requested timeout|unexpected error when reading response body"
    r"|client rate limiter Wait|etcdserver: (leader changed|request timed out|too many requests)"
)
"""Message texts of failures that may pass by themselves."""


class Strategy(Struct, frozen=True):
    """A retryStrategy with its numbers read. Durations are seconds."""

    limit: int | None = None
    policy: str = "OnFailure"
    expression: str = ""
    wait: float | None = None
    factor: float | None = None
    cap: float | None = None
    max_duration: float | None = None

    def delay(self, attempts: int) -> float:
        """Seconds between the end of attempt number `attempts` (from 1) and the next."""
        if self.wait is None:
            return 0.0
        try:
            wait = self.wait * (self.factor ** (attempts - 1) if self.factor is not None else 1)
        except OverflowError:
            wait = LONGEST_WAIT
        return min(wait, LONGEST_WAIT if self.cap is None else self.cap)


def seconds(text: Any, field: str) -> float:
    """A plain number of seconds or a Go duration with units."""
    value = str(text).strip()
    try:
        return float(int(value))
    except ValueError:
        pass
    try:
        return parse_duration(value).ns / 1e9
    except LanguageError as problem:
        raise LanguageError(f"retryStrategy.backoff.{field}: {problem.message}", text=value) from None


def read_strategy(raw: dict[str, Any]) -> Strategy:
    """The filled YAML as a Strategy; LanguageError names the field that is wrong."""
    limit = raw.get("limit")
    count: int | None = None
    if limit not in (None, ""):
        try:
            count = int(str(limit).strip())
        except ValueError:
            raise LanguageError(f"retryStrategy.limit must be a whole number, it is {limit!r}") from None
    expression = _bare(raw.get("expression") or "")
    policy = raw.get("retryPolicy") or ("Always" if expression else "OnFailure")
    if policy not in POLICIES:
        raise LanguageError(f"{policy!r} is not a valid retryPolicy (one of {', '.join(POLICIES)})")
    backoff = raw.get("backoff")
    if not backoff:
        return Strategy(count, policy, expression)
    if not backoff.get("duration"):
        raise LanguageError("retryStrategy.backoff needs a 'duration'")
    factor = backoff.get("factor")
    try:
        number = float(str(factor)) if factor not in (None, "") else None
        if number is not None and not isfinite(number):
            raise ValueError(factor)
    except ValueError:
        raise LanguageError(f"retryStrategy.backoff.factor must be a number, it is {factor!r}") from None
    return Strategy(
        count,
        policy,
        expression,
        wait=seconds(backoff["duration"], "duration"),
        factor=number,
        cap=seconds(backoff["cap"], "cap") if backoff.get("cap") else None,
        max_duration=seconds(backoff["maxDuration"], "maxDuration") if backoff.get("maxDuration") else None,
    )


def _bare(text: str) -> str:
    stripped = text.strip()
    if stripped.startswith("{{=") and stripped.endswith("}}"):
        return stripped[3:-2]
    return stripped


class Verdict(Struct, frozen=True):
    """Another attempt at `at`, or none because of `reason` (the attempt's own message where empty)."""

    again: bool
    at: float = 0.0
    reason: str = ""


def decide(
    strategy: Strategy,
    *,
    phase: str,
    message: str,
    attempts: int,
    first_start: float,
    finished: float,
    transient: bool,
    retry_after: float | None,
    ended: str,
    wanted: Callable[[], bool],
) -> Verdict:
    """The chain of reasons, first match ends: the run is over, time is up, policy, limit, expression.

    `ended` says how the run is being ended, if it is; `wanted()` evaluates the expression when its turn comes.
    A server's Retry-After lengthens the wait, up to the cap.
    """
    if ended:
        return Verdict(again=False, reason=ended)
    wait = strategy.delay(attempts)
    if retry_after is not None and retry_after > wait:
        wait = min(retry_after, strategy.cap) if strategy.cap is not None else retry_after
    at = finished + wait
    if strategy.max_duration is not None:
        last = first_start + strategy.max_duration
        if finished > last:
            return Verdict(again=False, reason="Max duration limit exceeded")
        if at > last:
            return Verdict(again=False, reason="Backoff would exceed max duration limit")
    covered = {
        "Always": True,
        "OnFailure": phase == FAILED,
        "OnError": phase == ERROR,
        "OnTransientError": transient or TRANSIENT.search(message) is not None,
    }[strategy.policy]
    if not covered:
        return Verdict(again=False)
    if strategy.limit is not None and attempts > strategy.limit:
        return Verdict(again=False, reason="No more retries left")
    if strategy.expression and not wanted():
        return Verdict(again=False, reason="retryStrategy.expression evaluated to false")
    return Verdict(again=True, at=at)
