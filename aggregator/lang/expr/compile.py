"""From the tree to closures: each node becomes a function of the frame. Common shapes have shortcuts of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang import regex
from aggregator.lang.expr import ast, operators
from aggregator.lang.expr.calls import Function, fetch, invoke
from aggregator.lang.expr.compile_predicates import PredicateCode
from aggregator.lang.expr.functions import FUNCTIONS
from aggregator.lang.expr.operators import type_name, whole
from aggregator.lang.expr.signatures import OVERLOADS, PREDICATES, RULED
from aggregator.lang.expr.slices import cut
from aggregator.lang.govalue import NilList

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.lang.expr.frame import Frame

    Code = Callable[[Frame], Any]
    Step = Callable[[Any, Frame], Any]

LONG_ROW: Final = 20
# How many arguments a builtin takes where the static check did not look: behind a call of unknown type.
ARITIES: Final[dict[str, tuple[int, int]]] = {
    **{name: (min(map(len, choices)), max(map(len, choices))) for name, (choices, _) in OVERLOADS.items()},
    **dict.fromkeys(RULED, (1, 1)),
    **dict.fromkeys(("max", "min", "mean", "median", "concat"), (1, 10_000)),
    "now": (0, 1),
    "date": (1, 4),
    "take": (2, 2),
    "get": (2, 2),
}


class Stop:
    """What a chain with `?.` gives from a nil on: its end turns it into nil."""


STOP: Final = Stop()


def boolean(value: Any, what: str) -> bool:
    if value is True or value is False:
        return value
    raise LanguageError(f"{what} is a bool, not {type_name(value)}", kind="type", hint="compare it: x == y, x != nil")


class Compiler(PredicateCode):
    """Compiles one optimized tree. `constants` are names with a fixed value: Argo's functions."""

    def __init__(
        self, text: str, variables: set[str], constants: Mapping[str, Any], typed: Mapping[ast.Node, str]
    ) -> None:
        self.text = text
        self.variables = variables
        self.constants = constants
        self.typed = typed
        self.slots = 0
        self.lets: list[tuple[str, int]] = []

    def located(self, node: ast.Node) -> Callable[[LanguageError], LanguageError]:
        """Gives an error that comes from inside its place in this expression."""
        text, start, end = self.text, node.start, node.end

        def locate(error: LanguageError) -> LanguageError:
            if error.text is not text:
                error.text, error.start, error.end = text, start, end
            return error

        return locate

    def code(self, node: ast.Node) -> Code:
        match node:
            case ast.Literal():
                return constant(node.value)
            case ast.Constant():
                value = node.value
                return lambda _: list(value)
            case ast.Ident():
                return self.ident(node)
            case ast.Binary():
                return self.binary(node)
            case ast.Member():
                return self.member(node)
            case ast.Unary():
                return self.unary(node)
            case ast.Builtin():
                return self.builtin(node)
            case ast.Call():
                return self.call(node)
            case ast.Chain():
                inner = self.code(node.node)
                return lambda f: None if (value := inner(f)) is STOP or is_nil(value) else value
            case ast.Pointer():
                return POINTERS[node.name]
            case ast.Array():
                return self.array(node)
            case ast.Map():
                return self.map(node)
            case ast.Conditional():
                return self.conditional(node)
            case ast.Slice():
                return self.slice(node)
            case ast.Let():
                return self.let(node)
            case ast.Sequence():
                return self.sequence(node)
        raise AssertionError(node)

    # names

    def ident(self, node: ast.Ident) -> Code:
        name = node.name
        for known, slot in reversed(self.lets):
            if known == name:
                return lambda f: f.slots[slot]
        if name == "$env":
            constants = self.constants
            return lambda f: {**f.env, **constants}
        if name in self.constants:
            return constant(self.constants[name])
        if name in self.variables:
            return lambda f: f.env[name]
        return constant(None)  # a builtin as a value, or a name behind a call of unknown type

    def let(self, node: ast.Let) -> Code:
        value, slot = self.code(node.value), self.slots
        self.slots += 1
        self.lets.append((node.name, slot))
        body = self.code(node.body)
        self.lets.pop()

        def run(f: Frame) -> Any:
            f.slots[slot] = value(f)
            return body(f)

        return run

    def sequence(self, node: ast.Sequence) -> Code:
        *before, last = [self.code(n) for n in node.nodes]

        def run(f: Frame) -> Any:
            for code in before:
                code(f)
            return last(f)

        return run

    # operators

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
            try:
                return boolean(value, "the operand of not")
            except LanguageError as e:
                raise locate(e) from None

        return negative if node.op == "-" else negated

    def binary(self, node: ast.Binary) -> Code:
        """One operator; a long row of them becomes a loop, so that no depth of calls grows with it."""
        row = [node]
        while isinstance(row[-1].left, ast.Binary):
            row.append(row[-1].left)
        left = self.code(row[-1].left)
        row.reverse()
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
                if type(result) is str:
                    f.made(result)
                return result
            except LanguageError as e:
                raise locate(e) from None

        return run

    def equality(self, node: ast.Binary, left: Code) -> Code:
        """`==` and `!=`; where both types are known to be int or string, a nil that comes all the same is an error."""
        right, locate, wanted = self.code(node.right), self.located(node), node.op == "=="
        known = {"int": int, "string": str}.get(self.typed.get(node, ""))
        equal = operators.equal

        def run(f: Frame) -> bool:
            a, b = left(f), right(f)
            kind = type(a)
            if kind is type(b) and (kind is str or kind is int):
                return (a == b) is wanted
            try:
                if known and not (isinstance(a, known) and isinstance(b, known)):
                    odd = b if isinstance(a, known) else a
                    raise LanguageError(
                        f"a value of type {type_name(odd)} came where {known.__name__} was sure", kind="type"
                    )
                if isinstance(a, (list, dict)):
                    f.weigh(a)
                return equal(a, b) is wanted
            except LanguageError as e:
                raise locate(e) from None

        return run

    def logic(self, node: ast.Binary, left: Code) -> Code:
        """The left side must be a bool; where it does not decide, the right side is the value, whatever it is."""
        right, locate, deciding = self.code(node.right), self.located(node), node.op in ("or", "||")

        def run(f: Frame) -> Any:
            value = left(f)
            if value is deciding:
                return value
            if value is not True and value is not False:
                try:
                    boolean(value, f"the left side of {node.op}")
                except LanguageError as e:
                    raise locate(e) from None
            return right(f)

        return run

    def matches(self, node: ast.Binary, left: Code) -> Code:
        locate = self.located(node)
        pattern = node.right.value if isinstance(node.right, ast.Literal) else None
        if isinstance(pattern, str):
            regex.compile_pattern(pattern)
        right = self.code(node.right)

        def run(f: Frame) -> bool:
            text, sought = left(f), right(f)
            if text is None or sought is None:
                return False
            try:
                if not isinstance(sought, str) or not isinstance(text, (str, bytes)):
                    operators.mismatch("matches", text, sought)
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
                if len(a) > 1024:
                    f.weigh(a)
                return holds(a, b)
            if a is None or b is None:
                return False
            try:
                operators.mismatch(op, a, b)
            except LanguageError as e:
                raise locate(e) from None

        return run

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
                return holds(needle, haystack)
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
                if high >= low:
                    f.charge(high - low + 1)
                return made(low, high)
            except LanguageError as e:
                raise locate(e) from None

        return run

    # members and calls

    def member(self, node: ast.Member) -> Code:
        text = node.prop.value if isinstance(node.prop, ast.Literal) else None
        if isinstance(node.node, ast.Ident) and node.node.name == "$env" and isinstance(text, str):
            if text in self.constants:
                return constant(self.constants[text])
            return lambda f: f.env[text] if text in f.env else None
        base, locate = self.code(node.node), self.located(node)
        stops = node.optional or in_chain(node.node)
        optional = node.optional
        prop = self.code(node.prop)

        def plain(f: Frame) -> Any:
            value = base(f)
            if type(value) is dict:
                return value.get(text)
            try:
                return fetch(value, text)
            except LanguageError as e:
                raise locate(e) from None

        def run(f: Frame) -> Any:
            value = base(f)
            if stops and (value is STOP or (optional and (value is None or is_nil(value)))):
                return STOP
            try:
                return fetch(value, prop(f))
            except LanguageError as e:
                raise locate(e) from None

        return plain if isinstance(text, str) and not stops else run

    def slice(self, node: ast.Slice) -> Code:
        base, locate = self.code(node.node), self.located(node)
        first = self.code(node.first) if node.first else None
        last = self.code(node.last) if node.last else None

        def run(f: Frame) -> Any:
            value = base(f)
            low = first(f) if first else None
            high = last(f) if last else None
            try:
                f.weigh(value)
                return cut(value, low, high, first is not None, last is not None)
            except LanguageError as e:
                raise locate(e) from None

        return run

    def call(self, node: ast.Call) -> Code:
        """A method or a function that is a value; its arguments are made before it is looked for."""
        args, callee = [self.code(arg) for arg in node.args], self.code(node.callee)
        locate = self.located(node)

        def run(f: Frame) -> Any:
            values = [arg(f) for arg in args]
            function = callee(f)
            if function is STOP:
                return STOP
            try:
                for value in values:
                    f.weigh(value)
                result = invoke(function, f.ctx, values)
                f.weigh(result)
                if type(result) is str:
                    f.made(result)
                return result
            except LanguageError as e:
                raise locate(e) from None

        return run

    def builtin(self, node: ast.Builtin) -> Code:
        locate, name = self.located(node), node.name
        if name in PREDICATES:
            return self.predicate_call(node)
        args, function = [self.code(arg) for arg in node.args], FUNCTIONS[name]
        fewest, most = ARITIES[name]
        if not fewest <= len(args) <= most:
            error = (f"{name} takes {fewest} argument(s), got {len(args)}", "type")

            def refuse(_: Frame) -> Any:
                raise locate(LanguageError(error[0], kind=error[1]))

            return refuse

        def run(f: Frame) -> Any:
            values = [arg(f) for arg in args]
            try:
                for value in values:
                    f.weigh(value)
                return function(f, *values)
            except LanguageError as e:
                raise locate(e) from None

        return run

    # collections and choices

    def array(self, node: ast.Array) -> Code:
        items, locate = [self.code(item) for item in node.nodes], self.located(node)

        def run(f: Frame) -> list[Any]:
            made = [item(f) for item in items]
            try:
                f.charge(len(made))
            except LanguageError as e:
                raise locate(e) from None
            return made

        return run

    def map(self, node: ast.Map) -> Code:
        pairs = [(self.code(key), self.code(value)) for key, value in node.pairs]
        locate = self.located(node)

        def run(f: Frame) -> dict[str, Any]:
            # made from the right, where of equal keys the first one stays
            found = [(key(f), value(f)) for key, value in pairs]
            try:
                f.charge(len(found))
                for key, _ in found:
                    if not isinstance(key, str):
                        raise LanguageError(f"a map key is a string, not {type_name(key)}", kind="type")
            except LanguageError as e:
                raise locate(e) from None
            made = dict(reversed(found))
            return {key: made[key] for key, _ in found}

        return run

    def conditional(self, node: ast.Conditional) -> Code:
        test, yes, no = self.code(node.test), self.code(node.yes), self.code(node.no)
        locate = self.located(node.test)

        def run(f: Frame) -> Any:
            value = test(f)
            if value is True:
                return yes(f)
            if value is False:
                return no(f)
            try:
                return boolean(value, "a condition")
            except LanguageError as e:
                raise locate(e) from None

        return run


def constant(value: Any) -> Code:
    return lambda _: value


def is_nil(value: Any) -> bool:
    """Whether Go's nil check holds; a list that was never made is nil too."""
    return value is None or type(value) is NilList


def in_chain(node: ast.Node) -> bool:
    """Whether a part further left may stop the chain."""
    while True:
        if isinstance(node, ast.Call):
            node = node.callee
        elif isinstance(node, ast.Member):
            if node.optional:
                return True
            node = node.node
        else:
            return False


PARTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "contains": lambda text, part: part in text,
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
}
POINTERS: Final[dict[str, Callable[[Any], Any]]] = {
    "": lambda f: f.item,
    "index": lambda f: f.index,
    "acc": lambda f: f.acc,
}
__all__ = ["Compiler", "Function"]
