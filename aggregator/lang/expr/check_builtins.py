"""The static check of builtin calls: how many arguments, of which types, and what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.lang.expr import ast
from aggregator.lang.expr.natures import (
    ANY,
    ANY_MAP,
    BOOL,
    FLOAT,
    GROUPS,
    INT,
    KEYS,
    LIST,
    NAMED,
    NIL,
    STRING,
    TIME,
    UNKNOWN,
    ZONE,
    Nature,
    Overloads,
    list_of,
)
from aggregator.lang.expr.signatures import OVERLOADS, PREDICATES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aggregator.errors import LanguageError

NUMERIC_KINDS: Final = frozenset(("int", "int64", "uint8", "float64"))
TESTS: Final = frozenset(
    ("all", "none", "any", "one", "filter", "count", "find", "findLast", "findIndex", "findLastIndex")
)
POINTERS: Final[dict[str, tuple[tuple[str, Nature], ...]]] = {
    "map": (("index", INT),),
    "reduce": (("index", INT), ("acc", UNKNOWN)),
}
# What a rule takes: the number of arguments, the kinds of the first (unknown always passes), and the result.
LISTS: Final = frozenset(("slice", "array"))
RULES: Final[dict[str, tuple[frozenset[str], Nature]]] = {
    "len": (LISTS | {"map", "string"}, INT),
    "abs": (NUMERIC_KINDS, UNKNOWN),
    "ceil": (NUMERIC_KINDS, FLOAT),
    "floor": (NUMERIC_KINDS, FLOAT),
    "round": (NUMERIC_KINDS, FLOAT),
    "int": (NUMERIC_KINDS | {"string"}, INT),
    "float": (NUMERIC_KINDS | {"string"}, FLOAT),
    "first": (LISTS, UNKNOWN),
    "last": (LISTS, UNKNOWN),
    "keys": (frozenset(("map",)), LIST),
    "values": (frozenset(("map",)), LIST),
    "toPairs": (frozenset(("map",)), LIST),
    "fromPairs": (LISTS, ANY_MAP),
    "reverse": (LISTS, LIST),
    "uniq": (LISTS, LIST),
    "flatten": (LISTS, LIST),
}


class BuiltinChecks:
    """The part of the checker that knows the builtins."""

    variables: Mapping[str, Nature]
    functions: Mapping[str, tuple[tuple[str, ...], str]]
    scopes: list[tuple[Nature, tuple[tuple[str, Nature], ...]]]

    visit: Callable[[ast.Node], Nature]
    error: Callable[..., LanguageError]

    def builtin(self, node: ast.Builtin) -> Nature:
        if not node.forced and (node.name in self.variables or node.name in self.functions):
            raise self.error(
                node, f"{node.name} is a variable here, it cannot be called",
                hint=f"::{node.name}(...) calls the builtin",
            )  # fmt: skip
        if node.name in PREDICATES:
            return self.predicate_call(node)
        if node.name in OVERLOADS:
            choices, result = OVERLOADS[node.name]
            return self.overloaded(node, Overloads(node.name, choices, result), node.args)
        if node.name == "get":
            return self.get(node)
        return self.ruled(node, [self.visit(arg) for arg in node.args])

    def predicate_call(self, node: ast.Builtin) -> Nature:
        """A list, and an expression that is checked with `#` as an element of it."""
        name, args = node.name, node.args
        collection = self.visit(args[0])
        if not collection.list and not collection.unknown:
            raise self.error(args[0], f"{name} takes a list, not {collection}", hint="values(m) lists a map's values")
        element = UNKNOWN if collection.unknown else collection.elements()
        if len(args) == 1:
            return INT if name == "count" else element
        predicate = args[1]
        assert isinstance(predicate, ast.Predicate)  # the parser puts one there
        self.scopes.append((collection, POINTERS.get(name, ())))
        result = self.visit(predicate.node)
        self.scopes.pop()
        if name in TESTS and result is not BOOL and not result.unknown:
            raise self.error(predicate, f"the predicate of {name} gives a bool, not {result}")
        if result is NIL:
            raise self.error(predicate, f"the predicate of {name} gives a value, not nil")
        if len(args) == 3:
            third = self.visit(args[2])
            if name == "sortBy" and third is not STRING and not third.unknown:
                raise self.error(args[2], f'the order of sortBy is "asc" or "desc", not {third}')
        match name:
            case "filter":
                return LIST if collection.unknown else list_of(element)
            case "map":
                return list_of(result)
            case "count" | "findIndex" | "findLastIndex":
                return INT
            case "sum":
                return result.bare()
            case "find" | "findLast":
                return element
            case "groupBy":
                return GROUPS
            case "sortBy":
                return collection
            case "reduce":
                return result
        return BOOL

    def overloaded(self, node: ast.Node, function: Overloads, args: Sequence[ast.Node]) -> Nature:
        """A call of a function with fixed argument types: the first overload that fits."""
        natures = [self.visit(arg) for arg in args]
        name = function.name
        wrong: tuple[ast.Node, str] | None = None
        for params in function.choices:
            count = len(params)
            if len(args) != count and not (function.variadic and len(args) >= count - 1):
                wrong = wrong or (node, "")
                continue
            misfits = [
                (arg, nature, param)
                for arg, nature, param in zip(
                    args, natures, self.spread(params, len(args), variadic=function.variadic), strict=True
                )
                if not accepts(param, nature)
            ]
            if not misfits:
                return NAMED.get(function.result, ANY)
            arg, nature, param = misfits[0]
            wrong = (arg, f"{name} takes {param} here, not {nature}")
        if wrong is None:
            raise self.error(node, f"{name} is nil here and cannot be called")
        if not wrong[1]:
            counts = sorted({len(params) for params in function.choices})
            wanted = " or ".join(map(str, counts))
            raise self.error(node, f"{name} takes {wanted} argument{'' if wanted == '1' else 's'}, got {len(args)}")
        raise self.error(*wrong)

    @staticmethod
    def spread(params: tuple[str, ...], count: int, *, variadic: bool) -> list[str]:
        return [params[min(i, len(params) - 1)] for i in range(count)] if variadic else list(params)

    def ruled(self, node: ast.Builtin, natures: list[Nature]) -> Nature:
        """The builtins that look at the kinds of their arguments."""
        name = node.name
        match name:
            case "max" | "min" | "mean" | "median":
                return self.aggregate(node, natures)
            case "now":
                if natures and natures != [ZONE]:
                    raise self.error(node, "now takes nothing, or a timezone")
                return TIME
            case "date":
                if not natures or len(natures) - (natures[0] is ZONE) > 3:
                    raise self.error(node, f"date takes 1 to 3 arguments after a timezone, got {len(natures)}")
                return TIME
            case "take":
                self.count(node, natures, 2)
                self.kinds(node, 0, natures, LISTS)
                self.kinds(node, 1, natures, NUMERIC_KINDS - {"float64"})
                return natures[0].bare()
            case "concat":
                if not natures:
                    raise self.error(node, "concat takes at least 1 argument, got 0")
                for i in range(len(natures)):
                    self.kinds(node, i, natures, LISTS)
                return LIST
        kinds, result = RULES[name]
        self.count(node, natures, 1)
        self.kinds(node, 0, natures, kinds)
        if name == "abs":
            return natures[0].bare()
        if name in ("first", "last"):
            return UNKNOWN if natures[0].unknown else natures[0].bare().elements()
        return result

    def count(self, node: ast.Builtin, natures: list[Nature], wanted: int) -> None:
        if len(natures) != wanted:
            plural = "" if wanted == 1 else "s"
            raise self.error(node, f"{node.name} takes {wanted} argument{plural}, got {len(natures)}")

    def kinds(self, node: ast.Builtin, place: int, natures: list[Nature], kinds: frozenset[str]) -> None:
        nature = natures[place]
        if nature.kind not in kinds and not nature.unknown:
            wanted = ", ".join(
                sorted("list" if kind == "slice" else kind for kind in kinds - {"array", "uint8", "int64"})
            )
            raise self.error(node.args[place], f"{node.name} does not work on {nature}, it takes {wanted}")

    def aggregate(self, node: ast.Builtin, natures: list[Nature]) -> Nature:
        if not natures:
            raise self.error(node, f"{node.name} takes at least 1 argument, got 0")
        for i, nature in enumerate(natures):
            if nature.unknown or nature.list:
                return UNKNOWN
            self.kinds(node, i, natures, NUMERIC_KINDS)
        return natures[0]

    def get(self, node: ast.Builtin) -> Nature:
        if len(node.args) != 2:
            raise self.error(node, f"get takes 2 arguments, got {len(node.args)}")
        base, prop = (self.visit(arg) for arg in node.args)
        first, second = node.args
        if isinstance(first, ast.Ident) and first.name == "$env":
            if isinstance(second, ast.Literal) and isinstance(second.value, str):
                return self.variables.get(second.value, UNKNOWN)
            return UNKNOWN
        if base.unknown:
            return UNKNOWN
        if base.list:
            if not prop.integer and not prop.unknown:
                raise self.error(second, f"a list has elements by number, not by {prop}")
            return base.elements()
        if base.kind != "map":
            raise self.error(first, f"get takes a list or a map, not {base}")
        key = KEYS.get(base.name, ANY)
        if not prop.unknown and not prop.assignable(key):
            raise self.error(second, f"{prop} cannot be a key of a map, its keys are {key}")
        return base.elements()


def accepts(param: str, nature: Nature) -> bool:
    """Whether an argument of this nature may stand for a parameter of this Go type."""
    wanted = NAMED.get(param, ANY)
    if nature is NIL:
        return wanted.kind in ("ptr", "interface")
    return nature.unknown or (wanted.integer and nature.integer) or nature.assignable(wanted)
