"""Output parameters of resource templates: jsonPath and jqFilter over the object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.errors import LanguageError
from aggregator.lang.jq import jq_filter
from aggregator.lang.kubejsonpath import k8s_jsonpath

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def wants_object(template: Mapping[str, Any]) -> bool:
    """Whether an output is read from the object."""
    return any(True for _ in _sources(template))


def parameters_of(template: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, str]:
    """Each output parameter with its value; the default where the object does not tell it.

    Without an object (a delete leaves none) an output without a default is empty. LanguageError otherwise.
    """
    made = {}
    for name, source in _sources(template):
        if not found:
            made[name] = str(source.get("default") or "")
            continue
        try:
            # A path that leads nowhere gives an empty text, as in kubectl; that is what a default is for.
            made[name] = _read(source, found) or str(source.get("default") or "")
        except LanguageError as problem:
            if source.get("default") is None:
                raise LanguageError(f"output parameter {name!r}: {problem.message}", text=problem.text) from None
            made[name] = str(source["default"])
    return made


def _read(source: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    if source.get("jqFilter"):
        return jq_filter(found, str(source["jqFilter"]))
    return k8s_jsonpath(found, str(source["jsonPath"]))


def _sources(template: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for parameter in (template.get("outputs") or {}).get("parameters") or ():
        source = parameter.get("valueFrom") or {}
        if source.get("jqFilter") or source.get("jsonPath"):
            yield parameter["name"], source
