"""Inputs: arguments meet a template's declared inputs, and the scope of the template's own texts is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.node import HOOKED, fnv1a32, pod_name
from aggregator.engine.scope import Scope, TemplateScope
from aggregator.errors import LanguageError
from aggregator.lang import expr, tags
from aggregator.lang.tags import CALL, LAST, LENIENT, MISSING, STRICT

if TYPE_CHECKING:
    from aggregator.engine.execute import Call
    from aggregator.engine.machine import Machine
    from aggregator.plan.program import Argument, Task, Template

LOCATION_KEYS = ("s3", "git", "http", "raw", "artifactory", "gcs", "oss", "azure", "hdfs", "plugin")
PARAMETER_LABEL = "workflows.argoproj.io/configmap-type"


class NodeError(Exception):
    """Why a node can't start, or its outputs can't be made; becomes the node's message."""


def process_arguments(machine: Machine, template: Template, call: Call) -> dict[str, Any] | None:
    """The template's inputs with values: an argument wins over the input's value, that over its default.

    An argument without a value replaces the input with its own valueFrom and clears even the default. Raises NodeError for
    an input that nothing supplies.
    """
    declared = template.raw.get("inputs")
    if not declared:
        return None
    policy = STRICT if call.strict else LAST if call.flags & HOOKED else CALL
    handed: dict[str, Any] = {}
    parameters = declared.get("parameters")
    if parameters:
        given = call.arguments.parameters
        made = [_parameter(machine, template, call, raw, given.get(raw["name"]), policy) for raw in parameters]
        handed["parameters"] = _filled_declarations(machine, call, made, given)
    artifacts = declared.get("artifacts")
    if artifacts:
        given = call.arguments.artifacts
        own = {f"inputs.parameters.{p['name']}": p["value"] for p in handed.get("parameters") or ()}
        found = [_artifact(machine, template, call, raw, given.get(raw["name"]), policy, own) for raw in artifacts]
        handed["artifacts"] = [a for a in found if a is not None]
    return handed or None


def _filled_declarations(
    machine: Machine, call: Call, made: list[dict[str, Any]], given: dict[str, Argument]
) -> list[dict[str, Any]]:
    """Values that come from the template itself may hold tags: of globals, local variables and its other inputs.

    What an argument handed over is data, and is never read as a tag again.
    """
    for i, parameter in enumerate(made):
        value = parameter["value"]
        argued = given.get(parameter["name"])
        if isinstance(value, str) and "{{" in value and (argued is None or argued.value is None):
            scope = _locals(machine, call)
            others = {f"inputs.parameters.{p['name']}": p["value"] for p in made if p is not parameter}
            filled = tags.parse(value).fill(Scope(scope, others), machine.context, LAST)
            made[i] = {**parameter, "value": filled}
    return made


def _parameter(
    machine: Machine, template: Template, call: Call, raw: dict[str, Any], given: Argument | None, policy: Any
) -> dict[str, Any]:
    made = dict(raw)
    value = raw.get("value")
    source = raw.get("valueFrom")
    if value is None:
        value = raw.get("default")
    elif given is None:
        made.pop("default", None)
    if value is None and source and "default" in source and "configMapKeyRef" not in source:
        value = source["default"]
    if given is not None:
        argued = _argued(machine, call, given, policy)
        if argued is not None:
            made["value"] = argued
            made.pop("valueFrom", None)
            return made
        if given.value is None:
            source = given.raw.get("valueFrom")
            value = None
            made.pop("default", None)
    if source and source.get("configMapKeyRef") and (given is None or given.value is None):
        found = config_map_value(machine, source, call.scope)
        value = found if found is not None else value
    if value is None:
        if given is not None and given.value is not None:
            raise NodeError(
                f"argument {raw['name']!r} is an absent optional: {given.value.text} was never written, because what"
                f" writes it was skipped, and input {raw['name']!r} of template {template.name!r} has no default"
            )
        raise NodeError(
            f"inputs.parameters.{raw['name']} was not supplied: template {template.name!r} needs it and it has no default"
        )
    made["value"] = value
    made.pop("valueFrom", None)
    return made


def _argued(machine: Machine, call: Call, given: Argument, policy: Any) -> str | None:
    """The argument's text; None when it has none, or is exactly one tag to an output that was never written."""
    text = given.value
    if text is None:
        return None
    scope = call.scope
    key = text.single_key
    if key is not None:
        value = scope.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            return value
    if call.task is not None:
        scope = naming(scope, call.task, _name_of_call(call), text)
    return text.fill(scope, machine.context, policy)


def naming(scope: Scope, task: Task, key: str, text: tags.Template) -> Scope:
    """`{{steps.name}}` in what a call hands over is the caller's own name; the called one's where the caller has none."""
    return Scope(scope, {key: task.name}) if key in text.keys and scope.get(key) is MISSING else scope


def _name_of_call(call: Call) -> str:
    return "tasks.name" if call.owner.node.kind in ("DAG", "TaskGroup") else "steps.name"


def _locals(machine: Machine, call: Call) -> Scope:
    local = {"node.name": call.name}
    if call.task is not None:
        local[_name_of_call(call)] = call.task.name
    return Scope(machine.globals, local)


def template_scope(machine: Machine, template: Template, call: Call, handed: dict[str, Any] | None) -> TemplateScope:
    """What the template's own texts can see: globals, local variables, inputs, and the paths of files."""
    local: dict[str, Any] = _locals(machine, call).local
    if template.leaf and template.retry is None and not template.rules.static:
        local["pod.name"] = pod_name(machine.name, call.name, template.name, fnv1a32(call.name))
    handed = handed or {}
    for parameter in handed.get("parameters") or ():
        local[f"inputs.parameters.{parameter['name']}"] = parameter["value"]
    for artifact in handed.get("artifacts") or ():
        name = artifact["name"]
        local[f"inputs.artifacts.{name}"] = artifact
        if artifact.get("path"):
            local[f"inputs.artifacts.{name}.path"] = artifact["path"]
    if template.output_paths:
        local.update(template.output_paths)
    return TemplateScope(machine.globals, local)


def _artifact(
    machine: Machine,
    template: Template,
    call: Call,
    declared: dict[str, Any],
    given: Argument | None,
    policy: Any,
    own: dict[str, Any],
) -> dict[str, Any] | None:
    """One input artifact. What the template itself says of it (where it is, its path) sees the template's parameters, `own`."""
    raw = declared
    if has_location(declared) or "{{" in str(declared.get("path")):
        raw = tags.parse_tree(declared).fill(Scope(_locals(machine, call), own), machine.context, LENIENT)
    optional = bool(raw.get("optional"))
    if given is not None:
        found = resolve_artifact(
            machine, given, call.scope, policy, optional=optional or bool(given.raw.get("optional"))
        )
        if found is not None:
            made = dict(found)
            made["name"] = raw["name"]
            for kept in ("path", "mode", "recurseMode", "optional"):
                if kept in raw:
                    made[kept] = raw[kept]
            return made
    if has_location(raw):
        return dict(raw)
    if optional:
        return None
    raise NodeError(
        f"inputs.artifacts.{raw['name']} was not supplied: template {template.name!r} needs it and it is not optional"
    )


def has_location(artifact: dict[str, Any]) -> bool:
    """Whether the artifact says where it is; an empty address is none, as in Argo."""
    return any(_located(k, artifact.get(k)) for k in LOCATION_KEYS) or "local" in artifact


def _located(kind: str, location: Any) -> bool:
    if location is None:
        return False
    needed = {"http": "url", "git": "repo"}.get(kind)
    return needed is None or not isinstance(location, dict) or bool(location.get(needed))


def resolve_artifact(
    machine: Machine, given: Argument, scope: Scope, policy: Any, *, optional: bool = False
) -> dict[str, Any] | None:
    """An argument's artifact: `from` a tag, `fromExpression`, or a location of its own. None when optional and absent."""
    raw = given.raw
    try:
        if raw.get("from"):
            found = artifact_at(raw["from"], scope)
            if found is None:
                raise NodeError(f"unable to resolve {raw['from']}: the artifact was never written")
        elif raw.get("fromExpression"):
            found = expr.parse(raw["fromExpression"]).run(scope.env(), machine.context, functions="argo")
            if not isinstance(found, dict) or not has_location(found):
                raise NodeError(f"fromExpression {raw['fromExpression']!r} gave no artifact")
        else:
            assert given.tree is not None
            filled: dict[str, Any] = given.tree.fill(scope, machine.context, policy)
            return filled
    except (NodeError, LanguageError) as problem:
        if optional:
            return None
        raise NodeError(f"artifact {given.name!r}: {problem}") from None
    made = {k: v for k, v in found.items() if k not in ("path", "mode", "recurseMode", "optional", "globalName")}
    made["name"] = given.name
    sub_path = raw.get("subPath")
    if sub_path:
        text = tags.parse(sub_path).fill(scope, machine.context, policy)
        _append_key(made, text)
    if raw.get("archive") is not None:
        made["archive"] = raw["archive"]
    return made


def artifact_at(tag: str, scope: Scope) -> dict[str, Any] | None:
    """The artifact that one tag such as `{{steps.a.outputs.artifacts.x}}` names."""
    text = tags.parse(tag)
    key = text.single_key or tag.strip()
    found = scope.get(key)
    if found is MISSING:
        raise NodeError(f"unable to resolve {tag}")
    if found is not None and not isinstance(found, dict):
        raise NodeError(f"{tag} is not an artifact")
    return found if found and has_location(found) else None


def _append_key(artifact: dict[str, Any], sub_path: str) -> None:
    for kind in LOCATION_KEYS:
        location = artifact.get(kind)
        if isinstance(location, dict) and "key" in location:
            artifact[kind] = {**location, "key": f"{location['key'].rstrip('/')}/{sub_path.lstrip('/')}"}
    if "local" in artifact:
        artifact["local"] = {
            **artifact["local"],
            "key": f"{artifact['local']['key'].rstrip('/')}/{sub_path.lstrip('/')}",
        }


def config_map_value(machine: Machine, source: dict[str, Any], scope: Scope) -> str | None:
    """valueFrom.configMapKeyRef: the value, the default when map or key is missing, else NodeError."""
    reference = source["configMapKeyRef"]
    name = tags.parse(reference.get("name") or "").fill(scope, machine.context, STRICT)
    key = tags.parse(reference.get("key") or "").fill(scope, machine.context, STRICT)
    found = machine.config_maps.get(name)
    default = source.get("default")
    if found is None:
        if default is not None or reference.get("optional"):
            return default
        raise NodeError(f"ConfigMap {name!r} not found: give its document in the file or with --with PATH")
    labels = (found.get("metadata") or {}).get("labels") or {}
    if labels.get(PARAMETER_LABEL) != "Parameter":
        raise NodeError(f"ConfigMap {name!r} needs the label {PARAMETER_LABEL}: Parameter to be used for parameters")
    data = found.get("data") or {}
    if key not in data:
        if default is not None or reference.get("optional"):
            return default
        raise NodeError(f"ConfigMap {name!r} does not have the key {key!r}")
    return str(data[key])
