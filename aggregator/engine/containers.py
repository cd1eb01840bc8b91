"""The Container nodes of a containerSet: one per container, below the pod's node, ended by what the pod's outcome says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.node import ERROR, FAILED, PENDING, RUNNING, SUCCEEDED, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.engine.events import Outcome
    from aggregator.engine.machine import Machine

NEVER_RAN = 64
"""The exit code of a container whose dependency failed."""


def add_containers(machine: Machine, pod: Node, body: dict[str, Any]) -> None:
    """A node for each container; one with dependencies is a child of these, the others of the pod."""
    made: dict[str, Node] = {}
    listed = (body.get("containerSet") or {}).get("containers") or ()
    for container in listed:
        name = container.get("name") or ""
        # Edges are drawn below: a dependency may be written after what needs it.
        made[name] = node = machine.new_node(
            f"{pod.name}.{name}", "Container", boundary=pod, parent=pod, owner=None, after=()
        )
        node.where = pod.where
        machine.set_phase(node, PENDING)
    for container in listed:
        node = made[container.get("name") or ""]
        needed = [made[n] for n in container.get("dependencies") or () if n in made]
        for parent in needed or [pod]:
            parent.children.append(node.number)


def containers_run(machine: Machine, pod: Node) -> None:
    """The pod is running, and so are its containers."""
    for node in containers_of(machine, pod):
        machine.set_phase(node, RUNNING)


def end_containers(machine: Machine, pod: Node, outcome: Outcome) -> None:
    """Each container ends by its own exit code; one without a code shares the pod's end."""
    for node in containers_of(machine, pod):
        name = node.name.removeprefix(f"{pod.name}.")
        code = outcome.exit_code if name == "main" else outcome.containers.get(name)
        if code is None:
            machine.finish(node, outcome.phase, outcome.message.replace("pod", "container"))
        elif code == 0:
            machine.finish(node, SUCCEEDED)
        else:
            machine.finish(node, ERROR if code == NEVER_RAN else FAILED, f"exit code {code}")


def containers_of(machine: Machine, pod: Node) -> Iterator[Node]:
    """The containers were made right after their pod."""
    number = pod.number + 1
    while number < len(machine.nodes) and machine.nodes[number].kind == "Container":
        yield machine.nodes[number]
        number += 1
