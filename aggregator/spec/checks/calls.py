"""What is common to steps and tasks: a template, arguments, a loop, hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.spec.checks.arguments import check_arguments, check_supplied
from aggregator.spec.checks.hooks import check_hooks
from aggregator.spec.checks.loops import check_loop, items_of
from aggregator.spec.checks.targets import check_target
from aggregator.spec.checks.texts import tagged_texts
from aggregator.spec.checks.variables import check_text

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Place
    from aggregator.spec.checks.library import Located
    from aggregator.spec.checks.root import Root
    from aggregator.spec.checks.variables import Lookup, Scope
    from aggregator.spec.models import WorkflowStep


def check_call(
    root: Root,
    call: WorkflowStep,
    located: Located,
    place: Place,
    where: str,
    scope: Scope,
    lookup: Lookup,
    own: Lookup,
    written: Any,
) -> Located | None:
    """Everything about one step or task but its order. `lookup` answers for others' outputs, `own` for its own too.

    Its loop gives `item`; its hooks know its own outputs. `written` is what stands at its place.
    """
    findings = root.findings
    word = "tasks" if hasattr(call, "depends") else "steps"
    check_loop(findings, call, place, where)
    called = check_target(root, call, located, place, where)
    arguments = call.arguments
    if arguments.parameters or arguments.artifacts:
        check_arguments(findings, arguments, place.at("arguments"), f"{where}.arguments", values=True)
    if called is not None:
        check_supplied(findings, called, arguments, place, where)
    items = items_of(call) or scope.items
    inner = scope.inside(items=items, calls=(word, lookup))
    for path, text in tagged_texts(written) if isinstance(written, dict) else ():
        if path[0] in ("hooks", "onExit"):
            check_text(scope.inside(items=items, calls=(word, own)), text, place.at(*path), where)
        elif path[0] != "inline" or call.inline is None:
            check_text(inner, text, place.at(*path), where)
        # What is inside steps or tasks of its own is looked at there.
        elif call.inline.kind not in ("steps", "dag"):
            check_text(inner.of_inline(call.inline), text, place.at(*path), where)
    if call.on_exit and "{{" not in call.on_exit and located.holder.find(call.on_exit) is None:
        hint = findings.suggest(call.on_exit, located.holder.by_name)
        message = f"{where} onExit template name '{call.on_exit}' undefined"
        findings.error("unknown-template", message, place.at("onExit"), hint)
    if call.hooks:
        hook_scope = scope.inside(items=items, calls=(word, own))
        check_hooks(root, call.hooks, located, place.at("hooks"), f"{where}.hooks", hook_scope)
    return called
