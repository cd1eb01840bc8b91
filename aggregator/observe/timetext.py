"""Times and durations as people read them in tables: `2m`, `1 minute 5 seconds`, `Mon Jan 01 12:00:00 +0000`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def parse_time(text: object) -> float | None:
    """Unix seconds of an RFC 3339 text; None for what is none (a time that is not there yet)."""
    return _parse_text(text) if isinstance(text, str) and text else None


@lru_cache(4096)
def _parse_text(text: str) -> float | None:
    # Times are whole seconds, so thousands of nodes share each of them.
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def rfc3339(at: float | None) -> str | None:
    """Unix seconds as Kubernetes writes them: whole seconds, UTC."""
    return None if at is None else datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_time(at: float) -> str:
    """Unix seconds as RFC 3339 with microseconds, for lines of logs."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def short_duration(seconds: float) -> str:
    """The largest unit alone: `4s`, `2m`, `3h`, `5d`."""
    whole = max(0, int(seconds))
    for name, size in _UNITS:
        if whole >= size:
            return f"{whole // size}{name[0]}"
    return "0s"


def long_duration(seconds: float) -> str:
    """The two largest units in words: `1 minute 5 seconds`."""
    whole = max(0, int(seconds))
    parts: list[str] = []
    for name, size in _UNITS:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
        if parts and (len(parts) == 2 or not count):
            break
    return " ".join(parts) or "0 seconds"


def go_duration(seconds: float) -> str:
    """Whole seconds as Go prints a duration: `5s`, `1m5s`, `2h0m5s`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"


def clock_duration(seconds: float) -> str:
    """For a running display: `0.4s`, `12s`, `1m05s`, `2h03m`."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def local_timestamp(at: float) -> str:
    """`Mon Jan 01 12:00:00 +0000`, in the local zone."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%a %b %d %H:%M:%S %z")


def local_clock(at: float) -> str:
    """`12:00:01`, in the local zone."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M:%S")
