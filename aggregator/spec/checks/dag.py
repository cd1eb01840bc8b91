"""DAG templates: dependencies that exist and have no cycle, targets, and what each task can know of its ancestors."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final

from aggregator.errors import LanguageError
from aggregator.lang.depends import parse as parse_depends
from aggregator.spec.checks.calls import check_call
from aggregator.spec.checks.loops import is_looped
from aggregator.spec.checks.names import check_field_names
from aggregator.spec.checks.steps import output_keys_of, problem_of
from aggregator.spec.checks.variables import check_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.checks.library import Located
    from aggregator.spec.checks.root import Root
    from aggregator.spec.checks.variables import Lookup, Scope
    from aggregator.spec.models import DAGTask

LOOP_RESULTS: Final = frozenset({"AnySucceeded", "AllFailed"})
SHOWN_CYCLE: Final = 12


def check_dag(root: Root, located: Located, scope: Scope, place: Place, where: str) -> Lookup:
    """All tasks; the answer looks up any task, for the template's outputs."""
    dag = located.template.dag
    assert dag is not None
    findings, at = root.findings, place.at("dag", "tasks")
    tasks = dag.tasks
    if not tasks:
        findings.error("no-tasks", f"{where} must have at least one task", place.at("dag"))
    check_field_names(findings, tasks, place.at("dag"), "tasks", where)
    named = {task.name: task for task in tasks}
    _check_style(findings, tasks, at, where)
    places = [at.at(index) for index in range(len(tasks))]
    names = [f"{where}.tasks.{task.name}" for task in tasks]
    needs = [_dependencies(findings, task, named, places[i], names[i]) for i, task in enumerate(tasks)]
    ancestry = Ancestry(tasks, needs)
    if ancestry.has_cycle:
        _tell_cycle(findings, tasks, needs, place, where)
    _check_targets(root, dag.target, named, place, where, scope)

    known = {task.name: output_keys_of(task, root.resolve(task, located, places[i])) for i, task in enumerate(tasks)}
    texts = at.value if isinstance(at.value, list) else []
    for index in ancestry.order:
        task = tasks[index]
        lookup = _lookup(known, ancestry, index, findings, own=False)
        own = _lookup(known, ancestry, index, findings, own=True) if task.hooks else lookup
        written = texts[index] if index < len(texts) else None
        check_call(root, task, located, places[index], names[index], scope, lookup, own, written)
        ancestry.leave(index)
    return _lookup(known, None, -1, findings, own=True)


def _check_style(findings: Findings, tasks: Sequence[DAGTask], at: Place, where: str) -> None:
    """`depends` and `dependencies` do not mix, and each has its rules."""
    logic = any(task.depends for task in tasks)
    for index, task in enumerate(tasks):
        if logic and task.dependencies:
            message = f"{where} cannot use both 'depends' and 'dependencies' in the same DAG template"
            findings.error(
                "mixed-dependencies",
                message,
                at.at(index, "dependencies"),
                f"write `depends: {' && '.join(task.dependencies)}`",
            )
        if logic and task.continue_on is not None:
            message = f"{where} cannot use 'continueOn' when using 'depends': task {task.name!r}"
            findings.error(
                "continue-on",
                message,
                at.at(index, "continueOn"),
                f"say it where it is depended on: {task.name}.Failed",
            )
        if task.name[:1].isdigit() and (logic or task.dependencies):
            message = f"{where}.tasks.{task.name} name cannot begin with a digit when using either 'depends' or 'dependencies'"
            findings.error("digit-name", message, at.at(index, "name"))


def _dependencies(
    findings: Findings, task: DAGTask, named: Mapping[str, DAGTask], place: Place, where: str
) -> tuple[str, ...]:
    """The tasks that it waits for; says which of them do not exist."""
    if not task.depends:
        for index, name in enumerate(task.dependencies):
            _check_dependency(findings, name, named, place.at("dependencies", index), where)
        return tuple(name for name in task.dependencies if name in named)
    at = place.at("depends")
    if "{{" in task.depends:
        return tuple(name for name in named if name in task.depends)
    try:
        depends = parse_depends(task.depends)
    except LanguageError as error:
        findings.error("depends-syntax", f"{where}.depends: {error.message}", at, error.hint)
        return ()
    for name, result in depends.refs:
        _check_dependency(findings, name, named, at, where)
        if result in LOOP_RESULTS and name in named and not is_looped(named[name]):
            message = f"{where} dependency '{name}' uses '{result}' but does not contain any items"
            findings.error(
                "not-a-loop", message, at, f"{result} asks about the elements of a loop", part=f"{name}.{result}"
            )
    return tuple(name for name in depends.tasks if name in named)


def _check_dependency(findings: Findings, name: str, named: Mapping[str, DAGTask], at: Place, where: str) -> None:
    if name not in named:
        hint = findings.suggest(name, named)
        findings.error("unknown-dependency", f"{where} dependency '{name}' not defined", at, hint, part=name)


def _tell_cycle(
    findings: Findings, tasks: Sequence[DAGTask], needs: Sequence[Sequence[str]], place: Place, where: str
) -> None:
    """Names the tasks that wait for each other, at the first of them."""
    graph: dict[str, list[str]] = {}
    for task, wanted in zip(tasks, needs, strict=True):
        graph.setdefault(task.name, []).extend(wanted)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = [str(name) for name in error.args[1]]
        if len(cycle) > SHOWN_CYCLE:
            cycle = [*cycle[:SHOWN_CYCLE], "…", cycle[-1]]
        index = next(i for i, task in enumerate(tasks) if task.name == error.args[1][0])
        key = "depends" if tasks[index].depends else "dependencies"
        message = f"{where} cycle detected: {' waits for '.join(reversed(cycle))}"
        findings.error("cycle", message, place.at("dag", "tasks", index, key))


def _check_targets(
    root: Root, target: str, named: Mapping[str, DAGTask], place: Place, where: str, scope: Scope
) -> None:
    if not target:
        return
    at = place.at("dag", "target")
    if "{{" in target:
        check_text(scope, target, at, f"{where}.target")
        return
    for name in target.split():
        if name not in named:
            message = f"{where}.target '{name}' is not defined"
            root.findings.error("unknown-target", message, at, root.findings.suggest(name, named), part=name)


class Ancestry:
    """Which tasks run before which. Sets of ancestors are made on demand, and only as long as they are needed."""

    def __init__(self, tasks: Sequence[DAGTask], needs: Sequence[Sequence[str]]) -> None:
        self._index = {task.name: i for i, task in enumerate(tasks)}
        self._needs = [[self._index[name] for name in wanted] for wanted in needs]
        followers: list[list[int]] = [[] for _ in tasks]
        for index, wanted in enumerate(self._needs):
            for i in wanted:
                followers[i].append(index)
        self._waiting = [len(found) for found in followers]
        # Each task after those that it waits for, or as written where they wait for each other.
        missing = [len(wanted) for wanted in self._needs]
        order = [index for index, count in enumerate(missing) if not count]
        for index in order:
            for follower in followers[index]:
                missing[follower] -= 1
                if not missing[follower]:
                    order.append(follower)
        self.has_cycle = len(order) < len(tasks)
        self.order = list(range(len(tasks))) if self.has_cycle else order
        self._sets: dict[int, int] = {}

    def before(self, index: int, name: str) -> bool:
        """Whether a task runs before the one at `index`. Where they wait for each other, nobody can say: yes."""
        wanted = self._index[name]
        return self.has_cycle or wanted in self._needs[index] or bool(self._set(index) >> wanted & 1)

    def is_at(self, index: int, name: str) -> bool:
        return self._index[name] == index

    def _set(self, index: int) -> int:
        found = self._sets.get(index)
        if found is None:
            found = 0
            for i in self._needs[index]:
                found |= self._sets.get(i, 0) | 1 << i
            self._sets[index] = found
        return found

    def leave(self, index: int) -> None:
        """The task was looked at: of its predecessors, those that nobody waits for any more are forgotten."""
        if not self.has_cycle:
            self._set(index)
            for i in self._needs[index]:
                self._waiting[i] -= 1
                if not self._waiting[i]:
                    self._sets.pop(i, None)
            if not self._waiting[index]:
                self._sets.pop(index, None)


def _lookup(
    known: Mapping[str, frozenset[str] | None], ancestry: Ancestry | None, index: int, findings: Findings, *, own: bool
) -> Lookup:
    """Answers for references like `NAME.outputs.result` of one task; without ancestry, of the whole template."""

    def look(rest: str) -> str:
        name, _, key = rest.partition(".")
        if name not in known:
            near = findings.suggest(name, known)
            return f"there is no task {name!r}" + (f", {near}" if near else "")
        if ancestry is not None and not ancestry.before(index, name) and not (own and ancestry.is_at(index, name)):
            return f"missing dependency {name!r}: it may not have run by then"
        return problem_of(name, key, known[name])

    return look
