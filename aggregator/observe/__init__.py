"""Observers: what shows a run while it runs. A new one is its file and a line in the table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.ports import Observer

OBSERVERS = {
    "tree": "aggregator.observe.live:LiveTree",
    "plain": "aggregator.observe.lines:PlainLines",
    "jsonl": "aggregator.observe.jsonl:JsonLines",
    "logs": "aggregator.observe.logs:LogLines",
}
"""Each is called with the stream and the masker; imported on use."""


def make_observer(name: str, stream: TextIO, mask: Callable[[str], str]) -> Observer:
    """An observer of the table; KeyError for a name that is not in it."""
    module, _, attribute = OBSERVERS[name].partition(":")
    return cast("Observer", getattr(import_module(module), attribute)(stream, mask))


def choose_progress(setting: str, stream: TextIO, environment: Mapping[str, str]) -> str:
    """What `progress = auto` means here: the tree on a terminal that can move its cursor, else plain lines."""
    if setting != "auto":
        return setting
    able = stream.isatty() and environment.get("TERM", "") not in ("", "dumb")
    encoding = (stream.encoding or "").lower().replace("-", "")
    return "tree" if able and encoding == "utf8" and not environment.get("NO_COLOR") else "plain"
