"""Reads a document of a test file field by field, and collects everything that is wrong with it, each at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.errors import Diagnostic, LanguageError, nearest
from aggregator.testing.values import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aggregator.source import Span
    from aggregator.spec.positions import Document, Path

_KINDS: dict[type, str] = {dict: "a map", list: "a list", str: "text", bool: "true or false", int: "a whole number"}


class Fields:
    """A value of a test file with its place; reading what is wrong gives a default, and a diagnostic."""

    def __init__(self, document: Document, value: Any, path: Path, found: list[Diagnostic]) -> None:
        self.document = document
        self.value = value
        self.path = path
        self.found = found

    def __contains__(self, key: str) -> bool:
        """Whether the map has the key."""
        return isinstance(self.value, dict) and key in self.value

    def __getitem__(self, key: str | int) -> Fields:
        """What stands under a key or at a place of a list; an absent key holds None."""
        holder = self.value
        there = isinstance(key, int) or (isinstance(holder, dict) and key in holder)
        inner = holder[key] if there else None
        return Fields(self.document, inner, (*self.path, key), self.found)

    @property
    def span(self) -> Span:
        return self.document.span(self.path)

    @property
    def where(self) -> str:
        """The path as people write it: `mocks[0].outcomes`."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
        return text or "the document"

    def report(self, code: str, message: str, hint: str = "", *, key: bool = False) -> None:
        """Note what is wrong here, at the key or at the value."""
        span = self.document.key_span(self.path) if key else self.span
        self.found.append(Diagnostic(code, message, span, hint))

    def is_a(self, kind: type) -> bool:
        """Whether the value is of this type; where not, that is noted."""
        good = isinstance(self.value, kind) and not (kind is int and isinstance(self.value, bool))
        if not good:
            self.report("wrong-type", f"{self.where}: {_KINDS[kind]} was expected, not {_described(self.value)}")
        return good

    def known(self, names: Iterable[str]) -> bool:
        """Whether it is a map; every key that is not among the names is noted."""
        if not self.is_a(dict):
            return False
        names = tuple(names)
        for key in self.value:
            if key not in names:
                hint = nearest(str(key), names) or f"known are {', '.join(names)}"
                self[key].report("unknown-field", f"{self.where} has no field {key!r}", hint, key=True)
        return True

    def items(self) -> list[Fields]:
        """The items of a list, none where it is absent."""
        if self.value is None or not self.is_a(list):
            return []
        return [self[index] for index in range(len(self.value))]

    def pairs(self) -> list[tuple[str, Fields]]:
        """Keys and values of a map, none where it is absent."""
        if self.value is None or not self.is_a(dict):
            return []
        return [(str(key), self[key]) for key in self.value]

    def text(self, default: str = "") -> str:
        if self.value is None:
            return default
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return str(self.value)
        return self.value if self.is_a(str) else default

    def flag(self, *, default: bool = False) -> bool:
        if self.value is None:
            return default
        return bool(self.value) if self.is_a(bool) else default

    def whole(self, default: int = 0) -> int:
        if self.value is None:
            return default
        return int(self.value) if self.is_a(int) else default

    def choice(self, names: Iterable[str], default: str = "") -> str:
        """One of these words."""
        if self.value is None:
            return default
        names = tuple(names)
        if self.value in names:
            return str(self.value)
        hint = nearest(str(self.value), names) or f"one of {', '.join(names)}"
        self.report("wrong-value", f"{self.where}: {_described(self.value)} is not known", hint)
        return default

    def seconds(self, default: float = 0.0) -> float:
        """A duration."""
        return default if self.value is None else self.read(seconds, default)

    def read(self, how: Callable[[Any], Any], default: Any = None) -> Any:
        """What `how` makes of the value; its complaint is noted."""
        try:
            return how(self.value)
        except LanguageError as problem:
            self.report("wrong-value", f"{self.where}: {problem.message}", problem.hint)
            return default


def _described(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return _KINDS[type(value)]
    return repr(value)
