"""Reading the paths of the `jsonpath` function: tokens, and what each of them asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.jsonscript import Script

if TYPE_CHECKING:
    from aggregator.lang.jsonscript import PathReader

BLANK: Final = " \t\n\r\v\f\u0085\u00a0"
WORDS: Final = {"$": "root", "@": "current", "*": "wildcard", "..": "recursive", "length": "length"}

Step = tuple[str, Any]
"""The kind of a step (root, key, index, ...) and what it needs."""


def steps_of(path: str, read_path: PathReader, depth: int) -> list[Step]:
    """The steps of a path; `read_path` reads the paths inside of its filters."""
    reading = _Reading(path, read_path, depth)
    return [reading.step(token) for token in tokens_of(path)]


def tokens_of(path: str) -> list[str]:
    """The path cut into `$`, `..`, names, and subscripts with their brackets."""
    if path[:1] not in ("$", "@") or not path:
        raise _syntax("expected '$'", path, 0)
    if len(path) > 1 and path[1] not in ".[":
        raise _syntax("expected '.' or '['", path, 1)
    tokens = [path[0]]
    part = ""
    quotes = rounds = squares = 0
    for char in path[1:]:
        if not part:
            quotes = rounds = 0
        quotes += char == "'"
        rounds += (char == "(") - (char == ")")
        squares += (char == "[") - (char == "]")
        part += char
        if part == ".":
            continue
        if part == "..":
            tokens.append(part)
            part = ""
        elif char == "[" and part not in ("[", ".[") and part.count("[") == 1:
            tokens.append(part[:-1].removeprefix("."))
            part = "["
        elif "[" in part:
            if char == "]" and quotes % 2 == 0 and not rounds and not squares:
                tokens.append(part.removeprefix("."))
                part = ""
        elif char == "." and quotes % 2 == 0 and not rounds:
            tokens.append(part[:-1].removeprefix("."))
            part = "."
    if part:
        tokens.append(part.removeprefix("."))
    return tokens


def _split(inside: str, path: str, at: int) -> tuple[list[str], str]:
    """Cut at the `,` or `:` outside of quotes and scripts; both together have no meaning."""
    parts, separator, start, quote, rounds = [], "", 0, "", 0
    for i, char in enumerate(inside):
        if quote:
            if char == quote and inside[i - 1] != "\\":
                quote = ""
        elif char in "'\"" and not rounds:
            quote = char
        elif char in "()":
            rounds += 1 if char == "(" else -1
        elif char in ",:" and not rounds:
            if separator and separator != char:
                raise _syntax("a union and a slice cannot be mixed", path, at + i)
            separator = char
            parts.append(inside[start:i])
            start = i + 1
    if quote:
        raise _syntax("the name is not closed: expected a quote", path, at)
    return [*parts, inside[start:]], separator


def _syntax(message: str, path: str, start: int, end: int | None = None) -> LanguageError:
    end = start + 1 if end is None else end
    return LanguageError(f"invalid JSONPath {path!r}: {message}", text=path, start=start, end=end, kind="syntax")


class _Reading:
    def __init__(self, path: str, read_path: PathReader, depth: int) -> None:
        self.path = path
        self.read_path = read_path
        self.depth = depth
        self.at = 0

    def step(self, token: str) -> Step:
        token = token.strip(BLANK)
        if not token:
            raise _syntax("a name is missing", self.path, len(self.path))
        if token in WORDS:
            return WORDS[token], None
        if token[0] != "[":
            return "key", token
        self.at = max(self.path.find(token), 0)
        inside = token[1:-1].strip(BLANK) if token.endswith("]") else ""
        if not inside:
            raise self._error(token, f"{token!r} is no subscript")
        if inside == "*":
            return "wildcard", None
        if inside[0] == "?":
            if not (inside.startswith("?(") and inside.endswith(")")):
                raise self._error(token, "a filter is written [?(...)]")
            return "filter", self._script(inside[2:-1].strip(BLANK))
        return self._subscript(inside, token)

    def _subscript(self, inside: str, token: str) -> Step:
        """A key, an index, a script, a union or a slice."""
        parts, separator = _split(inside, self.path, self.at)
        values = [self._argument(part.strip(BLANK)) for part in parts]
        if not separator:
            (value,) = values
            if isinstance(value, str):
                return "key", value
            return ("script" if isinstance(value, Script) else "index"), value
        if separator == ",":
            if any(value is None for value in values):
                raise self._error(token, "a part of the union is missing")
            return "union", values
        if len(values) > 3 or any(isinstance(value, str) for value in values):
            raise self._error(token, "a slice is written [from:to:step] in whole numbers")
        return "slice", [*values, None, None][:3]

    def _argument(self, text: str) -> Any:
        if not text:
            return None
        if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
            return text[1:-1].replace("\\" + text[0], text[0])
        if len(text) > 2 and text[0] == "(" and text[-1] == ")":
            return self._script(text[1:-1])
        digits = text.removeprefix("-").removeprefix("+")
        if digits.isascii() and digits.isdigit() and len(digits) < 19:
            return int(text)
        raise self._error(text, f"{text!r} is no name, index or script; names are quoted")

    def _script(self, text: str) -> Script:
        return Script(text, self.read_path, self.depth)

    def _error(self, part: str, message: str) -> LanguageError:
        return _syntax(message, self.path, self.at, self.at + len(part))
