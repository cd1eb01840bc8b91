"""The ports: what the driver asks of runtimes, artifact drivers, journals, clocks, observers and the secret store.

Each port's docstring is the contract that every adapter's suite in `tests/contract/` holds it to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator.engine.commands import Attempt, TakeLocks
    from aggregator.engine.events import Outcome

Stream = Literal["stdout", "stderr"]
Location = Mapping[str, Any]
"""What stands under an artifact's driver key (`s3: {...}`), in Argo's JSON shape."""


class Sink(Protocol):
    """Where a runtime reports while an attempt runs. Calls return at once; nothing may be called after `run` returned."""

    def write(self, stream: Stream, data: bytes) -> None:
        """Bytes that the main container printed, as they come."""

    def runs_on(self, runtime: str) -> None:
        """Which runtime was chosen for a leaf with files; told by the driver, before anything else."""

    def started(self) -> None:
        """The attempt is now running (Argo's Pending -> Running)."""

    def ready(self, ip: str) -> None:
        """A daemon answers; what waits for it may go on."""

    def progress(self, text: str) -> None:
        """`N/M`."""


class Workspace(Protocol):
    """The files of one attempt, between staging inputs and collecting outputs."""

    def host_path(self, path: str) -> Path:
        """Where the file that the leaf sees at the absolute `path` lies on the host. The parent folder exists."""


class Runtime(Protocol):
    """Runs attempts of leaves.

    - `run` answers with an Outcome for everything that the leaf or the world did; it raises TransientError for a transport
      failure worth another try (retried by the driver), Unsupported for what it can't run, and anything else only for bugs.
    - `run` may be cancelled (asyncio.CancelledError): it then ends all that it started (SIGTERM, grace, SIGKILL) before the
      cancellation leaves it, and leaves nothing behind.
    - `staged` says whether the leaf has files: then the driver calls `open`, stages inputs by `Workspace.host_path`, calls
      `run`, collects outputs, and calls `close` whatever happened. Otherwise only `run`, with `workspace` None.
    - Output parameters and artifacts are collected by the driver, not by the runtime.
    """

    name: ClassVar[str]
    staged: ClassVar[bool]

    async def open(self, attempt: Attempt, folder: Path) -> Workspace:
        """Prepare the workspace of an attempt inside its own `folder` (exists, empty, mode 0700)."""
        ...

    async def run(self, attempt: Attempt, workspace: Workspace | None, sink: Sink) -> Outcome: ...

    async def close(self, workspace: Workspace) -> None: ...

    async def stop(self) -> None:
        """End of the run: pools, sessions and daemons are closed."""


class ArtifactDriver(Protocol):
    """Moves one artifact between a local path and a store. Blocking; the driver calls it in threads, concurrently.

    - Raises NotFound when the key does not exist, TransientError for what may pass, StoreError (with bucket, key, region
      and what to do) for the rest. Never retries.
    - `save` is atomic: a reader sees the whole object or none. A directory is saved file by file under the key.
    - `load` of a key that is a prefix of other keys gives a directory. Paths never leave `target`.
    """

    def load(self, location: Location, target: Path) -> None: ...

    def save(self, source: Path, location: Location) -> None: ...

    def open(self, location: Location) -> BinaryIO: ...

    def list(self, location: Location) -> list[str]:
        """All keys under the location's key, sorted."""
        ...

    def delete(self, location: Location) -> None:
        """Deleting what is not there is no error."""


class Secrets(Protocol):
    """Values of Secrets and ConfigMaps, from documents, mounted files, an env file and the environment.

    Every value handed out by `secret` is known to the masker from then on.
    """

    def secret(self, name: str, key: str) -> str:
        """NotFound, with every place that was looked at, when it is nowhere."""
        ...

    def secret_keys(self, name: str) -> Mapping[str, str]: ...

    def config_map(self, name: str) -> Mapping[str, str]: ...

    def mask(self, text: str) -> str:
        """The text with every secret handed out so far replaced by `***`, plain, base64, URL- or JSON-escaped."""
        ...


class RunRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a journal tells of a run without reading its events. Times are Unix seconds."""

    uid: str
    name: str
    namespace: str = "default"
    phase: str = "Pending"
    message: str = ""
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    priority: int | None = None
    progress: str = ""
    labels: dict[str, str] = {}
    parameters: dict[str, str] = {}
    entry: str = ""
    """Where the workflow came from: a path, `-`, a URL or `bundled`."""
    folder: str = ""
    """The run's folder: attempts' logs, files, local artifacts."""
    pid: int = 0
    """The process that drives the run; 0 when it left the run on purpose."""
    born: str = ""
    """When that process was started, in the system's own terms: a number alone may be given to another one later."""
    host: str = ""


class Journal(Protocol):
    """Events by run, in order. Blocking; the driver calls it from one thread.

    - `append` is one transaction: after it returned, a kill -9 can't take the batch away; before, all or none is there.
    - `read` gives exactly the appended bytes in order, also while another process appends.
    - A full disk or a read-only folder is a StoreError that says so; a busy database a TransientError.
    """

    def create(self, row: RunRow) -> None:
        """A new run; UsageError when the name is taken in its namespace."""

    def append(self, uid: str, batch: Sequence[bytes], row: RunRow | None = None) -> None:
        """Append events and, in the same transaction, renew the run's row."""

    def read(self, uid: str, after: int = 0) -> Iterator[bytes]:
        """The events from number `after` on (numbers start at 0)."""
        ...

    def guard(self, hide: Callable[[bytes], bytes]) -> None:
        """From now on nothing that `hide`, which masks secrets, would change is kept in readable form."""

    def run(self, name: str, namespace: str | None = None) -> RunRow:
        """By name or uid; `@latest` is the one created last. NotFound with the nearest name."""
        ...

    def runs(self, namespace: str | None = None) -> list[RunRow]:
        """Newest first."""
        ...

    def delete(self, uid: str) -> None: ...

    def request(self, uid: str, event: bytes) -> None:
        """Leave an event for the process that drives the run (stop, resume, ...)."""

    def requests(self, uid: str) -> list[bytes]:
        """Take the events that were left."""
        ...

    def close(self) -> None: ...


class LockDenied(NamedTuple):
    """The first lock that can't be had, and how many of its places others hold."""

    lock: str
    held: int
    limit: int


class Locks(Protocol):
    """Mutexes and semaphores of workflows, between runs and between processes of the machine. Blocking.

    - `take` grants all locks of the wish at once or none; a holder that was denied keeps its place in the queue, by
      priority and then time, and asks again with the same wish. Asking for what one holds already is granted.
    - Others of the same run are let through; of another run only the front of a lock's queue may take it.
    - What a process holds or waits for is free as soon as that process is gone, however it ended.
    """

    def take(self, wish: TakeLocks) -> LockDenied | None:
        """None when granted."""
        ...

    def release(self, holder: str) -> None:
        """Give back all that the holder has, or its place in the queue; no error when there is nothing."""

    def close(self) -> None:
        """Give back everything of this process."""


class CacheRow(NamedTuple):
    """One entry of the memoization cache."""

    cache: str
    key: str
    entry: dict[str, Any]
    secret: bool = False
    """Whether it holds a secret of the run that left it."""


class Cache(Protocol):
    """Memoized outputs by cache name and key, for all runs. Entries have Argo's fields. Blocking."""

    def look_up(self, cache: str, key: str, at: float) -> dict[str, Any] | None:
        """The entry as it was saved, or None; the time is kept as its last hit."""
        ...

    def save(self, cache: str, key: str, entry: dict[str, Any]) -> None:
        """Keep an entry, replacing the one of the same key."""

    def entries(self, cache: str | None = None) -> list[CacheRow]:
        """All entries, or those of one cache, by name."""
        ...

    def delete(self, cache: str, key: str | None = None) -> int:
        """Forget one entry or a whole cache; how many there were."""
        ...

    def close(self) -> None: ...


class Clock(Protocol):
    """Now, and waiting until then."""

    def now(self) -> float:
        """Unix seconds."""
        ...

    async def sleep_until(self, at: float) -> None: ...


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What an observer sees of a node after it changed; names are Argo's. `kind` says what happened, in one word."""

    at: float
    kind: Literal["run", "created", "phase", "expanded", "retry", "message", "finished"]
    node: int
    id: str
    name: str
    display_name: str
    type: str
    phase: str
    message: str = ""
    template: str = ""
    parent: int | None = None
    """The number of the node under which the tree shows it (its group, loop, retry wrapper or template node)."""
    attempt: int | None = None
    loop: int | None = None
    """For a loop's wrapper or group: how many elements it has in all."""
    leaf: bool = False
    in_loop: bool = False
    duration: float | None = None
    position: str = ""
    """`file:line:col` of the template, step or task."""


class Observer(Protocol):
    """Told of every change after it was journaled; must not raise and must return at once."""

    def on_change(self, change: Change) -> None: ...

    def on_output(self, node: int, stream: Stream, data: bytes) -> None: ...

    def notice(self, text: str) -> None:
        """One line for the person who watches (sandbox started, a warning)."""

    def close(self) -> None: ...
