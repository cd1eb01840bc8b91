"""A JSON Schema of the documents that are accepted, for editors."""

from __future__ import annotations

import types
from typing import Any, Final, Union, get_args, get_origin

import msgspec

from aggregator.spec.bundle import KINDS
from aggregator.spec.decode import API_VERSION, ARGO_KINDS
from aggregator.spec.fields import ledger
from aggregator.spec.retired import RETIRED
from aggregator.spec.shapes import ANY_TEXT

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE: Final[dict[Any, dict[str, Any]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": ["number", "string"]},
    Any: {},
}
_ANY_TEXT: Final[dict[str, Any]] = {"type": ["string", "number", "boolean", "null"]}


def json_schema() -> dict[str, Any]:
    """Every kind that is decoded, with unknown fields refused and retired ones marked as deprecated."""
    definitions: dict[str, Any] = {}
    kinds = []
    for kind, (owner, _) in KINDS.items():
        _define(owner, definitions)
        shape = definitions[owner.__name__]
        shape["properties"]["kind"] = {"const": kind}
        shape["required"] = ["kind"]
        if kind in ARGO_KINDS:
            shape["properties"]["apiVersion"] = {"const": API_VERSION}
        kinds.append(kind)
    branches = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"$ref": f"#/$defs/{KINDS[kind][0].__name__}"},
        }
        for kind in kinds
    ]
    return {
        "$schema": DIALECT,
        "title": "Argo Workflows v4.1, as agg reads it",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"type": "string", "examples": kinds}},
        "allOf": branches,
        "$defs": definitions,
    }


def _define(owner: type[msgspec.Struct], definitions: dict[str, Any]) -> None:
    if owner.__name__ in definitions:
        return
    properties: dict[str, Any] = {}
    definitions[owner.__name__] = {"type": ["object", "null"], "properties": properties, "additionalProperties": False}
    for field in msgspec.structs.fields(owner):
        if (owner, field.name) in ANY_TEXT:
            shape = {"type": ["array", "null"], "items": _ANY_TEXT} if field.name == "enum" else dict(_ANY_TEXT)
        else:
            shape = _nullable(_shape(field.type, definitions))
        row = ledger()[owner][field.encode_name]
        shape["description"] = f"{row.meaning} ({row.verdict})"
        properties[field.encode_name] = shape
    for name, rule in RETIRED.get(owner, {}).items():
        properties[name] = {"deprecated": True, "description": rule.message}


def _shape(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        parts = [part for part in args if part is not types.NoneType]
        return _shape(parts[0], definitions) if len(parts) == 1 else {"type": ["integer", "string"]}
    if origin is tuple:
        return {"type": "array", "items": _nullable(_shape(args[0], definitions))}
    if origin is dict:
        return {"type": "object", "additionalProperties": _nullable(_shape(args[1], definitions))}
    _define(hint, definitions)
    return {"$ref": f"#/$defs/{hint.__name__}"}


def _nullable(shape: dict[str, Any]) -> dict[str, Any]:
    """A key without a value is the same as no key at all."""
    kinds = shape.get("type")
    if kinds is not None:
        listed = kinds if isinstance(kinds, list) else [kinds]
        shape["type"] = [*listed, "null"]
    return shape
