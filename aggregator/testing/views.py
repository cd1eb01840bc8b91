"""Nodes as tests look at them: how often they were tried, and their inputs and outputs by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.node import OMITTED, SKIPPED

if TYPE_CHECKING:
    from aggregator.engine.node import Node


def attempts_of(node: Node, nodes: list[Node]) -> int:
    """How often it was tried: the attempts of a retried node, else one if it ran at all."""
    if node.kind == "Retry":
        return sum(nodes[n].attempt is not None and nodes[n].parent is node for n in node.children)
    return 0 if node.phase in (SKIPPED, OMITTED) or node.unstarted else 1


def by_name(values: dict[str, Any] | None) -> dict[str, Any]:
    """Inputs or outputs in Argo's shape, their lists as maps: parameters to values, artifacts to themselves."""
    found: dict[str, Any] = {}
    for key, value in (values or {}).items():
        if key == "parameters":
            found[key] = {p["name"]: p["value"] for p in value if "value" in p}
        elif key == "artifacts":
            found[key] = {a["name"]: a for a in value}
        else:
            found[key] = value
    return found
