"""A loop in one line: `412/1000  3 failed  11 retries  38/s  eta 15s`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.observe.timetext import clock_duration

if TYPE_CHECKING:
    from aggregator.observe.board import Loop


def tally_text(loop: Loop, now: float) -> str:
    """Counts first, so that a narrow display loses the least important figures."""
    parts = [f"{loop.done}/{loop.total}"]
    if loop.failed:
        parts.append(f"{loop.failed} failed")
    if loop.retries:
        parts.append(f"{loop.retries} {'retry' if loop.retries == 1 else 'retries'}")
    if loop.ended():
        parts.append(clock_duration(loop.last - loop.since))
        return "  ".join(parts)
    rate, eta = loop.rate(now), loop.eta(now)
    if rate > 0:
        parts.append(f"{rate:.0f}/s" if rate >= 9.5 else f"{rate:.1f}/s")
    if eta is not None:
        parts.append(f"eta {clock_duration(max(1.0, eta)) if eta >= 9.95 else f'{max(1, round(eta))}s'}")
    return "  ".join(parts)
