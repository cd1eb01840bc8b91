"""Leaves that a runtime carries out: the machine needs their node type and the class that limits them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregator.errors import EngineBug

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node
    from aggregator.engine.scope import Scope


@dataclass(frozen=True, slots=True)
class Leaf:
    """Template kinds that are one attempt of a runtime; `runtime` is the registry's key in `aggregator/runtimes/`."""

    node_type: str
    slot: str
    runtime: str

    def begin(self, machine: Machine, node: Node, scope: Scope) -> None:
        del machine, scope
        raise EngineBug(f"leaf {node.name!r} was begun as if it were a composite")
