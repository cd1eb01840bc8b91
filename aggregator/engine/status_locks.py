"""`status.synchronization`: the locks that a run and its nodes hold, and those that they wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.admission import RUN

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine


def synchronization(machine: Machine) -> dict[str, Any]:
    """Mutexes and semaphores apart, each with `holding` and `waiting`; empty when there is neither."""
    made: dict[str, Any] = {}
    for number, keys in machine.asked.items():
        holder, waits = _of_run(machine) if number == RUN else _of_node(machine, number)
        for key in keys if holder else ():
            if waits is None or key == waits:
                _note(made, key, holder, "holding" if waits is None else "waiting")
    return made


def _of_run(machine: Machine) -> tuple[str, str | None]:
    """Who has asked, and what it waits for: None when it holds what it asked for."""
    if machine.finished is not None:
        return "", None
    return machine.name, None if machine.started is not None else machine.waits_for


def _of_node(machine: Machine, number: int) -> tuple[str, str | None]:
    node = machine.nodes[number]
    if node.done:
        return "", None
    if number in machine.waiting and not node.waiting:
        return "", None  # asked, and not answered yet
    return node.identity(machine.name), node.waiting or None


def _note(made: dict[str, Any], key: str, holder: str, state: str) -> None:
    kind = "mutex" if "Mutex" in key.split("/")[1:3] else "semaphore"
    listed = made.setdefault(kind, {}).setdefault(state, [])
    if kind == "mutex":
        listed.append({"mutex": key, "holder": holder} if state == "holding" else {"mutex": key})
        return
    entry = next((e for e in listed if e["semaphore"] == key), None)
    if entry is None:
        entry = {"semaphore": key}
        listed.append(entry)
    if state == "holding":
        entry.setdefault("holders", []).append(holder)
