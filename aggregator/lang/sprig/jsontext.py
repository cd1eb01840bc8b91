"""Sprig's JSON functions; without `must` a mistake gives an empty text or nil."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.goformat import json_text
from aggregator.lang.gojson import decode_json, read_json
from aggregator.lang.sprig.signature import ANY, STRING, Family, bounded_text

if TYPE_CHECKING:
    from aggregator.lang.context import Context

FAMILY = Family("JSON")
INDENT = "  "


def encoded(ctx: Context, name: str, value: Any, *, html_escape: bool = True, indent: str | None = None) -> str:
    text = json_text(value, html_escape=html_escape, indent=indent)
    bounded_text(ctx, len(text), name)
    return text


def or_empty(ctx: Context, name: str, value: Any, indent: str | None = None) -> str:
    """The JSON text, or an empty one where the value has none."""
    try:
        return encoded(ctx, name, value, indent=indent)
    except LimitExceeded:
        raise
    except LanguageError:
        return ""


@FAMILY.add("toJson", ANY, uses_context=True)
def to_json(ctx: Context, value: Any) -> str:
    """Compact JSON: `sprig.toJson([1, "a"])` is `[1,"a"]`."""
    return or_empty(ctx, "toJson", value)


@FAMILY.add("mustToJson", ANY, uses_context=True)
def must_to_json(ctx: Context, value: Any) -> str:
    """Compact JSON, or an error: `sprig.mustToJson([1])` is `[1]`."""
    return encoded(ctx, "mustToJson", value)


@FAMILY.add("toPrettyJson", ANY, uses_context=True)
def to_pretty_json(ctx: Context, value: Any) -> str:
    r"""JSON in lines: `sprig.toPrettyJson([1])` is "[\n  1\n]"."""
    return or_empty(ctx, "toPrettyJson", value, INDENT)


@FAMILY.add("mustToPrettyJson", ANY, uses_context=True)
def must_to_pretty_json(ctx: Context, value: Any) -> str:
    r"""JSON in lines, or an error: `sprig.mustToPrettyJson([1])` is "[\n  1\n]"."""
    return encoded(ctx, "mustToPrettyJson", value, indent=INDENT)


@FAMILY.add("toRawJson mustToRawJson", ANY, uses_context=True)
def to_raw_json(ctx: Context, value: Any) -> str:
    """JSON without escapes for HTML: `sprig.toRawJson("<a>")` is `"<a>"`."""
    return encoded(ctx, "toRawJson", value, html_escape=False)


@FAMILY.add("fromJson", STRING)
def from_json(text: str) -> Any:
    """The value of a JSON text, nil where it is wrong: `sprig.fromJson("[1]")` is [1.0]."""
    try:
        return read_json(text)[0]
    except LimitExceeded:
        raise
    except LanguageError:
        return None


@FAMILY.add("mustFromJson", STRING)
def must_from_json(text: str) -> Any:
    """The value of a JSON text, or an error: `sprig.mustFromJson("[1]")` is [1.0]."""
    return decode_json(text)
