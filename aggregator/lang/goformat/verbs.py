"""One value by one printf verb: integers, floats, texts, bytes and collections, with their flags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.errors import LimitExceeded
from aggregator.lang.goformat.floats import format_float
from aggregator.lang.goformat.quoting import REPLACEMENT, can_backquote, go_quote, printable, quote_rune
from aggregator.lang.goformat.values import sorted_keys
from aggregator.lang.gostring import to_bytes
from aggregator.lang.govalue import GoObject, go_type

STRINGABLE = "vsxXq"


@dataclass(slots=True)
class Directive:
    """The flags, width and precision of one verb."""

    sharp: bool = False
    zero: bool = False
    plus: bool = False
    minus: bool = False
    space: bool = False
    sharp_v: bool = False
    width: int | None = None
    precision: int | None = None

    def pad(self, text: str, *, zero: bool | None = None) -> str:
        """The text filled to the width, counted in characters."""
        if self.width is None or len(text) >= self.width:
            return text
        fill = "0" if (self.zero if zero is None else zero) and not self.minus else " "
        return text.ljust(self.width, fill) if self.minus else text.rjust(self.width, fill)


def render(value: Any, verb: str, d: Directive) -> str:
    """One value by a verb."""
    if value is None:
        return d.pad("<nil>") if verb in "vT" else bad_verb(value, verb, d)
    if verb == "T":
        return in_string(go_type(value), "s", d) or ""
    text = element(value, verb, d, depth=0)
    return text if text is not None else bad_verb(value, verb, d)


def bad_verb(value: Any, verb: str, d: Directive) -> str:
    """The text for a verb that does not fit; the value inside is printed with the same flags, without its methods."""
    if value is None:
        return f"%!{verb}(<nil>)"
    return f"%!{verb}({go_type(value)}={element(plain_number(value), 'v', d, depth=0)})"


def plain_number(value: Any) -> Any:
    """The number in a duration, month or weekday; anything else as it is."""
    return value.go_json() if isinstance(value, GoObject) and value.GO_KIND in ("int", "int64") else value


def element(value: Any, verb: str, d: Directive, *, depth: int) -> str | None:
    """The value by the verb, or None where the verb does not fit its type."""
    if depth > 200:
        raise LimitExceeded("depth", "the value is nested too deep to print")
    if isinstance(value, GoObject):
        if verb in STRINGABLE and not d.sharp_v:
            return in_string(value.go_string(), verb, d)
        number = plain_number(value)
        return in_integer(number, verb, d) if isinstance(number, int) else None
    if isinstance(value, bool):
        return d.pad("true" if value else "false") if verb in "tv" else None
    if isinstance(value, int):
        return in_integer(value, verb, d)
    if isinstance(value, float):
        return in_float(value, verb, d)
    if isinstance(value, str):
        return in_string(value, verb, d)
    if isinstance(value, bytes):
        return in_bytes(value, verb, d)
    if isinstance(value, (list, Mapping)):
        return collection(value, verb, d, depth)
    return None


def collection(value: Any, verb: str, d: Directive, depth: int) -> str:
    """A list or map: the verb goes to each element."""

    def inner(item: Any) -> str:
        if item is None:
            return f"{go_type([])[2:]}(nil)" if d.sharp_v else "<nil>"
        text = element(item, verb, d, depth=depth + 1)
        return text if text is not None else bad_verb(item, verb, d)

    if isinstance(value, list):
        texts = [inner(item) for item in value]
        return f"{go_type(value)}{{{', '.join(texts)}}}" if d.sharp_v else f"[{' '.join(texts)}]"
    texts = [f"{inner(key)}:{inner(value[key])}" for key in sorted_keys(value)]
    return f"{go_type(value)}{{{', '.join(texts)}}}" if d.sharp_v else f"map[{' '.join(texts)}]"


def in_integer(value: int, verb: str, d: Directive) -> str | None:
    if verb in "cqU":
        code = value if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else ord(REPLACEMENT)
        if verb == "c":
            return d.pad(chr(code))
        if verb == "q":
            return d.pad(quote_rune(code, ascii_only=d.plus))
        return unicode_form(value, d)
    base = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}.get(verb)
    if base is None:
        return None
    sign = "-" if value < 0 else "+" if d.plus else " " if d.space else ""
    digits = format(abs(int(value)), base)
    if d.precision is not None:
        if d.precision == 0 and value == 0:
            return " " * (d.width or 0)
        digits = digits.rjust(d.precision, "0")
    elif d.zero and not d.minus and d.width is not None:
        digits = digits.rjust(d.width - len(sign), "0")
    if d.sharp:
        prefix = {"b": "0b", "x": "0x", "X": "0X", "o": "" if digits[0] == "0" else "0"}.get(base, "")
        digits = prefix + digits
    if verb == "O":
        digits = "0o" + digits
    return d.pad(sign + digits, zero=False)


def unicode_form(value: int, d: Directive) -> str:
    number = value % (1 << 64)
    digits = f"{number:X}".rjust(max(4, d.precision or 0), "0")
    text = f"U+{digits}"
    if d.sharp and number <= 0x10FFFF and printable(chr(number)):
        text += f" '{chr(number)}'"
    return d.pad(text, zero=False)


def in_float(value: float, verb: str, d: Directive) -> str | None:
    form = "g" if verb == "v" else "f" if verb == "F" else verb
    if form not in "bgGxXfeE":
        return None
    precision = d.precision if d.precision is not None else 6 if form in "feE" else -1
    text = format_float(value, form, precision)
    sign = text[0] if text[0] in "+-" else "+"
    digits = text.removeprefix(sign)
    if digits in ("Inf", "NaN"):
        shown = sign if sign == "-" or d.plus or (digits == "Inf" and not d.space) else " " if d.space else ""
        return d.pad((shown if digits == "NaN" or sign == "-" or d.plus or d.space else "+") + digits, zero=False)
    if d.sharp and form != "b":
        digits = with_point(digits, form, precision)
    sign = "-" if sign == "-" else "+" if d.plus else " " if d.space else ""
    if sign and d.zero and not d.minus and d.width is not None:
        digits = digits.rjust(d.width - 1, "0")
    return d.pad(sign + digits)


def with_point(digits: str, form: str, precision: int) -> str:
    """The # flag: a point always, and for %g the trailing zeros."""
    tail_at = re.search("[pP]" if form in "xX" else "[eEpP]", digits)
    body, tail = (digits[: tail_at.start()], digits[tail_at.start() :]) if tail_at else (digits, "")
    wanted = (6 if precision == -1 else precision) if form in "gGx" else 0
    significant = body.replace(".", "").lstrip("0")
    wanted -= len(significant)
    if "." not in body:
        wanted -= body == "0"
        body += "."
    return body + "0" * max(0, wanted) + tail


def in_string(text: str, verb: str, d: Directive) -> str | None:
    if verb in "xX":
        return in_hex(to_bytes(text), verb, d)
    if verb not in "vsq":
        return None
    if d.precision is not None:
        text = text[: d.precision]
    if verb == "q" or d.sharp_v:
        if d.sharp and can_backquote(text):
            return d.pad(f"`{text}`")
        return d.pad(go_quote(text, ascii_only=d.plus))
    return d.pad(text)


def in_bytes(data: bytes, verb: str, d: Directive) -> str | None:
    if verb in "xX":
        return in_hex(data, verb, d)
    if verb in "sq":
        return in_string(data.decode("utf-8", "surrogateescape"), verb, d)
    if d.sharp_v:
        return "[]byte{" + ", ".join(f"{byte:#x}" for byte in data) + "}"
    texts = [in_integer(byte, "d" if verb == "v" else verb, d) for byte in data]
    kept = [
        text if text is not None else f"%!{verb}(uint8={in_integer(byte, 'd', d)})"
        for text, byte in zip(texts, data, strict=True)
    ]
    return "[" + " ".join(kept) + "]"


def in_hex(data: bytes, verb: str, d: Directive) -> str:
    """Bytes as hexadecimal pairs; a space flag parts them, # puts 0x before them."""
    if d.precision is not None:
        data = data[: d.precision]
    pairs = [f"{byte:02{verb}}" for byte in data]
    mark = f"0{verb}" if d.sharp and pairs else ""
    text = " ".join(mark + pair for pair in pairs) if d.space else mark + "".join(pairs)
    return d.pad(text)
