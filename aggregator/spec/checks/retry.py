"""retryStrategy: a policy that exists, a delay that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.spec.checks.durations import is_duration
from aggregator.spec.checks.loops import is_whole

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.models import RetryStrategy

POLICIES: Final = ("Always", "OnFailure", "OnError", "OnTransientError")


def check_retry(findings: Findings, retry: RetryStrategy | None, place: Place, where: str) -> None:
    """The retryStrategy at `place`, if there is one."""
    if retry is None:
        return
    policy = retry.retry_policy
    if policy and policy not in POLICIES and "{{" not in policy:
        hint = findings.suggest(policy, POLICIES) or f"one of {', '.join(POLICIES)}"
        findings.error("retry-policy", f"{where} {policy} is not a valid RetryPolicy", place.at("retryPolicy"), hint)
    backoff = retry.backoff
    _check_number(findings, retry.limit, place.at("limit"), f"{where} retryStrategy.limit")
    if backoff is None:
        return
    _check_number(findings, backoff.factor, place.at("backoff", "factor"), f"{where} retryStrategy.backoff.factor")
    at = place.at("backoff")
    if not backoff.duration:
        findings.warn("backoff", f"{where} retryStrategy.backoff has no duration, which it needs", at)
    for key, text in (("duration", backoff.duration), ("maxDuration", backoff.max_duration), ("cap", backoff.cap)):
        if text and "{{" not in text and not is_duration(text):
            findings.warn(
                "backoff",
                f"{where} retryStrategy.backoff.{key} {text!r} is no duration",
                at.at(key),
                "for example 10s, 2m, 1h30m",
            )


def _check_number(findings: Findings, value: int | str | None, place: Place, where: str) -> None:
    """A number, or a tag that becomes one: otherwise the node ends in Error when it first fails."""
    if isinstance(value, str) and value and "{{" not in value and not is_whole(value):
        findings.warn("not-a-number", f"{where} must be a whole number, it is {value!r}", place)
