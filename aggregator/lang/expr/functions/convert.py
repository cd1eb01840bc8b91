"""Builtins that turn a value into another type: int, float, string, type, JSON and base64."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import gostring
from aggregator.lang.expr.frame import nested
from aggregator.lang.expr.functions.arguments import string
from aggregator.lang.expr.operators import is_number, truncate, type_name
from aggregator.lang.goformat import go_value, json_text
from aggregator.lang.gonumber import parse_float, parse_int
from aggregator.lang.gotime import Zone
from aggregator.lang.gotime.names import Named
from aggregator.lang.govalue import GoObject, Uint8

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.lang.expr.frame import Frame
    from aggregator.lang.gotime import Duration

BASE64: Final = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
BRACKETS: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def to_int(_: Frame, value: Any) -> int:
    """An int; a float is cut towards zero, a text must be a plain decimal."""
    if isinstance(value, float):
        return truncate(value)
    if is_number(value):
        return int(value)
    if isinstance(value, str):
        number = parse_int(value)
        if number is None:
            raise LanguageError(
                f"int cannot read {value[:80]!r}", hint="a text must be a plain decimal number such as 42 or -7"
            )
        return number
    if isinstance(value, Named):
        return value.number
    duration: Any = value
    if isinstance(value, GoObject) and value.GO_TYPE == "time.Duration":
        return nanoseconds(duration)
    raise LanguageError(f"int takes a number or a string, not {type_name(value)}", kind="type")


def nanoseconds(value: Duration) -> int:
    return value.ns


def to_float(_: Frame, value: Any) -> float:
    if is_number(value):
        return float(value)
    if isinstance(value, str):
        number = parse_float(value)
        if number is None:
            raise LanguageError(f"float cannot read {value[:80]!r}", hint="a number such as 1.5, 2e3 or inf")
        return number
    raise LanguageError(f"float takes a number or a string, not {type_name(value)}", kind="type")


def to_string(frame: Frame, value: Any) -> str:
    """The text that Go prints for a value."""
    if isinstance(value, str):
        return value
    return frame.made(go_value(value))


def type_of(_: Frame, value: Any) -> str:
    """nil, bool, int, uint, float, string, array, map, func, or the full name of a Go type."""
    if isinstance(value, Zone):
        return "time.Location"
    if isinstance(value, GoObject):
        return value.GO_TYPE if value.GO_KIND != "ptr" else "unknown"
    for kinds, name in KIND_NAMES:
        if isinstance(value, kinds):
            return name
    return "func" if callable(value) else "unknown"


KIND_NAMES: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (str, "string"),
    (bool, "bool"),
    (Uint8, "uint"),
    (int, "int"),
    (float, "float"),
    ((list, bytes), "array"),
    (dict, "map"),
    (type(None), "nil"),
)


def to_json(frame: Frame, value: Any) -> str:
    """JSON over several lines."""
    return frame.made(json_text(value, indent="  "))


def compact_json(frame: Frame, value: Any) -> str:
    """Argo's toJson: on one line."""
    nested(value, frame.limits)
    return frame.made(json_text(value))


def from_json(frame: Frame, value: Any) -> Any:
    """The value of a JSON text; all numbers are floats."""
    text = string("fromJSON", value)
    if not text.isascii():
        text = gostring.valid(text)
    depth = deepest = 0
    if text.count("[") + text.count("{") > frame.limits.value_depth:
        for found in BRACKETS.finditer(text):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
            deepest = max(deepest, depth)
    if deepest > frame.limits.value_depth:
        limit = frame.limits.value_depth
        raise LimitExceeded("value_depth", f"the JSON text is nested more than {limit} levels deep")
    try:
        made = DECODER.decode(text)
    except ValueError as e:
        told = e.msg if isinstance(e, json.JSONDecodeError) else str(e)
        raise LanguageError(f"fromJSON cannot read {text[:80]!r}: {told}") from e
    frame.weigh(text)
    return lone_surrogates_replaced(made) if "\\u" in text else made


def lone_surrogates_replaced(value: Any) -> Any:
    r"""Go reads half of a `\uD83D\uDE00` pair as U+FFFD."""
    if isinstance(value, str):
        return gostring.valid(value)
    if isinstance(value, list):
        return [lone_surrogates_replaced(item) for item in value]
    if isinstance(value, dict):
        return {gostring.valid(key): lone_surrogates_replaced(item) for key, item in value.items()}
    return value


def json_number(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {digits[:40]} is too large")
    return number


def no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


DECODER: Final = json.JSONDecoder(parse_float=json_number, parse_int=json_number, parse_constant=no_constant)


def to_base64(frame: Frame, value: Any) -> str:
    text = string("toBase64", value)
    return frame.made(base64.b64encode(gostring.to_bytes(text)).decode())


def from_base64(_: Frame, value: Any) -> str:
    """Standard base64 with padding; line breaks are skipped."""
    text = string("fromBase64", value)
    data = gostring.to_bytes(text).replace(b"\n", b"").replace(b"\r", b"")
    if not BASE64.fullmatch(data) or len(data) % 4:
        raise LanguageError(f"fromBase64 cannot read {text[:80]!r}: it is not padded standard base64")
    return gostring.from_bytes(base64.b64decode(data))


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "int": to_int,
    "float": to_float,
    "string": to_string,
    "type": type_of,
    "toJSON": to_json,
    "fromJSON": from_json,
    "toBase64": to_base64,
    "fromBase64": from_base64,
}
