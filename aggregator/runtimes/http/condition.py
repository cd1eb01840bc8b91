"""Decides `successCondition`: an expression over the request and its answer that must give true or false."""

from __future__ import annotations

import random
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from aggregator.errors import LanguageError
from aggregator.lang import expr
from aggregator.lang.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aggregator.runtimes.http.exchange import Request, Response

_random = random.Random()  # noqa: S311 - conditions keep no secrets


def holds(text: str, request: Request, response: Response, body: str, *, now: float | None = None) -> bool:
    """Whether the condition is true; LanguageError when it cannot be parsed, evaluated, or gives no bool.

    `now` are the Unix seconds that `now()` tells; by default the clock's.
    """
    variables = {
        "request": {
            "method": request.method,
            "url": request.url,
            "body": request.body.decode(errors="replace"),
            "bodyBytes": request.body,
            "headers": _header_map(request.headers),
        },
        "response": {"statusCode": response.status, "body": body, "headers": _header_map(response.headers)},
    }
    value = expr.parse(text).run(
        variables, Context(now=time.time_ns() if now is None else int(now * 1e9), random=_random, keep=_make_now)
    )
    if not isinstance(value, bool):
        raise LanguageError(
            f"it gives a value of type {type(value).__name__}, not true or false", text=text, kind="type"
        )
    return value


def _make_now(_key: str, make: Callable[[], Any]) -> Any:
    # Conditions are judged once, outside of the run's journal, so there is nothing to keep for a replay.
    return make()


def _header_map(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(canonical(name), []).append(value)
    found.pop("Host", None)  # Go keeps the host beside the headers
    return found


@lru_cache(maxsize=1024)
def canonical(name: str) -> str:
    """`content-type` as `Content-Type`, the form of Go's header maps."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
