"""The state of one run of an expression: variables, the element of each predicate, and what was used of the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded
from aggregator.lang import gostring
from aggregator.lang.expr.operators import type_name
from aggregator.lang.govalue import Uint8

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aggregator.lang.context import Context, Limits

LONG_TEXT: Final = 1024


class Frame:
    """`item`, `index` and `acc` belong to the innermost predicate; `lets` holds the `let` variables.

    Most runs need the first two only, so the rest are set when they are: the class has what they begin with.
    """

    item: Any = None
    index: int = 0
    acc: Any = None
    elements: int = 0
    steps: int = 0
    lets: list[Any]

    def __init__(self, env: Mapping[str, Any], ctx: Context, lets: int) -> None:
        self.env = env
        self.ctx = ctx
        if lets:
            self.lets = [None] * lets

    @property
    def limits(self) -> Limits:
        return self.ctx.limits

    def charge(self, elements: int) -> None:
        """Counts elements that are made, as Argo's memory budget counts them."""
        self.elements += elements
        if self.elements >= self.limits.elements:
            raise LimitExceeded("elements", f"the expression makes more than {self.limits.elements:,} elements")

    def step(self, count: int) -> None:
        """Counts elements that are looked at."""
        self.steps += count
        if self.steps > self.limits.steps:
            raise LimitExceeded("steps", f"the evaluation took more than {self.limits.steps:,} steps")

    def weigh_all(self, value: Any) -> None:
        """As `weigh`, for a function that walks through all within the value too."""
        self.weigh(value)
        if isinstance(value, (list, dict)):
            self.step(nested(value, self.limits))

    def weigh(self, value: Any) -> None:
        """Counts the work of a function that looks at all of a value."""
        if isinstance(value, (str, bytes)):
            if len(value) > LONG_TEXT:
                self.step(len(value) >> 6)
        elif isinstance(value, (list, dict)):
            self.step(len(value))

    def made(self, text: str) -> str:
        """A text that a function made, if it is not too long."""
        self.room(len(text))
        return text

    def room(self, length: int) -> None:
        """Refuses a text of this length before it is made."""
        if length > self.limits.text:
            raise LimitExceeded("text", f"a text of {length:,} characters; the limit is {self.limits.text:,}")
        if length > LONG_TEXT:
            self.step(length >> 6)


def iterable(value: Any, name: str) -> Sequence[Any]:
    """The elements that a predicate sees; a string or bytes give their bytes."""
    if isinstance(value, list):
        return value
    if isinstance(value, bytes):
        return [Uint8(b) for b in value]
    if isinstance(value, str):
        return [Uint8(b) for b in gostring.to_bytes(value)]
    if isinstance(value, dict) and not value:
        return []
    raise refused_list(name, value)


def refused_list(name: str, value: Any) -> LanguageError:
    hint = "values(m) lists a map's values" if isinstance(value, dict) else ""
    return LanguageError(f"{name} takes a list, not {type_name(value)}", kind="type", hint=hint)


def nested(value: Any, limits: Limits) -> int:
    """The number of elements in a value and in all within it.

    Refuses one that is too deep or too big to be written out: expressions can build such, even endless ones.
    """
    if not isinstance(value, (list, dict)):
        return 0
    count, level, depth = 0, [value], 0
    while level:
        depth += 1
        below: list[Any] = []
        for part in level:
            count += len(part)
            items = part.values() if isinstance(part, dict) else part
            below.extend(item for item in items if isinstance(item, (list, dict)))
            if count > limits.elements:
                raise LimitExceeded("elements", f"a value holds more than {limits.elements:,} elements")
        if depth > limits.value_depth:
            raise LimitExceeded("value_depth", f"a value is nested more than {limits.value_depth} levels deep")
        level = below
    return count
