"""Outputs: what steps and tasks make visible to others, loops gathered into JSON, and the outputs of steps and dag templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from aggregator.engine.inputs import NodeError, artifact_at, has_location
from aggregator.engine.node import OMITTED, RETRIED, SKIPPED, SUCCEEDED, Node
from aggregator.engine.scope import NO_LOCALS, Scope
from aggregator.engine.times import rfc3339
from aggregator.errors import LanguageError
from aggregator.lang import expr, tags
from aggregator.lang.goformat import json_text
from aggregator.lang.tags import MISSING
from aggregator.plan.compile import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aggregator.engine.machine import Machine
    from aggregator.plan.program import Task, Template

EMPTY_LOOP = "Skipped, empty params"
"""Argo's message on the one node that stands for a loop without items."""


_OF_ATTEMPT = frozenset({"id", "startedAt", "finishedAt", "hostNodeName"})


class Called:
    """A step or task that has been called: one node, or a loop's elements with their group."""

    __slots__ = ("cache", "elements", "holder", "node", "task")

    def __init__(self, node: Node, task: Task, holder: Any, elements: Sequence[Node] | None = None) -> None:
        self.node = node
        self.task = task
        self.holder = holder
        self.elements = elements
        self.cache: dict[str, Any] | None = None

    def value(self, machine: Machine, field: str) -> Any:
        """The value under `steps.NAME.` + field, None when declared but never written, or MISSING."""
        if self.elements is not None and field.startswith("outputs"):
            return self._gathered().get(field, MISSING)
        return node_value(machine, self.node, self.task, self.holder, field)

    def pairs(self, machine: Machine) -> Iterator[tuple[str, Any]]:
        """All its fields with their values, for expressions."""
        for field in ("id", "startedAt", "finishedAt", "status", "ip", "hostNodeName", "exitCode"):
            value = node_value(machine, self.node, self.task, self.holder, field)
            if value is not MISSING:
                yield field, value
        if self.elements is not None:
            yield from self._gathered().items()
        else:
            yield from output_pairs(machine, self.node, self.task, self.holder)

    def _gathered(self) -> dict[str, Any]:
        if self.cache is None:
            self.cache = gather(self.task.name, self.elements or ())
        return self.cache


def node_value(machine: Machine, node: Node, task: Task, holder: Any, field: str) -> Any:
    """One field of one node; of one that is retried, who and when and where are its last attempt's."""
    if field == "status":
        return node.phase or MISSING
    if node.kind == "Retry":
        last = next((c for c in reversed(node.children) if machine.nodes[c].flags & RETRIED), None)
        node = machine.nodes[last] if last is not None and field in _OF_ATTEMPT else node
    if field == "id":
        return node.identity(machine.name)
    if field == "startedAt":
        return rfc3339(node.started)
    if field == "finishedAt":
        return rfc3339(node.finished) if node.finished is not None else MISSING
    if field == "ip":
        return node.ip or MISSING
    if field == "hostNodeName":
        return machine.options.get("host", "localhost") if node.kind == "Pod" else MISSING
    if field == "exitCode":
        code = (node.outputs or {}).get("exitCode")
        return MISSING if code is None else str(code)
    for key, value in output_pairs(machine, node, task, holder):
        if key == field:
            return value
    return MISSING


def output_pairs(machine: Machine, node: Node, task: Task, holder: Any) -> Iterator[tuple[str, Any]]:
    """The node's outputs by dotted key; for a node that never ran, its declared parameters with default or None."""
    if node.phase in (SKIPPED, OMITTED):
        yield from _never_written(machine, task, holder)
        return
    outputs = node.outputs or {}
    if outputs.get("result") is not None:
        yield "outputs.result", outputs["result"]
    parameters = outputs.get("parameters") or ()
    for parameter in parameters:
        if "value" in parameter:
            yield f"outputs.parameters.{parameter['name']}", parameter["value"]
    for artifact in outputs.get("artifacts") or ():
        yield f"outputs.artifacts.{artifact['name']}", artifact


def _never_written(machine: Machine, task: Task, holder: Any) -> Iterator[tuple[str, Any]]:
    try:
        template = resolve(machine.program, holder, task.call)
    except LanguageError:
        return
    declared = template.raw.get("outputs") or {}
    for parameter in declared.get("parameters") or ():
        default = (parameter.get("valueFrom") or {}).get("default")
        yield f"outputs.parameters.{parameter['name']}", default
    for artifact in declared.get("artifacts") or ():
        yield f"outputs.artifacts.{artifact['name']}", None


def gather(name: str, elements: Sequence[Node]) -> dict[str, Any]:
    """A loop's outputs as JSON arrays; only elements that Succeeded count, in index order.

    Results must be JSON and are embedded; parameters are embedded if every one is an object or a list, else they are texts.
    """
    if not elements:
        return {}
    counted = [n for n in elements if n.phase == SUCCEEDED and n.outputs]
    gathered: dict[str, Any] = {}
    results = []
    missing = 0
    for node in counted:
        result = (node.outputs or {}).get("result")
        if result is None:
            missing += 1
            continue
        try:
            results.append(compact_json(result))
        except ValueError as problem:
            seen = result if len(result) <= 60 else result[:57] + "..."
            raise NodeError(
                f"the results of loop {name!r} can't be made one JSON list: element {node.display!r} gave {seen!r},"
                f" which is not JSON ({problem}); print JSON, or use output parameters"
            ) from None
    gathered["outputs.result"] = "[" + ",".join(results) + "]"
    every = []
    by_name: dict[str, list[str]] = {}
    for node in counted:
        pairs = {p["name"]: p["value"] for p in (node.outputs or {}).get("parameters") or () if "value" in p}
        if pairs:
            every.append(pairs)
        for key, value in pairs.items():
            by_name.setdefault(key, []).append(value)
    gathered["outputs.parameters"] = json_text(every)
    for key, values in by_name.items():
        gathered[f"outputs.parameters.{key}"] = _values_json(values)
    return gathered


def compact_json(text: str) -> str:
    """A JSON text without blanks, keys in their order, `< > &` escaped as Go does; ValueError when it is no JSON."""
    data = text.encode()
    try:
        msgspec.json.decode(data)
        compact = msgspec.json.format(data, indent=-1).decode()
    except msgspec.DecodeError as problem:
        raise ValueError(str(problem)) from None
    if "<" in compact or ">" in compact or "&" in compact:
        compact = compact.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return compact


def _values_json(values: list[str]) -> str:
    embedded = []
    for value in values:
        if value.lstrip()[:1] not in ("{", "["):
            return json_text(values)
        try:
            embedded.append(compact_json(value))
        except ValueError:
            return json_text(values)
    return "[" + ",".join(embedded) + "]"


class CallsScope(Scope):
    """`steps.*` or `tasks.*`: what has been called so far, looked up when asked for."""

    __slots__ = ("calls", "machine", "prefix")

    def __init__(self, parent: Scope | None, machine: Machine, prefix: str, calls: dict[str, Called]) -> None:
        super().__init__(parent, NO_LOCALS)
        self.machine = machine
        self.prefix = prefix
        self.calls = calls

    def find(self, name: str) -> Called | None:
        """The call of this name, if it can be seen."""
        return self.calls.get(name)

    def names(self) -> Iterator[str]:
        """The names of all calls that can be seen."""
        return iter(self.calls)

    def own(self, key: str) -> Any:
        if not key.startswith(self.prefix):
            return MISSING
        name, _, field = key[len(self.prefix) :].partition(".")
        called = self.find(name)
        if called is None:
            return MISSING
        try:
            return called.value(self.machine, field)
        except NodeError as problem:
            raise LanguageError(str(problem), text=key) from None

    def why_missing(self, key: str) -> str:
        name, _, field = key.removeprefix(self.prefix).partition(".")
        called = self.find(name) if key.startswith(self.prefix) else None
        if called is None:
            return super().why_missing(key)
        node = called.node
        if node.message == EMPTY_LOOP:
            return f"the loop of {name!r} had no items, so there is no {field}"
        if called.elements is not None and not called.elements:
            return f"the loop of {name!r} had no items that ran, so there is no {field}"
        return f"{name!r} {'ended' if node.done else 'is'} {node.phase} and has no {field}"

    def items(self) -> Iterator[tuple[str, Any]]:
        for name in self.names():
            called = self.find(name)
            assert called is not None
            try:
                for field, value in called.pairs(self.machine):
                    yield f"{self.prefix}{name}.{field}", value
            except NodeError as problem:
                raise LanguageError(str(problem)) from None


def template_outputs(machine: Machine, template: Template, scope: Scope) -> dict[str, Any] | None:
    """The outputs that a steps or dag template declares, read from the scope of its calls; NodeError when one is missing."""
    declared = template.raw.get("outputs")
    if not declared:
        return None
    made: dict[str, Any] = {}
    parameters = [_output_parameter(machine, raw, scope) for raw in declared.get("parameters") or ()]
    if parameters:
        made["parameters"] = parameters
    artifacts = []
    for raw in declared.get("artifacts") or ():
        found = _output_artifact(machine, raw, scope)
        if found is not None:
            artifacts.append(found)
    if artifacts:
        made["artifacts"] = artifacts
    if machine.cluster is not None and template.raw.get("memoize"):
        refused = machine.cluster.cached(template.name, made)
        if refused:
            raise NodeError(refused)
    return made or None


def _output_parameter(machine: Machine, raw: dict[str, Any], scope: Scope) -> dict[str, Any]:
    made = {k: v for k, v in raw.items() if k != "valueFrom"}
    source = raw.get("valueFrom")
    if not source:
        if "value" in raw:
            made["value"] = tags.parse(raw["value"]).fill(scope, machine.context, tags.LENIENT)
        return made
    made["valueFrom"] = source
    try:
        made["value"] = _read(machine, raw["name"], source, scope)
    except (NodeError, LanguageError) as problem:
        if source.get("default") is None:
            raise NodeError(f"output parameter {raw['name']!r}: {problem}") from None
        made["value"] = source["default"]
    return made


def _read(machine: Machine, name: str, source: dict[str, Any], scope: Scope) -> str:
    if source.get("parameter"):
        text = tags.parse(source["parameter"])
        key = text.single_key
        if key is None:
            return text.fill(scope, machine.context, tags.STRICT)
        value = scope.get(key)
        if value is MISSING or value is None:
            raise NodeError(f"unable to resolve {source['parameter']}")
        return value if isinstance(value, str) else json_text(value)
    if source.get("expression"):
        value = expr.parse(source["expression"]).run(scope.env(), machine.context, functions="argo")
        if value is None:
            raise NodeError(f"expression {source['expression']!r} gave nothing")
        return value if isinstance(value, str) else json_text(value)
    if source.get("default") is not None:
        return str(source["default"])
    raise NodeError(f"output parameter {name!r} needs valueFrom.parameter or valueFrom.expression")


def _output_artifact(machine: Machine, raw: dict[str, Any], scope: Scope) -> dict[str, Any] | None:
    try:
        if raw.get("fromExpression"):
            found = expr.parse(raw["fromExpression"]).run(scope.env(), machine.context, functions="argo")
            if not isinstance(found, dict) or not has_location(found):
                raise NodeError(f"fromExpression {raw['fromExpression']!r} gave no artifact")
        elif raw.get("from"):
            found = artifact_at(raw["from"], scope)
            if found is None:
                raise NodeError(f"unable to resolve {raw['from']}: the artifact was never written")
        else:
            return dict(raw)
    except (NodeError, LanguageError) as problem:
        if raw.get("optional"):
            return None
        raise NodeError(f"output artifact {raw['name']!r}: {problem}") from None
    made = {k: v for k, v in found.items() if k not in ("path", "mode", "recurseMode", "optional", "globalName")}
    made["name"] = raw["name"]
    if raw.get("globalName"):
        made["globalName"] = raw["globalName"]
    return made


def export_globals(machine: Machine, outputs: dict[str, Any] | None) -> None:
    """Copy outputs that have a globalName to the run's outputs and to `workflow.outputs.*`; later writers win."""
    if not outputs:
        return
    for family in ("parameters", "artifacts"):
        for made in outputs.get(family) or ():
            name = made.get("globalName")
            if not name:
                continue
            exported = {k: v for k, v in made.items() if k not in ("globalName", "valueFrom", "path")}
            exported["name"] = name
            kept = [o for o in machine.outputs.get(family, []) if o["name"] != name]
            machine.outputs[family] = [*kept, exported]
            key = f"workflow.outputs.{family}.{name}"
            machine.globals.local[key] = exported.get("value") if family == "parameters" else exported
            machine.globals_changed()
