"""What people do in a test is held to what the commands hold it to: what `agg resume` refuses, an event can't do either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.app.suspension import check_answer, questions
from aggregator.engine.control import matching
from aggregator.engine.events import NodeSet, Resumed, StopRequested
from aggregator.engine.node import SUCCEEDED
from aggregator.errors import AggError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aggregator.app.suspension import Question
    from aggregator.engine.events import Event
    from aggregator.engine.machine import Machine


def refusal(machine: Machine, event: Event) -> str:
    """Why this can't be done to the run as it is now; empty where it can, or where nobody asked for it."""
    if not isinstance(event, (NodeSet, Resumed, StopRequested)) or machine.finished is not None:
        return ""
    deed = {NodeSet: "set", Resumed: "resume", StopRequested: "stop"}[type(event)]
    try:
        why = _why_not(machine, event)
    except AggError as problem:
        why = f"{problem.message}\n  hint: {problem.hint}" if problem.hint else problem.message
    return f"event `{deed}`: {why}" if why else ""


def _why_not(machine: Machine, event: NodeSet | Resumed | StopRequested) -> str:
    aimed = isinstance(event, NodeSet) or bool(event.selector)
    if aimed and not matching(machine, event.selector):
        waiting = [node.display for node in machine.suspensions.values()]
        told = f"these wait: {', '.join(waiting[:10])}" if waiting else "nothing waits to be resumed then"
        return f"no suspended node matches {event.selector!r}; {told}" if event.selector else told
    if isinstance(event, StopRequested):
        return ""
    asked = questions(machine, event.selector)
    given = event.parameters if isinstance(event, NodeSet) else {}
    check_answer(asked, given)
    succeeds = isinstance(event, Resumed) or event.phase == SUCCEEDED
    return _unanswered(asked, given) if succeeds else ""


def _unanswered(asked: Iterable[Question], given: Iterable[str]) -> str:
    """A node can't succeed while nothing says what one of its outputs is."""
    for question in asked:
        for name in question.missing:
            if name not in given:
                answer = (
                    f"set: {{selector: displayName={question.display}, parameters: {{{name}: …}}, phase: Succeeded}}"
                )
                return (
                    f"node {question.display!r} can't succeed: its output {name!r} is not set and has no default\n"
                    f"  hint: {answer}"
                )
    return ""
