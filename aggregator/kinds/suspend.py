"""`suspend:` a node that waits for a person or for a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aggregator.engine.control import supply
from aggregator.engine.node import ERROR, Node
from aggregator.engine.strategy import seconds
from aggregator.errors import LanguageError
from aggregator.lang.tags import LAST

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
            body = template.body.fill(scope, machine.context, LAST)
            wait = (body.get("suspend") or {}).get("duration")
            until = None if wait in (None, "") else node.started + seconds(wait, "duration")
        except LanguageError as problem:
            machine.suspensions.pop(node.number, None)
            machine.finish(node, ERROR, f"suspend: {problem.message}")
            return
        if node.inputs and node.inputs.get("parameters"):
            node.inputs = {**node.inputs, "parameters": [_offered(p) for p in node.inputs["parameters"]]}
        declared = (body.get("outputs") or {}).get("parameters") or ()
        if declared:
            node.outputs = {"parameters": [dict(p) for p in declared]}
        if until is not None:
            machine.due[node.number] = until
            machine.set_timer(until, lambda n: _over(machine, n), node)


def _offered(parameter: dict[str, Any]) -> dict[str, Any]:
    """A value that is JSON with a list `enum` offers a choice: whoever answers sees it, its first entry as the default."""
    value = parameter.get("value")
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return parameter
    try:
        told = json.loads(value)
    except ValueError:
        return parameter
    choices = told.get("enum") if isinstance(told, dict) else None
    if not isinstance(choices, list) or not choices:
        return parameter
    texts = [c if isinstance(c, str) else json.dumps(c) for c in choices]
    return {**parameter, "enum": texts, "default": texts[0]}


def _over(machine: Machine, node: Node) -> None:
    if machine.suspensions.pop(node.number, None) is not None:
        supply(machine, node, {})
