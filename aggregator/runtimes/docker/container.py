"""One container from its creation to its removal: attached before it starts, followed to its end, ended when it must be."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.runtimes.docker.client import EngineGone, EngineRefused
from aggregator.runtimes.docker.output import Output, StreamFile
from aggregator.runtimes.pod.attempt import NOT_STARTED, NotStarted, Verdict
from aggregator.runtimes.process.refused import LeafRefused

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from aggregator.runtimes.docker.engine import Engine

_TERM = 15
_KILLED = 137
_ANSWER_SECONDS = 30.0
"""How long the answer to a request is waited for that nobody wants any more."""
_OCI = re.compile(r'exec: "?(?P<command>[^"]*?)"?: (?P<why>.*?)(?:: unknown)?$', re.DOTALL)
_MISSING = ("executable file not found", "no such file or directory", "not found")
_LOADER = re.compile(
    r"(?:^|: )(?:exec (?P<command>\S+)|.*exec user process caused.*): (?P<why>exec format error|no such file or directory)",
    re.MULTILINE,
)
_INIT = re.compile(r"\A\[FATAL \S+ \(\d+\)\] exec (?P<command>.+) failed: (?P<why>.+)$", re.MULTILINE)
"""What the engine's first process says of a command that it can't start."""
_PROGRAMS = (b"\x7fELF", b"#!")
_TAR_HEAD = 512


class RunningContainer:
    """Implements pod.attempt.Running."""

    def __init__(self, engine: Engine, name: str, image: str) -> None:
        self.ident = ""
        self.name = name
        """The engine's name for it, by which it can be removed also when nobody heard its id."""
        self.command: str | None = None
        """What the template has the engine's first process start, empty for the image's own; None when it is the first itself."""
        self._engine = engine
        self._image = image
        self._output: Output | None = None
        self._exit: asyncio.Task[int] | None = None

    async def launch(self, body: dict[str, Any], stdout: StreamFile, stderr: StreamFile) -> None:
        """Create, attach and start it; one that has an id is started again. NotStarted when its command can't be run."""
        try:
            try:
                if not self.ident:
                    await self._create(body)
            except EngineRefused as refused:
                raise LeafRefused(_of_create(refused, self._image)) from None
            try:
                # Podman already looks for the command when it attaches.
                connection = await self._engine.attach(self.ident)
                try:
                    await self._engine.start(self.ident)
                finally:
                    # Read from now on, so that nothing is told of a container that is not known to have started.
                    self._output = Output(connection, stdout, stderr)
            except EngineRefused as refused:
                raise _of_start(refused, self._image) from None
            self._exit = asyncio.ensure_future(self._engine.wait(self.ident))
        except BaseException:
            await surely(self.remove())
            raise

    async def hold(self, body: dict[str, Any], tar: bytes) -> None:
        """Start it as the holder of a network, with the program that it needs."""
        try:
            await self._create(body)
            await self._engine.put_archive(self.ident, "/", tar)
            await self._engine.start(self.ident)
        except EngineRefused as refused:
            raise LeafRefused(f"the pod's network can't be made: {refused.message}") from None

    async def _create(self, body: dict[str, Any]) -> None:
        """A request that was sent is waited for also when cancelled: what nobody heard of could not be removed."""
        asked = asyncio.ensure_future(self._engine.create(self.name, body))
        try:
            self.ident = await asyncio.shield(asked)
        except asyncio.CancelledError:
            await surely(_over(asked))
            raise

    @property
    def code(self) -> int:
        ended = self._exit is not None and self._exit.done() and not self._exit.cancelled()
        return _KILLED if not ended or self._exit is None or self._exit.exception() else self._exit.result()

    async def finish(self) -> Verdict:
        """Its end, and why."""
        assert self._exit is not None
        assert self._output is not None
        code = await asyncio.shield(self._exit)
        await self._output.last_words()
        errors = tuple(
            f"output of a container could not be stored: {file.error}" for file in self._output.files if file.error
        )
        if code == _KILLED and ((await self._engine.inspect(self.ident)).get("State") or {}).get("OOMKilled"):
            return Verdict(code, "the container used more memory than its limit", "OOMKilled", errors)
        if why := await self._why_not_started(code):
            return Verdict(NOT_STARTED, why, errors=errors)
        return Verdict(code, errors=errors)

    async def _why_not_started(self, code: int) -> str:
        """Why a container that did start never ran its command; empty when it did run."""
        assert self._output is not None
        said = self._output.files[1].head.decode(errors="replace")
        if code in (1, 126, 127, 255) and (
            found := _LOADER.search(said) or (_INIT.search(said) if self.command is not None else None)
        ):
            return _not_started(found["command"] or "", found["why"].lower(), self._image)
        # The engine's first process hands what is no program to a shell, which complains of it, or worse, runs it.
        if code and self.command and self.command.startswith("/") and await self._is_no_program(self.command):
            return _not_started(self.command, "exec format error", self._image)
        return ""

    async def _is_no_program(self, path: str) -> bool:
        try:
            async with self._engine.archive(self.ident, path) as answer:
                data = b""
                async for piece in answer.chunks():
                    data += piece
                    if len(data) > _TAR_HEAD + 4:
                        break
        except EngineRefused:
            return False
        regular = data[156:157] in (b"0", b"\0")
        return regular and not data[_TAR_HEAD:].startswith(_PROGRAMS)

    async def end_for_good(self, grace: float) -> None:
        """SIGTERM, the grace period, SIGKILL, whatever cancellations arrive: each one ends the grace period."""
        ending = asyncio.ensure_future(self._end(grace))
        cancelled = False
        while not ending.done():
            try:
                await asyncio.shield(ending)
            except asyncio.CancelledError:
                cancelled = True
                await surely(self._signal("KILL"))
            except (EngineGone, EngineRefused):
                break  # nothing can be ended where nobody answers; what is left is swept by the next run
        if cancelled:
            raise asyncio.CancelledError

    async def _end(self, grace: float) -> None:
        assert self._exit is not None
        assert self._output is not None
        if not self._exit.done():
            if grace > 0 and await self._heeds_term():
                await self._signal("TERM")
                await asyncio.wait([self._exit], timeout=grace)
            if not self._exit.done():
                await self._signal("KILL")
        await asyncio.shield(self._exit)
        await self._output.last_words()

    async def _signal(self, name: str) -> None:
        await self._engine.signal(self.ident, name)

    async def _heeds_term(self) -> bool:
        """Whether SIGTERM would do anything: the kernel drops it for a first process that has no handler for it."""
        if self.command is not None or not self._engine.endpoint.local:
            return True
        pid = ((await self._engine.inspect(self.ident)).get("State") or {}).get("Pid") or 0
        return _catches_term(int(pid), self.ident)

    async def remove(self) -> None:
        """Kill and remove it, and let go of its output."""
        try:
            await self._engine.remove(self.ident or self.name)
        except (EngineGone, EngineRefused):
            pass  # the next run sweeps what is left
        finally:
            if self._exit is not None:
                self._exit.cancel()
                await asyncio.wait([self._exit])
                if not self._exit.cancelled():
                    self._exit.exception()  # it has been told by `finish`, if anybody asked
            if self._output is not None:
                await self._output.close()


def _catches_term(pid: int, ident: str) -> bool:
    """Whether a process of this container has a handler for SIGTERM; true where that can't be seen."""
    try:
        if ident not in Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii", errors="replace"):
            return True  # the engine counts its processes elsewhere
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.MULTILINE)
    return caught is None or bool(int(caught[1], 16) >> (_TERM - 1) & 1)


async def _over(task: asyncio.Task[str]) -> None:
    await asyncio.wait([task], timeout=_ANSWER_SECONDS)
    if not task.done():
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.exception()  # a refusal is nothing to anybody now


async def surely(work: Coroutine[Any, Any, None]) -> None:
    """Do the work to its end, whatever cancellations arrive meanwhile; the last of them is raised after it."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
        except (EngineGone, EngineRefused):
            break
    if cancelled:
        raise asyncio.CancelledError
    if not task.cancelled() and (problem := task.exception()) and not isinstance(problem, (EngineGone, EngineRefused)):
        raise problem


def _of_create(refused: EngineRefused, image: str) -> str:
    if refused.status == 404 and "image" in refused.message.lower():
        return f"image {image!r} is not there any more: {refused.message}"
    if "no command specified" in refused.message.lower():
        return f"image {image!r} runs nothing by itself, and the template gives no command; give it one"
    return f"the engine refuses the container of image {image!r}: {refused.message}"


def _of_start(refused: EngineRefused, image: str) -> Exception:
    """A command that can't be run is the leaf's failure; anything else is told as the engine tells it."""
    if found := _OCI.search(refused.message):
        return NotStarted(_not_started(found["command"], found["why"], image))
    return LeafRefused(f"the engine can't start the container of image {image!r}: {refused.message}")


def _not_started(command: str, why: str, image: str) -> str:
    named = f"command {command!r} of image {image!r}" if command else f"the command of image {image!r}"
    if "exec format error" in why:
        return f"{named} is neither a program for this machine nor a script with a #! line (exec format error)"
    if any(words in why for words in _MISSING):
        return f"{named} was not found in the image; see what it has: docker run --rm -it --entrypoint sh {image}"
    if "permission denied" in why:
        return f"{named} is not executable (permission denied); chmod +x it in the image, or name its interpreter"
    return f"{named} could not be started: {why}"
