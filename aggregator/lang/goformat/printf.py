"""Go's fmt.Sprintf: verbs, flags, widths, argument indexes, and the texts it prints for mistakes."""

from __future__ import annotations

import re
from typing import Any

from aggregator.errors import LimitExceeded
from aggregator.lang.goformat.values import go_value
from aggregator.lang.goformat.verbs import Directive, plain_number, render
from aggregator.lang.govalue import go_type

NUMBER_MAX = 1_000_000  # Go takes no larger width or precision
OUTPUT_MAX = 10_000_000
DIGITS = re.compile(r"[0-9]+")
LITERAL = re.compile(r"[^%]+")


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
