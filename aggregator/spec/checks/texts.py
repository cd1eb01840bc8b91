"""Texts with tags: finding them in a document, and the variables that they mention."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.tags import tag_key
from aggregator.lang.tagscan import BLANKS, scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.lang.tagexpr import TagExpr
    from aggregator.spec.positions import Path

OPEN: Final = "{{"
# A path from its end: what is above, and the last key. The empty trail stands at the beginning.
Trail = tuple[Any, ...]


class Tag:
    """One tag of a text: `text` as written between the braces, and the key of a simple one or the expression."""

    __slots__ = ("expression", "key", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.expression: TagExpr | None = None
        self.key = ""
        if text.startswith("="):
            from aggregator.lang.tagexpr import tag_expr  # noqa: PLC0415 - most documents have no expression

            self.expression = tag_expr(text[1:])
            return
        inner = text.rfind(OPEN)
        # Of `{{a.{{b}}` only the inner tag can be looked at: the outer one is made when it is filled.
        self.key = tag_key(text[inner + 2 :] if inner >= 0 else text)

    @property
    def written(self) -> str:
        return f"{{{{{self.text}}}}}"

    @property
    def is_spaced_expression(self) -> bool:
        """`{{ =x }}`: looks like an expression, and is none."""
        return self.text[:1] in BLANKS and self.text.lstrip(BLANKS).startswith("=")


@lru_cache(maxsize=4096)
def tags_of(text: str) -> tuple[list[Tag], bool]:
    """The tags of a text, and whether its last one is closed. Loops and copies repeat texts; the answer is kept."""
    found = []
    try:
        for start, end in scan(text):
            found.append(Tag(text[start:end]))
    except LanguageError:
        return found, False
    return found, True


def maps_below(value: Any) -> Iterator[tuple[Trail, dict[str, Any]]]:
    """Every map at or below a value, with the trail that leads to it."""
    waiting: list[tuple[Trail, Any]] = [((), value)]
    while waiting:
        trail, part = waiting.pop()
        if type(part) is dict:
            yield trail, part
            for key, inner in part.items():
                if type(inner) is dict or type(inner) is list:
                    waiting.append(((trail, key), inner))
        elif type(part) is list:
            for index, inner in enumerate(part):
                if type(inner) is dict or type(inner) is list:
                    waiting.append(((trail, index), inner))


def path_of(trail: Trail) -> Path:
    """The path of a trail. Only few are ever needed, so walks do not make them."""
    keys: list[str | int] = []
    while trail:
        trail, key = trail
        keys.append(key)
    return tuple(reversed(keys))


def tagged_texts(value: Any) -> Iterator[tuple[Path, str]]:
    """Every text with a tag below a value, keys of maps too, with its path."""
    if type(value) is str:
        if OPEN in value:
            yield (), value
        return
    waiting: list[tuple[Any, Trail]] = [(value, ())]
    while waiting:
        container, above = waiting.pop()
        if type(container) is dict:
            for key, part in container.items():
                if OPEN in key:
                    yield path_of((above, key)), key
                if type(part) is str:
                    if OPEN in part:
                        yield path_of((above, key)), part
                elif type(part) is dict or type(part) is list:
                    waiting.append((part, (above, key)))
        elif type(container) is list:
            for index, part in enumerate(container):
                if type(part) is str:
                    if OPEN in part:
                        yield path_of((above, index)), part
                elif type(part) is dict or type(part) is list:
                    waiting.append((part, (above, index)))
