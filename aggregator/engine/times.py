"""Times as texts: RFC 3339 as Kubernetes prints it, and Argo's strftime variables."""

from __future__ import annotations

from datetime import UTC, datetime

STRFTIME_LETTERS = "BbmAadHIMSYypZzL"


def rfc3339(at: float) -> str:
    """`2026-11-22T21:34:00Z`, whole seconds."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def strftime(at: float, letter: str) -> str:
    """One strftime letter of Argo's `workflow.creationTimestamp.X`, in UTC; `L` is milliseconds."""
    if letter == "L":
        return f"{int(at * 1000) % 1000:03d}"
    return datetime.fromtimestamp(int(at), UTC).strftime(f"%{letter}")


def unix_seconds(text: str) -> float | None:
    """The moment of an RFC 3339 text, or None where it is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
