"""Closures of the builtins that run an expression for each element of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.expr import ast
from aggregator.lang.expr.frame import iterable
from aggregator.lang.expr.functions.lists import arranged, order_of
from aggregator.lang.expr.operators import add, key_of, type_name
from aggregator.lang.govalue import AnyMap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aggregator.lang.expr.frame import Frame

    Code = Callable[[Frame], Any]
    Loop = Callable[[Frame, Sequence[Any]], Any]


def pointer(f: Frame) -> Any:
    return f.item


class PredicateCode:
    """The part of the compiler that makes loops. Each loop sets `item` and `index` of the frame and restores them."""

    code: Callable[[ast.Node], Code]
    located: Callable[[ast.Node], Callable[[LanguageError], LanguageError]]

    def predicate_call(self, node: ast.Builtin) -> Code:
        name = node.name
        source = self.code(node.args[0])
        predicate = node.args[1] if len(node.args) > 1 else None
        test = self.code(predicate.node) if isinstance(predicate, ast.Predicate) else pointer
        third = self.code(node.args[2]) if len(node.args) > 2 else None
        locate = self.located(node)
        loop = self.loop(node, test, third)
        weight = 1 + sum(map(size, (predicate, node.mapped)))

        def run(f: Frame) -> Any:
            value = source(f)
            before = f.item, f.index, f.acc
            try:
                items = iterable(value, name)
                f.step(len(items) * weight)
                result = loop(f, items)
            except LanguageError as e:
                raise locate(e) from None
            f.item, f.index, f.acc = before
            return result

        return run

    def loop(self, node: ast.Builtin, test: Code, third: Code | None) -> Loop:
        mapped = self.code(node.mapped) if node.mapped else pointer
        match node.name:
            case "all" | "any" | "none":
                return quantifier(test, node.name)
            case "one":
                return lambda f, items: count(f, items, test, None) == 1
            case "count":
                threshold = node.threshold
                return lambda f, items: count(f, items, test, threshold)
            case "filter":
                return lambda f, items: kept(f, items, test, mapped)
            case "map":
                return lambda f, items: each(f, items, test)
            case "find" | "findLast":
                return finder(test, mapped, backwards=node.name == "findLast", throws=node.throws)
            case "findIndex" | "findLastIndex":
                return finder(test, lambda f: f.index, backwards=node.name == "findLastIndex", throws=False)
            case "sum":
                return lambda f, items: total(f, items, test)
            case "groupBy":
                return lambda f, items: groups(f, items, test)
            case "sortBy":
                return sorter(test, third)
        return reducer(test, third)


def size(node: ast.Node | None) -> int:
    """The number of nodes of a predicate: what one turn of its loop costs."""
    waiting, count = [node] if node else [], 0
    while waiting:
        count += 1
        waiting.extend(ast.children(waiting.pop()))
    return count


def truth(value: Any) -> bool:
    """What a predicate said, which must be a bool."""
    if value is True or value is False:
        return value
    raise LanguageError(
        f"a predicate gives a bool, not {type_name(value)}", kind="type", hint="compare it: # == y, # != nil"
    )


def quantifier(test: Code, name: str) -> Loop:
    """all, any, none: the first element that decides ends the loop."""
    deciding = name != "all"
    answer = name == "any"

    def loop(f: Frame, items: Sequence[Any]) -> bool:
        for f.index, f.item in enumerate(items):
            value = test(f)
            if value is deciding:
                return answer
            if value is not (not deciding):
                truth(value)
        return not answer

    return loop


def count(f: Frame, items: Sequence[Any], test: Code, threshold: int | None) -> int:
    found = 0
    for f.index, f.item in enumerate(items):
        if truth(test(f)):
            found += 1
            if found == threshold:
                break
    return found


def kept(f: Frame, items: Sequence[Any], test: Code, mapped: Code) -> list[Any]:
    found = []
    for f.index, f.item in enumerate(items):
        if truth(test(f)):
            found.append(mapped(f))
    f.charge(len(found))
    return found


def each(f: Frame, items: Sequence[Any], value: Code) -> list[Any]:
    made = []
    for f.index, f.item in enumerate(items):
        made.append(value(f))
    f.charge(len(made))
    return made


def finder(test: Code, result: Code, *, backwards: bool, throws: bool) -> Loop:
    """The first or last element that passes, or nil."""

    def loop(f: Frame, items: Sequence[Any]) -> Any:
        places = range(len(items))
        for place in reversed(places) if backwards else places:
            f.index, f.item = place, items[place]
            if truth(test(f)):
                return result(f)
        if throws:
            raise LanguageError("index out of range, no element passes the filter")
        return None

    return loop


def total(f: Frame, items: Sequence[Any], value: Code) -> Any:
    acc: Any = 0
    for f.index, f.item in enumerate(items):
        acc = add(value(f), acc)
    return acc


def groups(f: Frame, items: Sequence[Any], value: Code) -> AnyMap:
    made = AnyMap()
    for f.index, f.item in enumerate(items):
        made.setdefault(key_of(made, value(f)), []).append(f.item)
    return made


def sorter(value: Code, order: Code | None) -> Loop:
    def loop(f: Frame, items: Sequence[Any]) -> list[Any]:
        descending = order_of("sortBy", order(f)) if order else False
        keyed = []
        for f.index, f.item in enumerate(items):
            keyed.append((value(f), f.item))
        f.charge(len(keyed))
        return arranged(keyed, descending=descending)

    return loop


def reducer(value: Code, start: Code | None) -> Loop:
    """The accumulator begins with the given value, else with the first element."""

    def loop(f: Frame, items: Sequence[Any]) -> Any:
        begin = 0
        if start is not None:
            f.acc = start(f)
        elif items:
            f.acc, begin = items[0], 1
        else:
            raise LanguageError("reduce of an empty list needs an initial value", hint="reduce(list, #acc + #, 0)")
        for place in range(begin, len(items)):
            f.index, f.item = place, items[place]
            f.acc = value(f)
        return f.acc

    return loop


__all__: Final = ["PredicateCode"]
