"""Which runs and nodes a command means: `@latest`, labels, ages, and Argo's selectors of nodes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from aggregator.errors import LanguageError, UsageError, nearest
from aggregator.lang.selectors import parse_fields

Predicate = Callable[[Mapping[str, Any]], bool]

_AGE = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SET = re.compile(r"\s*(?P<key>[^\s!=,()]+)\s+(?P<not>notin|in)\s*\((?P<values>[^()]*)\)\s*")
_EQUAL = re.compile(r"\s*(?P<key>[^\s!=,()]+)\s*(?P<op>==|!=|=)\s*(?P<value>[^,()]*?)\s*")
_EXISTS = re.compile(r"\s*(?P<not>!?)\s*(?P<key>[^\s!=,()]+)\s*")
_NODE_FIELDS = (
    "displayName",
    "name",
    "id",
    "templateName",
    "templateRef.name",
    "templateRef.template",
    "phase",
    "type",
)


def parse_age(flag: str, text: str) -> float:
    """Seconds of `90s`, `10m`, `3h`, `2d`, `1h30m`."""
    if text and not _AGE.sub("", text):
        return sum(float(number) * _SECONDS[unit] for number, unit in _AGE.findall(text))
    raise UsageError(f"{flag} {text!r} is no length of time", hint="write it like 90s, 10m, 3h, 2d or 1h30m")


def label_selector(text: str) -> Callable[[Mapping[str, str]], bool]:
    """Kubernetes' label selectors: `a=b,c!=d,e in (x,y),f notin (z),g,!h`; all parts must hold."""
    parts = [_label_part(part) for part in _split(text) if part.strip()]
    return lambda labels: all(part(labels) for part in parts)


def node_selector(text: str) -> Predicate:
    """Argo's `--node-field-selector`: `displayName=approve,phase!=Failed,inputs.parameters.env.value=prod`."""
    try:
        parsed = parse_fields(text)
    except LanguageError as error:
        hint = error.hint or f"fields: {', '.join(_NODE_FIELDS)}"
        raise UsageError(f"--node-field-selector {text!r}: {error.message}", hint=hint) from error
    parts = [(key.strip(), same, value.strip()) for key, same, value in parsed.terms]
    for key, _, _ in parts:
        if key not in _NODE_FIELDS and not re.fullmatch(r"(in|out)puts\.parameters\..+\.value", key):
            known = [*_NODE_FIELDS, "inputs.parameters.NAME.value", "outputs.parameters.NAME.value"]
            hint = nearest(key, known) or f"fields: {', '.join(known)}"
            raise UsageError(f"--node-field-selector: nodes have no field {key!r}", hint=hint)
    return lambda node: all((node_field(node, key) == value) is same for key, same, value in parts)


def node_field(node: Mapping[str, Any], key: str) -> str:
    """A node's field as a selector names it; empty where the node has none."""
    head, _, rest = key.partition(".")
    if head == "templateRef":
        return str((node.get("templateRef") or {}).get(rest, ""))
    if head in ("inputs", "outputs"):
        name = rest.removeprefix("parameters.").removesuffix(".value")
        parameters = (node.get(head) or {}).get("parameters") or ()
        return next((str(parameter.get("value", "")) for parameter in parameters if parameter.get("name") == name), "")
    return str(node.get(key) or "")


def _split(text: str) -> list[str]:
    """At commas outside of parentheses."""
    return re.split(r",(?![^(]*\))", text)


def _label_part(part: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET.fullmatch(part):
        key, wanted = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["not"] == "in":
            return lambda labels: labels.get(key) in wanted
        return lambda labels: labels.get(key) not in wanted
    if found := _EQUAL.fullmatch(part):
        key, value = found["key"], found["value"]
        if found["op"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.fullmatch(part):
        key, without = found["key"], bool(found["not"])
        return lambda labels: (key in labels) is not without
    hint = "write it like app=web, app!=web, app in (a,b), app or !app"
    raise UsageError(f"-l {part.strip()!r} is no label selector", hint=hint)
