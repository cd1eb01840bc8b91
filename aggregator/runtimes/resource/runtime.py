"""Runs `resource` templates: one call of kubectl, or a run of this machine for a Workflow, and the wait for its conditions."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from aggregator.engine.events import Outcome
from aggregator.errors import AggError, LanguageError, Unsupported, nearest
from aggregator.lang import selectors
from aggregator.runtimes.resource import manifest
from aggregator.runtimes.resource.kubectl import ACTIONS, Told, call, name_of, words_of
from aggregator.runtimes.resource.outputs import parameters_of, wants_object

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Sink, Stream, Workspace
    from aggregator.runtimes.resource.cluster import Cluster
    from aggregator.runtimes.resource.workflows import ChildRun, Workflows

DEADLINE = "Pod was active on the node longer than the specified deadline"
KUBECTL_FAILED = 64
"""The exit code that Argo's executor ends with when kubectl refuses."""
LOCAL_SECONDS = 1.0
"""How often conditions on a run of this machine are looked at, beside its end."""
LOCAL_ACTIONS = ("create", "apply", "get")


@dataclass(slots=True)
class Files:
    """The workspace: input artifacts (a manifest) under `fs`, what kubectl said in `stdout` and `stderr`."""

    folder: Path

    def host_path(self, path: str) -> Path:
        found = self.folder / "fs" / path.lstrip("/")
        found.parent.mkdir(parents=True, exist_ok=True)
        return found


class Refused(Exception):  # noqa: N818 - the end of an attempt, as data
    """The attempt ends here, with this outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class ResourceRuntime:
    """Implements ports.Runtime. `cluster` is how kubectl is called, or why it can't be; `workflows` starts runs here."""

    name: ClassVar[str] = "resource"
    staged: ClassVar[bool] = True

    def __init__(
        self,
        *,
        cluster: Cluster | str,
        workflows: Workflows | None,
        environ: Mapping[str, str] = os.environ,
        interval: float = 5.0,
    ) -> None:
        self._cluster = cluster
        self._workflows = workflows
        self._environ = environ
        self._interval = interval

    async def open(self, attempt: Attempt, folder: Path) -> Workspace:
        del attempt
        return Files(folder)

    async def close(self, workspace: Workspace) -> None:
        """Only what was said is kept."""
        assert isinstance(workspace, Files)
        from shutil import rmtree  # noqa: PLC0415 - few templates are resources

        await asyncio.to_thread(rmtree, workspace.folder / "fs", ignore_errors=True)

    async def stop(self) -> None:
        """Nothing is kept: kubectl has ended, and runs belong to the app."""

    async def run(self, attempt: Attempt, workspace: Workspace | None, sink: Sink) -> Outcome:
        assert isinstance(workspace, Files)
        seconds = None if attempt.deadline is None else max(0.0, attempt.deadline - time.time())
        try:
            async with asyncio.timeout(seconds):
                return await self._run(attempt, workspace, sink)
        except TimeoutError:
            return Outcome(phase="Failed", message=DEADLINE)
        except Refused as problem:
            return problem.outcome
        except manifest.BadManifest as problem:
            return Outcome(phase="Error", message=str(problem))
        except LanguageError as problem:
            place = f" in {problem.text!r}" if problem.text else ""
            hint = f"; {problem.hint}" if problem.hint else ""
            return Outcome(phase="Error", message=f"{problem.message}{place}{hint}")

    async def _run(self, attempt: Attempt, files: Files, sink: Sink) -> Outcome:
        resource = attempt.template.get("resource") or {}
        action = str(resource.get("action") or "")
        if action not in ACTIONS:
            hint = nearest(action, ACTIONS) or f"use one of {', '.join(ACTIONS)}"
            return Outcome(phase="Error", message=f"resource.action {action!r} is none; {hint}")
        conditions = Conditions.of(resource)
        text = manifest.text_of(attempt, files)
        if not text.strip() and not resource.get("flags"):
            return Outcome(phase="Error", message="a resource template must have a manifest, manifestFrom or flags")
        found = manifest.documents(text) if text.strip() else []
        work = Work(attempt, files, sink, conditions, action)
        child = await self._local(work, found, text, owned=bool(resource.get("setOwnerReference")))
        if child is not None:
            return await self._of_run(work, child)
        if isinstance(self._cluster, str):
            raise Unsupported(
                f"resource templates need a cluster, and there is none: {self._cluster}",
                hint="docs/resource.md says how one is configured, and which manifests run without",
            )
        if resource.get("setOwnerReference") and action in ("create", "apply"):
            text = manifest.owned(found, attempt)
        return await self._of_cluster(work, self._cluster, resource, text)

    # ------------------------------------------------------------------ a workflow of this machine

    async def _local(self, work: Work, found: list[Any], text: str, *, owned: bool) -> ChildRun | None:
        """The run that the manifest means, or None when it means something else."""
        if self._workflows is None or work.action not in LOCAL_ACTIONS or not manifest.is_workflow(found):
            return None
        metadata = found[0].get("metadata") or {}
        namespace = str(metadata.get("namespace") or work.attempt.namespace)
        if work.action in ("get", "apply"):
            known = self._workflows.find(str(metadata.get("name") or ""), namespace)
            if known is not None or work.action == "get":
                if known is None and isinstance(self._cluster, str):
                    message = f'workflows.argoproj.io "{metadata.get("name")}" not found'
                    raise Refused(Outcome(phase="Failed", message=message, exit_code=KUBECTL_FAILED))
                if known is not None:
                    work.sink.started()
                return known
        work.sink.started()
        try:
            child = await self._workflows.create(text, work.attempt, owned=owned)
        except Unsupported:
            raise
        except AggError as problem:
            told = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
            raise Refused(Outcome(phase="Failed", message=told, exit_code=KUBECTL_FAILED)) from None
        work.mine = True
        await work.say("stderr", f"workflow.argoproj.io/{child.name} created\n")
        return child

    async def _of_run(self, work: Work, child: ChildRun) -> Outcome:
        conditions = work.conditions
        shown: dict[str, Any] = child.object()
        try:
            while (verdict := conditions.judge(shown)) is None:
                if child.ended:
                    phase = (shown.get("status") or {}).get("phase")
                    return Outcome(
                        phase="Failed",
                        message=f"workflow {child.name!r} has ended ({phase}), and its conditions are not met",
                    )
                await child.wait(LOCAL_SECONDS)
                shown = child.object()
        except asyncio.CancelledError:
            if work.mine:
                await child.stop(f"{work.attempt.workflow}, which created it, no longer waits for it")
            raise
        if verdict:
            return Outcome(phase="Failed", message=verdict)
        return self._outcome(work, shown)

    # ------------------------------------------------------------------ a cluster

    async def _of_cluster(self, work: Work, cluster: Cluster, resource: Mapping[str, Any], text: str) -> Outcome:
        path: Path | None = None
        if text.strip():
            path = work.files.host_path("manifest.yaml")
            await asyncio.to_thread(path.write_text, text, "utf-8")
        flags = cluster.flags(work.attempt.namespace)

        async def kubectl(*words: str) -> Told:
            told = await call(cluster.kubectl, [*flags, *words], self._environ)
            await work.say("stderr", told.err)
            return told

        work.sink.started()
        told = await kubectl(*words_of(resource, path))
        await work.say("stdout", told.out.decode("utf-8", "replace"))
        if told.code:
            return Outcome(
                phase="Failed",
                message=f"kubectl {work.action}: {told.reason}",
                exit_code=KUBECTL_FAILED,
                transient=told.passing,
            )
        found = told.object()
        if work.action == "delete":
            return self._outcome(work, {})
        name, namespace = name_of(found)
        wants = wants_object(work.attempt.template)
        if not name and (work.conditions.any or wants):
            return Outcome(
                phase="Error", message=f"kubectl {work.action} answered no object with a kind and a name", exit_code=64
            )
        again = ["get", name, *([f"--namespace={namespace}"] if namespace else []), "-o", "json"]
        verdict = work.conditions.judge(found)
        while verdict is None:
            found = await self._poll(kubectl, again)
            verdict = work.conditions.judge(found)
            if verdict is None:
                await asyncio.sleep(self._interval)
        if verdict:
            return Outcome(phase="Failed", message=verdict)
        if wants and not work.conditions.any:
            found = await self._poll(kubectl, again)
        return self._outcome(work, found)

    async def _poll(self, kubectl: Callable[..., Awaitable[Told]], words: list[str]) -> dict[str, Any]:
        """The object as it is now; a failure that may pass is waited for, an object that is gone ends the attempt."""
        while True:
            told = await kubectl(*words)
            if not told.code:
                return told.object()
            if not told.passing:
                raise Refused(Outcome(phase="Failed", message=f"kubectl get: {told.reason}", exit_code=KUBECTL_FAILED))
            await asyncio.sleep(self._interval)

    @staticmethod
    def _outcome(work: Work, found: Mapping[str, Any]) -> Outcome:
        """Success, with the output parameters that are read from the object."""
        return Outcome(phase="Succeeded", exit_code=0, parameters=parameters_of(work.attempt.template, found))


@dataclass(slots=True)
class Work:
    """One attempt under way."""

    attempt: Attempt
    files: Files
    sink: Sink
    conditions: Conditions
    action: str
    mine: bool = False
    """Whether this attempt created the run that it looks at."""

    async def say(self, stream: Stream, text: str) -> None:
        """What was printed goes to the attempt's log, and to whoever watches."""
        data = text.encode()
        if data:
            self.sink.write(stream, data)
            await asyncio.to_thread(_append, self.files.folder / stream, data)


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@dataclass(frozen=True, slots=True)
class Conditions:
    """successCondition and failureCondition: selectors over the object's fields; the failure is looked at first."""

    success: selectors.Selector | None
    failure: selectors.Selector | None

    @classmethod
    def of(cls, resource: Mapping[str, Any]) -> Conditions:
        """LanguageError for a condition that is no selector."""
        texts = [str(resource.get(key) or "").strip() for key in ("successCondition", "failureCondition")]
        success, failure = (selectors.parse(text) if text else None for text in texts)
        return cls(success, failure)

    @property
    def any(self) -> bool:
        """Whether there is something to wait for."""
        return self.success is not None or self.failure is not None

    def judge(self, found: Mapping[str, Any]) -> str | None:
        """None while neither holds; an empty text for success; else why it failed."""
        if self.failure is not None and self.failure.any_matches_object(found):
            return f"failure condition '{self.failure.text}' evaluated true"
        if self.success is None or self.success.matches_object(found):
            return ""
        return None
