"""The verdict on an answer: what a request that was answered means for its leaf. Shared with the mocks of `agg test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.events import Outcome
from aggregator.errors import LanguageError
from aggregator.runtimes.http import messages
from aggregator.runtimes.http.condition import holds

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.runtimes.http.exchange import Response
    from aggregator.runtimes.http.reading import Reading


def judge(
    reading: Reading, response: Response, *, now: float, mask: Callable[[str], str] = str, strict_argo: bool = False
) -> Outcome:
    """Succeeded when the condition holds, or without one for a 2xx; `now` is what a date in Retry-After is compared with."""
    body = response.body.decode(errors="replace")
    status = response.status
    if not reading.condition:
        if 200 <= status <= 299:
            return Outcome(phase="Succeeded", result=body, http_status=status)
        message = messages.unexpected_status(reading.request, response, body)
    else:
        try:
            if holds(reading.condition, reading.request, response, body, now=now):
                return Outcome(phase="Succeeded", result=body, http_status=status)
            message = messages.condition_false(reading.condition, reading.request, response, body)
        except LanguageError as error:
            message = messages.condition_broken(reading.condition, error, reading.request, response, body)
    if strict_argo:
        return Outcome(phase="Failed", message=mask(message), result=body, http_status=status)
    return Outcome(
        phase="Failed",
        message=mask(message),
        result=body,
        http_status=status,
        transient=status in messages.TRANSIENT_STATUSES,
        retry_after=messages.retry_after(response, now),
    )
