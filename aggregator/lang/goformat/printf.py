"""Go's fmt.Sprintf: verbs, flags, widths, argument indexes, and the texts it prints for mistakes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.errors import LimitExceeded
from aggregator.lang.goformat.floats import format_float
from aggregator.lang.goformat.quoting import REPLACEMENT, can_backquote, go_quote, printable, quote_rune
from aggregator.lang.goformat.values import go_value, sorted_keys
from aggregator.lang.gostring import to_bytes
from aggregator.lang.govalue import GoObject, go_type

NUMBER_MAX = 1_000_000  # Go takes no larger width or precision
OUTPUT_MAX = 10_000_000
STRINGABLE = "vsxXq"
DIGITS = re.compile(r"[0-9]+")
LITERAL = re.compile(r"[^%]+")


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


def sprintf(template: str, *args: Any) -> str:
    """Go's `fmt.Sprintf`: `sprintf("%03d-%s", 7, "a") == "007-a"`, `sprintf("%d", "x") == "%!d(string=x)"`."""
    return Printer(template, args).run()


class Printer:
    """One call: a place in the template and a place in the arguments."""

    def __init__(self, template: str, args: tuple[Any, ...]) -> None:
        self.template = template
        self.args = args
        self.at = 0
        self.arg = 0
        self.reordered = False
        self.good_index = True
        self.after_index = False
        self.out: list[str] = []
        self.size = 0

    def emit(self, text: str) -> None:
        self.size += len(text)
        if self.size > OUTPUT_MAX:
            raise LimitExceeded("text_size", f"the formatted text would be longer than {OUTPUT_MAX:,} characters")
        self.out.append(text)

    def run(self) -> str:
        while self.at < len(self.template):
            literal = LITERAL.match(self.template, self.at)
            if literal:
                self.emit(literal[0])
                self.at = literal.end()
                continue
            self.at += 1
            if not self.directive():
                break
        if not self.reordered and self.arg < len(self.args):
            rest = ", ".join(f"{go_type(a)}={go_value(a)}" if a is not None else "<nil>" for a in self.args[self.arg :])
            self.emit(f"%!(EXTRA {rest})")
        return "".join(self.out)

    def peek(self) -> str:
        return self.template[self.at : self.at + 1]

    def directive(self) -> bool:
        """Read one verb behind its % and print its argument; False where the template ends before the verb."""
        d = Directive()
        self.good_index = True
        self.after_index = False
        while (flag := self.peek()) and flag in "#0+- ":
            name = {"#": "sharp", "0": "zero", "+": "plus", "-": "minus", " ": "space"}[flag]
            setattr(d, name, True)
            self.at += 1
        self.after_index = self.argument_index()
        self.read_width(d)
        self.read_precision(d)
        if not self.after_index:
            self.after_index = self.argument_index()
        verb = self.peek()
        if not verb:
            self.emit("%!(NOVERB)")
            return False
        self.at += 1
        if verb == "%":
            self.emit("%")
        elif not self.good_index:
            self.emit(f"%!{verb}(BADINDEX)")
        elif self.arg >= len(self.args):
            self.emit(f"%!{verb}(MISSING)")
        else:
            if verb == "v":
                d.sharp_v, d.sharp, d.plus = d.sharp, False, False
            self.emit(render(self.args[self.arg], verb, d))
            self.arg += 1
        return True

    def argument_index(self) -> bool:
        """Read `[n]` where it stands; whether there was a bracket that could be read."""
        if self.peek() != "[":
            return False
        self.reordered = True
        close = self.template.find("]", self.at)
        if len(self.template) - self.at < 3 or close < 0:
            self.at += 1
            self.good_index = False
            return False
        inside = self.template[self.at + 1 : close]
        self.at = close + 1
        if not DIGITS.fullmatch(inside) or int(inside[:9]) > 10 * NUMBER_MAX:
            self.good_index = False
            return False
        index = int(inside) - 1
        if 0 <= index < len(self.args):
            self.arg = index
        else:
            self.good_index = False
        return True

    def number(self) -> int | None:
        match = DIGITS.match(self.template, self.at)
        if match is None:
            return None
        self.at = match.end()
        digits = match[0].lstrip("0") or "0"
        if len(digits) > 8 or int(digits) > 10 * NUMBER_MAX:
            self.at = len(self.template)  # Go gives up on such a number, and with it on the template
            return None
        return int(digits)

    def star(self) -> int | None:
        """The argument that `*` stands for, where it is an integer of a sensible size."""
        self.at += 1
        self.after_index = False
        if self.arg >= len(self.args):
            return None
        value = plain_number(self.args[self.arg])
        self.arg += 1
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > NUMBER_MAX:
            return None
        return value

    def read_width(self, d: Directive) -> None:
        if self.peek() == "*":
            d.width = self.star()
            if d.width is None:
                self.emit("%!(BADWIDTH)")
            elif d.width < 0:
                d.width, d.minus, d.zero = -d.width, True, False
        else:
            d.width = self.number()
            if self.after_index and d.width is not None:
                self.good_index = False

    def read_precision(self, d: Directive) -> None:
        if self.peek() != "." or self.at + 1 >= len(self.template):
            return
        self.at += 1
        if self.after_index:
            self.good_index = False
        self.after_index = self.argument_index()
        if self.peek() == "*":
            d.precision = self.star()
            if d.precision is None or d.precision < 0:
                d.precision = None
                self.emit("%!(BADPREC)")
        else:
            d.precision = self.number() or 0


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
