"""Events: facts in the past tense that the machine handles; what the journal holds, in JSON, is these.

Times (`at`) are Unix seconds. An event never holds the value of a secret: templates carry references, and a leaf's outcome
carries only what the leaf itself printed or wrote.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

LeafPhase = Literal["Succeeded", "Failed", "Error"]


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How one attempt of a leaf ended. Failure is data: an attempt always answers with one of these.

    `result` is the main container's stdout or the HTTP body; `parameters` are output parameters read from paths;
    `artifacts` are output artifacts as Argo writes them (name, path and the location they were stored at);
    `transient` is the adapter's own word that the failure may pass; `retry_after` are seconds that the other side asked for.
    """

    phase: LeafPhase
    message: str = ""
    exit_code: int | None = None
    result: str | None = None
    parameters: dict[str, str] = {}
    artifacts: list[dict[str, Any]] = []
    transient: bool = False
    retry_after: float | None = None
    http_status: int | None = None
    log: str = ""
    """Path of the attempt's folder relative to the run's, where its stdout and stderr are; empty if it printed nothing."""
    containers: dict[str, int] = {}
    """Exit codes of the other containers of a pod, by name."""


class Submitted(msgspec.Struct, frozen=True, tag=True, kw_only=True, omit_defaults=True):
    """A run begins: everything that its decisions depend on, so that a replay needs nothing else.

    `workflow` is the Workflow document with arguments and defaults merged; `templates` and `config_maps` are the supporting
    documents; `options` are settings that change decisions (`strict_argo`, `http_concurrency`, `max_parallel`, ...).
    """

    at: float
    name: str
    uid: str
    seed: int
    workflow: dict[str, Any]
    templates: list[dict[str, Any]] = []
    config_maps: list[dict[str, Any]] = []
    options: dict[str, Any] = {}


class LeafStarted(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """The attempt `node` is running (a process was spawned, a container started)."""

    at: float
    node: int
    ready: bool = False
    """A daemon that answers its readiness probe."""
    ip: str = ""
    runtime: str = ""
    """What runs it, where there is a choice: process, docker, podman."""


class LeafProgressed(msgspec.Struct, frozen=True, tag=True):
    """The attempt reported `N/M` by its progress file."""

    at: float
    node: int
    progress: str


class LeafFinished(msgspec.Struct, frozen=True, tag=True):
    """The attempt `node` answered, exactly once."""

    at: float
    node: int
    outcome: Outcome


class TimerFired(msgspec.Struct, frozen=True, tag=True):
    """A timer that the machine set has come due."""

    at: float
    timer: int


class StopRequested(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Someone asked the run to end. Stop runs exit handlers, Terminate runs nothing more."""

    at: float
    strategy: Literal["Stop", "Terminate"] = "Stop"
    message: str = ""
    selector: str = ""
    signal: str = ""
    """The signal's name when it came from Ctrl-C or a kill, so that the exit code can tell."""


class SuspendRequested(msgspec.Struct, frozen=True, tag=True):
    """Start nothing new until resumed; what runs goes on."""

    at: float


class Resumed(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Suspended nodes that match the field selector (all when empty) go on."""

    at: float
    selector: str = ""


class NodeSet(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Someone set the phase, message or output parameters of the suspended nodes that match the selector."""

    at: float
    selector: str
    phase: str = ""
    message: str = ""
    parameters: dict[str, str] = {}


class LocksTaken(msgspec.Struct, frozen=True, tag=True):
    """The node (-1: the run) holds all the locks that it asked for."""

    at: float
    node: int


class LocksWaiting(msgspec.Struct, frozen=True, tag=True):
    """The node (-1: the run) has to wait: `lock` is the first that it can't have, with `held` of `limit` places taken."""

    at: float
    node: int
    lock: str
    held: int
    limit: int


class LocksRefused(msgspec.Struct, frozen=True, tag=True):
    """The locks can't be had at all: the place where they are kept can't be used."""

    at: float
    node: int
    message: str


class CacheAnswered(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """What the cache holds under the node's key; None when there is nothing."""

    at: float
    node: int
    entry: dict[str, Any] | None = None


class ArtifactsDeleted(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """The run has ended, and stored artifacts are gone with it; `problems` says what could not be deleted."""

    at: float
    artifacts: list[tuple[str, str]]
    """Id of the node, and name of its output artifact."""
    problems: list[str] = []


class ValueKept(msgspec.Struct, frozen=True, tag=True):
    """A value that can't be computed again (a key, a certificate), kept so that a replay reads it."""

    at: float
    key: str
    value: Any


Event = (
    Submitted
    | LeafStarted
    | LeafProgressed
    | LeafFinished
    | TimerFired
    | StopRequested
    | SuspendRequested
    | Resumed
    | NodeSet
    | LocksTaken
    | LocksWaiting
    | LocksRefused
    | CacheAnswered
    | ArtifactsDeleted
    | ValueKept
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """One event as a line of JSON, the journal's form."""
    return _encoder.encode(event)


def decode_event(data: bytes | str) -> Event:
    """The event that `encode_event` wrote; msgspec.ValidationError when it is none."""
    return _decoder.decode(data)
