"""What tests never took of a workflow: templates, tasks, branches of `when`, and the paths of retries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aggregator.engine.node import OMITTED, SKIPPED, UNSUCCESSFUL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aggregator.app.prepare import Prepared
    from aggregator.engine.node import Node
    from aggregator.plan.program import Holder
    from aggregator.testing.trial import Trial

LOCAL = "local"
Point = tuple[str, str, str, str]
"""Holder, template, task (empty for the template itself), and what of it."""


@dataclass(slots=True)
class Covered:
    """One workflow: all its points with their places, and those that some test took."""

    workflow: str
    points: dict[Point, str] = field(default_factory=dict)
    taken: set[Point] = field(default_factory=set)

    def missing(self) -> list[tuple[str, str]]:
        """Place and words of what was never taken, in the order of the file."""
        used = {point[0] for point in self.taken}
        return [
            (place, _words(point))
            for point, place in self.points.items()
            if point not in self.taken and (point[0] == LOCAL or point[0] in used)
        ]

    def counts(self) -> tuple[int, int]:
        """How many points were taken, and how many there are."""
        missing = len(self.missing())
        taken = len(self.taken & self.points.keys())
        return taken, taken + missing


def coverage(trials: Iterable[Trial]) -> list[Covered]:
    """By workflow file."""
    found: dict[str, Covered] = {}
    for trial in trials:
        if trial.run is None or trial.prepared is None:
            continue
        name = trial.prepared.loaded.document.source.name
        covered = found.setdefault(name, Covered(name))
        _take_stock(trial, trial.prepared, covered)
        for node in trial.nodes():
            covered.taken.update(_taken(node, trial.nodes()))
    return list(found.values())


def _take_stock(trial: Trial, prepared: Prepared, covered: Covered) -> None:
    if not hasattr(trial.machine, "program"):
        return
    program = trial.machine.program
    for holder in (program.local, *program.others.values()):
        for name, raw in holder.raw.items():
            for point, path in _points(_scope(holder), name, raw):
                span = prepared.locate((*holder.paths.get(name, ()), *path)) if holder is program.local else None
                covered.points.setdefault(point, span.where() if span is not None else holder.scope)


def _scope(holder: Holder) -> str:
    return LOCAL if holder.scope.startswith("local/") else holder.scope


def _points(scope: str, name: str, raw: dict[str, Any]) -> Iterator[tuple[Point, tuple[str | int, ...]]]:
    yield (scope, name, "", "template"), ()
    if raw.get("retryStrategy"):
        yield (scope, name, "", "retried"), ("retryStrategy",)
        yield (scope, name, "", "gave up"), ("retryStrategy",)
    calls: list[tuple[dict[str, Any], tuple[str | int, ...]]] = [
        (task, ("dag", "tasks", i)) for i, task in enumerate((raw.get("dag") or {}).get("tasks") or ())
    ]
    for i, group in enumerate(raw.get("steps") or ()):
        members = group if isinstance(group, list) else [group]
        calls += [(step, ("steps", i, j)) for j, step in enumerate(members)]
    for call, path in calls:
        task = str(call.get("name") or "")
        yield (scope, name, task, "task"), path
        if call.get("when"):
            yield (scope, name, task, "when true"), (*path, "when")
            yield (scope, name, task, "when false"), (*path, "when")


def _taken(node: Node, nodes: list[Node]) -> Iterator[Point]:
    template, task, boundary = node.template, node.task, node.boundary
    if template is not None:
        own = _scope(template.holder), template.name, ""
        yield (*own, "template")
        if node.kind == "Retry":
            if sum(nodes[n].attempt is not None for n in node.children) > 1:
                yield (*own, "retried")
            if node.phase in UNSUCCESSFUL:
                yield (*own, "gave up")
    if task is not None and boundary is not None and boundary.template is not None:
        place = _scope(boundary.template.holder), boundary.template.name, task.name
        skipped = node.phase == SKIPPED and node.message.startswith("when ")
        if node.phase not in (SKIPPED, OMITTED) and not node.unstarted:
            yield (*place, "task")
            yield (*place, "when true")
        elif skipped:
            yield (*place, "when false")


def _words(point: Point) -> str:
    _, template, task, what = point
    if what == "template":
        return f"template {template} never ran"
    if what == "retried":
        return f"template {template} was never tried again"
    if what == "gave up":
        return f"template {template} never ran out of retries"
    if what == "task":
        return f"task {task} of template {template} never ran"
    return f"`when` of task {task} of template {template} was never {what.removeprefix('when ')}"
