"""`suspend:` a node that waits for a person or for a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.control import supply
from aggregator.engine.node import ERROR, Node
from aggregator.engine.retry import seconds
from aggregator.errors import LanguageError
from aggregator.lang.tags import LENIENT

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.engine.scope import Scope


class Suspend:
    """Template kind `suspend`."""

    node_type = "Suspend"
    slot = ""

    def begin(self, machine: Machine, node: Node, scope: Scope) -> None:
        template = node.template
        assert template is not None
        machine.suspensions[node.number] = node
        try:
            body = template.body.fill(scope, machine.context, LENIENT)
            wait = (body.get("suspend") or {}).get("duration")
            until = None if wait in (None, "") else node.started + seconds(wait, "duration")
        except LanguageError as problem:
            machine.suspensions.pop(node.number, None)
            machine.finish(node, ERROR, f"suspend: {problem.message}")
            return
        declared = (body.get("outputs") or {}).get("parameters") or ()
        if declared:
            node.outputs = {"parameters": [dict(p) for p in declared]}
        if until is not None:
            machine.set_timer(until, lambda n: _over(machine, n), node)


def _over(machine: Machine, node: Node) -> None:
    if machine.suspensions.pop(node.number, None) is not None:
        supply(machine, node, {})
