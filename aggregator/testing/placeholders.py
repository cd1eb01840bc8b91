"""Plausible outputs for leaves that nobody runs: what is declared gets a value of the form that its readers ask for."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.engine.commands import Attempt
    from aggregator.engine.machine import Machine

LOCATIONS = ("s3", "git", "http", "raw", "artifactory", "gcs", "oss", "azure", "hdfs", "plugin", "local")
_NUMERIC = re.compile(r"as(?:Int|Float)\(([^()]*)")
_WORD = re.compile(r"[\w-]+")
ITEMS = '["item-0","item-1"]'
"""What a loop over a result that nobody made goes through."""


def parameters(machine: Machine, attempt: Attempt, given: Mapping[str, str]) -> dict[str, str]:
    """The declared output parameters: as given, else their default, else a placeholder."""
    made = {}
    for raw in (attempt.template.get("outputs") or {}).get("parameters") or ():
        name, source = raw["name"], raw.get("valueFrom") or {}
        if name in given:
            made[name] = given[name]
        elif source.get("default") is not None:
            made[name] = str(source["default"])
        elif "value" not in raw:
            exported = str(raw.get("globalName") or "")
            number = exported and exported in _numbers(machine)
            made[name] = "1" if number else _text_for(machine, attempt, f"outputs.parameters.{name}", name)
    return made


def result(machine: Machine, attempt: Attempt) -> str | None:
    """`outputs.result` where something refers to it."""
    if not attempt.want_result:
        return None
    return _text_for(machine, attempt, "outputs.result", "{}")


def artifacts(attempt: Attempt, given: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The declared output artifacts as stored: where they or the defaults say. With `given`, optional ones only if named."""
    made = []
    for raw in (attempt.template.get("outputs") or {}).get("artifacts") or ():
        if raw.get("optional") and given is not None and raw["name"] not in given:
            continue
        made.append(_stored(attempt, raw))
    return made


def _stored(attempt: Attempt, raw: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in raw.items() if key not in LOCATIONS}
    default = {key: value for key, value in attempt.artifact_location.items() if key in LOCATIONS and value}
    packed = (raw.get("archive") or {}).get("none") is None
    file = f"{raw['name']}.tgz" if packed else str(raw.get("path") or raw["name"]).rpartition("/")[2]
    for key in LOCATIONS:
        if raw.get(key) is not None:
            return {**kept, key: {**default.get(key, {}), **raw[key]}}
    for key, location in default.items():
        return {**kept, key: {**location, "key": f"{str(location.get('key', '')).rstrip('/')}/{file}".lstrip("/")}}
    return {**kept, "local": {"key": f"{attempt.workflow}/{attempt.pod_name}/{file}"}}


def _text_for(machine: Machine, attempt: Attempt, field: str, default: str) -> str:
    """A list for loops, a number for arithmetic, else the default: by the texts beside it that mention the output."""
    node = machine.nodes[attempt.node]
    boundary, task = node.boundary, node.task
    if boundary is None or boundary.template is None or task is None:
        return default
    mention = f".{task.name}.{field}"
    quoted = f"['{task.name}'].{field}"
    for other in boundary.template.tasks or [t for group in boundary.template.groups for t in group]:
        if other.loop is None:
            continue
        text = json.dumps(other.loop.tree.value)
        if mention in text or quoted in text:
            return ITEMS if other.loop.form == "param" and "[" not in text.partition(field)[2] else "1"
    names = _numbers(machine)
    wanted = field.rpartition(".")[2]
    return "1" if wanted in names and task.name in names else default


_known: WeakKeyDictionary[Machine, frozenset[str]] = WeakKeyDictionary()


def _numbers(machine: Machine) -> frozenset[str]:
    """Every word inside of `asInt(…)` and `asFloat(…)` anywhere in the workflow: names of outputs that are made numbers."""
    found = _known.get(machine)
    if found is None:
        text = json.dumps([machine.workflow.get("spec"), [h.raw for h in machine.program.others.values()]])
        inside = " ".join(_NUMERIC.findall(text))
        found = _known[machine] = frozenset(_WORD.findall(inside))
    return found
