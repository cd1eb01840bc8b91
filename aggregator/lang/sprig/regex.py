"""Sprig's regular expressions: RE2 patterns, with Go's rules for repeated and empty matches."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.gostring import from_bytes, to_bytes
from aggregator.lang.govalue import NilStringList, StringList
from aggregator.lang.regex import compile_pattern
from aggregator.lang.sprig.signature import INT, STRING, Family, bounded_list, bounded_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aggregator.lang.context import Context

FAMILY = Family("Regular expressions")
META = re.compile(r"[\\.+*?()|\[\]{}^$]")
REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|(?P<name>\w+)|\{(?P<braced>\w+)\})")


def rune_width(data: bytes, at: int) -> int:
    """Bytes of the character that begins here, 0 at the end."""
    if at >= len(data):
        return 0
    lead = data[at]
    return 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def matches(pattern: str, data: bytes) -> Iterator[Any]:
    """All matches in turn; an empty one right behind another does not count."""
    compiled = compile_pattern(pattern)
    at, before = 0, -1
    while at <= len(data):
        match = compiled.search(data, at)
        if match is None:
            return
        start, end = match.span()
        if end == at:
            fits = start != before
            at += rune_width(data, at) or 1
        else:
            fits = True
            at = end
        before = end
        if fits:
            yield match


@FAMILY.add("regexMatch", STRING, STRING)
def regex_match(pattern: str, text: str) -> bool:
    """Whether the pattern is found, false where it is wrong: `sprig.regexMatch("^a", "abc")` is true."""
    try:
        return bool(must_regex_match(pattern, text))
    except LimitExceeded:
        raise
    except LanguageError:
        return False


@FAMILY.add("mustRegexMatch", STRING, STRING)
def must_regex_match(pattern: str, text: str) -> bool:
    """Whether the pattern is found: `sprig.mustRegexMatch("^a", "abc")` is true."""
    return compile_pattern(pattern).search(to_bytes(text)) is not None


@FAMILY.add("regexFind mustRegexFind", STRING, STRING)
def regex_find(pattern: str, text: str) -> str:
    """The first match, "" where there is none: `sprig.regexFind("[0-9]+", "a12")` is "12"."""
    match = compile_pattern(pattern).search(to_bytes(text))
    return from_bytes(match.group()) if match else ""


@FAMILY.add("regexFindAll mustRegexFindAll", STRING, STRING, INT, uses_context=True)
def regex_find_all(ctx: Context, pattern: str, text: str, count: int) -> list[str]:
    """The first matches, all with -1: `sprig.regexFindAll("[0-9]", "a1b2", -1)` is ["1", "2"]."""
    compile_pattern(pattern)
    found = StringList()
    for match in matches(pattern, to_bytes(text)) if count else ():
        found.append(from_bytes(match.group()))
        bounded_list(ctx, len(found), "regexFindAll")
        if len(found) == count:
            break
    return found or NilStringList()


@FAMILY.add("regexReplaceAll mustRegexReplaceAll", STRING, STRING, STRING, uses_context=True)
def regex_replace_all(ctx: Context, pattern: str, text: str, replacement: str) -> str:
    """Every match replaced; $1 and ${name} are groups: `sprig.regexReplaceAll("a(x*)b", "-axb-", "${1}")` is "-x-"."""
    groups = compile_pattern(pattern).groupindex
    pieces: list[bytes | str] = []  # literal bytes, and the names of groups
    end = 0
    for reference in REFERENCE.finditer(replacement):
        pieces.append(to_bytes(replacement[end : reference.start()]))
        pieces.append(b"$" if reference["dollar"] else reference["name"] or reference["braced"])
        end = reference.end()
    pieces.append(to_bytes(replacement[end:]))

    def expand(match: Any) -> bytes:
        return b"".join(piece if isinstance(piece, bytes) else group_text(match, piece, groups) for piece in pieces)

    return replaced(ctx, pattern, text, expand)


def group_text(match: Any, name: str, groups: dict[str, int]) -> bytes:
    """What a reference in a replacement stands for: nothing where there is no such group."""
    index: int | None = groups.get(name)
    if name.isdecimal() and name.isascii() and (name == "0" or name[0] != "0" or len(name) == 1) and len(name) < 9:
        index = int(name)
    if index is None or index > len(match.groups()):
        return b""
    return match.group(index) or b""


@FAMILY.add("regexReplaceAllLiteral mustRegexReplaceAllLiteral", STRING, STRING, STRING, uses_context=True)
def regex_replace_all_literal(ctx: Context, pattern: str, text: str, replacement: str) -> str:
    """Every match replaced by the text as it is: `sprig.regexReplaceAllLiteral("b", "abc", "$1")` is "a$1c"."""
    literal = to_bytes(replacement)
    return replaced(ctx, pattern, text, lambda _: literal)


def replaced(ctx: Context, pattern: str, text: str, expand: Callable[[Any], bytes]) -> str:
    """The text with each match exchanged, but for empty ones right behind another."""
    compiled = compile_pattern(pattern)
    data = to_bytes(text)
    out: list[bytes] = []
    size = last = at = 0
    while at <= len(data):
        match = compiled.search(data, at)
        if match is None:
            break
        start, end = match.span()
        out.append(data[last:start])
        if end > last or start == 0:
            out.append(expand(match))
            size += len(out[-1])
            bounded_text(ctx, size + len(data), "regexReplaceAll")
        last = end
        at = max(end, at + (rune_width(data, at) or 1))
    out.append(data[last:])
    return from_bytes(b"".join(out))


@FAMILY.add("regexSplit mustRegexSplit", STRING, STRING, INT, uses_context=True)
def regex_split(ctx: Context, pattern: str, text: str, count: int) -> list[str]:
    """The parts between matches, at most that many, all with -1: `sprig.regexSplit(",", "a,b", -1)` is ["a", "b"]."""
    compile_pattern(pattern)
    if count == 0:
        return NilStringList()
    if pattern and not text:
        return StringList([""])
    data = to_bytes(text)
    parts = StringList()
    begin = end = 0
    for match in matches(pattern, data):
        if count > 0 and len(parts) == count - 1:
            break
        end, after = match.span()
        if after != 0:
            parts.append(from_bytes(data[begin:end]))
            bounded_list(ctx, len(parts), "regexSplit")
        begin = after
    if end != len(data):
        parts.append(from_bytes(data[begin:]))
    return parts


@FAMILY.add("regexQuoteMeta", STRING)
def regex_quote_meta(text: str) -> str:
    r"""The text as a pattern that matches it: `sprig.regexQuoteMeta("1.2")` is `1\.2`."""
    return META.sub(r"\\\g<0>", text)
