"""Values of the small languages as JSON: floats keep their point, and what JSON lacks has a `$` form, both ways."""

from __future__ import annotations

import json
import math
from base64 import b64decode, b64encode
from json.encoder import encode_basestring
from typing import Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.gostring import from_bytes, has_escapes, to_bytes
from aggregator.lang.gotime import RFC3339_NANO, Duration, Time, format_time, parse_duration, parse_time
from aggregator.lang.govalue import AnyMap, GoObject

MAX_DEPTH: Final = 400
FORMS: Final = frozenset(("$time", "$duration", "$float", "$bytes", "$bin", "$map"))
FLOATS: Final = {"NaN": math.nan, "+Inf": math.inf, "Inf": math.inf, "-Inf": -math.inf}


def to_json(value: Any) -> str:
    """JSON text of a value: `to_json([1, 1.0, Duration(10**9)]) == '[1,1.0,{"$duration":"1s"}]'`."""
    return "".join(_parts(value, 0))


def _parts(value: Any, depth: int) -> list[str]:
    if depth > MAX_DEPTH:
        raise LanguageError(f"the value is nested more than {MAX_DEPTH} levels deep", kind="limit")
    if isinstance(value, str):
        if has_escapes(value):
            return [_form("$bin", b64encode(to_bytes(value)).decode())]
        return [encode_basestring(value)]
    if value is None:
        return ["null"]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, int):
        return [int.__repr__(value)]
    if isinstance(value, float):
        return [_float(value)]
    if isinstance(value, dict):
        return _map(value, depth)
    if isinstance(value, (list, tuple)):
        return _joined("[", [_parts(item, depth + 1) for item in value], "]")
    return [_object(value, depth)]


def _object(value: Any, depth: int) -> str:
    if isinstance(value, bytes):
        return _form("$bytes", b64encode(value).decode())
    if isinstance(value, Duration):
        return _form("$duration", value.go_string())
    if isinstance(value, Time):
        return _form("$time", format_time(value, RFC3339_NANO))
    if isinstance(value, GoObject):
        return "".join(_parts(value.go_json(), depth + 1))
    raise LanguageError("the value is a function, which has no JSON form", kind="type", hint="call it: name(...)")


def _map(value: dict[Any, Any], depth: int) -> list[str]:
    if all(isinstance(key, str) for key in value):
        entries = [[encode_basestring(key), ":", *_parts(value[key], depth + 1)] for key in sorted(value)]
        return _joined("{", entries, "}")
    pairs = sorted(("".join(_parts(key, depth + 1)), key) for key in value)
    entries = [["[", text, ",", *_parts(value[key], depth + 1), "]"] for text, key in pairs]
    return ['{"$map":', *_joined("[", entries, "]"), "}"]


def _joined(opening: str, entries: list[list[str]], closing: str) -> list[str]:
    out = [opening]
    for i, entry in enumerate(entries):
        if i:
            out.append(",")
        out += entry
    out.append(closing)
    return out


def _float(value: float) -> str:
    if math.isfinite(value):
        return float.__repr__(value)
    return _form("$float", "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf")


def _form(name: str, text: str) -> str:
    return f"{{{encode_basestring(name)}:{encode_basestring(text)}}}"


def from_json(value: Any) -> Any:
    """A value parsed from JSON, with the `$` forms in it replaced by what they stand for."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key in FORMS:
            return _from_form(key, inner)
    return {key: from_json(inner) for key, inner in value.items()}


def _from_form(name: str, inner: Any) -> Any:
    try:
        match name:
            case "$time":
                return parse_time(RFC3339_NANO, inner)
            case "$duration":
                return parse_duration(inner)
            case "$float":
                return FLOATS[inner]
            case "$bytes":
                return b64decode(inner, validate=True)
            case "$bin":
                return from_bytes(b64decode(inner, validate=True))
        return AnyMap((from_json(key), from_json(item)) for key, item in inner)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise LanguageError(f"{name} cannot be {json.dumps(inner)[:80]}", kind="value") from None
