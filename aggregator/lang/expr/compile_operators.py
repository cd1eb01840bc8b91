"""Closures of the operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang import regex
from aggregator.lang.expr import ast, operators
from aggregator.lang.expr.frame import LONG_TEXT
from aggregator.lang.expr.operators import type_name, whole
from aggregator.lang.govalue import NIL_LISTS, wrap64

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.lang.expr.frame import Frame

    Code = Callable[[Frame], Any]

LONG_ROW: Final = 20
PARTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "contains": lambda text, part: part in text,
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
}


LOGIC: Final = {"and": False, "&&": False, "or": True, "||": True}
"""The value of the left side that decides."""


def not_boolean(value: Any, what: str) -> LanguageError:
    return LanguageError(f"{what} is a bool, not {type_name(value)}", kind="type", hint="compare it: x == y, x != nil")


def is_nil(value: Any) -> bool:
    """Whether Go's nil check holds; a list that was never made is nil too."""
    return value is None or type(value) in NIL_LISTS


class OperatorCode:
    """The part of the compiler that makes operators."""

    typed: Mapping[ast.Node, str]
    variables: set[str]
    constants: Mapping[str, Any]
    lets: list[tuple[str, int]]

    code: Callable[[ast.Node], Code]
    located: Callable[[ast.Node], Callable[[LanguageError], LanguageError]]

    def unary(self, node: ast.Unary) -> Code:
        inner, locate = self.code(node.node), self.located(node)
        if node.op == "+":
            return inner

        def negative(f: Frame) -> Any:
            try:
                return operators.negate(inner(f))
            except LanguageError as e:
                raise locate(e) from None

        def negated(f: Frame) -> Any:
            value = inner(f)
            if value is True:
                return False
            if value is False:
                return True
            raise locate(not_boolean(value, "the operand of not"))

        return negative if node.op == "-" else negated

    def binary(self, node: ast.Binary) -> Code:
        """One operator; a long row of them becomes a loop, so that no depth of calls grows with it."""
        row = [node]
        while isinstance(row[-1].left, ast.Binary):
            row.append(row[-1].left)
        left = self.code(row[-1].left)
        row.reverse()
        if len(row) > 1 and len({LOGIC.get(one.op) for one in row}) == 1 and row[0].op in LOGIC:
            return self.logic_row(row, left)
        if len(row) < LONG_ROW:
            for one in row:
                left = self.operator(one, left)
            return left
        held: list[Any] = [None]
        steps = [self.operator(one, lambda _: held[0]) for one in row]

        def run(f: Frame) -> Any:
            value = left(f)
            for step in steps:
                held[0] = value
                value = step(f)
            held[0] = None
            return value

        return run

    def variable_and_member(self, node: ast.Node) -> tuple[str, str]:
        """The names of `variable.member`, the commonest operand of all, or two empty texts."""
        if isinstance(node, ast.Member) and not node.optional and isinstance(node.node, ast.Ident):
            name, key = node.node.name, node.prop.value if isinstance(node.prop, ast.Literal) else None
            if isinstance(key, str) and name in self.variables and name not in self.constants and not self.hidden(name):
                return name, key
        return "", ""

    def operator(self, node: ast.Binary, left: Code) -> Code:
        op, locate = node.op, self.located(node)
        if op in ("==", "!="):
            return self.equality(node, left)
        if op in ("and", "&&", "or", "||"):
            return self.logic(node, left)
        if op == "matches":
            return self.matches(node, left)
        right = self.code(node.right)
        if op == "??":
            return lambda f: right(f) if (value := left(f)) is None or is_nil(value) else value
        if op == "..":
            return self.range(node, left, right)
        if op == "in":
            return self.membership(node, left, right)
        if op in PARTS:
            return self.part(node, left, right)
        function = operators.ARITHMETIC.get(op) or operators.COMPARE[op]

        def run(f: Frame) -> Any:
            a, b = left(f), right(f)
            try:
                result = function(a, b)
                return f.made(result) if type(result) is str else result
            except LanguageError as e:
                raise locate(e) from None

        return run

    def equality(self, node: ast.Binary, left: Code) -> Code:
        """`==` and `!=`; where both types are known to be int or string, a nil that comes all the same is an error."""
        right, locate, wanted = self.code(node.right), self.located(node), node.op == "=="
        known = {"int": int, "string": str}.get(self.typed.get(node, ""))
        equal = operators.equal

        def compare(a: Any, b: Any, f: Frame) -> bool:
            try:
                if known and not (isinstance(a, known) and isinstance(b, known)):
                    odd = type_name(b if isinstance(a, known) else a)
                    raise LanguageError(f"a value of type {odd} came where {known.__name__} was sure", kind="type")
                return equal(a, b, f.step) is wanted
            except LanguageError as e:
                raise locate(e) from None

        def run(f: Frame) -> bool:
            a, b = left(f), right(f)
            kind = type(a)
            if kind is type(b) and (kind is str or kind is int):
                return (a == b) is wanted
            return compare(a, b, f)

        literal = node.right.value if isinstance(node.right, ast.Literal) else None
        kind_of_literal = type(literal)
        if kind_of_literal is not str and kind_of_literal is not int:
            return run

        def quick(f: Frame) -> bool:
            value = left(f)
            return (value == literal) is wanted if type(value) is kind_of_literal else compare(value, literal, f)

        name, key = self.variable_and_member(node.left)

        def quickest(f: Frame) -> bool:
            base = f.env[name]
            if type(base) is dict:
                value = base.get(key)
                if type(value) is kind_of_literal:
                    return (value == literal) is wanted
            return quick(f)

        return quickest if name else quick

    def logic(self, node: ast.Binary, left: Code) -> Code:
        """The left side must be a bool; where it does not decide, the right side is the value, whatever it is."""
        right, locate, deciding = self.code(node.right), self.located(node), LOGIC[node.op]

        def run(f: Frame) -> Any:
            value = left(f)
            if value is deciding:
                return value
            if value is not True and value is not False:
                raise locate(not_boolean(value, f"the left side of {node.op}"))
            return right(f)

        return run

    def logic_row(self, row: list[ast.Binary], left: Code) -> Code:
        """`a && b && c` in one loop."""
        deciding = LOGIC[row[0].op]
        codes = [left, *[self.code(node.right) for node in row]]
        locates = [self.located(node) for node in row]
        last = codes.pop()

        def run(f: Frame) -> Any:
            for code in codes:
                value = code(f)
                if value is deciding:
                    return value
                if value is not True and value is not False:
                    place = codes.index(code)
                    raise locates[place](not_boolean(value, f"the left side of {row[place].op}"))
            return last(f)

        return run

    def matches(self, node: ast.Binary, left: Code) -> Code:
        locate = self.located(node)
        pattern = node.right.value if isinstance(node.right, ast.Literal) else None
        if isinstance(pattern, str):
            regex.compile_pattern(pattern)
        right = self.code(node.right)

        def run(f: Frame) -> bool:
            text, sought = left(f), right(f)
            if is_nil(text) or is_nil(sought):
                return False
            try:
                if not isinstance(sought, str) or not isinstance(text, (str, bytes)):
                    raise operators.mismatch("matches", text, sought)
                f.weigh(text)
                return regex.matches(sought, text)
            except LanguageError as e:
                raise locate(e) from None

        return run

    def part(self, node: ast.Binary, left: Code, right: Code) -> Code:
        """contains, startsWith, endsWith: false where a side is nil."""
        holds, locate, op = PARTS[node.op], self.located(node), node.op

        def run(f: Frame) -> bool:
            a, b = left(f), right(f)
            if type(a) is str and type(b) is str:
                f.weigh(a)
                return holds(a, b)
            if is_nil(a) or is_nil(b):
                return False
            try:
                raise operators.mismatch(op, a, b)
            except LanguageError as e:
                raise locate(e) from None

        literal = node.right.value if isinstance(node.right, ast.Literal) else None
        if op != "contains" or not isinstance(literal, str):
            return run

        name, key = self.variable_and_member(node.left)
        if not name:
            return run

        def quick(f: Frame) -> bool:
            base = f.env[name]
            if type(base) is dict:
                text = base.get(key)
                if type(text) is str and len(text) <= LONG_TEXT:
                    return literal in text
            return run(f)

        return quick

    def membership(self, node: ast.Binary, left: Code, right: Code) -> Code:
        locate, holds = self.located(node), operators.contains
        strings = self.typed.get(node) == "set"

        def run(f: Frame) -> bool:
            needle, haystack = left(f), right(f)
            try:
                if strings and not isinstance(needle, str):
                    if needle is not None:
                        raise LanguageError(f"{type_name(needle)} cannot be in a list of strings", kind="type")
                    needle = ""
                if isinstance(haystack, (list, bytes)):
                    f.step(len(haystack))
                return holds(needle, haystack, f.step)
            except LanguageError as e:
                raise locate(e) from None

        if isinstance(node.right, ast.Ident) and node.right.name == "$env" and not self.hidden("$env"):
            constants = self.constants

            def known(f: Frame) -> bool:
                name = left(f)
                if isinstance(name, str) or name is None:
                    return (name or "") in f.env or (name or "") in constants
                return run(f)

            return known
        return run

    def hidden(self, name: str) -> bool:
        return any(known == name for known, _ in self.lets)

    def range(self, node: ast.Binary, left: Code, right: Code) -> Code:
        locate, made = self.located(node), operators.integers

        def run(f: Frame) -> list[int]:
            try:
                low, high = whole(left(f), "the start of a range"), whole(right(f), "the end of a range")
                f.charge(max(0, wrap64(high - low + 1)))
                return made(low, high)
            except LanguageError as e:
                raise locate(e) from None

        return run
