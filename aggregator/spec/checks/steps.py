"""Steps templates: groups in order, and what each step can know of those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.spec.checks.calls import check_call
from aggregator.spec.checks.loops import is_listed, is_looped, items_of
from aggregator.spec.checks.names import field_name_problem
from aggregator.spec.checks.variables import output_keys

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.checks.library import Located
    from aggregator.spec.checks.root import Root
    from aggregator.spec.checks.variables import Lookup, Scope
    from aggregator.spec.models import WorkflowStep

    # Name of a step -> what can be said of it; None: anything.
    Known = dict[str, frozenset[str] | None]


def check_steps(root: Root, located: Located, scope: Scope, place: Place, where: str) -> Lookup:
    """All groups; the answer looks up any step, for the template's outputs."""
    known: Known = {}
    names: dict[str, Place] = {}
    items = scope.items
    lookup = lookup_in(known, root.findings)
    for number, group in enumerate(located.template.steps or ()):
        # While a step runs its status is there, for its hooks and for those that run beside it.
        for step in group:
            known.setdefault(step.name, frozenset({"status"}))
        called: list[tuple[WorkflowStep, Located | None]] = []
        for index, step in enumerate(group):
            at = place.at("steps", number, index)
            _check_name(root.findings, step, at, f"{where}.steps[{number}]", names)
            # Argo keeps the items of earlier loops in mind, so a later step may mention them.
            items |= items_of(step)
            keys = output_keys_of(step, root.resolve(step, located, at))
            own = lookup_in({**known, step.name: keys} if step.hooks else known, root.findings)
            named = f"{where}.steps[{number}].{step.name}"
            found = check_call(root, step, located, at, named, scope.inside(items=items), lookup, own, at.value)
            called.append((step, found))
        for step, found in called:
            known[step.name] = output_keys_of(step, found)
    return lookup


def output_keys_of(call: WorkflowStep, called: Located | None) -> frozenset[str] | None:
    """What can be said of a step or task once it has run."""
    if called is None:
        return None
    loop = (is_looped(call), is_listed(call))
    if loop not in called.output_keys:
        called.output_keys[loop] = output_keys(called.template, looped=loop[0], listed=loop[1])
    return called.output_keys[loop]


def lookup_in(known: Known, findings: Findings) -> Lookup:
    """Answers for references like `NAME.outputs.result`."""

    def look(rest: str) -> str:
        name, _, key = rest.partition(".")
        if name not in known:
            if any("{{" in other for other in known):
                return ""
            near = findings.suggest(name, known)
            return f"there is no {name!r} before it" + (f", {near}" if near else "")
        keys = known[name]
        return problem_of(name, key, keys)

    return look


def problem_of(name: str, key: str, keys: frozenset[str] | None) -> str:
    """Why a step or task has no such output, status or time."""
    if keys is None and key:
        return ""
    if not key:
        return f"say what of {name!r} is meant, as .outputs.result or .status"
    if keys is not None and key not in keys:
        if keys <= {"status"}:
            return f"{name!r} has not run by then"
        kind = "parameter" if key.startswith("outputs.parameters.") else "artifact" if "artifacts." in key else ""
        what = f"output {kind} {key.rpartition('.')[2]!r}" if kind else f"{key!r}"
        return f"{name!r} has no {what}"
    return ""


def _check_name(findings: Findings, step: WorkflowStep, at: Place, where: str, names: dict[str, Place]) -> None:
    if not step.name:
        findings.error("name-required", f"{where}.name is required", at)
        return
    problem = field_name_problem(step.name)
    if problem:
        findings.error("invalid-name", f"{where}.name '{step.name}' is invalid: {problem}", at.at("name"))
    if step.name in names:
        message = f"{where}.name '{step.name}' is not unique"
        notes = ((names[step.name].span(), "the first one is here"),)
        findings.add("duplicate-name", message, at.at("name").span(), notes=notes)
    names.setdefault(step.name, at.at("name"))
