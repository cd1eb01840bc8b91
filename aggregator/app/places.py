"""Where in the user's file a node comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.app.prepare import Prepared
    from aggregator.engine.node import Node
    from aggregator.source import Span


def place_of(node: Node, prepared: Prepared) -> Span | None:
    """Where the file says what failed: the leaf's template if it ran, else the step or task that called it."""
    local = f"local/{prepared.name}"
    template = node.template
    if template is not None and template.holder.scope == local and template.path and node.kind != "Skipped":
        return prepared.locate(template.path)
    if node.task is not None and node.task.path:
        boundary = node.boundary
        if boundary is not None and boundary.template is not None and boundary.template.holder.scope == local:
            return prepared.locate(node.task.path)
    return None
