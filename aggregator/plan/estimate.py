"""What a program would run, as far as that is known before it runs: counts, widths, requests, attempts, the longest path."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from aggregator.errors import LanguageError
from aggregator.lang import tags, when
from aggregator.plan.compile import resolve
from aggregator.plan.fanout import expand_items, expand_param, expand_sequence, item_scope
from aggregator.plan.parts import Estimate, Part, multiplied, together

if TYPE_CHECKING:
    from aggregator.lang.context import Context
    from aggregator.lang.scope import Scope
    from aggregator.plan.fanout import Elements
    from aggregator.plan.program import Arguments, Program, Task, Template, TemplateRef

UNKNOWN: Final = "?"
# Beyond so many parts, one element stands for a whole loop.
BUDGET: Final = 20_000
DEEPEST: Final = 60
GOOD: Final = frozenset({"Succeeded", "AnySucceeded"})


def estimate(program: Program, context: Context, known: dict[str, str]) -> Estimate:
    """The estimate of a program; `known` are the variables that have values, `workflow.parameters.x` and the like."""
    return Estimator(program, context).whole(tags.Scope(known))


class Estimator:
    """One walk over the templates that are called, with the values that are known."""

    def __init__(self, program: Program, context: Context) -> None:
        self.program = program
        self.context = context
        self.left = BUDGET
        self.calling: list[Template] = []

    def whole(self, scope: Scope) -> Estimate:
        main = self._call("", self.program.entrypoint, self.program.arguments, scope, None)
        main.width = min(main.width, self.program.parallelism or main.width)
        handler = self.program.exit
        if handler is None:
            return Estimate(main)
        given = self.program.arguments if handler.arguments.empty else handler.arguments
        return Estimate(main, self._call("onExit", handler.call, given, scope, None))

    # ---------------------------------------------------------------------- texts

    def _fill(self, text: tags.Template, scope: Scope) -> str:
        """A text with what is known; what is not stays a tag."""
        try:
            return text.fill(scope, self.context, tags.LENIENT)
        except LanguageError:
            return text.text

    def _tree(self, tree: tags.Tree, scope: Scope) -> Any:
        try:
            return tree.fill(scope, self.context, tags.LENIENT)
        except LanguageError:
            return tree.value

    # ---------------------------------------------------------------------- calls

    def _call(self, name: str, call: TemplateRef, arguments: Arguments, scope: Scope, caller: Template | None) -> Part:
        """One call, once."""
        holder = caller.holder if caller is not None else self.program.local
        try:
            template = resolve(self.program, holder, call, lambda tree: self._tree(tree, scope))
        except LanguageError as error:
            return Part(name, call.name or UNKNOWN, UNKNOWN, note=error.message, unknown=True)
        self.left -= 1
        part = Part(name, template.name or name, template.kind)
        inputs = self._inputs(template, arguments, scope)
        part.inputs = inputs
        inner = scope.child({f"inputs.parameters.{key}": value for key, value in inputs.items() if "{{" not in value})
        if template in self.calling or len(self.calling) >= DEEPEST:
            part.note, part.unknown = "calls itself again: how often is only known when it runs", True
            return part
        self.calling.append(template)
        if template.leaf:
            self._leaf(part, template, inner)
        else:
            self._composite(part, template, inner)
        self.calling.pop()
        part.attempts = self._attempts(template, inner)
        part.worst = None if part.worst is None or part.attempts is None else part.worst * part.attempts
        return part

    def _inputs(self, template: Template, arguments: Arguments, scope: Scope) -> dict[str, str]:
        """Values of the inputs; a tag is left where a value is not known yet."""
        given = {a.name: self._fill(a.value, scope) for a in arguments.parameters.values() if a.value is not None}
        values = {}
        for declared in (template.raw.get("inputs") or {}).get("parameters") or ():
            key = declared.get("name", "")
            own = declared.get("value", declared.get("default"))
            text = given.get(key)
            if text is None and own is not None:
                text = self._fill(tags.parse(str(own)), scope)
            values[key] = "{{" + UNKNOWN + "}}" if text is None else text
        return values

    def _attempts(self, template: Template, scope: Scope) -> int | None:
        if template.retry is None:
            return 1
        limit = self._tree(template.retry.tree, scope).get("limit")
        try:
            return None if limit is None or "{{" in str(limit) else int(limit) + 1
        except ValueError:
            return None

    # --------------------------------------------------------------------- leaves

    def _leaf(self, part: Part, template: Template, scope: Scope) -> None:
        part.leaves = part.worst = 1
        part.width = 0 if template.kind == "suspend" else 1
        part.path = (part.template,)
        if template.kind == "http":
            # Of a value that is known in part, the host may be known.
            given = scope.child({f"inputs.parameters.{key}": value for key, value in part.inputs.items()})
            url = self._fill(tags.parse(str((template.raw["http"] or {}).get("url", ""))), given)
            host = (
                urlsplit(url.partition("{{")[0]).netloc if "{{" not in url.partition("//")[2].partition("/")[0] else ""
            )
            part.requests[host or UNKNOWN] += 1

    # ----------------------------------------------------------------- composites

    def _composite(self, part: Part, template: Template, scope: Scope) -> None:
        if template.kind == "steps":
            for number, group in enumerate(template.groups):
                members = [self._task(task, template, scope, number) for task in group]
                part.children += members
                running = [member for member in members if member.normal]
                part.width = max(part.width, sum(member.width for member in running))
                part.path += max((member.path for member in running), key=len, default=())
        else:
            wanted = _wanted(template)
            part.children = [
                self._task(task, template, scope, None) for task in template.tasks if task.number in wanted
            ]
            self._graph(part)
        for child in part.children:
            part.unknown |= child.unknown
            part.worst = None if part.worst is None or child.worst is None else part.worst + child.worst
            if child.normal:
                part.leaves += child.leaves
                part.requests += child.requests
        if template.parallelism and part.children:
            # The limit counts direct children; each may be as wide as its own template.
            widest = max(child.width // (child.times or 1) or 1 for child in part.children)
            part.width = min(part.width, template.parallelism * widest)

    def _graph(self, part: Part) -> None:
        """Width and longest path of a DAG: tasks start as soon as what they wait for has ended."""
        by_name = {child.name: child for child in part.children}
        levels: dict[str, int] = {}
        paths: dict[str, tuple[str, ...]] = {}
        for name in _in_order(by_name):
            child = by_name[name]
            before = [other for other in child.after if other in levels]
            levels[name] = 1 + max((levels[other] for other in before), default=-1)
            longest: tuple[str, ...] = max((paths[other] for other in before), key=len, default=())
            paths[name] = longest + (child.path if child.normal else ())
        widths: Counter[int] = Counter()
        for name, level in levels.items():
            widths[level] += by_name[name].width if by_name[name].normal else 0
        part.width = max(widths.values(), default=0)
        part.path = max(paths.values(), key=len, default=())

    def _task(self, task: Task, template: Template, scope: Scope, group: int | None) -> Part:
        """A step or task with its loop, condition and exit hook."""
        part = self._elements(task, template, scope)
        part.group = group
        part.after = tuple(template.tasks[number].name for number in task.needs) if template.kind == "dag" else ()
        if task.depends is not None and not task.depends.evaluate(lambda _, result: result in GOOD):
            part.normal, part.note = False, f"only if {task.depends.text}"
        elif task.when is not None and not part.note:
            self._condition(part, self._fill(task.when, scope))
        if task.exit_hook is not None:
            hook = self._call(f"{task.name}.onExit", task.exit_hook.call, task.exit_hook.arguments, scope, template)
            times = part.times or 1
            part.leaves += hook.leaves * times
            part.worst = None if part.worst is None or hook.worst is None else part.worst + hook.worst * times
            part.path += hook.path
            part.children.append(hook)
        return part

    def _condition(self, part: Part, text: str) -> None:
        if "{{" in text:
            part.note = f"when {text}"
            return
        try:
            if when.evaluate(text) is not True:
                part.normal, part.note = False, f"skipped: {text}"
        except LanguageError as error:
            part.normal, part.note = False, error.message

    def _elements(self, task: Task, template: Template, scope: Scope) -> Part:
        elements = self._loop(task, scope) if task.loop is not None else None
        if task.loop is None:
            return self._call(task.name, task.call, task.arguments, scope, template)
        if elements is None:
            part = self._call(task.name, task.call, task.arguments, scope, template)
            part.times, part.unknown = None, True
            part.note = part.note or f"as many as {self._loop_text(task, scope)}"
            return part
        if elements.count == 0:
            return Part(task.name, task.call.name, "", times=0, normal=False, note="skipped: nothing to loop over")
        first = self._call(task.name, task.call, task.arguments, scope.child(item_scope(elements[0])), template)
        if elements.count == 1:
            return first
        if elements.count > self.left:
            return multiplied(first, elements.count)
        others = [
            self._call(task.name, task.call, task.arguments, scope.child(item_scope(elements[index])), template)
            for index in range(1, elements.count)
        ]
        return together(first, others)

    def _loop(self, task: Task, scope: Scope) -> Elements | None:
        assert task.loop is not None
        filled = self._tree(task.loop.tree, scope)
        try:
            if task.loop.form == "items":
                return expand_items(filled)
            if task.loop.form == "param":
                return None if "{{" in str(filled) else expand_param(str(filled))
            return None if "{{" in str(filled) else expand_sequence(filled)
        except LanguageError:
            return None

    def _loop_text(self, task: Task, scope: Scope) -> str:
        assert task.loop is not None
        filled = self._tree(task.loop.tree, scope)
        return str(filled.get("count", filled.get("end"))) if isinstance(filled, dict) else str(filled)


def _wanted(template: Template) -> set[int]:
    """Numbers of the tasks that are targets, or that targets wait for."""
    named = [template.by_name[name] for name in template.target.split() if name in template.by_name]
    waiting = named or [task.number for task in template.tasks]
    found: set[int] = set()
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting.extend(template.tasks[number].needs)
    return found


def _in_order(parts: dict[str, Part]) -> list[str]:
    """Names, each after those that it waits for (a cycle is left out)."""
    waiting = {name: len(part.after) for name, part in parts.items()}
    feeds: dict[str, list[str]] = {name: [] for name in parts}
    for name, part in parts.items():
        for other in part.after:
            feeds[other].append(name)
    ready = [name for name, count in waiting.items() if count == 0]
    for name in ready:
        for following in feeds[name]:
            waiting[following] -= 1
            if waiting[following] == 0:
                ready.append(following)
    return ready
