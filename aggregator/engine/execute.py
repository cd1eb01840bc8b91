"""Executing a template for a node: the fixed order of checks from name to dispatch, and the sources that start calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aggregator.engine import places
from aggregator.engine.admission import admit
from aggregator.engine.attempts import start_attempt
from aggregator.engine.inputs import NodeError, process_arguments, template_scope
from aggregator.engine.node import ERROR, SKIPPED, Node
from aggregator.engine.retry import RetryFrame
from aggregator.engine.scope import Scope
from aggregator.errors import LanguageError
from aggregator.lang import tags
from aggregator.lang import when as when_language
from aggregator.lang.tags import LAST, LENIENT, STRICT
from aggregator.plan.compile import resolve
from aggregator.plan.fanout import item_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aggregator.engine.frames import CallingFrame
    from aggregator.engine.limits import Gate
    from aggregator.engine.machine import Machine
    from aggregator.lang.tags import Tree
    from aggregator.plan.fanout import Elements
    from aggregator.plan.program import Arguments, Holder, Task, TemplateRef

    MakeCall = Callable[[str, Scope, int | None], "Call"]

DISPLAY_NAME = "workflows.argoproj.io/display-name"
MAX_NAME = 63
_SHOWABLE = re.compile(r"[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?")
MAX_DEPTH = 100
"""Templates may call themselves, but not as deep as this."""


class Call(Struct, eq=False):
    """One template to be executed as one node."""

    name: str
    target: TemplateRef
    holder: Holder
    arguments: Arguments
    scope: Scope
    owner: CallingFrame
    boundary: Node | None
    parent: Node | None
    task: Task | None = None
    exempt: bool = False
    """Part of an exit handler: starts and goes on while the run is being stopped."""
    flags: int = 0
    depth: int = 0
    item: int | None = None
    after: Sequence[int] | None = None
    """The nodes whose end let this start, where they are not `parent`."""
    strict: bool = False
    """A loop's element: every tag must resolve."""

    def advance(self, machine: Machine) -> Gate | None:
        if self.dropped(machine):
            self.drop(machine)
            return None
        return execute(machine, self)

    def dropped(self, machine: Machine) -> bool:
        """Whether the run's end, or its frame's, came first."""
        return self.owner.closed or machine.stopping(exempt=self.exempt)

    def drop(self, machine: Machine) -> None:
        self.owner.child_dropped(machine)


class LoneSource:
    """One step or task without a loop: its `when` is looked at when the gates let it start."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call

    def advance(self, machine: Machine) -> Gate | None:
        if self.call.dropped(machine):
            self.call.drop(machine)
            return None
        return start_call(machine, self.call)


class LoopSource:
    """Starts the elements of one loop in order, as far as the gates allow."""

    __slots__ = ("call", "elements", "index", "make", "owner", "scope", "task")

    def __init__(self, elements: Elements, task: Task, scope: Scope, owner: CallingFrame, make: MakeCall) -> None:
        self.elements = elements
        self.task = task
        self.scope = scope
        self.owner = owner
        self.make = make
        self.index = 0
        self.call: Call | None = None
        """The element at `index`, while it waits at a gate."""

    def advance(self, machine: Machine) -> Gate | None:
        while self.index < self.elements.count:
            call = self.call
            if call is None:
                scope = Scope(self.scope, item_scope(self.elements[self.index]))
                call = self.make(self.elements.suffix(self.index), scope, self.index)
            if call.dropped(machine):
                self.drop(machine)
                return None
            gate = start_call(machine, call)
            if gate is not None:
                self.call = call
                return gate
            self.call = None
            self.index += 1
        return None

    def drop(self, machine: Machine) -> None:
        while self.index < self.elements.count:
            self.index += 1
            self.owner.child_dropped(machine)


def start_call(machine: Machine, call: Call) -> Gate | None:
    """A step, task or element whose `when` is still to be looked at."""
    task = call.task
    if task is not None and task.when is not None:
        if machine.suspended:
            return machine.suspend_gate
        try:
            text = task.when.fill(call.scope, machine.context, STRICT if call.strict else LAST)
            wanted = when_language.evaluate(text)
        except LanguageError as problem:
            fail(machine, call, f"{problem.message}")
            return None
        if not wanted:
            skip(machine, call, f"when '{text}' evaluated false")
            return None
    return call.advance(machine)


def skip(machine: Machine, call: Call, message: str, phase: str = SKIPPED) -> Node:
    """Record a node that never runs."""
    node = _placeholder(machine, call)
    machine.finish(node, phase, message)
    return node


def fail(machine: Machine, call: Call, message: str) -> Node:
    """Record a node whose call is wrong: bad arguments, a missing template, a broken condition."""
    node = _placeholder(machine, call)
    node.unstarted = True
    call.owner.child_wrong()
    machine.finish(node, ERROR, message)
    return node


def _placeholder(machine: Machine, call: Call) -> Node:
    node = machine.new_node(
        call.name, "Skipped", boundary=call.boundary, parent=call.parent, owner=call.owner, after=call.after
    )
    _mark(node, call)
    return node


def _mark(node: Node, call: Call) -> None:
    node.task = call.task
    node.flags |= call.flags
    node.exempt = call.exempt
    node.item = call.item
    node.where = call.holder.scope
    if call.task is not None and call.task.hooks:
        node.caller = call.scope


def execute(machine: Machine, call: Call) -> Gate | None:
    """Semantics' order: depth, template, limits, arguments, names, locks, cache, retry wrapper, dispatch."""
    deepest = machine.options.get("max_depth", MAX_DEPTH)
    if call.depth + 1 >= deepest and not machine.options.get("unlimited_recursion"):
        fail(machine, call, f"Maximum recursion depth exceeded: template {call.target.name!r} would be level {deepest}")
        return None
    target = call.target
    template = target.compiled
    if template is None or target.tags is not None:
        try:
            template = resolve(machine.program, call.holder, target, lambda tree: _fill_target(machine, call, tree))
        except LanguageError as problem:
            fail(machine, call, problem.message)
            return None
    gate = places.blocked(machine, template, call.boundary)
    if gate is not None:
        return gate
    try:
        handed = process_arguments(machine, template, call)
        scope = template_scope(machine, template, call, handed)
        rules = template.rules.fill(scope, machine.context, LENIENT)
    except (NodeError, LanguageError) as problem:
        fail(machine, call, str(problem))
        return None
    kind = machine.kinds[template.kind]
    retried = template.retry is not None
    node = machine.new_node(
        call.name,
        "Retry" if retried else kind.node_type,
        boundary=call.boundary,
        parent=call.parent,
        owner=call.owner,
        after=call.after,
    )
    _mark(node, call)
    node.template = template
    node.inputs = handed
    node.scope = scope
    node.depth = call.depth
    annotations = rules.get("annotations")
    shown = annotations.get(DISPLAY_NAME) if annotations else None
    if shown:
        if not _SHOWABLE.fullmatch(str(shown)) or len(str(shown)) > MAX_NAME:
            machine.finish(
                node,
                ERROR,
                f"the annotation {DISPLAY_NAME} is {str(shown)!r}: it must have at most {MAX_NAME} letters, digits, '-'"
                " and '.', and begin and end with a letter or digit",
            )
            return None
        node.display = str(shown)
    admit(machine, node, rules, dispatch)
    return None


def _fill_target(machine: Machine, call: Call, tree: Tree) -> dict[str, Any]:
    """What the call calls; as in Argo a loop's element never sees its item in the name of a template."""
    filled: dict[str, Any] = tree.fill(call.scope, machine.context, LENIENT)
    if call.item is not None and "{{" in tree.value["name"]:
        outer = call.scope.parent or call.scope
        filled = {**filled, "name": tags.parse(tree.value["name"]).fill(outer, machine.context, LENIENT)}
    return filled


def dispatch(machine: Machine, node: Node, depth: int) -> None:
    """Start the node for good: its retry wrapper, or its kind."""
    template = node.template
    assert template is not None
    assert node.scope is not None
    if template.retry is not None:
        frame = RetryFrame(machine, node, depth)
        if frame.problem:
            machine.finish(node, ERROR, frame.problem)
            return
        node.frame = frame
        frame.next_attempt(machine)
        return
    start_attempt(machine, node, template, node.scope, depth)
