"""Which node stands under which in the printed tree, from the nodes of a finished or running status.

A node stands under the StepGroup, TaskGroup or Retry that has it as a child, else under its boundary (the Steps or DAG
node, or the pod of a container), else it is a root. Siblings are ordered by the time they started, then by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aggregator.observe.timetext import parse_time

Node = Mapping[str, Any]

_WRAPPERS = frozenset({"StepGroup", "TaskGroup", "Retry"})
_DIGITS = re.compile(r"(\d+)")


@dataclass(slots=True)
class Branch:
    """A node with what stands under it."""

    node: Node
    children: list[Branch] = field(default_factory=list)

    def hidden(self) -> bool:
        """Groups of steps, and retries with a single attempt, show only what is in them; omitted nodes do not show."""
        kind = self.node.get("type")
        attempts = [child for child in self.children if not (child.node.get("nodeFlag") or {}).get("hooked")]
        return (
            kind == "StepGroup"
            or (kind == "Retry" and len(attempts) == 1)
            or (self.node.get("phase") == "Omitted" and not self.children)
        )


@dataclass(slots=True)
class Forest:
    """`main` is the workflow's own tree, `others` are roots of their own: the exit handler and hooks."""

    main: Branch | None
    others: list[Branch]


def plant(workflow: Mapping[str, Any]) -> Forest:
    """The trees of a workflow's status."""
    name = (workflow.get("metadata") or {}).get("name", "")
    nodes: Mapping[str, Node] = (workflow.get("status") or {}).get("nodes") or {}
    branches = {key: Branch(node) for key, node in nodes.items()}
    parents = _parents(nodes)
    roots = []
    for key, branch in branches.items():
        parent = parents.get(key)
        if parent is None:
            roots.append((key, branch))
        else:
            branches[parent].children.append(branch)
    for branch in branches.values():
        branch.children.sort(key=_order)
    reached = {id(branch) for _, root in roots for branch in walk(root)}
    # A status that somebody edited may hold a circle: what can't be reached from a root is shown on its own.
    lost = [branch for branch in branches.values() if id(branch) not in reached]
    for branch in lost:
        branch.children = []
    main = next((branch for key, branch in roots if key == name or branch.node.get("name") == name), None)
    others = [branch for _, branch in roots if branch is not main]
    return Forest(main, sorted(others + lost, key=_order))


def walk(branch: Branch) -> Iterator[Branch]:
    """The branch and all below it, parents first."""
    pending = [branch]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(current.children))


def _parents(nodes: Mapping[str, Node]) -> dict[str, str]:
    parents: dict[str, str] = {}
    for key, node in nodes.items():
        if node.get("type") in _WRAPPERS:
            for child in node.get("children") or ():
                # The children of a group of steps may include the next group, which is its boundary's child, not its own.
                if child in nodes and child != key and nodes[child].get("type") != "StepGroup":
                    parents.setdefault(child, key)
    for key, node in nodes.items():
        boundary = node.get("boundaryID")
        if isinstance(boundary, str) and boundary in nodes and boundary != key:
            parents.setdefault(key, boundary)
    return parents


def _order(branch: Branch) -> tuple[float, list[tuple[int, int | str]]]:
    node = branch.node
    started = parse_time(node.get("startedAt"))
    name = str(node.get("name") or node.get("displayName") or "")
    parts = [part for part in _DIGITS.split(name) if part]
    return (
        float("inf") if started is None else started,
        [(0, int(part)) if part.isascii() and part.isdigit() else (1, part) for part in parts],
    )
