"""The machine: one run's state, moved only by events.

The laws:
1. `handle(event)` is the only way in; what comes out are commands (orders for the driver) and changes (news for observers).
   It knows no clock, file, socket or logger: every event carries `at`, and random numbers come from the run's seed. So the
   same events give the same run, byte for byte.
2. Nothing is walked per event: work waits in queues and gates, children report to their frame.
3. Nothing recurses along the workflow: what follows from an event is queued and done in order.
4. An attempt answers exactly once; a node goes through phases by the table in `node.py`, anything else is an EngineBug.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from aggregator.engine import admission, control, ending, hooks, lifecycle, places
from aggregator.engine.commands import CancelLeaf, Command, ReleaseLocks
from aggregator.engine.containers import containers_run
from aggregator.engine.events import (
    ArtifactsDeleted,
    CacheAnswered,
    Event,
    LeafFinished,
    LeafProgressed,
    LeafStarted,
    LocksRefused,
    LocksTaken,
    LocksWaiting,
    NodeSet,
    Resumed,
    StopRequested,
    Submitted,
    SuspendRequested,
    TimerFired,
    ValueKept,
)
from aggregator.engine.frames import TemplateFrame
from aggregator.engine.node import ERROR, FAILED, HOOKED, PENDING, RUNNING, SUCCEEDED, TRANSITIONS, UNSUCCESSFUL, Node
from aggregator.engine.state import RunState
from aggregator.errors import EngineBug
from aggregator.lang.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aggregator.engine.frames import Frame
    from aggregator.engine.scope import Scope


class Kind(Protocol):
    """A template type as the machine sees it; `aggregator/kinds/` has one per YAML key."""

    @property
    def node_type(self) -> str:
        """Argo's node type."""

    @property
    def slot(self) -> str:
        """The class of leaves whose number is limited together (`http`, `process`), empty for none."""

    def begin(self, machine: Machine, node: Node, scope: Scope) -> None:
        """Start a node of this kind."""


NewsKind = Literal["run", "created", "phase", "expanded", "retry", "message", "finished"]


class News(NamedTuple):
    """A change of one node, for observers."""

    kind: NewsKind
    node: Node
    at: float


class Step(NamedTuple):
    """What came of one event."""

    commands: list[Command]
    changes: list[News]


class Machine(RunState):
    """One run. `kinds` are the template types; `make_random` gives a seeded random source.

    `lookup_host` answers getHostByName, where the settings allow it.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        make_random: Callable[[int], Any],
        *,
        observed: bool = True,
        lookup_host: Callable[[str], str] | None = None,
    ) -> None:
        super().__init__()
        self.kinds = kinds
        self._lookup_host = lookup_host
        self.observed = observed
        self._make_random = make_random
        self._changes: list[News] = []
        self._handlers: dict[type, Callable[[Any], None]] = {
            LeafFinished: self._leaf_finished,
            LeafStarted: self._leaf_started,
            LeafProgressed: self._leaf_progressed,
            TimerFired: lambda e: self._fire(e.timer),
            Submitted: self._submitted,
            StopRequested: lambda e: control.stop_requested(self, e),
            SuspendRequested: lambda _: control.suspend_requested(self),
            Resumed: lambda e: control.resumed(self, e),
            NodeSet: lambda e: control.node_set(self, e),
            LocksTaken: self._locks_taken,
            LocksWaiting: lambda e: admission.locks_waiting(self, e),
            LocksRefused: self._locks_refused,
            CacheAnswered: lambda e: admission.cache_answered(self, e),
            ArtifactsDeleted: lambda e: ending.artifacts_deleted(self, e),
            ValueKept: self._value_kept,
        }

    # ------------------------------------------------------------------ in and out

    def handle(self, event: Event) -> Step:
        """Take one event; what it leads to is done when this returns."""
        self.at = event.at
        self._commands, self._changes = [], []
        if self.phase:
            self.context.now = int(event.at * 1_000_000_000)
        self._handlers[type(event)](event)
        self._work_off()
        return Step(self._commands, self._changes)

    def news(self, kind: NewsKind, node: Node) -> None:
        """Tell observers that something about the node changed."""
        if self.observed:
            self._changes.append(News(kind, node, self.at))

    # ------------------------------------------------------------------ events

    def _submitted(self, event: Submitted) -> None:
        if self.phase:
            raise EngineBug("a run can be submitted only once")
        random = self._make_random(event.seed)
        self.context = Context(
            now=int(event.at * 1_000_000_000),
            random=random,
            keep=self._keep,
            lookup_host=self._lookup_host,
            complete=True,
        )
        lifecycle.begin(self, event)

    def _leaf_started(self, event: LeafStarted) -> None:
        node = self._node(event.node)
        if node.done:
            return
        if node.phase == PENDING:
            self.set_phase(node, RUNNING)
            if node.children and node.kind == "Pod":
                containers_run(self, node)
        if event.ip:
            node.ip = event.ip
        if event.runtime:
            node.runtime = event.runtime
        if event.ready and node.template is not None and node.template.daemon and not node.daemoned:
            node.daemoned = True
            self.daemons[node.number] = node
            places.release(self, node)
            if not node.hooks_left:
                self.later(self.report, node)

    def _leaf_progressed(self, event: LeafProgressed) -> None:
        node = self._node(event.node)
        if not node.done:
            node.progress = event.progress
            self.news("message", node)

    def _leaf_finished(self, event: LeafFinished) -> None:
        node = self._node(event.node)
        if self.active.pop(node.number, None) is None:
            raise EngineBug(f"attempt {node.name!r} answered twice", node.story())
        lifecycle.leaf_finished(self, node, event.outcome)

    def _locks_taken(self, event: LocksTaken) -> None:
        if event.node == admission.RUN:
            lifecycle.locks_taken(self)
        else:
            admission.locks_taken(self, event)

    def _locks_refused(self, event: LocksRefused) -> None:
        if event.node == admission.RUN:
            ending.finish_run(self, ERROR, event.message)
        elif event.node in self.waiting:
            self.finish(self.waiting[event.node].node, ERROR, event.message)

    def _value_kept(self, event: ValueKept) -> None:
        self.kept[event.key] = event.value

    def _keep(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self.kept:
            self.kept[key] = make()
            self.new_kept.append((key, self.kept[key]))
        return self.kept[key]

    def _node(self, number: int) -> Node:
        if not 0 <= number < len(self.nodes):
            raise EngineBug(f"there is no node {number}")
        return self.nodes[number]

    # ------------------------------------------------------------------ nodes

    def new_node(
        self,
        name: str,
        kind: str,
        *,
        boundary: Node | None,
        parent: Node | None,
        owner: Frame | None,
        after: Sequence[int] | None = None,
    ) -> Node:
        """Add a node to the run: a child of `parent`, or of the nodes `after` which it starts (shown below `parent`)."""
        nodes = self.nodes
        number = len(nodes)
        node = Node(number, name, display_name(name, boundary), kind, self.at)
        node.boundary = boundary
        node.parent = parent
        node.owner = owner
        if not nodes:
            self.root = node
        nodes.append(node)
        if after is not None:
            for before in after:
                nodes[before].children.append(number)
        elif parent is not None:
            parent.children.append(number)
        return node

    def set_phase(self, node: Node, phase: str) -> None:
        """Move the node to a phase that does not end it."""
        if phase not in TRANSITIONS[node.phase]:
            raise node.misfit(phase)
        created = not node.phase
        node.phase = phase
        if self.observed:
            self.news("created" if created else "phase", node)
        if phase == RUNNING and hooks.concern(self, node):
            hooks.on_running(self, node)

    def finish(self, node: Node, phase: str, message: str = "") -> None:
        """End the node; its owner hears of it when its hooks have ended too."""
        if phase not in TRANSITIONS[node.phase]:
            raise node.misfit(phase)
        node.phase = phase
        node.message = message
        node.finished = self.at
        node.frame = node.scope = None
        node.waiting = ""
        if phase == SUCCEEDED and node.memo is not None:
            admission.remember(self, node)
        if node.locked:
            self.command(ReleaseLocks(node.locked))
            node.locked = ""
        if self.waiting and (waiting := self.waiting.pop(node.number, None)) is not None:
            waiting.forget_timers(self)
        if phase in UNSUCCESSFUL:
            self._failed(node)
        if node.holds:
            places.release(self, node)
        if self.daemons:
            self.daemons.pop(node.number, None)
            if node.kind in ("Steps", "DAG"):
                ending.end_daemons(self, node)
        if self.observed:
            self.news("finished", node)
        # Nobody waits any more for the hooks of a daemon that was reported when it came up.
        if not node.reported and (node.task is not None or node is self.root) and hooks.concern(self, node):
            hooks.on_end(self, node)
        if not node.hooks_left:
            self.later(self.report, node)

    def _failed(self, node: Node) -> None:
        """The first failure is remembered, and the template around may end early."""
        if self.first_failure is None and not node.children:
            self.first_failure = node
        if node.attempt is None and node.boundary is not None and not node.flags & HOOKED:
            frame = node.boundary.frame
            if isinstance(frame, TemplateFrame) and node.template is not None:
                frame.child_failed(self)

    def report(self, node: Node) -> None:
        """Tell the owner, once, that the node is fulfilled and its hooks have ended."""
        if self.suspended:
            self.untold.append(node)
            return
        owner = node.owner
        if owner is None:
            return
        if node.reported:
            if node.done:
                owner.daemon_ended(self, node)
            return
        node.reported = True
        if node.unstarted:
            owner.child_failed_to_start(self, node)
        else:
            owner.child_done(self, node)

    def globals_changed(self) -> None:
        """A variable of the run has a new value: hooks of the workflow itself may look at it."""
        hooks.on_globals(self)

    def stopping(self, *, exempt: bool) -> bool:
        """Whether the run's end came first: nothing starts any more, and exit handlers only while it is not terminated."""
        return bool(self.stop) and (not exempt or self.stop == "Terminate")

    def shut_down(self, *, exempt: bool) -> bool:
        """The same, for a person's stop alone: not for the run's deadline."""
        return self.stop != "deadline" and self.stopping(exempt=exempt)

    def cancel_leaf(self, node: Node, message: str) -> None:
        """End a running attempt; it still answers."""
        if node.number in self.active and not node.bound:
            node.bound = message
            self.command(CancelLeaf(node.number, message))


def display_name(name: str, boundary: Node | None) -> str:
    """The node's name without its boundary's, and without one leading `[n].` or `.`."""
    if boundary is None:
        return name
    rest = name.removeprefix(boundary.name)
    if rest.startswith("."):
        return rest[1:]
    close = rest.find("].")
    return rest[close + 2 :] if close > 0 and rest[1:close].isdigit() else rest


__all__ = ["ERROR", "FAILED", "SUCCEEDED", "Kind", "Machine", "News", "Step", "display_name"]
