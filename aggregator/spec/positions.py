"""Documents with positions: plain values, and beside them where every key and value was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from aggregator.source import Span

if TYPE_CHECKING:
    from aggregator.errors import Diagnostic
    from aggregator.source import Source

# Places are two offsets in one int (start << 32 | end): three hundred thousand of them cost little memory and no
# garbage collection. A node is such an int, or one of the two structs below.
Path = tuple[str | int, ...]
HALF: Final = 32
LOW: Final = (1 << HALF) - 1


class MapNode(Struct, gc=False):
    """Places in a mapping: of itself, of its keys, and the nodes of its values."""

    place: int
    keys: dict[str, int]
    children: dict[str, Node]


class SeqNode(Struct, gc=False):
    """Places in a sequence: of itself, and the nodes of its items."""

    place: int
    children: list[Node]


Node = int | MapNode | SeqNode


class Document(Struct, frozen=True):
    """One document of a text: its JSON-like value, and where each part of it was written."""

    source: Source
    value: Any
    node: Node

    def span(self, path: Path = ()) -> Span:
        """Where a value stands; for what was not written, its nearest ancestor that was."""
        node, key = self._find(path)
        return self._place(key if key is not None and self._bare(node) else _place_of(node))

    def key_span(self, path: Path) -> Span:
        """Where the key of a value stands (an item of a list has none: then the item itself)."""
        node, key = self._find(path)
        return self._place(_place_of(node) if key is None else key)

    def has(self, path: Path) -> bool:
        """Whether something was written there, even `null`."""
        node: Node | None = self.node
        for part in path:
            if isinstance(node, MapNode):
                node = node.children.get(str(part))
            elif isinstance(node, SeqNode) and isinstance(part, int) and part < len(node.children):
                node = node.children[part]
            else:
                return False
        return node is not None

    def _find(self, path: Path) -> tuple[Node, int | None]:
        node: Node = self.node
        key: int | None = None
        for part in path:
            if isinstance(node, MapNode) and (child := node.children.get(str(part))) is not None:
                key = node.keys[str(part)]
            elif isinstance(node, SeqNode) and isinstance(part, int) and 0 <= part < len(node.children):
                child, key = node.children[part], None
            else:
                break
            node = child
        return node, key

    def _bare(self, node: Node) -> bool:
        """Whether the key says more than the value: nothing was written, or a block that starts on a later line."""
        if isinstance(node, int):
            return node >> HALF == node & LOW
        start = node.place >> HALF
        return self.source.text[start : start + 1] not in ("[", "{")

    def _place(self, place: int) -> Span:
        start, end = place >> HALF, place & LOW
        # A block ends where the next token begins: do not underline the blank between.
        text = self.source.text
        while end > start and text[end - 1].isspace():
            end -= 1
        return Span(self.source, start, end)


def _place_of(node: Node) -> int:
    return node if isinstance(node, int) else node.place


class Parsed(Struct):
    """What a text holds: its documents, and everything that was wrong with it as YAML."""

    documents: list[Document]
    diagnostics: list[Diagnostic]
