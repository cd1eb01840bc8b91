"""Values as Go's encoding/json writes them."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang.goformat.floats import format_float
from aggregator.lang.govalue import NIL_LISTS, AnyMap, GoObject

# Go escapes these in every JSON text, and < > & where the text may stand in HTML.
SPECIAL = re.compile("[\x7f\u2028\u2029\ud800-\udfff]")
HTML = re.compile("[<>&]")


def json_text(value: Any, *, html_escape: bool = True, indent: str | None = None) -> str:
    r"""JSON with sorted keys: `json_text({"b": 1.0, "a": "<"}) == '{"a":"\u003c","b":1}'`.

    Times are RFC 3339, durations nanoseconds, bytes base64; NaN, infinities and maps with keys of any type are errors.
    """
    try:
        return "".join(_parts(value, html_escape, indent, "\n"))
    except RecursionError:
        raise LimitExceeded("depth", "the value is nested too deep for JSON") from None


def json_string(text: str, *, html_escape: bool = True) -> str:
    """One string in JSON's quotes."""
    quoted = encode_basestring(text)
    if not quoted.isascii() or "\x7f" in quoted:
        quoted = SPECIAL.sub(_escape, quoted)
    return HTML.sub(_escape, quoted) if html_escape else quoted


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char == "\x7f":
        return char
    return "\\ufffd" if "\ud800" <= char <= "\udfff" else f"\\u{ord(char):04x}"


def json_float(value: float) -> str:
    """A float in Go's JSON form: an exponent below 1e-6 and from 1e21 on, without leading zeros."""
    if math.isnan(value) or math.isinf(value):
        raise LanguageError(f"{format_float(value)} has no JSON form")
    size = abs(value)
    if size != 0 and (size < 1e-6 or size >= 1e21):
        return re.sub(r"e-0(\d)$", r"e-\1", format_float(value, "e"))
    return format_float(value, "f")


def _parts(value: Any, html: bool, indent: str | None, newline: str) -> list[str]:
    if isinstance(value, str):
        return [json_string(value, html_escape=html)]
    if value is None:
        return ["null"]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, int):
        return [int.__repr__(value)]
    if isinstance(value, float):
        return [json_float(value)]
    if isinstance(value, (list, Mapping)):
        return _collection(value, html, indent, newline)
    if isinstance(value, bytes):
        return [f'"{b64encode(value).decode()}"']
    if isinstance(value, GoObject):
        return _parts(value.go_json(), html, indent, newline)
    raise LanguageError("a function has no JSON form", kind="type")


def _collection(value: Any, html: bool, indent: str | None, newline: str) -> list[str]:
    is_list = isinstance(value, list)
    if isinstance(value, AnyMap):
        raise LanguageError("a map whose keys may be of any type (groupBy, fromPairs) has no JSON form", kind="type")
    if isinstance(value, NIL_LISTS):
        return ["null"]
    if not value:
        return ["[]" if is_list else "{}"]
    inner = newline + indent if indent is not None else ""
    out = ["[" if is_list else "{"]
    colon = ":" if indent is None else ": "
    for item in value if is_list else sorted(value):
        if len(out) > 1:
            out.append(",")
        out.append(inner)
        if is_list:
            out.extend(_parts(item, html, indent, inner))
        else:
            out.append(json_string(item, html_escape=html) + colon)
            out.extend(_parts(value[item], html, indent, inner))
    if indent is not None:
        out.append(newline)
    out.append("]" if is_list else "}")
    return out
