"""Sprig's text functions: trimming, cutting, repeating, joining, wrapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.errors import LanguageError
from aggregator.lang.gocase import SPACES, trim_space
from aggregator.lang.goformat import go_quote, go_value
from aggregator.lang.gostring import from_bytes, to_bytes
from aggregator.lang.govalue import StringList, StringMap
from aggregator.lang.sprig.signature import ANY, INT, STRING, Family, bounded_list, bounded_text
from aggregator.lang.sprig.strval import strings_of, strval

if TYPE_CHECKING:
    from aggregator.lang.context import Context

FAMILY = Family("Text")
ELLIPSIS = b"..."
LATIN_SPACES = frozenset(ord(c) for c in SPACES if ord(c) < 256)


@FAMILY.add("hello")
def hello() -> str:
    """A greeting: `sprig.hello()` is "Hello!"."""
    return "Hello!"


@FAMILY.add("trim", STRING)
def trim(text: str) -> str:
    """Without white space at both ends: `sprig.trim(" a ")` is "a"."""
    return trim_space(text)


@FAMILY.add("trimAll trimall", STRING, STRING)
def trim_all(cut: str, text: str) -> str:
    """Without any of these characters at both ends: `sprig.trimAll("$", "$5$")` is "5"."""
    return text.strip(cut) if cut else text


@FAMILY.add("trimPrefix", STRING, STRING)
def trim_prefix(prefix: str, text: str) -> str:
    """Without that start: `sprig.trimPrefix("v", "v1")` is "1"."""
    return text.removeprefix(prefix)


@FAMILY.add("trimSuffix", STRING, STRING)
def trim_suffix(suffix: str, text: str) -> str:
    """Without that end: `sprig.trimSuffix("s", "days")` is "day"."""
    return text.removesuffix(suffix)


@FAMILY.add("repeat", INT, STRING, uses_context=True)
def repeat(ctx: Context, count: int, text: str) -> str:
    """The text several times: `sprig.repeat(3, "ab")` is "ababab"."""
    if count < 0:
        raise LanguageError(f"sprig.repeat: the count is negative ({count})")
    bounded_text(ctx, count * len(text), "repeat")
    return text * count


@FAMILY.add("substr", INT, INT, STRING)
def substr(start: int, end: int, text: str) -> str:
    """Bytes from start to end; negative means the beginning or the end: `sprig.substr(0, 2, "abc")` is "ab"."""
    data = to_bytes(text)
    if start >= 0 and (end < 0 or end > len(data)):
        end = len(data)
    start = max(start, 0)
    if not start <= end <= len(data):
        raise LanguageError(f"sprig.substr: {start} to {end} lies outside a text of {len(data)} bytes")
    return from_bytes(data[start:end])


@FAMILY.add("trunc", INT, STRING)
def trunc(width: int, text: str) -> str:
    """The first bytes, or with a negative width the last: `sprig.trunc(-2, "abc")` is "bc"."""
    data = to_bytes(text)
    if width < 0:
        return from_bytes(data[width:]) if len(data) + width > 0 else text
    return from_bytes(data[:width]) if len(data) > width else text


@FAMILY.add("abbrev", INT, STRING)
def abbrev(width: int, text: str) -> str:
    """Cut to a width with dots at the end: `sprig.abbrev(5, "hello world")` is "he..."."""
    return text if width < 4 else from_bytes(abbreviated(to_bytes(text), 0, width))


@FAMILY.add("abbrevboth", INT, INT, STRING)
def abbrevboth(left: int, width: int, text: str) -> str:
    """Cut at both sides: `sprig.abbrevboth(5, 10, "1234 5678 9123")` is "...5678..."."""
    if width < 4 or (left > 0 and width < 7):
        return text
    return from_bytes(abbreviated(to_bytes(text), left, width))


def abbreviated(data: bytes, offset: int, width: int) -> bytes:
    """At most `width` bytes that show the place `offset`, with dots where something was cut."""
    size = len(data)
    if size <= width:
        return data
    room = width - len(ELLIPSIS)
    offset = min(offset, size)
    if size - offset < room:
        offset = size - room
    if offset <= 4:
        return data[:room] + ELLIPSIS
    if offset + room < size:
        return ELLIPSIS + abbreviated(data[offset:], 0, room)
    return ELLIPSIS + data[size - room :]


@FAMILY.add("nospace", STRING)
def nospace(text: str) -> str:
    """Without any white space: `sprig.nospace("a b c")` is "abc".

    Works on bytes as the original does: a text that has spaces and characters beyond ASCII comes out garbled.
    """
    data = to_bytes(text)
    kept = bytes(byte for byte in data if byte not in LATIN_SPACES)
    return text if len(kept) == len(data) else kept.decode("latin-1")


@FAMILY.add("initials", STRING)
def initials(text: str) -> str:
    """The first letter of every word: `sprig.initials("First Try")` is "FT"."""
    out, gap = [], True
    for byte in to_bytes(text):
        if byte in LATIN_SPACES:
            gap = True
        elif gap:
            out.append(chr(byte))
            gap = False
    return "".join(out)


@FAMILY.add("contains", STRING, STRING)
def contains(part: str, text: str) -> bool:
    """Whether the text holds the part: `sprig.contains("b", "abc")` is true."""
    return part in text


@FAMILY.add("hasPrefix", STRING, STRING)
def has_prefix(prefix: str, text: str) -> bool:
    """Whether the text starts so: `sprig.hasPrefix("a", "abc")` is true."""
    return text.startswith(prefix)


@FAMILY.add("hasSuffix", STRING, STRING)
def has_suffix(suffix: str, text: str) -> bool:
    """Whether the text ends so: `sprig.hasSuffix("c", "abc")` is true."""
    return text.endswith(suffix)


@FAMILY.add("quote", ANY, variadic=True)
def quote(*values: Any) -> str:
    """Every value but nil in double quotes: `sprig.quote("a", 1)` is `"a" "1"`."""
    return " ".join(go_quote(strval(value)) for value in values if value is not None)


@FAMILY.add("squote", ANY, variadic=True)
def squote(*values: Any) -> str:
    """Every value but nil in single quotes: `sprig.squote("a", 1)` is "'a' '1'"."""
    return " ".join(f"'{go_value(value)}'" for value in values if value is not None)


@FAMILY.add("cat", ANY, variadic=True)
def cat(*values: Any) -> str:
    """Every value but nil, with blanks between: `sprig.cat("a", 1)` is "a 1"."""
    return " ".join(go_value(value) for value in values if value is not None)


@FAMILY.add("indent", INT, STRING, uses_context=True)
def indent(ctx: Context, width: int, text: str) -> str:
    """Every line moved to the right: `sprig.indent(2, "a")` is "  a"."""
    if width < 0:
        raise LanguageError(f"sprig.indent: the width is negative ({width})")
    bounded_text(ctx, len(text) + width * (text.count("\n") + 1), "indent")
    pad = " " * width
    return pad + text.replace("\n", "\n" + pad)


@FAMILY.add("nindent", INT, STRING, uses_context=True)
def nindent(ctx: Context, width: int, text: str) -> str:
    r"""Like indent, behind a line break: `sprig.nindent(2, "a")` is "\n  a"."""
    return "\n" + str(indent(ctx, width, text))


@FAMILY.add("replace", STRING, STRING, STRING, uses_context=True)
def replace(ctx: Context, old: str, new: str, text: str) -> str:
    """Every occurrence replaced: `sprig.replace("a", "b", "aa")` is "bb"."""
    found = text.count(old)
    bounded_text(ctx, len(text) + found * max(0, len(new) - len(old)), "replace")
    return text.replace(old, new)


@FAMILY.add("plural", STRING, STRING, INT)
def plural(one: str, many: str, count: int) -> str:
    """The word for one or for many: `sprig.plural("day", "days", 2)` is "days"."""
    return one if count == 1 else many


@FAMILY.add("wrap", INT, STRING, uses_context=True)
def wrap(ctx: Context, width: int, text: str) -> str:
    r"""Lines of at most that many bytes, broken at blanks, long words kept whole: `sprig.wrap(4, "a bc def")` is "a bc\ndef"."""
    bounded_text(ctx, 2 * len(text), "wrap")
    return wrapped(text, width, b"\n", cut_words=False)


@FAMILY.add("wrapWith", INT, STRING, STRING, uses_context=True)
def wrap_with(ctx: Context, width: int, separator: str, text: str) -> str:
    """Like wrap with a separator of your own, long words are cut: `sprig.wrapWith(2, "|", "abcd")` is "ab|cd"."""
    bounded_text(ctx, len(text) * (1 + len(separator) // max(1, width)), "wrapWith")
    return wrapped(text, width, to_bytes(separator) or b"\n", cut_words=True)


def wrapped(text: str, width: int, separator: bytes, *, cut_words: bool) -> str:
    """Break lines at the last blank that fits; blanks at the start of a line are dropped."""
    data = to_bytes(text)
    width = max(width, 1)
    out: list[bytes] = []
    at = 0
    while len(data) - at > width:
        if data[at] == 0x20:
            at += 1
            continue
        space = data.rfind(b" ", at, at + width + 1)
        if space < 0 and cut_words:
            out += data[at : at + width], separator
            at += width
            continue
        if space < 0:
            space = data.find(b" ", at + width)
        if space < 0:
            out.append(data[at:])
            at = len(data)
        else:
            out += data[at:space], separator
            at = space + 1
    out.append(data[at:])
    return from_bytes(b"".join(out))


@FAMILY.add("toString", ANY)
def to_string(value: Any) -> str:
    """The value as text: `sprig.toString(1.5)` is "1.5"."""
    return strval(value)


@FAMILY.add("toStrings", ANY)
def to_strings(value: Any) -> StringList:
    """Every element but nil as text: `sprig.toStrings([1, nil])` is ["1"]."""
    return strings_of(value)


@FAMILY.add("join", STRING, ANY, uses_context=True)
def join(ctx: Context, separator: str, value: Any) -> str:
    """The elements with a separator between, nils left out: `sprig.join("-", [1, "a"])` is "1-a"."""
    parts = strings_of(value)
    bounded_text(ctx, sum(map(len, parts)) + len(separator) * len(parts), "join")
    return separator.join(parts)


def split_text(ctx: Context, text: str, separator: str, count: int = -1) -> list[str]:
    """Go's `strings.SplitN`; an empty separator parts all characters."""
    parts = text.count(separator) + 1
    bounded_list(ctx, min(parts, count) if count >= 0 else parts, "splitList")
    if count == 0:
        return []
    if separator:
        return text.split(separator, count - 1 if count > 0 else -1)
    if 0 < count < len(text):
        return [*text[: count - 1], text[count - 1 :]]
    return list(text)


@FAMILY.add("splitList", STRING, STRING, uses_context=True)
def split_list(ctx: Context, separator: str, text: str) -> StringList:
    """The parts as a list: `sprig.splitList(",", "a,b")` is ["a", "b"]."""
    return StringList(split_text(ctx, text, separator))


@FAMILY.add("split", STRING, STRING, uses_context=True)
def split(ctx: Context, separator: str, text: str) -> StringMap:
    """The parts as a map with the keys _0, _1...: `sprig.split(",", "a,b")._1` is "b"."""
    return StringMap((f"_{i}", part) for i, part in enumerate(split_text(ctx, text, separator)))


@FAMILY.add("splitn", STRING, INT, STRING, uses_context=True)
def splitn(ctx: Context, separator: str, count: int, text: str) -> StringMap:
    """At most that many parts as a map: `sprig.splitn(",", 2, "a,b,c")._1` is "b,c"."""
    return StringMap((f"_{i}", part) for i, part in enumerate(split_text(ctx, text, separator, count)))
