"""Exit handlers and life-cycle hooks of steps, tasks and the workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.engine.execute import Call, fail
from aggregator.engine.frames import CallingFrame, TemplateFrame
from aggregator.engine.node import HOOKED, Node
from aggregator.engine.variables import set_result
from aggregator.errors import LanguageError
from aggregator.lang import expr, tags

if TYPE_CHECKING:
    from aggregator.engine.machine import Machine
    from aggregator.engine.scope import Scope
    from aggregator.plan.program import Hook


class HookFrame(CallingFrame):
    """Waits for one hook of a node; how the hook ends does not change the node's phase."""

    __slots__ = ()

    def child_done(self, machine: Machine, child: Node) -> None:
        del child
        self._ended(machine)

    def child_dropped(self, machine: Machine) -> None:
        self._ended(machine)

    def _ended(self, machine: Machine) -> None:
        self.node.hooks_left -= 1
        if self.node.fulfilled and not self.node.hooks_left:
            machine.later(machine.report, self.node)


def hooks_of(machine: Machine, node: Node) -> tuple[Hook, ...]:
    """The hooks that belong to the node: its step's or task's, the workflow's for the root; none for attempts and groups."""
    if node is machine.root:
        return machine.program.hooks
    if node.task is None or node.attempt is not None or node.kind == "TaskGroup" or node.loop is not None:
        return ()
    return node.task.hooks


def concern(machine: Machine, node: Node) -> bool:
    """Whether hooks may look at the node at all; most have none, and are not asked further."""
    task = node.task
    return bool((task is not None and task.hooks) or machine.program.hooks)


def on_running(machine: Machine, node: Node) -> None:
    """The node has begun to run: hooks whose expression is now true start."""
    target = node
    if node.attempt is not None and node.parent is not None:
        target = node.parent
    _start_true(machine, target)


def on_globals(machine: Machine) -> None:
    """A variable of the run has changed: the workflow's own hooks may have become true."""
    if machine.program.hooks and machine.root is not None and not machine.root.done:
        _start_true(machine, machine.root)


def on_end(machine: Machine, node: Node) -> None:
    """The node has ended: hooks whose expression is now true start, and its exit handler if it ran at all.

    A step that was called wrongly fails its group at once, so that, as in Argo, nothing follows.
    """
    if node.unstarted and (node.boundary is None or node.boundary.kind == "Steps"):
        return
    _start_true(machine, node)
    if node is machine.root or not node.completed:
        return
    hook = next((h for h in hooks_of(machine, node) if h.name == "exit"), None)
    if hook is not None and _condition(machine, node, hook):
        _start(machine, node, hook, f"{node.name}.onExit", exempt=True)


def _start_true(machine: Machine, node: Node) -> None:
    for hook in hooks_of(machine, node):
        if (
            hook.name != "exit"
            and hook.expression
            and hook.name not in node.started_hooks
            and _condition(machine, node, hook)
        ):
            _start(machine, node, hook, f"{node.name}.hooks.{hook.name}", exempt=node.exempt)


def _scope(machine: Machine, node: Node) -> Scope:
    """What a hook's expression and arguments see: the enclosing calls, this node's own outputs among them."""
    frame = node.boundary.frame if node.boundary is not None else None
    if isinstance(frame, TemplateFrame) and node.task is not None:
        return frame.scope_for_hooks(machine, node)
    return machine.globals


def _condition(machine: Machine, node: Node, hook: Hook) -> bool:
    if not hook.expression:
        return True
    if node is machine.root:
        set_result(machine, node.phase if node.done else "Running")
    text = hook.expression
    try:
        scope = _scope(machine, node)
        if "{{" in text:
            # As everywhere in a template, tags are filled first: inputs, and the item of the loop.
            text = tags.parse(text).fill(scope, machine.context, tags.LENIENT)
        value = expr.parse(text).run(scope.env(), machine.context, functions="argo")
        if not isinstance(value, bool):
            raise LanguageError(f"it must give a boolean, it gave {value!r}")
    except LanguageError as problem:
        call = _call(machine, node, hook, f"{node.name}.hooks.{hook.name}", exempt=True)
        _note(node, hook)
        hint = f" ({problem.hint})" if problem.hint else ""
        fail(machine, call, f"hook {hook.name!r}: failed to evaluate expression {text!r}: {problem.message}{hint}")
        return False
    return value


def _note(node: Node, hook: Hook) -> None:
    node.started_hooks += (hook.name,)
    node.hooks_left += 1


def _call(machine: Machine, node: Node, hook: Hook, name: str, *, exempt: bool) -> Call:
    arguments = hook.arguments
    if hook.name == "exit" and arguments.empty:
        arguments = machine.program.arguments
    boundary = node.boundary
    holder = machine.program.local
    if boundary is not None and boundary.template is not None:
        holder = boundary.template.holder
    return Call(
        name=name,
        target=hook.call,
        holder=holder,
        arguments=arguments,
        scope=_scope(machine, node),
        owner=HookFrame(node),
        boundary=boundary,
        parent=node,
        exempt=exempt,
        flags=HOOKED,
        depth=node.depth + 1,
    )


def _start(machine: Machine, node: Node, hook: Hook, name: str, *, exempt: bool) -> None:
    _note(node, hook)
    machine.start(_call(machine, node, hook, name, exempt=exempt))
