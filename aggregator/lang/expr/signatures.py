"""The names and argument types of expr-lang's builtins, as the parser and the static check need them."""

from __future__ import annotations

from typing import Final

# Predicates take a list, then a bare expression or a block in braces that is run for each element, then maybe a value.
PREDICATES: Final[dict[str, tuple[str, ...]]] = {
    "all": ("value", "predicate"),
    "none": ("value", "predicate"),
    "any": ("value", "predicate"),
    "one": ("value", "predicate"),
    "filter": ("value", "predicate"),
    "map": ("value", "predicate"),
    "find": ("value", "predicate"),
    "findIndex": ("value", "predicate"),
    "findLast": ("value", "predicate"),
    "findLastIndex": ("value", "predicate"),
    "count": ("value", "predicate?"),
    "sum": ("value", "predicate?"),
    "groupBy": ("value", "predicate"),
    "sortBy": ("value", "predicate", "value?"),
    "reduce": ("value", "predicate", "value?"),
}

# Go's types of functions with fixed types: the overloads, tried in order, and the type of the result.
OVERLOADS: Final[dict[str, tuple[tuple[tuple[str, ...], ...], str]]] = {
    "type": ((("any",),), "string"),
    "string": ((("any",),), "string"),
    "trim": ((("string",), ("string", "string")), "string"),
    "trimPrefix": ((("string", "string"), ("string",)), "string"),
    "trimSuffix": ((("string", "string"), ("string",)), "string"),
    "upper": ((("string",),), "string"),
    "lower": ((("string",),), "string"),
    "split": ((("string", "string"), ("string", "string", "int")), "[]string"),
    "splitAfter": ((("string", "string"), ("string", "string", "int")), "[]string"),
    "replace": ((("string", "string", "string", "int"), ("string", "string", "string")), "string"),
    "repeat": ((("string", "int"),), "string"),
    "join": (
        (("[]string", "string"), ("[]interface {}", "string"), ("[]interface {}",), ("[]string",)),
        "string",
    ),
    "indexOf": ((("string", "string"),), "int"),
    "lastIndexOf": ((("string", "string"),), "int"),
    "hasPrefix": ((("string", "string"),), "bool"),
    "hasSuffix": ((("string", "string"),), "bool"),
    "toJSON": ((("any",),), "string"),
    "fromJSON": ((("string",),), "any"),
    "toBase64": ((("string",),), "string"),
    "fromBase64": ((("string",),), "string"),
    "duration": ((("string",),), "time.Duration"),
    "timezone": ((("string",),), "*time.Location"),
    "sort": (
        (
            ("[]interface {}", "string"),
            ("[]int", "string"),
            ("[]float64", "string"),
            ("[]string", "string"),
            ("[]interface {}",),
            ("[]float64",),
            ("[]string",),
            ("[]int",),
        ),
        "[]interface {}",
    ),
    "bitand": ((("int", "int"),), "int"),
    "bitor": ((("int", "int"),), "int"),
    "bitxor": ((("int", "int"),), "int"),
    "bitnand": ((("int", "int"),), "int"),
    "bitshl": ((("int", "int"),), "int"),
    "bitshr": ((("int", "int"),), "int"),
    "bitushr": ((("int", "int"),), "int"),
    "bitnot": ((("int",),), "int"),
}

# Functions whose check is a rule of its own, in `check_builtins`.
RULED: Final = frozenset(
    (
        "len", "abs", "ceil", "floor", "round", "int", "float", "max", "min", "mean", "median", "now", "date", "first",
        "last", "get", "take", "keys", "values", "toPairs", "fromPairs", "reverse", "uniq", "concat", "flatten",
    )
)  # fmt: skip

BUILTINS: Final = frozenset(PREDICATES) | frozenset(OVERLOADS) | RULED

# What Argo adds to every `{{=expr}}`; `sprig` is a map of functions, whose types nobody checks.
ARGO_FUNCTIONS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "asInt": (("any",), "any"),
    "asFloat": (("any",), "any"),
    "toJson": (("any",), "string"),
    "jsonpath": (("string", "string"), "any"),
}
ARGO_NAMES: Final = frozenset((*ARGO_FUNCTIONS, "sprig"))
