"""What an evaluation may draw on besides its variables: time, seeded randomness, kept values, zone and limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, MutableSequence, Sequence


class Random(Protocol):
    """The part of `random.Random` that the languages use; the engine hands in a seeded one."""

    def random(self) -> float: ...

    def randrange(self, start: int, stop: int, /) -> int: ...

    def getrandbits(self, k: int, /) -> int: ...

    def randbytes(self, n: int, /) -> bytes: ...

    def choice(self, seq: Sequence[Any], /) -> Any: ...

    def shuffle(self, x: MutableSequence[Any], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one evaluation; passing one raises LimitExceeded with the field's name."""

    source: int = 1_000_000
    """Characters of an expression."""
    nodes: int = 10_000
    """Nodes of a syntax tree."""
    depth: int = 128
    """Levels of nesting of an expression."""
    value_depth: int = 200
    """Levels of nesting of a value that a function walks or an evaluation makes."""
    elements: int = 1_000_000
    """Elements of the lists and maps that one run creates."""
    steps: int = 10_000_000
    """Parts of predicates run and elements looked at, plus one for every 64 characters of longer texts."""
    text: int = 16_000_000
    """Characters of one text that an evaluation makes."""


DEFAULT_LIMITS = Limits()


@dataclass(slots=True)
class Context:
    """Handed in by the engine with every evaluation.

    `now` is the event's time in unix nanoseconds. `keep(key, make)` runs `make` once and keeps its value with the run,
    for results that no seed can repeat (keys, certificates). `lookup_host` is None where settings forbid it. With
    `complete`, a tag around another one is looked up as soon as the inner one is filled, where Argo needs another pass.
    """

    now: int
    random: Random
    keep: Callable[[str, Callable[[], Any]], Any]
    zone: str = "UTC"
    lookup_host: Callable[[str], str] | None = None
    limits: Limits = field(default=DEFAULT_LIMITS)
    complete: bool = False
