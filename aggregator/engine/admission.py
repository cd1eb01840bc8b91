"""What a node waits for before it is dispatched: its locks, then the answer of the memoization cache, then a free place."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from aggregator.engine import places
from aggregator.engine.commands import LockWish, LookUpCache, SaveCache, TakeLocks
from aggregator.engine.inputs import PARAMETER_LABEL, NodeError
from aggregator.engine.node import ERROR, FAILED, PENDING, SUCCEEDED, Node
from aggregator.engine.outputs import export_globals
from aggregator.engine.times import rfc3339, unix_seconds
from aggregator.errors import LanguageError
from aggregator.lang.gotime import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.engine.events import CacheAnswered, LocksTaken, LocksWaiting
    from aggregator.engine.limits import Gate
    from aggregator.engine.machine import Machine

RUN = -1
"""Stands for the run itself where a node's number is expected."""
_CACHE_KEY = re.compile(r"[A-Za-z0-9][-A-Za-z0-9]*")


class Waiting:
    """A node that has not been dispatched: `rules` are its template's filled fields, `go` dispatches it."""

    __slots__ = ("asked", "go", "node", "rules", "timers")

    def __init__(self, node: Node, rules: dict[str, Any], go: Callable[[Machine, Node, int], None]) -> None:
        self.node = node
        self.rules = rules
        self.go = go
        self.timers: list[int] = []
        self.asked = False
        """The cache has been asked; meanwhile the node has its place."""

    def advance(self, machine: Machine) -> Gate | None:
        """The locks are there: take a place, then ask the cache; after its answer dispatch the node."""
        node = self.node
        if node.done:
            return None
        assert node.template is not None
        if self.asked:
            gate = machine.suspend_gate if machine.suspended else None
        else:
            gate = places.blocked(machine, node.template, node.boundary, placed=bool(node.holds))
        if gate is not None:
            return gate
        # What waits for the place that is given back here is woken after this node has taken it again.
        places.release(machine, node)
        if node.memo is not None and not self.asked:
            self.asked = True
            places.take(machine, node, node.template)
            machine.command(LookUpCache(node.number, node.memo["cacheName"], node.memo["key"]))
            return None
        del machine.waiting[node.number]
        self.forget_timers(machine)
        self.go(machine, node, node.depth)
        return None

    def forget_timers(self, machine: Machine) -> None:
        for timer in self.timers:
            machine.cancel_timer(timer)


def admit(machine: Machine, node: Node, rules: dict[str, Any], go: Callable[[Machine, Node, int], None]) -> None:
    """Dispatch the node by `go`, after its locks were taken and its cache was asked."""
    wanted = rules.get("synchronization")
    if not wanted and not rules.get("memoize"):
        go(machine, node, node.depth)
        return
    try:
        locks = wishes(machine, wanted) if wanted else []
        if rules.get("memoize"):
            node.memo = _memo(machine, rules["memoize"])
        limits = [_seconds(rules, name) for name in ("timeout", "pendingTimeout") if rules.get(name)]
    except (NodeError, LanguageError) as problem:
        machine.finish(node, ERROR, str(problem))
        return
    waiting = machine.waiting[node.number] = Waiting(node, rules, go)
    machine.set_phase(node, PENDING)
    assert node.template is not None
    if node.template.retry is None:  # of what is retried the attempts count, which come once it has its locks
        places.place(machine, node, node.template)
    for seconds in limits:
        waiting.timers.append(machine.set_timer(node.started + seconds, lambda w: _too_late(machine, w), waiting))
    if locks:
        node.locked = f"{machine.namespace}/{machine.name}/{node.identity(machine.name)}"
        ask(machine, node.number, node.locked, locks)
    else:
        machine.start(waiting)


def ask(machine: Machine, number: int, holder: str, locks: list[LockWish]) -> None:
    """Ask for all of these locks; the queue is by the run's priority, then its age."""
    machine.asked[number] = tuple(lock.key for lock in locks)
    priority = machine.program.spec.get("priority") or 0
    machine.command(TakeLocks(number, holder, locks, int(priority), machine.created))


def wishes(machine: Machine, wanted: dict[str, Any]) -> list[LockWish]:
    """The locks of a `synchronization`, with their limits; NodeError for what is missing or given twice."""
    found: dict[str, LockWish] = {}
    mutexes = [*(wanted.get("mutexes") or ()), *([wanted["mutex"]] if wanted.get("mutex") else ())]
    semaphores = [*(wanted.get("semaphores") or ()), *([wanted["semaphore"]] if wanted.get("semaphore") else ())]
    for mutex in mutexes:
        space = mutex.get("namespace") or machine.namespace
        kind = "Database/Mutex" if mutex.get("database") else "Mutex"
        _add(found, LockWish(f"{space}/{kind}/{mutex.get('name') or ''}", 1))
    for semaphore in semaphores:
        _add(found, _semaphore(machine, semaphore))
    return list(found.values())


def _add(found: dict[str, LockWish], wish: LockWish) -> None:
    if wish.key in found:
        raise NodeError(f"synchronization asks for the lock {wish.key} more than once")
    found[wish.key] = wish


def _semaphore(machine: Machine, semaphore: dict[str, Any]) -> LockWish:
    space = semaphore.get("namespace") or machine.namespace
    reference = semaphore.get("configMapKeyRef")
    if reference:
        name, key = reference.get("name") or "", reference.get("key") or ""
        place, short = f"{space}/ConfigMap/{name}/{key}", f"{name}/{key}"
        found = machine.config_maps.get(name)
        value = (machine.options.get("semaphores") or {}).get(short)
        if value is None:
            if found is None:
                raise NodeError(
                    f"the semaphore's ConfigMap {name!r} is not found: give its document in the file or with --with"
                    f' PATH, or a limit in the settings: [semaphores] "{short}" = 1'
                )
            value = (found.get("data") or {}).get(key)
        if value is None:
            raise NodeError(f"the semaphore's ConfigMap {name!r} has no key {key!r}")
    else:
        short = (semaphore.get("database") or {}).get("key") or ""
        place = f"{space}/Database/{short}"
        value = (machine.options.get("semaphores") or {}).get(short)
        if value is None:
            raise NodeError(
                f'the semaphore {short!r} has no limit: give one in the settings: [semaphores] "{short}" = 1'
            )
    try:
        limit = int(str(value).strip())
    except ValueError:
        limit = 0
    if limit < 1:
        raise NodeError(f"the limit of semaphore {short!r} must be a whole number above 0, it is {value!r}")
    return LockWish(place, limit)


def _seconds(rules: dict[str, Any], name: str) -> float:
    try:
        return parse_duration(str(rules[name])).ns / 1e9
    except LanguageError:
        raise NodeError(
            f"{rules[name]!r} has invalid duration format in {name}; write it with a unit, as in 30s"
        ) from None


# ---------------------------------------------------------------------- answers


def locks_waiting(machine: Machine, event: LocksWaiting) -> None:
    """Tell what is waited for."""
    message = f"Waiting for {event.lock} lock. Lock status: {max(event.limit - event.held, 0)}/{event.limit}"
    if event.node == RUN:
        machine.waits_for, machine.message = event.lock, message
        return
    waiting = machine.waiting.get(event.node)
    if waiting is not None:
        waiting.node.waiting = event.lock
        waiting.node.message = message
        machine.news("message", waiting.node)


def locks_taken(machine: Machine, event: LocksTaken) -> None:
    """Go on with a place and the cache."""
    waiting = machine.waiting.get(event.node)
    if waiting is not None:
        waiting.node.waiting = waiting.node.message = ""
        machine.start(waiting)


def cache_answered(machine: Machine, event: CacheAnswered) -> None:
    """A hit ends the node at once with the outputs of old; otherwise it is dispatched."""
    waiting = machine.waiting.get(event.node)
    if waiting is None:
        return
    node, rules = waiting.node, waiting.rules["memoize"]
    assert node.memo is not None
    entry = event.entry or _given_entry(machine, node.memo["cacheName"], node.memo["key"])
    if entry is None or not entry.get("nodeID") or _expired(machine, rules, entry):
        machine.start(waiting)
        return
    node.memo = {**node.memo, "hit": True}
    node.outputs = entry.get("outputs") or None
    export_globals(machine, node.outputs)
    machine.finish(node, SUCCEEDED)


def _memo(machine: Machine, raw: dict[str, Any]) -> dict[str, Any]:
    """The node's memoizationStatus, and everything about `memoize` checked."""
    key = str(raw.get("key") or "")
    if not _CACHE_KEY.fullmatch(key):
        raise NodeError(
            f"invalid memoize key {key!r}: it must consist of letters, digits and '-', and begin with no '-'"
        )
    name = ((raw.get("cache") or {}).get("configMap") or {}).get("name") or ""
    if not name:
        raise NodeError("memoize needs cache.configMap.name")
    if raw.get("maxAge"):
        try:
            parse_duration(str(raw["maxAge"]))
        except LanguageError as problem:
            raise NodeError(f"memoize.maxAge: {problem.message}") from None
    found = machine.config_maps.get(name)
    if found is not None and ((found.get("metadata") or {}).get("labels") or {}).get(PARAMETER_LABEL) != "Cache":
        raise NodeError(f"ConfigMap {name!r} needs the label {PARAMETER_LABEL}: Cache to be used as a cache")
    return {"hit": False, "key": key, "cacheName": name}


def _given_entry(machine: Machine, cache: str, key: str) -> dict[str, Any] | None:
    """An entry that the ConfigMap's own document brought along."""
    text = ((machine.config_maps.get(cache) or {}).get("data") or {}).get(key)
    try:
        entry = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _expired(machine: Machine, rules: dict[str, Any], entry: dict[str, Any]) -> bool:
    if not rules.get("maxAge"):
        return False
    made = unix_seconds(str(entry.get("creationTimestamp") or ""))
    return made is None or machine.at - made > parse_duration(str(rules["maxAge"])).ns / 1e9


def remember(machine: Machine, node: Node) -> None:
    """Keep the outputs of a memoized node that succeeded."""
    memo = node.memo
    if memo is not None and not memo["hit"]:
        at = rfc3339(machine.at)
        entry = {
            "nodeID": node.identity(machine.name),
            "outputs": node.outputs,
            "creationTimestamp": at,
            "lastHitTimestamp": at,
        }
        machine.command(SaveCache(memo["cacheName"], memo["key"], entry))


# ---------------------------------------------------------------------- ends


def stop_waiting(machine: Machine, waiting: Waiting) -> None:
    """The run is being stopped: the node never starts."""
    machine.finish(waiting.node, FAILED, machine.stop_message)


def _too_late(machine: Machine, waiting: Waiting) -> None:
    machine.finish(waiting.node, FAILED, "timeout: the node was still waiting when its time was over")
