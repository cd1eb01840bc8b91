"""Reads the `expect` of a test file into a flat table: each value with the path under which it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.testing.cases import Expected
from aggregator.testing.values import comparisons, regex_of

if TYPE_CHECKING:
    from aggregator.testing.fields import Fields

PHASES = ("Pending", "Running", "Succeeded", "Skipped", "Failed", "Error", "Omitted")
TOP = ("phase", "message", "duration", "nodes", "order", "outputs", "requests", "artifacts")
NODE = (
    "phase",
    "message",
    "attempts",
    "duration",
    "outputs",
    "inputs",
    "leaf",
    "startedAfter",
    "children",
    "count",
    "type",
    "template",
)
OUTPUTS = ("parameters", "artifacts", "result", "exitCode")
ABSENT = "absent"


def read_expectations(fields: Fields) -> dict[str, Expected]:
    """By key; `nodes` gives one entry for each node, `nodes.NAME`, whose value is what is written under it."""
    if fields.value is None or not fields.known(TOP):
        return {}
    found: dict[str, Expected] = {}
    for key in ("phase", "message", "duration", "order", "outputs", "requests", "artifacts"):
        if key in fields:
            found[key] = Expected(key, fields[key].value, fields[key].span)
    _check_common(fields)
    _check_top(fields)
    for name, node in fields["nodes"].pairs():
        if isinstance(node.value, str):
            node.choice((ABSENT, *PHASES))
        elif node.known(NODE):
            _check_common(node)
            node["attempts"].whole()
            node["inputs"].value is None or node["inputs"].known(("parameters", "artifacts"))
            node["leaf"].value is None or node["leaf"].is_a(dict)
        found[f"nodes.{name}"] = Expected(f"nodes.{name}", node.value, node.span)
    return found


def _check_common(fields: Fields) -> None:
    """What the run and its nodes have in common."""
    if "phase" in fields:
        phase = fields["phase"]
        for one in phase.items() if isinstance(phase.value, list) else [phase]:
            one.choice(PHASES)
    if "duration" in fields:
        fields["duration"].read(comparisons)
    if "message" in fields:
        fields["message"].read(regex_of)
    if fields["outputs"].value is not None and fields["outputs"].known(OUTPUTS):
        for name in ("parameters", "artifacts"):
            fields["outputs"][name].pairs()


def _check_top(fields: Fields) -> None:
    for item in fields["order"].items():
        item.is_a(str)
    for _, count in fields["requests"].pairs():
        count.is_a(int)
    for _, artifact in fields["artifacts"].pairs():
        if isinstance(artifact.value, dict):
            artifact.known(("json", "text", "node"))


def entries(expected: dict[str, Expected], prefix: str) -> list[tuple[str, Any]]:
    """Name and entry of all nodes that are expected."""
    return [(key[len(prefix) :], entry) for key, entry in expected.items() if key.startswith(prefix)]
