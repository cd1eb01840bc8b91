"""From the tree to closures: each node becomes a function of the frame. Common shapes have shortcuts of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.expr import ast
from aggregator.lang.expr.calls import Function, fetch, invoke
from aggregator.lang.expr.compile_operators import OperatorCode, is_nil, not_boolean
from aggregator.lang.expr.compile_predicates import PredicateCode
from aggregator.lang.expr.frame import Frame
from aggregator.lang.expr.functions import FUNCTIONS
from aggregator.lang.expr.operators import type_name
from aggregator.lang.expr.signatures import OVERLOADS, PREDICATES, RULED
from aggregator.lang.expr.slices import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Code = Callable[[Frame], Any]
    Step = Callable[[Any, Frame], Any]

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

# Builtins that look at all that lies within their arguments.
WALKING: Final = frozenset(("max", "min", "mean", "median", "flatten", "uniq", "toJSON", "string"))


class Stop:
    """What a chain with `?.` gives from a nil on: its end turns it into nil."""


STOP: Final = Stop()


class Compiler(OperatorCode, PredicateCode):
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
        assert isinstance(node, ast.Sequence)  # all others are above
        return self.sequence(node)

    # names

    def ident(self, node: ast.Ident) -> Code:
        name = node.name
        for known, slot in reversed(self.lets):
            if known == name:
                return lambda f: f.lets[slot]
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
            f.lets[slot] = value(f)
            return body(f)

        return run

    def sequence(self, node: ast.Sequence) -> Code:
        *before, last = [self.code(n) for n in node.nodes]

        def run(f: Frame) -> Any:
            for code in before:
                code(f)
            return last(f)

        return run

    # members and calls

    def member(self, node: ast.Member) -> Code:
        text = node.prop.value if isinstance(node.prop, ast.Literal) else None
        if isinstance(node.node, ast.Ident) and node.node.name == "$env" and isinstance(text, str):
            if text in self.constants:
                return constant(self.constants[text])
            return lambda f: f.env[text] if text in f.env else None  # noqa: SIM401 - a lazy mapping has no cheap get
        locate = self.located(node)
        name, key = self.variable_and_member(node)
        if name:
            return self.variable_member(name, key, locate)
        base = self.code(node.node)
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

    @staticmethod
    def variable_member(name: str, key: str, locate: Callable[[LanguageError], LanguageError]) -> Code:
        """`variable.key`, the commonest of all expressions, in one call."""

        def run(f: Frame) -> Any:
            value = f.env[name]
            if type(value) is dict:
                return value.get(key)
            try:
                return fetch(value, key)
            except LanguageError as e:
                raise locate(e) from None

        return run

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
        locate, name = self.located(node), called_name(node.callee)

        def run(f: Frame) -> Any:
            values = [arg(f) for arg in args]
            function = callee(f)
            if function is STOP:
                return STOP
            try:
                for value in values:
                    f.weigh_all(value)
                result = invoke(function, f.ctx, values, name)
                f.weigh(result)
                return f.made(result) if type(result) is str else result
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

        weigh = Frame.weigh_all if name in WALKING else Frame.weigh

        def run(f: Frame) -> Any:
            values = [arg(f) for arg in args]
            try:
                for value in values:
                    weigh(f, value)
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
            raise locate(not_boolean(value, "a condition"))

        return run


def constant(value: Any) -> Code:
    return lambda _: value


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


POINTERS: Final[dict[str, Callable[[Any], Any]]] = {
    "": lambda f: f.item,
    "index": lambda f: f.index,
    "acc": lambda f: f.acc,
}
__all__ = ["Compiler", "Function"]


def called_name(node: ast.Node) -> str:
    """`sprig.trim` of the text `sprig.trim(...)`; an empty text for other shapes."""
    if isinstance(node, ast.Member) and isinstance(node.node, ast.Ident) and isinstance(node.prop, ast.Literal):
        return f"{node.node.name}.{node.prop.value}"
    return ""
