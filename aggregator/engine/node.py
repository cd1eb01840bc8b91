"""Nodes of a run: their record, Argo's ids and names, and the table of phase transitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.errors import EngineBug

if TYPE_CHECKING:
    from aggregator.engine.frames import Frame
    from aggregator.engine.scope import Scope, TemplateScope
    from aggregator.plan.program import Task, Template

PENDING, RUNNING, SUCCEEDED = "Pending", "Running", "Succeeded"
SKIPPED, FAILED, ERROR, OMITTED = "Skipped", "Failed", "Error", "Omitted"

COMPLETED = frozenset({SUCCEEDED, FAILED, ERROR})
FULFILLED = frozenset({SUCCEEDED, FAILED, ERROR, SKIPPED, OMITTED})
UNSUCCESSFUL = frozenset({FAILED, ERROR})

TRANSITIONS: dict[str, frozenset[str]] = {
    "": frozenset({PENDING, RUNNING, SKIPPED, OMITTED, FAILED, ERROR}),
    PENDING: frozenset({RUNNING, SUCCEEDED, FAILED, ERROR}),
    RUNNING: frozenset({SUCCEEDED, FAILED, ERROR}),
    # A daemon that is done with its boundary is marked Succeeded, one that falls over Failed; otherwise an end is final.
    SUCCEEDED: frozenset(),
    SKIPPED: frozenset(),
    OMITTED: frozenset(),
    FAILED: frozenset(),
    ERROR: frozenset(),
}
"""From each phase, the phases that may follow; the empty phase is a node that has just been made."""

_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193


def fnv1a32(text: str, value: int = _FNV_OFFSET) -> int:
    """The 32-bit FNV-1a hash of the text's UTF-8 bytes, after those whose hash is `value`."""
    for byte in text.encode():
        value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return value


def pod_name(workflow: str, name: str, template: str, hashed: int | None = None) -> str:
    """Argo's v2 pod name: workflow, template and the hash of the attempt's node name, cut to what Kubernetes takes.

    Who knows the name's hash already gives it.
    """
    if name == workflow:
        return workflow
    prefix = f"{workflow}-{template}" if template else workflow
    return f"{prefix[:242]}-{fnv1a32(name) if hashed is None else hashed}"


NOTHING: dict[str, Any] = {}


class Node:
    """One node of a run. Only the machine changes it; `number` is its place in the run's list of nodes.

    `frame` is the running state of a composite (gone when the node is fulfilled), `owner` the frame that is told of its end.
    `outputs` is Argo's JSON shape; a daemon counts as fulfilled for its dependants while it runs. `where` is Argo's
    templateScope, that of the caller; `caller` what the call's texts saw, kept where hooks need it; `locked` the holder's name
    while it holds locks or waits for them; `until` when its retry wrapper's time is
    over; `unstarted` marks a node whose call was wrong, so that it never began.
    """

    __slots__ = (
        "attempt",
        "bound",
        "boundary",
        "caller",
        "children",
        "daemoned",
        "declared",
        "depth",
        "display",
        "exempt",
        "finished",
        "flags",
        "frame",
        "hash",
        "holds",
        "hooks_left",
        "ident",
        "inputs",
        "ip",
        "item",
        "kind",
        "locked",
        "log",
        "loop",
        "memo",
        "message",
        "name",
        "number",
        "outbound",
        "outputs",
        "owner",
        "parent",
        "phase",
        "progress",
        "reported",
        "runtime",
        "scope",
        "started",
        "started_hooks",
        "task",
        "template",
        "unstarted",
        "until",
        "waiting",
        "where",
    )

    def __init__(self, number: int, name: str, display: str, kind: str, at: float) -> None:
        self.number = number
        self.name = name
        self.display = display
        self.kind = kind
        self.phase = ""
        self.message = ""
        self.started = at
        self.finished: float | None = None
        self.template: Template | None = None
        self.task: Task | None = None
        self.boundary: Node | None = None
        self.parent: Node | None = None
        self.owner: Frame | None = None
        self.frame: Frame | None = None
        self.children: list[int] = []
        self.outbound: list[int] | None = None
        self.inputs: dict[str, Any] | None = None
        self.outputs: dict[str, Any] | None = None
        self.declared: dict[str, Any] = NOTHING
        self.scope: TemplateScope | None = None
        self.flags = 0
        self.attempt: int | None = None
        self.depth = 0
        self.item: int | None = None
        self.loop: int | None = None
        self.daemoned = False
        self.exempt = False
        self.bound = ""
        self.holds = 0
        self.hooks_left = 0
        self.ident = ""
        self.ip = ""
        self.log = ""
        self.progress = ""
        self.reported = False
        self.runtime = ""
        self.memo: dict[str, Any] | None = None
        self.waiting = ""
        self.locked = ""
        self.unstarted = False
        self.hash: int | None = None
        self.until: float | None = None
        self.where = ""
        self.caller: Scope | None = None
        self.started_hooks: tuple[str, ...] = ()

    @property
    def fulfilled(self) -> bool:
        """Over, or a daemon that is up: what waits for it may go on."""
        return self.phase in FULFILLED or (self.daemoned and self.phase == RUNNING)

    @property
    def done(self) -> bool:
        return self.phase in FULFILLED

    @property
    def completed(self) -> bool:
        return self.phase in COMPLETED

    def identity(self, workflow: str) -> str:
        """Argo's node id, computed once."""
        if not self.ident:
            self.ident = workflow if self.name == workflow else f"{workflow}-{self.hashed()}"
        return self.ident

    def pod_name(self, workflow: str) -> str:
        """Argo's name of the pod of this node, if it is a leaf."""
        template = self.template.name if self.template is not None else ""
        return pod_name(workflow, self.name, template, self.hashed())

    def hashed(self) -> int:
        """The hash that ids and pod names share, computed once; names begin with the parent's, and so do their hashes."""
        if self.hash is None:
            parent = self.parent
            if parent is None or not self.name.startswith(parent.name):
                self.hash = fnv1a32(self.name)
            else:
                if parent.hash is None:
                    parent.hash = fnv1a32(parent.name)
                self.hash = fnv1a32(self.name[len(parent.name) :], parent.hash)
        return self.hash

    def story(self) -> list[str]:
        """What a bug report should say of the node."""
        return [f"{self.kind} {self.name} is {self.phase or 'new'} since {self.started}: {self.message!r}"]

    def misfit(self, phase: str) -> EngineBug:
        """What is wrong when the node may not go to `phase` from where it is."""
        return EngineBug(f"node {self.name!r} can't go from {self.phase or 'new'} to {phase}", self.story())


HOOKED, RETRIED = 1, 2
"""Bits of `Node.flags`: Argo's nodeFlag.hooked and nodeFlag.retried."""
