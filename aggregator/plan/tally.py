"""How many nodes, attempts and requests a run has in which all succeeds, and one in which all fails, where that can be told.

This is a walk in the order of the run, with the phases that nodes come to. What only a run can tell (conditions over outputs,
loops over outputs, recursion, caches, hooks with expressions) makes the count inexact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang import tags, when
from aggregator.plan.compile import resolve
from aggregator.plan.estimate import UNKNOWN, Estimator
from aggregator.plan.fanout import item_scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.lang.context import Context
    from aggregator.lang.depends import Depends
    from aggregator.lang.scope import Scope
    from aggregator.plan.program import Arguments, Hook, Program, Task, Template, TemplateRef

SUCCEEDED, FAILED, ERROR, SKIPPED, OMITTED = "Succeeded", "Failed", "Error", "Skipped", "Omitted"
UNSUCCESSFUL: Final = (FAILED, ERROR)
RESULTS: Final = {SUCCEEDED: "Succeeded", FAILED: "Failed", ERROR: "Errored", SKIPPED: "Skipped", OMITTED: "Omitted"}


@dataclass(slots=True)
class Tally:
    """Counts of a node and all below it. `attempts` are orders to run a leaf; `requests` those of http leaves."""

    nodes: int = 0
    attempts: int = 0
    requests: int = 0
    exact: bool = True
    phase: str = SUCCEEDED
    elements: tuple[str, ...] | None = None
    """Of a loop, the phases of its elements."""

    def add(self, other: Tally, times: int = 1) -> None:
        """Take in what runs below or beside."""
        self.nodes += other.nodes * times
        self.attempts += other.attempts * times
        self.requests += other.requests * times
        self.exact &= other.exact

    def result(self, name: str) -> bool:
        """Whether a `depends` on this result holds."""
        if name == "AnySucceeded":
            return SUCCEEDED in (self.elements or ())
        if name == "AllFailed":
            return bool(self.elements) and set(self.elements or ()) == {FAILED}
        return RESULTS[self.phase] == name


def tally(program: Program, context: Context, known: dict[str, str], *, fails: bool) -> Tally:
    """The whole run, the exit handler included."""
    return _Walk(program, context, fails=fails).run(tags.Scope(known))


class _Walk(Estimator):
    """One walk over all that is called. With `fails`, every attempt of a leaf fails, in a way that its policy covers."""

    def __init__(self, program: Program, context: Context, *, fails: bool) -> None:
        super().__init__(program, context)
        self.fails = fails

    def run(self, scope: Scope) -> Tally:
        program = self.program
        made = self._node(program.entrypoint, program.arguments, scope, None)
        made.exact &= not program.hooks and not _from_maps(program.spec)
        if program.exit is not None:
            given = program.arguments if program.exit.arguments.empty else program.exit.arguments
            made.add(self._node(program.exit.call, given, scope.child({"workflow.status": made.phase}), None))
        return made

    # ------------------------------------------------------------------ one node

    def _node(self, call: TemplateRef, arguments: Arguments, scope: Scope, caller: Template | None) -> Tally:
        """A call without its loop and condition: the retry wrapper with its attempts, or the one attempt."""
        holder = caller.holder if caller is not None else self.program.local
        try:
            template = resolve(self.program, holder, call, lambda tree: self._tree(tree, scope))
        except LanguageError:
            return Tally(1, exact=False, phase=ERROR)
        if template in self.calling or self.left <= 0 or template.raw.get("memoize") or _from_maps(template.raw):
            return Tally(1, exact=False)
        if self.fails and (_uses_outputs(arguments) or template.fail_fast):
            return Tally(1, exact=False)  # what failed has written nothing, and who stops whom depends on time
        self.left -= 1
        inputs = self._inputs(template, arguments, scope)
        inner = scope.child({f"inputs.parameters.{key}": value for key, value in inputs.items() if "{{" not in value})
        self.calling.append(template)
        made = self._retried(template, inner) if template.retry is not None else self._attempt(template, inner, FAILED)
        self.calling.pop()
        # An input that nothing here supplies comes from a ConfigMap, or is an error.
        made.exact &= "{{" + UNKNOWN + "}}" not in inputs.values()
        return made

    def _retried(self, template: Template, scope: Scope) -> Tally:
        assert template.retry is not None
        strategy = self._tree(template.retry.tree, scope)
        policy = strategy.get("retryPolicy") or ("Always" if strategy.get("expression") else "OnFailure")
        one = self._attempt(template, scope, ERROR if policy == "OnError" else FAILED)
        made = Tally(1, phase=one.phase)
        times = 1
        if one.phase in UNSUCCESSFUL:
            limit = self._attempts(template, scope)
            # How an expression judges failures, and how far their backoff gets, is not known before there are some.
            late = (strategy.get("backoff") or {}).get("maxDuration")
            made.exact = limit is not None and not strategy.get("expression") and not late
            covered = (
                template.leaf or policy == "Always" or policy == {FAILED: "OnFailure", ERROR: "OnError"}[one.phase]
            )
            times = (limit or 1) if covered else 1
        made.add(one, times)
        return made

    def _attempt(self, template: Template, scope: Scope, failure: str) -> Tally:
        if template.kind == "steps":
            return self._steps(template, scope)
        if template.kind == "dag":
            return self._dag(template, scope)
        made = Tally(1, phase=failure if self.fails else SUCCEEDED)
        if template.kind == "suspend":
            made.phase = FAILED if self.fails else SUCCEEDED
            return made
        made.attempts = 1
        made.requests = int(template.kind == "http")
        if template.kind == "containerSet":
            made.nodes += len((template.raw["containerSet"] or {}).get("containers") or ())
        return made

    # ------------------------------------------------------------------ composites

    def _steps(self, template: Template, scope: Scope) -> Tally:
        """Group after group, until one has failed."""
        made = Tally(1)
        for group in template.groups:
            made.nodes += 1
            found = [self._loops(task, template, scope) for task in group]
            for task, one in zip(group, found, strict=True):
                made.add(one)
                if one.phase in UNSUCCESSFUL and not _forgiven(task, one.phase):
                    made.phase = FAILED
            if made.phase == FAILED:
                break
            scope = scope.child({f"steps.{t.name}.status": f.phase for t, f in zip(group, found, strict=True)})
        return made

    def _dag(self, template: Template, scope: Scope) -> Tally:
        """Every task after those that it names; what is not wished for is Omitted. As in Argo, failFast hinders none."""
        if template.tagged_graph:
            return Tally(1, exact=False)
        made = Tally(1)
        found: dict[str, Tally] = {}
        branch: dict[str, str] = {}
        named = template.target.split()
        for task in _in_order(template, named):
            needs = {template.tasks[number].name: found[template.tasks[number].name] for number in task.needs}
            depends = task.depends
            if depends is not None and not _holds(depends, needs):
                one = Tally(1, phase=OMITTED)
            else:
                one = self._loops(task, template, scope.child({f"tasks.{n}.status": f.phase for n, f in needs.items()}))
            found[task.name] = one
            made.add(one)
            # A task that did not run stands for those before it, of which a failed one counts most.
            before = [branch[name] for name in needs]
            inherited = next((phase for phase in before if phase in UNSUCCESSFUL), SUCCEEDED)
            branch[task.name] = inherited if one.phase in (SKIPPED, OMITTED) else one.phase
        for name in named or [task.name for task in template.tasks if not task.feeds]:
            phase = branch[name]
            if phase in UNSUCCESSFUL and not _forgiven(template.tasks[template.by_name[name]], phase):
                made.phase = phase
                break
        return made

    # ------------------------------------------------------------------ calls

    def _loops(self, task: Task, template: Template, scope: Scope) -> Tally:
        """A step or task with its loop, its condition and its exit hook."""
        if task.loop is None:
            return self._one(task, template, scope)
        elements = self._loop(task, scope)
        if elements is None or elements.count > self.left:
            return Tally(1, exact=False)
        if elements.count == 0:
            return Tally(1, phase=SKIPPED)
        made = Tally(int(template.kind == "dag"))
        phases = []
        for index in range(elements.count):
            one = self._one(task, template, scope.child(item_scope(elements[index])))
            made.add(one)
            phases.append(one.phase)
        made.elements = tuple(phases)
        made.phase = next((phase for phase in reversed(phases) if phase in UNSUCCESSFUL), SUCCEEDED)
        return made

    def _one(self, task: Task, template: Template, scope: Scope) -> Tally:
        exact = True
        if task.when is not None:
            decided = self._decide(task, scope)
            if decided is False:
                return Tally(1, phase=SKIPPED)
            exact = decided is not None
        made = self._node(task.call, task.arguments, scope, template)
        made.exact &= exact and all(hook.name == "exit" for hook in task.hooks)
        if task.exit_hook is not None:
            made.add(self._hook(task.exit_hook, template, scope))
        return made

    def _hook(self, hook: Hook, template: Template, scope: Scope) -> Tally:
        return self._node(hook.call, hook.arguments, scope, template)

    def _decide(self, task: Task, scope: Scope) -> bool | None:
        """The condition; None where only the run can tell."""
        assert task.when is not None
        text = self._fill(task.when, scope)
        try:
            value: Any = None if "{{" in text else when.evaluate(text)
        except LanguageError:
            return None
        return value if isinstance(value, bool) else None


def _from_maps(raw: dict[str, Any]) -> bool:
    """Whether limits of semaphores or values come from ConfigMaps, which may not be there, or say something else."""
    values = [*_parameters(raw.get("arguments")), *_parameters(raw.get("inputs"))]
    mapped = any((value.get("valueFrom") or {}).get("configMapKeyRef") for value in values)
    limited = (raw.get("synchronization") or {}).get("semaphores")
    return bool(mapped or limited or raw.get("artifactRepositoryRef"))


def _parameters(holder: dict[str, Any] | None) -> list[dict[str, Any]]:
    return (holder or {}).get("parameters") or []


def _uses_outputs(arguments: Arguments) -> bool:
    texts = [key for a in arguments.parameters.values() if a.value is not None for key in a.value.keys]
    texts += [str(argument.raw) for argument in arguments.artifacts.values()]
    return any(".outputs." in text for text in texts)


def _holds(depends: Depends, needs: dict[str, Tally]) -> bool:
    return depends.evaluate(lambda name, result: needs[name].result(result))


def _forgiven(task: Task, phase: str) -> bool:
    return task.continue_failed if phase == FAILED else task.continue_error


def _in_order(template: Template, targets: list[str]) -> Iterator[Task]:
    """The targets and what they wait for, each after what it waits for."""
    wanted = [template.by_name[name] for name in targets] or [task.number for task in template.tasks]
    done: set[int] = set()
    stack = list(reversed(wanted))
    while stack:
        task = template.tasks[stack[-1]]
        missing = [number for number in task.needs if number not in done]
        if missing and task.number not in done:
            stack.extend(missing)
            continue
        stack.pop()
        if task.number not in done:
            done.add(task.number)
            yield task
