"""The static check: types against the current variables, found before anything runs, as Argo's compiler finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.errors import LanguageError, nearest
from aggregator.lang.expr import ast
from aggregator.lang.expr.check_builtins import BuiltinChecks
from aggregator.lang.expr.check_operators import OperatorChecks
from aggregator.lang.expr.natures import (
    ANY,
    BOOL,
    KEYS,
    LIST,
    MAP,
    NIL,
    OF_TYPE,
    STRING,
    UNKNOWN,
    Nature,
    Overloads,
    function,
    list_of,
    method_of,
)
from aggregator.lang.expr.signatures import ARGO_FUNCTIONS, BUILTINS, OVERLOADS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WORDS: Final = {"null": "nil", "None": "nil", "NULL": "nil", "True": "true", "False": "false", "TRUE": "true"}


class Checker(OperatorChecks, BuiltinChecks):
    """Checks one tree against the natures of the variables. `typed` notes the operators whose operands are known."""

    def __init__(self, text: str, variables: Mapping[str, Nature], known: Iterable[str], *, argo: bool) -> None:
        self.text = text
        self.variables = variables
        self.known = known
        self.functions: Mapping[str, tuple[tuple[str, ...], str]] = ARGO_FUNCTIONS if argo else {}
        self.argo = argo
        self.lets: list[tuple[str, Nature]] = []
        self.scopes: list[tuple[Nature, tuple[tuple[str, Nature], ...]]] = []
        self.typed: dict[ast.Node, str] = {}

    def error(self, node: ast.Node, message: str, *, kind: str = "type", hint: str = "") -> LanguageError:
        return LanguageError(message, text=self.text, start=node.start, end=node.end, kind=kind, hint=hint)

    def visit(self, node: ast.Node) -> Nature:
        """The nature of a node, after everything below it was checked."""
        match node:
            case ast.Literal():
                return OF_TYPE[type(node.value)]
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
                return self.visit(node.node)
            case ast.Pointer():
                return self.pointer(node)
            case ast.Array():
                return self.array(node)
            case ast.Map():
                for key, value in node.pairs:
                    self.visit(key)
                    self.visit(value)
                return MAP
            case ast.Conditional():
                return self.conditional(node)
            case ast.Slice():
                return self.slice(node)
            case ast.Let():
                return self.let(node)
        assert isinstance(node, ast.Sequence)  # all others are above
        return [self.visit(n) for n in node.nodes][-1]

    # names

    def ident(self, node: ast.Ident) -> Nature:
        for name, nature in reversed(self.lets):
            if name == node.name:
                return nature
        if node.name == "$env":
            return UNKNOWN
        return self.named(node, node.name, strict=True, functions=True)

    def named(self, node: ast.Node, name: str, *, strict: bool, functions: bool) -> Nature:
        """A variable, or a function where one may stand; an unknown name is an error where the check is strict."""
        if name in self.functions:
            params, result = self.functions[name]
            return function(Overloads(name, (params,), result))
        if name == "sprig" and self.argo:
            return MAP
        if name in self.variables:
            return self.variables[name]
        if functions and name in BUILTINS:
            choices, result = OVERLOADS.get(name, ((), ""))
            return function(Overloads(name, choices, result))
        if strict:
            hint = f"write {WORDS[name]}" if name in WORDS else ""
            known = [*self.known, *(n for n, _ in self.lets), *self.functions, *BUILTINS]
            raise self.error(node, f"unknown name {name!r}", kind="name", hint=hint or nearest(name, known))
        return UNKNOWN

    def let(self, node: ast.Let) -> Nature:
        if node.name in self.variables or node.name in self.functions or (self.argo and node.name == "sprig"):
            raise self.error(
                node, f"cannot redeclare {node.name}", kind="name", hint="a variable has this name already"
            )
        if node.name in BUILTINS:
            raise self.error(node, f"cannot redeclare builtin {node.name}", kind="name")
        if any(name == node.name for name, _ in self.lets):
            raise self.error(node, f"cannot redeclare variable {node.name}", kind="name")
        self.lets.append((node.name, self.visit(node.value)))
        nature = self.visit(node.body)
        self.lets.pop()
        return nature

    def pointer(self, node: ast.Pointer) -> Nature:
        collection, names = self.scopes[-1]
        if not node.name:
            return UNKNOWN if collection.unknown else collection.elements()
        for name, nature in names:
            if name == node.name:
                return nature
        known = [name for name, _ in names]
        raise self.error(node, f"unknown pointer #{node.name}", kind="name", hint=nearest(node.name, known))

    # members and calls

    def member(self, node: ast.Member) -> Nature:
        text = node.prop.value if isinstance(node.prop, ast.Literal) and isinstance(node.prop.value, str) else None
        if isinstance(node.node, ast.Ident) and node.node.name == "$env":
            # an index that is no literal is not looked at: only the run can tell
            return self.named(node, text, strict=not node.optional, functions=False) if text is not None else UNKNOWN
        base = self.visit(node.node)
        prop = self.visit(node.prop)
        if base.unknown:
            return UNKNOWN
        if text is not None:
            if base is NIL:
                raise self.error(node, f"nil has no field {text!r}", hint="`name ?? default` replaces a nil")
            found = method_of(base, text)
            if found is not None:
                return found
        if base.kind == "map":
            key = KEYS.get(base.name, ANY)
            if not prop.unknown and not prop.assignable(key):
                raise self.error(node.prop, f"{prop} cannot be a key of a map, its keys are {key}")
            return base.elements()
        if base.list:
            if not prop.integer and not prop.unknown:
                raise self.error(node.prop, f"a list has elements by number, not by {prop}")
            return base.elements()
        if text is None:
            raise self.error(
                node, f"{base} has no elements", hint="a slice gives a part: s[0:1]" if base is STRING else ""
            )
        raise self.error(node, f"{base} has no {'method' if node.method else 'field'} {text!r}", kind="name")

    def slice(self, node: ast.Slice) -> Nature:
        nature = self.visit(node.node)
        if nature.unknown:
            return UNKNOWN
        if nature is not STRING and not nature.list:
            raise self.error(node, f"{nature} cannot be sliced")
        for bound in (node.first, node.last):
            if bound is not None:
                found = self.visit(bound)
                if not found.integer and not found.unknown:
                    raise self.error(bound, f"the bounds of a slice are integers, not {found}")
        return nature

    def call(self, node: ast.Call) -> Nature:
        if isinstance(node.callee, ast.Ident) and node.callee.name == "$env":
            raise self.error(node, "$env cannot be called")
        nature = self.visit(node.callee)
        if nature.unknown:
            return UNKNOWN  # nobody knows its types, so the arguments are not looked at either
        if nature.overloads is None:
            raise self.error(node, f"{nature} cannot be called")
        return self.overloaded(node, nature.overloads, node.args)

    # collections and choices

    def array(self, node: ast.Array) -> Nature:
        natures = [self.visit(item) for item in node.nodes]
        if len({nature.kind for nature in natures}) <= 1:
            return list_of(natures[-1] if natures else UNKNOWN)
        return LIST

    def conditional(self, node: ast.Conditional) -> Nature:
        test = self.visit(node.test)
        if test is not BOOL and not test.unknown:
            raise self.error(node.test, f"a condition is a bool, not {test}", hint="compare it: x == y, x != nil")
        yes, no = self.visit(node.yes), self.visit(node.no)
        if yes is NIL or no is NIL:
            return no if yes is NIL else yes
        if not yes.assignable(no):
            return UNKNOWN
        if yes.list and no.list:
            one, other = yes.elements(), no.elements()
            if not (one.assignable(other) and other.assignable(one)):
                return LIST
        return yes
