"""Explains a run: folds its journal again, with a machine that looks over its own shoulder and notes each decision.

The machine itself logs nothing. At the moments when it makes a node, ends one, parks one or asks for another attempt, this
one looks at what it sees then: scopes, frames, gates. It never changes them, so the run comes out as it did.
"""

from __future__ import annotations

import json
import random
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aggregator.app.decisions import Decision, Operand, Story
from aggregator.app.explain_retry import given_up, tried_again
from aggregator.engine.admission import Waiting
from aggregator.engine.events import LocksWaiting, decode_event
from aggregator.engine.execute import Call, LoneSource, LoopSource
from aggregator.engine.machine import Machine
from aggregator.engine.node import OMITTED, SKIPPED, SUCCEEDED, Node
from aggregator.engine.outputs import EMPTY_LOOP
from aggregator.engine.retry import RetryFrame
from aggregator.engine.scope import Scope
from aggregator.errors import LanguageError
from aggregator.kinds import KINDS
from aggregator.kinds.dag import DagFrame
from aggregator.lang import depends as depends_language
from aggregator.lang import when as when_language
from aggregator.lang.tags import LENIENT, MISSING
from aggregator.plan.fanout import item_scope, item_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aggregator.engine.events import Event
    from aggregator.engine.frames import Frame
    from aggregator.engine.limits import Source
    from aggregator.engine.machine import NewsKind, Step
    from aggregator.plan.program import Task

LONGEST_VALUE = 300


def explain(events: Iterable[bytes]) -> Explainer:
    """The run after these events, with the story of every node."""
    machine = Explainer()
    for data in events:
        machine.handle(decode_event(data))
    return machine


class Explainer(Machine):
    """A machine that keeps the story of each node, by its number."""

    def __init__(self) -> None:
        super().__init__(KINDS, random.Random, observed=False)
        self.stories: dict[int, Story] = {}
        self._source: Source | None = None
        self._held: dict[int, tuple[Source, Decision]] = {}
        """What sources wait for whose node is not made yet."""

    def story(self, node: Node) -> Story:
        return self.stories.setdefault(node.number, Story())

    def note(self, node: Node, decision: Decision) -> None:
        self.story(node).decisions.append(decision)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Evaluate something once more without a trace in the run's random numbers and kept values."""
        source: Any = self.context.random
        state, kept, new = source.getstate(), dict(self.kept), list(self.new_kept)
        try:
            yield
        finally:
            source.setstate(state)
            self.kept, self.new_kept = kept, new

    # ------------------------------------------------------------------ where decisions are made

    def handle(self, event: Event) -> Step:
        step = super().handle(event)
        if isinstance(event, LocksWaiting) and event.node in self.waiting:
            operands = ((event.lock, f"{event.held} of {event.limit} places are taken"),)
            node = self.nodes[event.node]
            expression = _json((node.template.raw if node.template is not None else {}).get("synchronization"))
            self.note(node, Decision(self.at, "waited", "its locks are held by others", "locks", expression, operands))
        return step

    def new_node(
        self,
        name: str,
        kind: str,
        *,
        boundary: Node | None,
        parent: Node | None,
        owner: Frame | None,
        after: Sequence[int] | None = None,
    ) -> Node:
        node = super().new_node(name, kind, boundary=boundary, parent=parent, owner=owner, after=after)
        source = self._source
        held = self._held.pop(id(source), None)
        if held is not None:
            self.note(node, held[1])
        with self.aside():
            if boundary is not None and isinstance(boundary.frame, DagFrame):
                self._look_at_depends(node, boundary.frame)
            if isinstance(source, LoneSource) and source.call.name == name and source.call.task is not None:
                self._look_at_when(node, source.call.task, source.call.scope)
            elif isinstance(source, LoopSource) and not isinstance(owner, RetryFrame):
                item = source.elements[source.index]
                self._look_at_when(node, source.task, Scope(source.scope, item_scope(item)), item_text(item))
            elif isinstance(source, Call) and source.name == name:
                self._look_at_call(node, source)
        return node

    def finish(self, node: Node, phase: str, message: str = "") -> None:
        frame = node.frame
        with self.aside():
            if isinstance(frame, RetryFrame) and frame.attempts and phase != SUCCEEDED:
                self.note(node, given_up(self, frame, message))
        if phase in (SKIPPED, OMITTED):
            self._turn(node, phase)
            if message == EMPTY_LOOP:
                self._look_at_loop(node)
        elif node.memo is not None and node.memo.get("hit"):
            operands = (("key", str(node.memo.get("key"))), ("cache", str(node.memo.get("cacheName"))))
            memoize = (node.template.raw if node.template is not None else {}).get("memoize")
            self.note(
                node, Decision(self.at, "ended", "its outputs were in the cache", "cache", _json(memoize), operands)
            )
        super().finish(node, phase, message)

    def news(self, kind: NewsKind, node: Node) -> None:
        if kind == "retry" and isinstance(node.frame, RetryFrame):
            with self.aside():
                for decision in tried_again(self, node.frame):
                    self.note(node, decision)
        super().news(kind, node)

    def _advance(self, source: Source) -> None:
        outer, self._source = self._source, source
        try:
            super()._advance(source)
        finally:
            self._source = outer
        if id(source) in self._parked and id(source) not in self._held:
            self._look_at_gate(source)

    # ------------------------------------------------------------------ what is seen there

    def _look_at_gate(self, source: Source) -> None:
        """The gate that was closed, by the order in which gates are asked."""
        node: Node | None = None
        boundary: Node | None = None
        if isinstance(source, RetryFrame | Waiting):
            node = source.node
            boundary = node.boundary
        elif isinstance(source, LoneSource):
            boundary = source.call.boundary
        elif isinstance(source, Call):
            boundary = source.boundary
        elif isinstance(source, LoopSource):
            boundary = source.owner.node.boundary if source.owner.node.kind == "TaskGroup" else source.owner.node
        gate = boundary.frame.gate if boundary is not None and boundary.frame is not None else None
        if self.suspended:
            found = Decision(
                self.at, "waited", "the run was suspended", "suspended", "suspend", (("suspended", "true"),)
            )
        elif not self.workflow_gate.open:
            found = self._full("the run's parallelism", self.workflow_gate.limit, "parallelism", "spec.parallelism")
        elif gate is not None and not gate.open and boundary is not None and boundary.template is not None:
            where = f"parallelism of template {boundary.template.name}"
            found = self._full(where, gate.limit, "parallelism", where)
        else:
            full = [(name, slot) for name, slot in self.slots.items() if not slot.open]
            name, limit = (full[0][0], full[0][1].limit) if full else ("", None)
            found = self._full(f"the limit of {name} leaves", limit, "class", f"limit of {name} leaves")
        if node is not None:
            self.note(node, found)
        else:
            self._held[id(source)] = source, found

    def _full(self, what: str, limit: int | None, rule: str, expression: str) -> Decision:
        operands: tuple[Operand, ...] = (("running", str(limit)), ("limit", str(limit)))
        return Decision(self.at, "waited", f"{what} was used up", rule, expression, operands)

    def _look_at_depends(self, node: Node, frame: DagFrame) -> None:
        """What the task depends on, each result with what it was."""
        name = node.name.removeprefix(f"{frame.node.name}.")
        number = frame.template.by_name.get(name)
        if number is None:
            return
        task = frame.template.tasks[number]
        if not task.needs:
            self.note(node, Decision(self.at, "ran", "it depends on nothing", "first"))
            return
        names = [frame.template.tasks[need].name for need in task.needs]
        condition = task.depends or depends_language.from_dependencies(names)
        operands: list[Operand] = []
        for other, result in condition.refs:
            there = frame.nodes[frame.template.by_name[other]]
            phase = there.phase if there is not None else "not there"
            if result:
                holds = str(frame._result(other, result)).lower()  # noqa: SLF001 - it looks over the frame's shoulder
                operands.append((f"{other}.{result}", f"{holds} ({other} is {phase})"))
            else:
                forgiving = frame.template.tasks[frame.template.by_name[other]]
                wanted = [*depends_language.BARE, *(["Errored"] if forgiving.continue_error else [])]
                wanted += ["Failed"] if forgiving.continue_failed else []
                operands.append((other, f"{phase} (wanted is {', '.join(wanted[:-1])} or {wanted[-1]})"))
        why = "what it depends on has ended as it wishes"
        self.note(node, Decision(self.at, "ran", why, "depends", condition.text, tuple(operands)))

    def _look_at_when(self, node: Node, task: Task, scope: Scope, item: str | None = None) -> None:
        """The condition, the variables in it, and each comparison that was made."""
        if item is not None and task.loop is not None:
            operands: tuple[Operand, ...] = (("item", _short(item)),)
            why = "the loop has an item for it"
            self.note(node, Decision(self.at, "ran", why, "loop", _loop_text(task), operands))
        elif node.parent is not None and node.parent.kind == "StepGroup":
            self.note(node, Decision(self.at, "ran", f"its group {node.parent.display} began", "step"))
        if task.when is None:
            return
        found: list[Operand] = []
        for path in task.when.paths:
            value = scope.get(path)
            found.append((path, "unknown" if value is MISSING else _short(item_text(value))))
        try:
            text = task.when.fill(scope, self.context, LENIENT)
            for symbol, operands_of, value in when_language.explain(text):
                words = f" {symbol} ".join(operands_of) if len(operands_of) > 1 else f"{symbol}{operands_of[0]}"
                found.append((_short(words), item_text(value)))
            wanted = when_language.evaluate(text)
            if not found:
                found.append((text, item_text(wanted)))
        except LanguageError as problem:
            found.append((task.when.text, f"wrong: {problem.message}"))
            wanted = False
        why = f"its `when` is {str(bool(wanted)).lower()}"
        verb, rule = ("ran", "when") if wanted else ("skipped", "skipped")
        self.note(node, Decision(self.at, verb, why, rule, task.when.text, tuple(found)))  # type: ignore[arg-type]

    def _look_at_call(self, node: Node, call: Call) -> None:
        """What is started by itself: the entrypoint, the exit handler, a hook."""
        if call.parent is None and not call.flags:
            name = self.program.spec.get("entrypoint") or ""
            self.note(node, Decision(self.at, "ran", "the run began", "entrypoint", f"entrypoint: {name}"))
        elif call.parent is None:
            status = str(self.globals.local.get("workflow.status", ""))
            operands = (("workflow.status", status),)
            self.note(node, Decision(self.at, "ran", "the entrypoint has ended", "exit", "onExit", operands))
        else:
            owner = call.owner.node
            name = call.name.rpartition(".")[2]
            hooks = self.program.hooks if owner is self.root else owner.task.hooks if owner.task is not None else ()
            text = next((h.expression for h in hooks if h.name == name), "") or "exit"
            operands = ((owner.display, owner.phase),)
            self.note(node, Decision(self.at, "ran", f"the hook of {owner.display} is due", "hook", text, operands))

    def _look_at_loop(self, node: Node) -> None:
        """A loop without items."""
        task = node.task
        expression = _loop_text(task) if task is not None else ""
        operands: list[Operand] = []
        if task is not None and task.when is not None:
            operands.append(("when", task.when.text))
        operands.append(("items", "[]"))
        why = "its loop has no items"
        self.note(node, Decision(self.at, "skipped", why, "empty", expression, tuple(operands)))

    def _turn(self, node: Node, phase: str) -> None:
        """It did not run after all: the last condition was false, and those before it only made it due."""
        decisions = self.story(node).decisions
        if phase == OMITTED and decisions:
            why = "what it depends on has not ended as it wishes"
            decisions[-1] = replace(decisions[-1], verb="omitted", why=why, rule="omitted")
        decisions[:] = [replace(d, verb="due") if d.verb == "ran" else d for d in decisions]


def _loop_text(task: Task) -> str:
    """The loop as it was written."""
    if task.loop is None:
        return ""
    name = {"items": "withItems", "param": "withParam", "sequence": "withSequence"}.get(task.loop.form, task.loop.form)
    return f"{name}: {_json(task.loop.tree.value)}"


def _json(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
