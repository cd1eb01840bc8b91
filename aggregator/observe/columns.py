"""Text tables with columns as wide as their widest cell, counting terminal cells instead of characters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2
_STYLED = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def cells(text: str) -> int:
    """How many terminal cells the text takes; escape sequences for colour take none."""
    if "\x1b" in text:
        text = _STYLED.sub("", text)
    if text.isascii():
        return len(text)
    return sum(_char_cells(character) for character in text)


def cut(text: str, width: int) -> str:
    """The text within so many cells, with `…` where something was cut off."""
    if cells(text) <= width:
        return text
    if width <= 0:
        return ""
    taken, used = [], 0
    for character in text:
        used += _char_cells(character)
        if used > width - 1:
            break
        taken.append(character)
    return "".join(taken) + "…"


def one_line(text: str) -> str:
    """The text on one line and without control characters, so that nobody's message can drive the terminal."""
    if text.isprintable():
        return text
    return _CONTROL.sub("", text.replace("\t", " ").replace("\r\n", "\n").replace("\n", " ").replace("\r", " "))


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of aligned columns; the last column of each row is not padded."""
    widths: list[int] = []
    for row in rows:
        for index, cell in enumerate(row):
            if index == len(widths):
                widths.append(0)
            widths[index] = max(widths[index], cells(cell))
    lines = []
    for row in rows:
        padded = [cell + " " * (widths[index] - cells(cell) + GAP) for index, cell in enumerate(row[:-1])]
        lines.append("".join([*padded, *row[-1:]]).rstrip())
    return lines


@lru_cache(8192)
def _char_cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
