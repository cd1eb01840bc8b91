"""Commands: orders that the machine gives and the driver carries out."""

from __future__ import annotations

from typing import Any

import msgspec


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a leaf, ready to run.

    `template` is the template in Argo's JSON shape with every tag filled: `inputs.parameters[].value`,
    `inputs.artifacts[]` with their locations, `outputs`, and the body under `kind` (`container`, `script`, `http`, ...).
    """

    node: int
    """The machine's number of the attempt's node; events about it carry this."""
    node_id: str
    """Argo's node id."""
    name: str
    """The full node name, e.g. `wf.fetch-all(3:4)(0)`."""
    display_name: str
    template_name: str
    pod_name: str
    kind: str
    template: dict[str, Any]
    index: int
    """0-based number of the attempt."""
    workflow: str
    uid: str
    namespace: str
    deadline: float | None
    """Unix seconds at which the attempt must be over."""
    want_result: bool
    """Whether something refers to the node's `outputs.result`."""
    volumes: list[dict[str, Any]] = []
    archive_logs: bool = False
    artifact_location: dict[str, Any] = {}
    """Default location of output artifacts that name none (archiveLocation or the repository's, keys filled)."""
    service_account: str = ""


class StartLeaf(msgspec.Struct, frozen=True):
    attempt: Attempt


class CancelLeaf(msgspec.Struct, frozen=True):
    """End the attempt: SIGTERM, the grace period, SIGKILL. It still answers, with `message` as the reason."""

    node: int
    message: str


class SetTimer(msgspec.Struct, frozen=True):
    timer: int
    at: float


class CancelTimer(msgspec.Struct, frozen=True):
    timer: int


class FinishRun(msgspec.Struct, frozen=True):
    """Nothing is left to do; the run's phase is final."""

    phase: str
    message: str


class LockWish(msgspec.Struct, frozen=True):
    """One mutex or semaphore that is asked for: at most `limit` holders of `key` at once."""

    key: str
    """`NAMESPACE/Mutex/NAME` or `NAMESPACE/ConfigMap/NAME/KEY`."""
    limit: int


class TakeLocks(msgspec.Struct, frozen=True):
    """Take all of these locks or wait for them; answered by LocksTaken, before that perhaps by LocksWaiting.

    `node` is the machine's number of the node that waits, -1 for the run itself. The queue is by priority, then time.
    """

    node: int
    holder: str
    locks: list[LockWish]
    priority: int
    since: float


class ReleaseLocks(msgspec.Struct, frozen=True):
    """Give back what the holder has, or its place in the queue."""

    holder: str


class LookUpCache(msgspec.Struct, frozen=True):
    """Is there an entry under this key? Answered by CacheAnswered."""

    node: int
    cache: str
    key: str


class SaveCache(msgspec.Struct, frozen=True):
    """Keep an entry (nodeID, outputs, creationTimestamp, lastHitTimestamp) under this key, replacing an older one."""

    cache: str
    key: str
    entry: dict[str, Any]


Command = (
    StartLeaf | CancelLeaf | SetTimer | CancelTimer | FinishRun | TakeLocks | ReleaseLocks | LookUpCache | SaveCache
)
