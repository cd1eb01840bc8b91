"""Rewrites documents of Argo v3 as v4 wants them: each retired field becomes its successor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.spec.bundle import KINDS
from aggregator.spec.decode import API_VERSION, ARGO_KINDS
from aggregator.spec.scalars import number_text
from aggregator.spec.shapes import ListDecoder, MapDecoder, StructDecoder, any_text, decoder_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aggregator.spec.positions import Document


def convert_documents(documents: Iterable[Document]) -> list[Any]:
    """The plain values of documents in v4's form; comments do not survive, everything else does."""
    return [convert(document.value) for document in documents if document.value is not None]


def convert(value: Any) -> Any:
    """One object, or a List of them. Nothing of the given value is changed in place."""
    if not isinstance(value, dict):
        return value
    kind = value.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        converted = _convert(value, decoder_of(KINDS[kind][0]))
        if kind not in ARGO_KINDS or value.get("apiVersion") == API_VERSION:
            return converted
        rest = {name: part for name, part in converted.items() if name != "apiVersion"}
        return {"apiVersion": API_VERSION, **rest}
    if isinstance(value.get("items"), list):
        return {**value, "items": [convert(item) for item in value["items"]]}
    return value


def _convert(value: Any, decoder: Any) -> Any:
    if isinstance(decoder, StructDecoder) and isinstance(value, dict):
        return _convert_struct(value, decoder)
    if isinstance(decoder, ListDecoder) and isinstance(value, list):
        return [_convert(part, decoder.item) for part in value]
    if isinstance(decoder, MapDecoder) and isinstance(value, dict):
        return {name: _convert(part, decoder.item) for name, part in value.items()}
    if decoder is any_text and isinstance(value, int) and not isinstance(value, bool) and float(value) != value:
        return number_text(value)  # what Argo makes of it, now said openly
    return value


def _convert_struct(value: dict[str, Any], decoder: StructDecoder) -> dict[str, Any]:
    """Successors stand where the retired fields stood, unless they are there already."""
    result: dict[str, Any] = {}
    for name, part in value.items():
        rule = None if name in decoder.fields else decoder.retired.get(name)
        if rule is None:
            known = decoder.fields.get(name)
            mine = _convert(part, known[1]) if known else part
            result[name] = _join(mine, result[name]) if name in result else mine
            continue
        if rule.target is None or part is None:
            continue
        successor = decoder.fields[rule.target][1]
        if isinstance(successor, ListDecoder):
            moved: Any = [_convert(part, successor.item)]
        else:
            moved = {rule.inside: part} if rule.inside else part
        result[rule.target] = _join(result[rule.target], moved) if rule.target in result else moved
    return result


def _join(given: Any, moved: Any) -> Any:
    """What was written under the successor's name wins over what moves there."""
    if isinstance(given, list) and isinstance(moved, list):
        return [*given, *moved]
    if isinstance(given, dict) and isinstance(moved, dict):
        return {**moved, **given}
    return moved if given is None else given
