"""The static check of operators: which types each takes, and what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.errors import LanguageError
from aggregator.lang import regex
from aggregator.lang.expr import ast
from aggregator.lang.expr.natures import (
    ANY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    KEYS,
    NIL,
    STRING,
    TIME,
    UNKNOWN,
    Nature,
    list_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# What an unknown operand may meet on the other side of an operator.
ARITHMETIC: Final = {
    "+": ("number", "string", "time", "duration"),
    "-": ("number", "time", "duration"),
    "*": ("number", "duration"),
    "/": ("number",),
    "**": ("number",),
    "^": ("number",),
    "%": ("integer",),
    "..": ("integer",),
    "<": ("number", "string", "time", "duration"),
    "matches": ("string",),
    "contains": ("string",),
    "and": ("bool",),
}
SAME: Final = {"<=": "<", ">": "<", ">=": "<", "startsWith": "contains", "endsWith": "contains"} | dict.fromkeys(
    ("&&", "or", "||"), "and"
)
RESULTS: Final[dict[str, Nature]] = {
    "<": BOOL, "matches": BOOL, "contains": BOOL, "and": BOOL, "/": FLOAT, "**": FLOAT, "^": FLOAT, "%": INT,
    "..": list_of(INT), "+": UNKNOWN, "-": UNKNOWN, "*": UNKNOWN,
}  # fmt: skip
# Pairs of known types that an operator takes besides two numbers or two strings, and what comes out.
PAIRS: Final[dict[tuple[str, str, str], Nature]] = {
    ("+", "time.Time", "time.Duration"): TIME,
    ("+", "time.Duration", "time.Time"): TIME,
    ("+", "time.Duration", "time.Duration"): DURATION,
    ("-", "time.Time", "time.Time"): DURATION,
    ("-", "time.Time", "time.Duration"): TIME,
    ("-", "time.Duration", "time.Duration"): DURATION,
    ("*", "time.Duration", "time.Duration"): DURATION,
    ("<", "time.Time", "time.Time"): BOOL,
    ("<", "time.Duration", "time.Duration"): BOOL,
    ("<", "string", "string"): BOOL,
    ("+", "string", "string"): STRING,
    ("matches", "string", "string"): BOOL,
    ("matches", "[]uint8", "string"): BOOL,
    ("contains", "string", "string"): BOOL,
    ("and", "bool", "bool"): BOOL,
}


def fits(nature: Nature, what: str) -> bool:
    """Whether a known type is of the sort."""
    match what:
        case "number":
            return nature.number
        case "integer":
            return nature.integer
        case "string":
            return nature is STRING
        case "bool":
            return nature is BOOL
        case "time":
            return nature is TIME
    return nature is DURATION


class OperatorChecks:
    """The part of the checker that knows the operators."""

    text: str
    typed: dict[ast.Node, str]

    visit: Callable[[ast.Node], Nature]
    error: Callable[..., LanguageError]

    def unary(self, node: ast.Unary) -> Nature:
        nature = self.visit(node.node)
        if node.op in ("!", "not"):
            if nature is BOOL or nature.unknown:
                return BOOL
        elif nature.number:
            return nature
        elif nature.unknown:
            return UNKNOWN
        raise self.error(node, f"{node.op!r} does not work on {nature}")

    def binary(self, node: ast.Binary) -> Nature:
        """A row of operators of one level grows to the left: it is walked, not recursed into."""
        row = [node]
        while isinstance(row[-1].left, ast.Binary):
            row.append(row[-1].left)
        nature = self.visit(row[-1].left)
        for one in reversed(row):
            nature = self.operator(one, nature, self.visit(one.right))
        return nature

    def operator(self, node: ast.Binary, left: Nature, right: Nature) -> Nature:
        if node.op in ("==", "!="):
            if left.comparable(right):
                if left is right and left in (INT, STRING):
                    self.typed[node] = left.name
                return BOOL
        elif node.op == "??":
            if left is NIL or right is NIL:
                return right if left is NIL else left
            return left if right.assignable(left) else UNKNOWN
        elif node.op == "in":
            if self.membership(node, left, right):
                if left is INT:
                    self.typed[node] = "int"
                return BOOL
        else:
            if node.op == "matches" and isinstance(node.right, ast.Literal) and isinstance(node.right.value, str):
                self.pattern(node.right)
            result = self.arithmetic(SAME.get(node.op, node.op), left, right)
            if result is not None:
                return result
        hint = ""
        if {left.name, right.name} == {"string", "int"} or {left.name, right.name} == {"string", "float64"}:
            hint = "convert one side: int(x), float(x) or string(x)"
        elif node.op == "in" and right is STRING:
            hint = "use contains for a part of a string"
        raise self.error(node, f"{node.op!r} does not work between {left} and {right}", hint=hint)

    def arithmetic(self, op: str, left: Nature, right: Nature) -> Nature | None:
        """What the operator gives, or None where it takes no such operands."""
        found = PAIRS.get((op, left.name, right.name))
        if found is not None:
            return found
        takes = ARITHMETIC[op]
        if left.unknown or right.unknown:
            other = right if left.unknown else left
            return RESULTS[op] if other.unknown or any(fits(other, what) for what in takes) else None
        if (left.integer and right.integer) or ("number" in takes and left.number and right.number):
            if op in ("+", "-", "*"):
                return INT if left.integer and right.integer else FLOAT
            return RESULTS[op] if op not in ("and", "matches", "contains") else None
        if op == "*" and DURATION in (left, right) and (left.number or right.number):
            return DURATION
        return None

    def pattern(self, node: ast.Literal) -> None:
        try:
            regex.compile_pattern(node.value)
        except LanguageError as e:
            e.text, e.start, e.end = self.text, node.start, node.end
            raise

    def membership(self, node: ast.Binary, left: Nature, right: Nature) -> bool:
        if right.kind == "struct":
            return left is STRING or left.unknown
        if right.kind == "map":
            key = KEYS.get(right.name, ANY)
            if not left.unknown and not left.assignable(key):
                raise self.error(node, f"{left} cannot be a key of a map, its keys are {key}")
            return True
        if right.list:
            if not left.comparable(right.elements()):
                raise self.error(node, f"{left} cannot be in a list of {right.elements()}")
            return True
        return right.unknown or (left.unknown and right is STRING)
