"""Builtins on strings: trim, case, split, join, replace, repeat, search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang import gocase, gostring
from aggregator.lang.expr.functions.arguments import byte_length, items, string
from aggregator.lang.expr.operators import whole
from aggregator.lang.govalue import StringList

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.lang.expr.frame import Frame

REPEATS: Final = 1_000_000


def trim(_: Frame, value: Any, cutset: Any = None) -> str:
    text = string("trim", value)
    return gocase.trim_space(text) if cutset is None else text.strip(string("trim", cutset))


def trim_prefix(_: Frame, value: Any, prefix: Any = " ") -> str:
    return string("trimPrefix", value).removeprefix(string("trimPrefix", prefix))


def trim_suffix(_: Frame, value: Any, suffix: Any = " ") -> str:
    return string("trimSuffix", value).removesuffix(string("trimSuffix", suffix))


def upper(_: Frame, value: Any) -> str:
    return gocase.to_upper(string("upper", value))


def lower(_: Frame, value: Any) -> str:
    return gocase.to_lower(string("lower", value))


def split(frame: Frame, value: Any, separator: Any, count: Any = -1) -> list[Any]:
    """Parts between separators, at most `count` (0 gives none, a negative count all); "" parts the characters."""
    text, sep, most = string("split", value), string("split", separator), whole(count, "the count of split")
    if most == 0:
        return StringList()
    parts = (text.split(sep, most - 1) if most > 0 else text.split(sep)) if sep else characters(text, most)
    frame.step(len(parts))
    return StringList(parts)


def characters(text: str, most: int) -> list[str]:
    """The characters, the last of `most` parts holding the rest."""
    if most < 0 or most >= len(text):
        return list(text)
    return [*text[: most - 1], text[most - 1 :]]


def split_after(frame: Frame, value: Any, separator: Any, count: Any = -1) -> list[Any]:
    """As split, and each part keeps the separator that ends it."""
    parts = split(frame, string("splitAfter", value), string("splitAfter", separator), count)
    return StringList(part + separator if i + 1 < len(parts) else part for i, part in enumerate(parts))


def replace(frame: Frame, value: Any, old: Any, new: Any, count: Any = -1) -> str:
    """`old` by `new`, at most `count` times; an empty `old` lies before every character and at the end."""
    text, was, now = string("replace", value), string("replace", old), string("replace", new)
    most = whole(count, "the count of replace")
    found = text.count(was)
    times = found if most < 0 else min(most, found)
    frame.room(len(text) + times * (len(now) - len(was)))
    replaced = text.replace(was, now, times) if times else text
    return replaced if replaced.isascii() else gostring.mend(replaced)


def repeat(frame: Frame, value: Any, count: Any) -> str:
    text, times = string("repeat", value), whole(count, "the count of repeat")
    if times < 0:
        raise LanguageError(f"repeat takes a count of 0 or more, not {times}")
    length = byte_length(text) * times
    frame.charge(max(length, times if times > REPEATS else 0))
    frame.room(length)
    return text * times


def join(frame: Frame, value: Any, glue: Any = "") -> str:
    separator = string("join", glue)
    if isinstance(value, bytes):
        items("join", None)
    parts = [string("join", part) for part in items("join", value)]
    frame.room(sum(map(len, parts)) + len(separator) * max(0, len(parts) - 1))
    joined = separator.join(parts)
    return joined if joined.isascii() else gostring.mend(joined)


def index_of(_: Frame, value: Any, part: Any) -> int:
    """The byte at which the part first stands, or -1."""
    text, wanted = string("indexOf", value), string("indexOf", part)
    if text.isascii():
        return text.find(wanted)
    return gostring.to_bytes(text).find(gostring.to_bytes(wanted))


def last_index_of(_: Frame, value: Any, part: Any) -> int:
    text, wanted = string("lastIndexOf", value), string("lastIndexOf", part)
    if text.isascii():
        return text.rfind(wanted)
    return gostring.to_bytes(text).rfind(gostring.to_bytes(wanted))


def has_prefix(_: Frame, value: Any, part: Any) -> bool:
    return string("hasPrefix", value).startswith(string("hasPrefix", part))


def has_suffix(_: Frame, value: Any, part: Any) -> bool:
    return string("hasSuffix", value).endswith(string("hasSuffix", part))


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "trim": trim,
    "trimPrefix": trim_prefix,
    "trimSuffix": trim_suffix,
    "upper": upper,
    "lower": lower,
    "split": split,
    "splitAfter": split_after,
    "replace": replace,
    "repeat": repeat,
    "join": join,
    "indexOf": index_of,
    "lastIndexOf": last_index_of,
    "hasPrefix": has_prefix,
    "hasSuffix": has_suffix,
}
