"""Loops of steps and tasks: their elements from filled text, with the rule for conditions that are already false."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.inputs import naming
from aggregator.errors import LanguageError
from aggregator.lang import when as when_language
from aggregator.lang.tags import CALL, LENIENT, MISSING
from aggregator.plan.fanout import Elements, expand_items, expand_param, expand_sequence

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.engine.scope import Scope
    from aggregator.plan.program import Task


def expand(machine: Machine, task: Task, scope: Scope) -> Elements:
    """The elements of the task's loop; LanguageError when the text makes no list."""
    loop = task.loop
    assert loop is not None
    filled = loop.tree.fill(scope, machine.context, CALL)
    if loop.form == "items":
        return expand_items(filled)
    if loop.form == "param":
        return expand_param(filled if isinstance(filled, str) else str(filled))
    return expand_sequence(filled)


def expand_unless_skipped(machine: Machine, task: Task, scope: Scope) -> Elements | None:
    """As `expand`, but a loop whose condition is false without looking at an element need not have a list: it is empty then."""
    if task.loop is None:
        return None
    try:
        return expand(machine, task, scope)
    except LanguageError:
        if task.when is not None and is_false(machine, task, scope):
            return Elements(())
        raise


def check_references(machine: Machine, task: Task, scope: Scope) -> None:
    """LanguageError when an argument refers to a result that nothing will ever give; a step that may be skipped can."""
    for argument in task.arguments.parameters.values():
        text = argument.value
        if text is None or all(scope.get(key) is not MISSING for key in text.keys if key.startswith("steps.")):
            continue
        if task.when is None or (task.loop is None and not is_false(machine, task, scope)):
            text.fill(naming(scope, task, "steps.name", text), machine.context, CALL)


def is_false(machine: Machine, task: Task, scope: Scope) -> bool:
    """Whether `when` is false already; a condition that can't be judged before the element is known is not."""
    assert task.when is not None
    try:
        text = task.when.fill(scope, machine.context, LENIENT)
        return "{{" not in text and not when_language.evaluate(text)
    except LanguageError:
        return False
