"""What a cluster would cut or refuse by its sizes, looked at only where a run asks for it (`--argo-limits`): told, or failed.

Nothing here is limited on one machine. The numbers are those of Argo's executor (a result keeps its last 256 KiB) and of
Kubernetes' API server (an object has at most 1 MiB: what a leaf reports, a pod with its template, a ConfigMap that caches,
the Workflow itself, whose nodes Argo packs when they grow).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import msgspec

from aggregator.engine.node import ERROR, SUCCEEDED, UNSUCCESSFUL

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.engine.commands import Attempt
    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node

LONGEST_RESULT = 256 * 1024
LARGEST_OBJECT = 1024 * 1024
NODE_SIZE = 700
"""About what one node takes in the Workflow object, besides its inputs and outputs."""
MOST_TOLD = 100
PODS = ("container", "script", "containerSet", "resource", "data")


class ClusterLimits:
    """One run's: `fails` where a limit ends what passes it, else it is only noted in `warnings`."""

    __slots__ = ("end", "fails", "found", "next_look", "untold", "written")

    def __init__(self, end: Callable[[Machine, str], None], *, fails: bool) -> None:
        self.end = end
        """How a run is ended whose object has grown too large."""
        self.fails = fails
        self.found: list[str] = []
        """What is only told, the first hundred."""
        self.untold = 0
        """How many of them observers have not heard of yet."""
        self.written = 0
        """About how much the inputs and outputs of all nodes take in the Workflow object."""
        self.next_look = LARGEST_OBJECT

    def submitted(self, machine: Machine) -> str:
        """Why a cluster would refuse the document, where that ends the run."""
        size = _size(machine.workflow)
        if size <= LARGEST_OBJECT:
            return ""
        return self._found(f"the Workflow has {size:,} bytes, and a cluster refuses objects of more than {_MIB}")

    def started(self, machine: Machine, node: Node, attempt: Attempt) -> str:
        """Why a cluster would refuse the pod, where that ends the node."""
        self.written += NODE_SIZE + _size(node.inputs)
        self._look(machine)
        size = _size(attempt.template) if attempt.kind in PODS else 0
        if size <= LARGEST_OBJECT:
            return ""
        return self._found(
            f"{node.display}: its template has {size:,} bytes with all tags filled, and a cluster refuses objects of"
            f" more than {_MIB}; pass large values as artifacts"
        )

    def finished(self, machine: Machine, node: Node) -> str:
        """Why a cluster would cut or refuse the outputs of a leaf, where that ends the node."""
        outputs = node.outputs or {}
        size = _size(outputs)
        self.written += size
        self._look(machine)
        result = str(outputs.get("result") or "")
        template = node.template
        longest = len(result.encode()) if template is not None and template.kind in PODS else 0
        if longest > LONGEST_RESULT:
            return self._found(
                f"{node.display}: outputs.result has {longest:,} bytes, of which a cluster keeps the last 256 KiB; write"
                " a file, and make it an output artifact"
            )
        if size > LARGEST_OBJECT:
            return self._found(
                f"{node.display}: its outputs have {size:,} bytes, and a cluster refuses objects of more than {_MIB}; use"
                " an output artifact"
            )
        return ""

    def cached(self, name: str, outputs: dict[str, Any]) -> str:
        """Why a cluster could not cache the outputs of a steps or dag template, where that ends the node."""
        size = _size(outputs)
        if size <= LARGEST_OBJECT:
            return ""
        return self._found(
            f"template {name!r} is memoized, but its outputs have {size:,} bytes and a ConfigMap has at most {_MIB}"
        )

    def ended(self, machine: Machine, phase: str, message: str) -> tuple[str, str]:
        """The run's phase and message, after a last look at the whole object."""
        found = self._too_large(machine) if machine.nodes else ""
        if found and self.fails and phase not in UNSUCCESSFUL:
            return ERROR, found
        return phase, message

    # ------------------------------------------------------------------ the object as a whole

    def _look(self, machine: Machine) -> None:
        """From time to time: the more there is, the rarer, so that all looks together cost as much as the last one."""
        if self.written < self.next_look:
            return
        self.next_look = 2 * self.written
        found = self._too_large(machine)
        if found and self.fails and not machine.stop:
            machine.later(lambda text: self.end(machine, text), found)

    def _too_large(self, machine: Machine) -> str:
        """As Argo does: an object of more than 1 MiB gets its nodes packed, and is refused if that was not enough."""
        from aggregator.engine.status import workflow_object  # noqa: PLC0415 - only for runs that ask for it

        whole = workflow_object(machine)
        size = _size(whole)
        if size <= LARGEST_OBJECT:
            return ""
        nodes = msgspec.json.encode(whole["status"].pop("nodes"))
        packed = _size(whole) + len(zlib.compress(nodes, 9)) * 4 // 3
        if packed <= LARGEST_OBJECT:
            return ""
        return self._found(
            f"the Workflow has {packed:,} bytes with its nodes compressed, and a cluster without a database for them"
            f" refuses objects of more than {_MIB}"
        )

    def _found(self, text: str) -> str:
        """The text where it is to end something; else it is noted, and empty."""
        if self.fails:
            return text
        if len(self.found) < MOST_TOLD:
            self.found.append(text)
            self.untold += 1
        return ""

    def news(self) -> list[str]:
        """What was found since the last time."""
        fresh, self.untold = self.found[len(self.found) - self.untold :], 0
        return fresh


_MIB = "1 MiB"


def make_limits(machine: Machine, end: Callable[[Machine, str], None]) -> ClusterLimits | None:
    """By the run's option `argo_limits`: `warn`, `error`, or none."""
    mode = machine.options.get("argo_limits")
    return ClusterLimits(end, fails=mode == "error") if mode in ("warn", "error") else None


def leaf_verdict(machine: Machine, node: Node, phase: str, message: str) -> tuple[str, str]:
    """How a leaf ends whose outputs are known: as it did, or for what a cluster would have made of them."""
    limits = machine.cluster
    if limits is None:
        return phase, message
    found = limits.finished(machine, node)
    return (ERROR, found) if found and phase == SUCCEEDED else (phase, message)


def _size(value: Any) -> int:
    return len(msgspec.json.encode(value)) if value else 0
