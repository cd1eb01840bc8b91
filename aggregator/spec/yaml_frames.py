"""What the builder of documents holds of containers that are being read, and of anchors that aliases may name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

if TYPE_CHECKING:
    from aggregator.spec.positions import Node


class MergeKey(str):
    """The unquoted key `<<`; it is told from a quoted one by identity."""

    __slots__ = ()


MERGE: Final = MergeKey("<<")


class Frame(Struct, gc=False):
    """A container that is being read. `inner` and `depth` count what is inside of it, for the limits on aliases."""

    start: int
    keys: dict[str, int] | None  # None in a list
    value: Any
    children: Any
    anchor: str | None = None
    key: str | None = None
    key_place: int = -1
    merges: tuple[tuple[Any, Node, int], ...] = ()
    inner: int = 0
    depth: int = 1


class Anchored(Struct, frozen=True):
    value: Any
    node: Node
    size: int
    depth: int
