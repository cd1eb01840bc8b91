"""Sprig's list functions; each leaves its argument as it is and makes a new list."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aggregator.errors import LanguageError
from aggregator.lang.gostring import to_bytes
from aggregator.lang.govalue import ListList, NilList, StringList, Uint8, go_kind
from aggregator.lang.sprig.conversions import to_int
from aggregator.lang.sprig.defaults import is_empty
from aggregator.lang.sprig.equality import identity
from aggregator.lang.sprig.signature import ANY, INT, Family, bounded_list
from aggregator.lang.sprig.strval import strings_of, strval

if TYPE_CHECKING:
    from aggregator.lang.context import Context

FAMILY = Family("Lists")


def items(value: Any, doing: str) -> list[Any]:
    """The elements of any kind of list, or an error that names what was to be done."""
    if isinstance(value, list):
        return value
    if isinstance(value, bytes):
        return [Uint8(byte) for byte in value]
    raise LanguageError(f"cannot {doing} on type {'nil' if value is None else go_kind(value)}", kind="type")


@FAMILY.add("list tuple", ANY, variadic=True)
def make_list(*values: Any) -> list[Any]:
    """A list of the arguments: `sprig.list(1, "a")` is [1, "a"]."""
    return list(values)


@FAMILY.add("first mustFirst", ANY)
def first(value: Any) -> Any:
    """The first element, nil of an empty list: `sprig.first([1, 2])` is 1."""
    elements = items(value, "find first")
    return elements[0] if elements else None


@FAMILY.add("last mustLast", ANY)
def last(value: Any) -> Any:
    """The last element, nil of an empty list: `sprig.last([1, 2])` is 2."""
    elements = items(value, "find last")
    return elements[-1] if elements else None


@FAMILY.add("rest mustRest", ANY)
def rest(value: Any) -> list[Any]:
    """All but the first: `sprig.rest([1, 2, 3])` is [2, 3]."""
    elements = items(value, "find rest")
    return list(elements[1:]) if elements else NilList()


@FAMILY.add("initial mustInitial", ANY)
def initial(value: Any) -> list[Any]:
    """All but the last: `sprig.initial([1, 2, 3])` is [1, 2]."""
    elements = items(value, "find initial")
    return list(elements[:-1]) if elements else NilList()


@FAMILY.add("append push mustAppend mustPush", ANY, ANY)
def push(value: Any, item: Any) -> list[Any]:
    """The list with one more at the end: `sprig.append([1], 2)` is [1, 2]."""
    return [*items(value, "push"), item]


@FAMILY.add("prepend mustPrepend", ANY, ANY)
def prepend(value: Any, item: Any) -> list[Any]:
    """The list with one more at the start: `sprig.prepend([1], 0)` is [0, 1]."""
    return [item, *items(value, "prepend")]


@FAMILY.add("concat", ANY, variadic=True, uses_context=True)
def concat(ctx: Context, *lists: Any) -> list[Any]:
    """All lists in one: `sprig.concat([1], [2, 3])` is [1, 2, 3]."""
    parts = [items(value, "concat") for value in lists]
    bounded_list(ctx, sum(map(len, parts)), "concat")
    joined = [item for part in parts for item in part]
    return joined or NilList()


@FAMILY.add("reverse mustReverse", ANY)
def reverse(value: Any) -> list[Any]:
    """The other way round: `sprig.reverse([1, 2])` is [2, 1]."""
    return list(items(value, "find reverse")[::-1])


@FAMILY.add("uniq mustUniq", ANY)
def uniq(value: Any) -> list[Any]:
    """Each element once: `sprig.uniq([1, 1, 2])` is [1, 2]."""
    seen = set()
    kept = []
    for item in items(value, "find uniq"):
        key = identity(item)
        if key not in seen:
            seen.add(key)
            kept.append(item)
    return kept


@FAMILY.add("without mustWithout", ANY, ANY, variadic=True)
def without(value: Any, *omitted: Any) -> list[Any]:
    """All but these: `sprig.without([1, 2, 3], 2)` is [1, 3]."""
    unwanted = {identity(item) for item in omitted}
    return [item for item in items(value, "find without") if identity(item) not in unwanted]


@FAMILY.add("has mustHas", ANY, ANY)
def has(needle: Any, value: Any) -> bool:
    """Whether the list has it, types included: `sprig.has(2, [1, 2])` is true."""
    if value is None:
        return False
    wanted = identity(needle)
    return any(identity(item) == wanted for item in items(value, "find has"))


@FAMILY.add("compact mustCompact", ANY)
def compact(value: Any) -> list[Any]:
    """Without empty elements: `sprig.compact([0, 1, ""])` is [1]."""
    return [item for item in items(value, "compact") if not is_empty(item)]


@FAMILY.add("slice mustSlice", ANY, ANY, variadic=True)
def slice_list(value: Any, *bounds: Any) -> Any:
    """The elements from one place to before another: `sprig.slice([1, 2, 3], 1, 2)` is [2]."""
    if not isinstance(value, (list, bytes)):
        items(value, "slice")
    if not value:
        return None
    start = to_int(bounds[0]) if bounds else 0
    end = to_int(bounds[1]) if len(bounds) > 1 else len(value)
    if not 0 <= start <= end <= len(value):
        raise LanguageError(f"sprig.slice: {start} to {end} lies outside a list of {len(value)}")
    return type(value)(value[start:end])


@FAMILY.add("chunk mustChunk", INT, ANY)
def chunk(size: int, value: Any) -> ListList:
    """Lists of that many elements: `sprig.chunk(2, [1, 2, 3])` is [[1, 2], [3]]."""
    elements = items(value, "chunk")
    if size > 0:
        return ListList([list(elements[at : at + size]) for at in range(0, len(elements), size)])
    # The original counts chunks in floats, and with a size below zero sometimes comes to a result.
    count = math.floor((len(elements) - 1) / size) + 1 if size else -1
    rest_size = math.floor(math.fmod(len(elements), size)) if size else 0
    if count == 0:
        return ListList()
    if count == 1 and rest_size > 0:
        return ListList([list(elements[:rest_size])])
    raise LanguageError(f"sprig.chunk: the size must be 1 or more, not {size}")


@FAMILY.add("sortAlpha", ANY)
def sort_alpha(value: Any) -> StringList:
    """The elements as text, sorted: `sprig.sortAlpha(["b", "a"])` is ["a", "b"]."""
    if isinstance(value, (list, bytes)):
        return StringList(sorted(strings_of(value), key=to_bytes))
    return StringList([strval(value)])
