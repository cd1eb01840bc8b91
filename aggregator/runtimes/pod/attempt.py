"""One attempt as a pod: init containers in order, sidecars beside, the main containers by their dependencies, one outcome."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from aggregator.engine.events import Outcome
from aggregator.lang.gotime import parse_duration
from aggregator.runtimes.pod.readiness import until_ready
from aggregator.runtimes.pod.tasks import Every, ended

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Sink

DEADLINE = "Pod was active on the node longer than the specified deadline"
"""Kubernetes' own words, which Argo shows as the node's message."""
_PROGRESS_SECONDS = 1.0
_SOON_SECONDS = 0.02
MAIN = "main"
NOT_STARTED = 64
"""The exit code of Argo's executor when it can't start the command."""


class NotStarted(Exception):  # noqa: N818 - what happened, in the words of the outcome
    """The command can't be run: not found, not executable, or no program. The attempt ends as Failed with exit code 64."""


class Container(Protocol):
    """One container of the pod, as the template writes it."""

    @property
    def name(self) -> str: ...

    @property
    def spec(self) -> Mapping[str, Any]: ...


C = TypeVar("C", bound=Container)
D_contra = TypeVar("D_contra", bound=Container, contravariant=True)


class Pod(Protocol[C]):
    """All containers of one attempt."""

    main: list[C]
    first: list[C]
    beside: list[C]

    def files_of(self) -> C:
        """The container whose files, output and exit code count as the leaf's."""
        ...


class Verdict(NamedTuple):
    """How a container ended: `reason` and `text` tell why it failed, `errors` are faults of ours beside that."""

    code: int
    text: str = ""
    reason: str = "Error"
    errors: tuple[str, ...] = ()


class Running(Protocol):
    """A container that was started."""

    async def finish(self) -> Verdict:
        """Wait for its end, and take the last of its output."""
        ...

    async def end_for_good(self, grace: float) -> None:
        """SIGTERM, the grace period, SIGKILL, whatever cancellations arrive: each one ends the grace period."""
        ...

    @property
    def code(self) -> int:
        """Its exit code, once it has ended."""
        ...


class Starter(Protocol[D_contra]):
    """What a runtime does with one container of an attempt."""

    @property
    def progress_file(self) -> Path: ...

    @property
    def address(self) -> str:
        """Where a daemon is reached."""
        ...

    async def start(
        self, container: D_contra, write: tuple[Callable[[bytes], None] | None, Callable[[bytes], None] | None]
    ) -> Running:
        """NotStarted, LeafRefused and Unsupported say why it can't be; cancelled, it leaves nothing behind."""
        ...

    async def execute(self, container: D_contra, command: Sequence[str]) -> int:
        """Run a probe's command inside a running container; its exit code."""
        ...


@dataclass(slots=True)
class Run(Generic[C]):
    """The state of one attempt while it runs. `codes` has the exit code of each container that ended."""

    attempt: Attempt
    pod: Pod[C]
    sink: Sink
    starter: Starter[C]
    grace: float
    codes: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    _shown: str = ""
    _started: bool = False
    _telling: asyncio.TimerHandle | None = None

    async def outcome(self, seconds: float | None) -> Outcome:
        """Run everything within so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._all()
        except TimeoutError:
            return Outcome(phase="Failed", message=DEADLINE, exit_code=self._main_code(), containers=self._others())
        finally:
            if self._telling is not None:
                self._tell_started()
        return self._judge()

    async def _all(self) -> None:
        for container in self.pod.first:
            if await self._to_end(container) != 0:
                return
        timer = Every(_PROGRESS_SECONDS, self._show_progress)
        try:
            if self.pod.beside:
                await self._with_sidecars()
            else:
                await self._mains()
        finally:
            timer.cancel()
            self._show_progress()

    async def _with_sidecars(self) -> None:
        """Sidecars start before the main containers and are ended after them; without all of them no main one runs."""
        beside: list[asyncio.Task[int]] = []
        try:
            for container in self.pod.beside:
                running = await self._start(container)
                if running is not None:
                    beside.append(asyncio.ensure_future(self._follow(container, running)))
            await self._mains_beside(beside)
        finally:
            answers = await ended(beside)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        self.errors += [f"sidecar {c.name}: {self.texts[c.name]}" for c in self.pod.beside if c.name in self.texts]

    async def _mains_beside(self, beside: Sequence[asyncio.Task[int]]) -> None:
        """The main containers, ended when a sidecar's command turns out to be none: they would wait for it in vain."""
        if self._without_command():
            return
        mains = asyncio.ensure_future(self._mains())
        waiting: set[asyncio.Future[Any]] = {mains, *beside}
        try:
            while not mains.done() and not self._without_command():
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not mains.done():
                await ended([mains])
        if not mains.cancelled():
            mains.result()

    def _without_command(self) -> bool:
        """Whether a sidecar's command can't be run."""
        return any(self.codes.get(c.name) == NOT_STARTED and c.name in self.texts for c in self.pod.beside)

    async def _mains(self) -> None:
        if self.attempt.kind == "containerSet":
            await self._set()
        elif self.attempt.template.get("daemon"):
            await self._daemon(self.pod.main[0])
        else:
            await self._to_end(self.pod.main[0])

    async def _daemon(self, container: C) -> None:
        """A daemon runs until it is cancelled; it is told ready when its probe is content."""
        started = await self._start(container)
        if started is None:
            return
        running = asyncio.ensure_future(self._follow(container, started))
        ready = asyncio.ensure_future(self._until_ready(container, running))
        try:
            await asyncio.shield(running)
        finally:
            await ended([ready, running])

    async def _until_ready(self, container: C, running: asyncio.Task[int]) -> int:
        await until_ready(
            container.spec.get("readinessProbe") or {},
            lambda command: self.starter.execute(container, command),
            self.starter.address,
        )
        if not running.done():
            self._tell_started()
            self.sink.ready(self.starter.address)
        return 0

    async def _set(self) -> None:
        """A container set: each container starts when those it depends on have ended well."""
        body = self.attempt.template.get("containerSet") or {}
        by_name: dict[str, asyncio.Task[int]] = {}

        async def one(container: C) -> int:
            for name in container.spec.get("dependencies") or []:
                if name in by_name and await asyncio.shield(by_name[name]) != 0:
                    self.codes[container.name] = NOT_STARTED
                    self.texts[container.name] = f"dependency {name!r} did not succeed"
                    return NOT_STARTED
            return await self._retried(container, body.get("retryStrategy") or {})

        for container in self.pod.main:
            by_name[container.name] = asyncio.ensure_future(one(container))
        try:
            await asyncio.gather(*by_name.values())
        finally:
            await ended(list(by_name.values()))

    async def _retried(self, container: C, strategy: Mapping[str, Any]) -> int:
        attempts = max(1, int(str(strategy.get("retries") or 1)))
        code = await self._to_end(container)
        for _ in range(attempts - 1):
            if code == 0:
                break
            await asyncio.sleep(_seconds(str(strategy.get("duration") or "0")))
            code = await self._to_end(container)
        return code

    async def _to_end(self, container: C) -> int:
        """Start a container and wait for it; when cancelled, it is ended first."""
        running = await self._start(container)
        return NOT_STARTED if running is None else await self._follow(container, running)

    async def _start(self, container: C) -> Running | None:
        """The running container; None when it can't be started, which is then its end."""
        leaf = container.name == MAIN or container is self.pod.main[0] is self.pod.main[-1]
        write = (self._writer("stdout"), self._writer("stderr")) if leaf else (None, None)
        try:
            running = await self.starter.start(container, write)
        except NotStarted as error:
            self.codes[container.name] = NOT_STARTED
            self.texts[container.name] = str(error)
            return None
        if not self._started and container in self.pod.main:
            self._started = True
            self._telling = asyncio.get_running_loop().call_later(_SOON_SECONDS, self._tell_started)
        return running

    def _tell_started(self) -> None:
        """That it runs is told at once when it says something, else in a moment: what has ended by then costs one turn less."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
            self.sink.started()

    async def _follow(self, container: C, running: Running) -> int:
        try:
            verdict = await running.finish()
        except asyncio.CancelledError:
            try:
                await running.end_for_good(self.grace)
            finally:
                self.codes[container.name] = running.code
            raise
        self.codes[container.name] = verdict.code
        self.reasons[container.name] = verdict.reason
        self.errors += verdict.errors
        if verdict.text:
            self.texts[container.name] = verdict.text
        return verdict.code

    def _writer(self, stream: Any) -> Callable[[bytes], None]:
        def write(data: bytes) -> None:
            self._tell_started()
            self.sink.write(stream, data)

        return write

    def _judge(self) -> Outcome:
        """The pod's end: init containers first, then main ones; sidecars only report."""
        main = self._main_code()
        common: dict[str, Any] = {"exit_code": main, "containers": self._others()}
        if self.errors:
            return Outcome(phase="Error", message="; ".join(self.errors), **common)
        for container in (*self.pod.first, *self.pod.main):
            code = self.codes.get(container.name, 0)
            if code != 0:
                text = self.texts.get(container.name)
                reason = self.reasons.get(container.name, "Error")
                message = f"{container.name}: {reason} (exit code {code})" + (f": {text}" if text else "")
                return Outcome(phase="Failed", message=message, **common)
        if self.attempt.template.get("daemon"):
            return Outcome(phase="Failed", message="the daemon ended by itself (exit code 0)", **common)
        return Outcome(phase="Succeeded", **common)

    def _main_code(self) -> int | None:
        return self.codes.get(self.pod.files_of().name)

    def _others(self) -> dict[str, int]:
        leaf = self.pod.files_of().name
        return {name: code for name, code in self.codes.items() if name != leaf or len(self.pod.main) > 1}

    def _show_progress(self) -> None:
        """Tell the last line of the progress file when it is a new `N/M`."""
        text = _head(self.starter.progress_file).strip()
        last = text.splitlines()[-1].strip() if text else ""
        done, slash, whole = last.partition("/")
        if (
            slash
            and done.isdigit()
            and whole.isdigit()
            and last != self._shown
            and int(done) <= int(whole)
            and int(whole)
        ):
            self._shown = last
            self._tell_started()
            self.sink.progress(last)


def _seconds(text: str) -> float:
    """A Go duration, or a bare number of seconds."""
    try:
        return float(text)
    except ValueError:
        return parse_duration(text).ns / 1e9


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(4096).decode(errors="replace")
    except OSError:
        return ""
