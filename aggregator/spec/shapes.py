"""Decoders of values: one function per type of the models, compiled once, that reports instead of raising."""

from __future__ import annotations

import types
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin

import msgspec

from aggregator.spec import models
from aggregator.spec.decoding import WRONG, Decoding, describe
from aggregator.spec.retired import RETIRED
from aggregator.spec.scalars import number_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.spec.positions import Path

    Decoder = Callable[[Any, "Decoding", "str | int"], Any]

_INT64: Final = 2**63
_EXACT: Final = 2**53

# Fields of text that also take numbers and booleans (Argo's AnyString).
ANY_TEXT: Final = frozenset(
    {
        (models.Parameter, "value"),
        (models.Parameter, "default"),
        (models.Parameter, "enum"),
        (models.Parameter, "description"),
        (models.ValueFrom, "default"),
    }
)


# -------------------------------------------------------------------- scalars


def _text(value: Any, ctx: Decoding, key: str | int) -> Any:
    if type(value) is str:
        return value
    if value is None:
        return ""
    if not isinstance(value, dict | list):
        span = ctx.document.span(ctx.at(key))
        written = span.source.text[span.start : span.end]
        hint = f'put it in quotes: "{written}"'
        if not ctx.strict:
            ctx.warn("wrong-type", key, f"expected text, got {describe(value)}, which is read as text", hint)
            return any_text(value, ctx, key)
        # Told once: that a name is missing, or an image, would be told as well if this were left out.
        ctx.wrong(key, "text", value, hint)
        return written
    return ctx.wrong(key, "text", value)


def any_text(value: Any, ctx: Decoding, key: str | int) -> Any:
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if abs(value) > _EXACT and isinstance(value, int) and int(float(value)) != value:
            ctx.warn("lossy-number", key, "Argo reads numbers as 64-bit floats, which changes this one", "quote it")
        return number_text(value)
    return ctx.wrong(key, "text, number or boolean", value, "write it as JSON text in quotes: '[1, 2]'")


def _bool(value: Any, ctx: Decoding, key: str | int) -> Any:
    if type(value) is bool:
        return value
    unquoted = isinstance(value, str) and value.lower() in ("true", "false")
    return ctx.wrong(key, "boolean", value, "write it without quotes" if unquoted else "write true or false")


def _int(value: Any, ctx: Decoding, key: str | int) -> Any:
    if type(value) is int and -_INT64 <= value < _INT64:
        return value
    unquoted = isinstance(value, str) and value.lstrip("-").isdecimal()
    tag = isinstance(value, str) and "{{" in value
    hint = "write it without quotes" if unquoted else "tags can't be used in this field" if tag else ""
    return ctx.wrong(key, "integer", value, hint)


def _int_or_text(value: Any, ctx: Decoding, key: str | int) -> Any:
    if type(value) is str or (type(value) is int and -_INT64 <= value < _INT64):
        return value
    return ctx.wrong(key, "integer or text", value)


def _float(value: Any, ctx: Decoding, key: str | int) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return float(value) if isinstance(value, str) else ctx.wrong(key, "number", value)
    except ValueError:
        return ctx.wrong(key, "number", value)


def _given(value: Any, _ctx: Decoding, _key: str | int) -> Any:
    return value


_SCALARS: Final[dict[Any, Decoder]] = {str: _text, bool: _bool, int: _int, float: _float, Any: _given}

# ----------------------------------------------------------------- containers


class ListDecoder:
    """A list; an item that is wrong is replaced by a blank one, so that the others keep their places."""

    __slots__ = ("blank", "grouped", "item")

    def __init__(self, item: Decoder, blank: Callable[[], Any], *, grouped: bool = False) -> None:
        self.item = item
        self.blank = blank
        self.grouped = grouped

    def __call__(self, value: Any, ctx: Decoding, key: str | int) -> Any:
        if type(value) is not list:
            if value is None:
                return ()
            hint = _GROUP_HINT if self.grouped or ctx.in_group(key) else "each item begins with `- `"
            return ctx.wrong(key, "list", value, hint if isinstance(value, dict) else "")
        item = self.item
        ctx.path.append(key)
        items = [item(part, ctx, index) for index, part in enumerate(value)]
        ctx.path.pop()
        if WRONG in items:
            return tuple(self.blank() if part is WRONG else part for part in items)
        return tuple(items)


_GROUP_HINT: Final = "steps is a list of groups, each of them a list: begin a new group with `- - name:`"


class MapDecoder:
    """A map with free keys; wrong values are left out."""

    __slots__ = ("item",)

    def __init__(self, item: Decoder) -> None:
        self.item = item

    def __call__(self, value: Any, ctx: Decoding, key: str | int) -> Any:
        if type(value) is not dict:
            return {} if value is None else ctx.wrong(key, "map", value)
        if self.item is _given:
            return value
        ctx.path.append(key)
        items = {name: self.item(part, ctx, name) for name, part in value.items()}
        ctx.path.pop()
        return {name: part for name, part in items.items() if part is not WRONG}


class StructDecoder:
    """A map with known keys. Its table is filled on first use, because types refer to each other in circles."""

    __slots__ = ("_fields", "_folded", "owner", "retired")

    def __init__(self, owner: type[msgspec.Struct]) -> None:
        self.owner = owner
        self.retired = RETIRED.get(owner, {})
        self._fields: dict[str, tuple[str, Decoder]] = {}
        self._folded: dict[str, str] = {}

    @property
    def fields(self) -> dict[str, tuple[str, Decoder]]:
        """JSON name -> attribute and decoder."""
        if not self._fields:
            for part in msgspec.structs.fields(self.owner):
                any_text = (self.owner, part.name) in ANY_TEXT
                decoder = _any_field(part.type) if any_text else decoder_of(part.type)
                self._fields[part.encode_name] = (part.name, decoder)
                self._folded[part.encode_name.lower()] = part.encode_name
        return self._fields

    def __call__(self, value: Any, ctx: Decoding, key: str | int) -> Any:
        if type(value) is not dict:
            return self.owner() if value is None else ctx.wrong(key, "map", value)
        ctx.path.append(key)
        model = self.body(value, ctx)
        ctx.path.pop()
        return model

    def body(self, value: dict[str, Any], ctx: Decoding) -> msgspec.Struct:
        """The struct of a map that stands at `ctx.path`."""
        fields = self._fields or self.fields
        given: dict[str, Any] = {}
        old: list[str] = []
        for name, part in value.items():
            known = fields.get(name)
            if known is None:
                if name in self.retired:
                    old.append(name)
                    continue
                known = self._loosely(name, ctx)
                if known is None:
                    ctx.unknown(name, self.owner, fields)
                    continue
            if part is None:
                continue
            decoded = known[1](part, ctx, name)
            if decoded is not WRONG:
                given[known[0]] = decoded
        for name in old:
            self._retire(name, value[name], given, ctx)
        return self.owner(**given)

    def _loosely(self, name: str, ctx: Decoding) -> tuple[str, Decoder] | None:
        """Argo ignores case when it is not strict."""
        meant = None if ctx.strict else self._folded.get(name.lower())
        if meant is None:
            return None
        ctx.warn("unknown-field", name, f"is read as {meant}, as Argo does when it is not strict")
        return self.fields[meant]

    def _retire(self, name: str, part: Any, given: dict[str, Any], ctx: Decoding) -> None:
        rule = self.retired[name]
        ctx.warn("retired-field", name, rule.message, "`agg convert` rewrites it")
        if part is None or rule.target is None:
            return
        attribute, decoder = self.fields[rule.target]
        if isinstance(decoder, ListDecoder):
            decoded = decoder.item(part, ctx, name)
            if decoded is not WRONG:
                given[attribute] = (*given.get(attribute, ()), decoded)
        elif rule.inside and isinstance(decoder, StructDecoder):
            inner, inner_decoder = decoder.fields[rule.inside]
            decoded = inner_decoder(part, ctx, name)
            there = given.get(attribute) or decoder.owner()
            if decoded is not WRONG and getattr(there, inner) is None:
                given[attribute] = msgspec.structs.replace(there, **{inner: decoded})
        else:
            decoded = decoder(part, ctx, name)
            if decoded is not WRONG:
                given.setdefault(attribute, decoded)


def _any_field(hint: Any) -> Decoder:
    """A field of AnyString, or a list of them."""
    inner = [part for part in get_args(hint) if part is not types.NoneType]
    listed = any(get_origin(part) is tuple for part in inner)
    return ListDecoder(any_text, str) if listed else any_text


@cache
def decoder_of(hint: Any) -> Decoder:
    """The decoder of a type as the models spell it; compiled on first use and kept."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = [part for part in args if part is not types.NoneType]
        return decoder_of(inner[0]) if len(inner) == 1 else _int_or_text
    if origin is tuple:
        return ListDecoder(decoder_of(args[0]), _blank(args[0]), grouped=get_origin(args[0]) is tuple)
    if origin is dict:
        return MapDecoder(decoder_of(args[1]))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return StructDecoder(hint)
    raise TypeError(f"no decoder for {hint!r}")


def _blank(item: Any) -> Callable[[], Any]:
    """What stands in for a wrong item of a list."""
    if item is Any:
        return lambda: None
    blank: Callable[[], Any] = get_origin(item) or item
    return blank


def decode_root(owner: type[msgspec.Struct], value: dict[str, Any], ctx: Decoding, path: Path) -> msgspec.Struct:
    """A whole object that stands at `path` of its document."""
    decoder = decoder_of(owner)
    assert isinstance(decoder, StructDecoder)
    ctx.path = list(path)
    return decoder.body(value, ctx)
