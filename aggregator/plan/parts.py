"""Parts of an estimate: what one step, task or handler would run with everything below it, and how parts add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(slots=True)
class Part:
    """A step, task or handler, with everything below it. Totals are those of all its elements together."""

    name: str
    template: str
    kind: str
    times: int | None = 1
    """How many elements its loop has; None where only the run can tell."""
    note: str = ""
    normal: bool = True
    """Whether it runs when nothing fails and no condition is false."""
    after: tuple[str, ...] = ()
    group: int | None = None
    inputs: dict[str, str] = field(default_factory=dict)
    attempts: int | None = 1
    """How often one element is tried at worst; None: without limit."""
    children: list[Part] = field(default_factory=list)
    leaves: int = 0
    worst: int | None = 0
    """Attempts of all leaves together when everything fails until its limit; None: without limit."""
    width: int = 0
    """Leaves at the same time, when all take equally long."""
    unknown: bool = False
    """Whether a loop of unknown length is in it, so that the totals count it once."""
    requests: Counter[str] = field(default_factory=Counter)
    path: tuple[str, ...] = ()
    """Templates of the leaves on the longest chain."""


@dataclass(slots=True)
class Estimate:
    """The whole run: the entry template, and the exit handler beside it."""

    main: Part
    exit: Part | None = None

    @property
    def parts(self) -> list[Part]:
        return [self.main] if self.exit is None else [self.main, self.exit]

    @property
    def leaves(self) -> int:
        return sum(part.leaves for part in self.parts)

    @property
    def worst(self) -> int | None:
        return _sum(part.worst for part in self.parts)

    @property
    def width(self) -> int:
        return max(part.width for part in self.parts)

    @property
    def unknown(self) -> bool:
        return any(part.unknown for part in self.parts)

    @property
    def requests(self) -> Counter[str]:
        return sum((part.requests for part in self.parts), Counter[str]())

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.path)


def multiplied(part: Part, times: int) -> Part:
    """One element that stands for all."""
    part.times = times
    part.leaves *= times
    part.width *= times
    part.worst = None if part.worst is None else part.worst * times
    part.requests = Counter({host: count * times for host, count in part.requests.items()})
    return part


def together(first: Part, others: Sequence[Part]) -> Part:
    """All elements of a loop; the first one is shown."""
    first.times = 1 + len(others)
    for other in others:
        first.leaves += other.leaves
        first.width += other.width
        first.worst = None if first.worst is None or other.worst is None else first.worst + other.worst
        first.requests += other.requests
        first.unknown |= other.unknown
        first.path = max(first.path, other.path, key=len)
    return first


def _sum(values: Iterator[int | None]) -> int | None:
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total
