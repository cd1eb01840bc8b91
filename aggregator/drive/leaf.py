"""One attempt of a leaf: stage, run, collect. The one place where transport failures are tried again."""

from __future__ import annotations

import asyncio
import time
import traceback
from typing import TYPE_CHECKING, Any

from aggregator.drive.staging import CollectError, Stage
from aggregator.engine.events import Outcome
from aggregator.errors import AggError, StoreError, TransientError, Unsupported, of_the_machine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.ports import ArtifactDriver, Runtime, Sink, Workspace

TRIES = 5
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0


class LeafRunner:
    """Runs attempts with the runtimes and drivers that the app chose.

    `runtime_of(attempt)` and `driver_of(key)` give adapters, `archive` the packing functions; `folder` is the run's own.
    """

    def __init__(
        self,
        *,
        runtime_of: Callable[[Attempt], Awaitable[Runtime]],
        driver_of: Callable[[str], ArtifactDriver],
        archive: Any,
        folder: Path,
        wait: float = FIRST_WAIT,
    ) -> None:
        self.runtime_of = runtime_of
        self.driver_of = driver_of
        self.archive = archive
        self.folder = folder
        self.wait = wait
        self.unsupported: Unsupported | None = None
        """The first thing that can't run locally, so that the exit code can tell."""

    async def run(self, attempt: Attempt, sink: Sink) -> Outcome:
        """The attempt's outcome; asyncio.CancelledError passes through when the driver cancels it."""
        try:
            runtime = await self.runtime_of(attempt)
            if runtime.staged:
                sink.runs_on(runtime.name)
                return await self._staged(runtime, attempt, sink)
            return await self._patiently(runtime, attempt, sink)
        except Unsupported as problem:
            self.unsupported = self.unsupported or problem
            return Outcome(phase="Error", message=_told(problem))
        except TransientError as problem:
            return Outcome(phase="Error", message=_told(problem), transient=True, retry_after=problem.retry_after)
        except AggError as problem:
            return Outcome(phase="Error", message=_told(problem))
        except asyncio.CancelledError:
            raise
        except OSError as problem:
            return Outcome(phase="Error", message=of_the_machine(problem) or _bug(problem))
        except Exception as problem:  # noqa: BLE001 - a bug in an adapter must not take its siblings down
            return Outcome(phase="Error", message=_bug(problem))

    async def _patiently(self, runtime: Runtime, attempt: Attempt, sink: Sink) -> Outcome:
        """Run a leaf without files; what may pass (throttling, a lost connection to AWS) is tried again here."""
        try:
            return await runtime.run(attempt, None, sink)
        except TransientError as problem:
            await asyncio.sleep(max(self.wait, problem.retry_after or 0.0))
        from tenacity import AsyncRetrying  # noqa: PLC0415 - only failures need it

        async for turn in AsyncRetrying(**self._policy(attempt), sleep=asyncio.sleep):
            with turn:
                return await runtime.run(attempt, None, sink)
        raise AssertionError("tenacity ends by a result or by raising")

    def _policy(self, attempt: Attempt | None) -> dict[str, Any]:
        from tenacity import retry_if_exception_type, stop_after_attempt, wait_random_exponential  # noqa: PLC0415

        spread = wait_random_exponential(multiplier=self.wait, max=LONGEST_WAIT)

        def wait(state: Any) -> float:
            problem = state.outcome.exception() if state.outcome is not None else None
            asked = getattr(problem, "retry_after", None)
            return max(float(asked or 0.0), spread(state))

        def late() -> bool:
            """Whether the attempt's own deadline would pass before another try."""
            return attempt is not None and attempt.deadline is not None and time.time() >= attempt.deadline

        return {
            "retry": retry_if_exception_type(TransientError),
            "stop": lambda state: stop_after_attempt(TRIES)(state) or late(),
            "wait": wait,
            "reraise": True,
        }

    async def _staged(self, runtime: Runtime, attempt: Attempt, sink: Sink) -> Outcome:
        folder = self.folder / "attempts" / attempt.pod_name
        folder.mkdir(mode=0o700, parents=True)
        log = str(folder.relative_to(self.folder))
        workspace = await runtime.open(attempt, folder)
        try:
            stage = Stage(attempt, workspace, self.driver_of, self.archive, self.retried)
            declared = attempt.template.get("inputs") or {}
            if declared.get("artifacts"):
                await asyncio.to_thread(stage.load_inputs)
            outcome = await runtime.run(attempt, workspace, sink)
            return await self._collect(stage, attempt, outcome, folder, log)
        except (StoreError, Unsupported) as problem:
            if isinstance(problem, Unsupported):
                self.unsupported = self.unsupported or problem
            return Outcome(phase="Error", message=_told(problem), log=log)
        finally:
            await self._close(runtime, workspace)

    async def _collect(self, stage: Stage, attempt: Attempt, outcome: Outcome, folder: Path, log: str) -> Outcome:
        """Outputs are kept also of a failed attempt; that one of them is missing only matters when it succeeded."""
        declared = attempt.template.get("outputs") or {}
        phase, message = outcome.phase, outcome.message
        parameters: dict[str, str] = dict(outcome.parameters)  # those that the runtime itself read (of a resource)
        artifacts: list[dict[str, Any]] = []
        problems: list[str] = []

        def collect() -> None:
            for part in (self._parameters, self._artifacts):
                try:
                    part(stage, parameters, artifacts)
                except (CollectError, AggError) as problem:
                    problems.append(_told(problem) if isinstance(problem, AggError) else str(problem))

        if declared.get("parameters") or declared.get("artifacts"):
            await asyncio.to_thread(collect)
        if attempt.archive_logs:
            try:
                artifacts.append(await asyncio.to_thread(stage.save_log, folder))
            except AggError as problem:
                problems.append(_told(problem))
        if phase == "Succeeded" and problems:
            phase, message = "Error", "; ".join(problems)
        return Outcome(
            phase=phase,
            message=message,
            exit_code=outcome.exit_code,
            result=outcome.result,
            parameters=parameters,
            artifacts=artifacts,
            transient=outcome.transient,
            containers=outcome.containers,
            log=log,
        )

    @staticmethod
    def _parameters(stage: Stage, parameters: dict[str, str], artifacts: list[dict[str, Any]]) -> None:
        del artifacts
        parameters |= {name: value for name, value in stage.collect_parameters().items() if name not in parameters}

    @staticmethod
    def _artifacts(stage: Stage, parameters: dict[str, str], artifacts: list[dict[str, Any]]) -> None:
        del parameters
        artifacts.extend(stage.save_artifacts())

    def retried(self, call: Callable[[], None]) -> None:
        """Make a call of a store, again where its failure may pass. Blocking."""
        from tenacity import Retrying  # noqa: PLC0415 - only stores need it

        Retrying(**self._policy(None))(call)

    @staticmethod
    async def _close(runtime: Runtime, workspace: Workspace) -> None:
        await asyncio.shield(runtime.close(workspace))


def _bug(problem: Exception) -> str:
    place = traceback.extract_tb(problem.__traceback__)[-1]
    return f"bug in agg: {type(problem).__name__}: {problem} ({place.filename}:{place.lineno})"


def _told(problem: AggError) -> str:
    return f"{problem.message}; {problem.hint}" if problem.hint else problem.message
