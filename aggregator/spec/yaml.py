"""Text to documents: decodes bytes, tells JSON from YAML, and reads on behind a broken document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from aggregator.errors import Diagnostic, InvalidWorkflow
from aggregator.source import Source, Span
from aggregator.spec.allocation import building
from aggregator.spec.positions import Document, Parsed, Path
from aggregator.spec.yaml_builder import Builder

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BROKEN: Final = 20  # after so many broken documents the rest of a text is left unread
_BOM: Final = "\ufeff"
_NEXT_DOCUMENT = re.compile(r"\n---")
_PAIR = re.compile(
    r"(?<!\\)(?:\\\\)*(?P<high>\\u[dD][89abAB][0-9a-fA-F]{2})(?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    r"|(?<!\\)(?:\\\\)*(?P<lone>\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)


def read_source(name: str, data: bytes) -> Source:
    """Bytes to text: UTF-8, or UTF-16 with a mark; anything else is refused at its first bad byte."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return Source(name, data.decode(encoding))
    except UnicodeDecodeError as error:
        source = Source(name, data.decode(encoding, "replace"))
        place = len(data[: error.start].decode(encoding, "replace"))
        problem = f"byte {error.start} (0x{data[error.start]:02x}) is not valid {encoding.upper()}"
        span = Span(source, place, place + 1)
        hint = "save the file as UTF-8"
        raise InvalidWorkflow([Diagnostic("yaml-encoding", problem, span, hint)], hint=hint) from error


@building()
def parse_text(source: Source) -> Parsed:
    """All documents of a text. A broken document is reported and left out; the ones after it are still read."""
    parsed = Parsed([], [])
    text, offset_of = _json_escapes(source.text)
    start = len(_BOM) if text.startswith(_BOM) else 0
    for _ in range(MAX_BROKEN):
        broken_at = Builder(source, text, start, offset_of, parsed).run()
        if broken_at is None:
            break
        following = _NEXT_DOCUMENT.search(text, max(broken_at, start + 3) - 1)
        if following is None:
            break
        start = following.start() + 1
    return parsed


def _json_escapes(text: str) -> tuple[str, Callable[[int], int] | None]:
    r"""JSON writes characters beyond 16 bits as two `\u` escapes, which YAML does not know: write them as one.

    The result comes with a function from its offsets back to those of the text, where they differ.
    """
    if text.lstrip(_BOM + " \t\r\n")[:1] not in ("{", "["):
        return text, None
    shifts: list[int] = []

    def rewrite(found: re.Match[str]) -> str:
        high, low = found["high"], found["low"]
        lead = found.group()[: -len((high or "") + (low or "") + (found["lone"] or ""))]
        if not (high and low):
            return f"{lead}\\ufffd"
        code = (
            0x10000 + ((int(high.removeprefix("\\u"), 16) & 0x3FF) << 10) + (int(low.removeprefix("\\u"), 16) & 0x3FF)
        )
        shifts.append(found.end() - 2 * (len(shifts) + 1))
        return f"{lead}\\U{code:08x}"

    rewritten = _PAIR.sub(rewrite, text)
    if not shifts:
        return rewritten, None

    def offset_of(offset: int) -> int:
        from bisect import bisect_right  # noqa: PLC0415 - only for JSON with such escapes

        return offset + 2 * bisect_right(shifts, offset)

    return rewritten, offset_of


__all__ = ["Document", "Parsed", "Path", "parse_text", "read_source"]
