"""What a store's refusal means, by its HTTP status and code: gone, passing, or for the user to put right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.errors import NotFound, StoreError, TransientError

if TYPE_CHECKING:
    from aggregator.errors import AggError

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 509})
_CLOCK = ("skew", "clock", "iat and exp", "short-lived token", "request date header too old", "not yet valid")


def refused(
    start: str, status: int, code: str, said: str, *, container: str, retry_after: float | None = None
) -> AggError:
    """The error for an answer that refused; `start` says which store and what could not be done, `container` names the bucket."""
    tail = " ".join(f"{code} {said}".split()) if code and code not in said else " ".join(said.split())
    text = f"{start}: {tail or f'HTTP {status}'}"
    lower = f"{code} {said}".lower()
    if any(word in lower for word in _CLOCK):
        return StoreError(
            f"{start}: the credentials are refused, and this machine's clock may be wrong ({tail})",
            hint="set the clock (chrony, timedatectl set-ntp true) and run again",
        )
    if status in PASSING:
        return TransientError(text, retry_after=retry_after)
    if status == 404:
        if _container_gone(lower):
            return StoreError(
                f"{start}: {container} does not exist ({tail})", hint="create it first, or correct its name"
            )
        return NotFound(f"{start}: there is no such object ({tail})")
    if status == 412:
        return TransientError(f"{start}: it was changed meanwhile ({tail})")
    if status == 401 or "signature" in lower or "authenticationfailed" in lower or "invalidaccesskey" in lower:
        return StoreError(
            f"{start}: the credentials are not accepted ({tail})", hint="check the secrets that the location names"
        )
    if status == 403:
        return StoreError(
            f"{start}: it is not allowed ({tail})", hint=f"check what these credentials may do in {container}"
        )
    return StoreError(text)


def _container_gone(lower: str) -> bool:
    return any(
        word in lower for word in ("nosuchbucket", "containernotfound", "specified bucket", "bucket does not exist")
    )


def seconds(text: object) -> float | None:
    """A Retry-After in seconds."""
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        return None


def is_local(exc: BaseException) -> bool:
    """An error of this machine's files: HTTP libraries derive theirs from OSError too, without a number."""
    return isinstance(exc, OSError) and exc.errno is not None and not isinstance(exc, (ConnectionError, TimeoutError))
