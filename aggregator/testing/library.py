"""The tests of workflows as a library: run one in virtual time from Python, and look at what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.engine.times import rfc3339
from aggregator.errors import NotFound, nearest
from aggregator.source import Source
from aggregator.testing.compare import compare
from aggregator.testing.documents import Documents
from aggregator.testing.load import load_text
from aggregator.testing.trial import Trial, try_case
from aggregator.testing.views import attempts_of, by_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aggregator.engine.node import Node


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node of a run that has ended. Times are virtual seconds since the run's begin."""

    name: str
    display_name: str
    type: str
    phase: str
    message: str
    attempts: int
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    """`parameters` and `artifacts` by name, `result`, `exitCode`."""
    started: float
    finished: float | None


class WorkflowRun:
    """What came of `run_workflow`."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    @property
    def phase(self) -> str:
        return self.trial.phase

    @property
    def message(self) -> str:
        return self.trial.message

    @property
    def duration(self) -> float:
        """Virtual seconds."""
        return self.trial.duration

    @property
    def problems(self) -> list[str]:
        """Why the run can't be judged: leaves without a mock, a workflow that can't be run."""
        return list(self.trial.problems)

    @property
    def outputs(self) -> dict[str, Any]:
        """The run's global outputs: `parameters` and `artifacts` by name."""
        return by_name(self.trial.machine.outputs)

    @property
    def requests(self) -> dict[str, int]:
        """How often each request was sent, as `METHOD URL`."""
        return self.trial.requests()

    @property
    def artifacts(self) -> dict[str, str | None]:
        """The text of each artifact that was written, where a mock gave one."""
        return {name: text for name, (_, text) in self.trial.artifacts().items()}

    @property
    def nodes(self) -> list[NodeView]:
        """In the order of their creation."""
        return [self._view(node) for node in self.trial.nodes()]

    def node(self, name: str) -> NodeView:
        """By full or display name; NotFound with the nearest one."""
        nodes = self.trial.nodes()
        for node in (*(n for n in nodes if n.name == name), *(n for n in nodes if n.display == name)):
            return self._view(node)
        raise NotFound(f"the run has no node {name!r}", hint=nearest(name, [n.display for n in nodes]))

    def status(self) -> dict[str, Any]:
        """The Workflow object with its status, in Argo's shape."""
        from aggregator.engine.status import workflow_object  # noqa: PLC0415 - few look at all of it

        return workflow_object(self.trial.machine)

    def differences(self) -> list[str]:
        """What differs from `expect`, each in the words of `agg test`."""
        return ["\n".join(difference.lines()) for difference in compare(self.trial)]

    def _view(self, node: Node) -> NodeView:
        start = self.trial.machine.started or 0.0
        return NodeView(
            name=node.name,
            display_name=node.display,
            type=node.kind,
            phase=node.phase,
            message=node.message,
            attempts=attempts_of(node, self.trial.nodes()),
            inputs=by_name(node.inputs),
            outputs=by_name(node.outputs),
            started=node.started - start,
            finished=node.finished - start if node.finished is not None else None,
        )


def run_workflow(
    workflow: Mapping[str, Any] | str | Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    mocks: Sequence[Mapping[str, Any]] | None = None,
    events: Sequence[Mapping[str, Any]] = (),
    expect: Mapping[str, Any] | None = None,
    templates: Sequence[Mapping[str, Any] | str | Path] = (),
    entrypoint: str = "",
    name: str = "",
    at: float | str | None = None,
    seed: int = 0,
    strict_argo: bool = False,
    max_parallel: int = 0,
    http_concurrency: int = 0,
) -> WorkflowRun:
    """Run a workflow once in virtual time, with no effect on the world.

    `workflow` is a document, a path, or YAML text (which has line breaks). `mocks`, `events` and `expect` have the form
    that they have in a test file; without mocks every leaf succeeds at once with placeholders for its outputs.
    InvalidWorkflow is raised when the mocks, events or expectations are wrong; a wrong workflow shows in `problems`.
    """
    test: dict[str, Any] = {
        "name": "run_workflow",
        "workflow": _named(workflow),
        "templates": [_named(t) for t in templates],
        "parameters": dict(parameters or {}),
        "mocks": [{"default": {}}] if mocks is None else [dict(m) for m in mocks],
        "events": [dict(e) for e in events],
        "expect": dict(expect or {}),
        "entrypoint": entrypoint,
        "runName": name,
        "seed": seed,
        "strictArgo": strict_argo,
        "maxParallel": max_parallel,
        "httpConcurrency": http_concurrency,
    }
    if at is not None:
        test["at"] = at if isinstance(at, str) else rfc3339(at)
    text = isinstance(workflow, str) and "\n" in workflow
    if text:
        test["workflow"] = {"kind": "List", "items": []}
    (case,) = load_text(Source("run_workflow", json.dumps(test, indent=2)), Path())
    if text:
        case.main = Documents(Source("workflow", str(workflow)))
    return WorkflowRun(try_case(case))


def _named(workflow: Mapping[str, Any] | str | Path) -> Any:
    return str(workflow) if isinstance(workflow, str | Path) else dict(workflow)
