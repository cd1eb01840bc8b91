"""Arguments and inputs: their names, values and sources, and that a call supplies what its template needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.spec.checks.artifacts import check_location, has_location
from aggregator.spec.checks.names import check_value_names

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.checks.library import Located
    from aggregator.spec.models import Arguments, Parameter, Template

LEAF_KINDS: Final = frozenset({"container", "container_set", "script", "resource", "data", "http", "plugin"})


def check_arguments(
    findings: Findings, arguments: Arguments, place: Place, where: str, *, values: bool, event: bool = False
) -> None:
    """Arguments at `place`; `where` names them as Argo does (`spec.arguments`). `values`: each must have one."""
    if not (arguments.parameters or arguments.artifacts):
        return
    check_value_names(findings, arguments.parameters, place, "parameters", where)
    check_value_names(findings, arguments.artifacts, place, "artifacts", where)
    for index, parameter in enumerate(arguments.parameters):
        if parameter.value is not None and parameter.value_from is None and parameter.enum is None:
            continue
        check_parameter(findings, parameter, place.at("parameters", index), where, value=values, event=event)
    for index, artifact in enumerate(arguments.artifacts):
        item, name = place.at("artifacts", index), f"{where}.{artifact.name}"
        if artifact.from_ and artifact.from_expression:
            findings.error("two-sources", f"{name} shouldn't have both `from` and `fromExpression` in Artifact", item)
        elif not (artifact.from_ or artifact.from_expression or has_location(artifact)):
            hint = 'for example `from: "{{steps.NAME.outputs.artifacts.NAME}}"`'
            findings.error("no-source", f"{name}.from, artifact location, or key is required", item, hint)
        check_location(findings, artifact, item, name)


def check_parameter(
    findings: Findings, parameter: Parameter, place: Place, where: str, *, value: bool, event: bool = False
) -> None:
    """One argument: its source, that it has a value, and that the value is one of its enum."""
    name = f"{where}.{parameter.name}"
    source = parameter.value_from
    if source is not None and not event:
        given = source.config_map_key_ref is not None or source.supplied is not None or source.event
        other = source.path or source.json_path or source.jq_filter or source.parameter or source.expression
        if other or not given:
            message = f"{name}.valueFrom only allows: default, configMapKeyRef and supplied"
            findings.error(
                "invalid-source", message, place.at("valueFrom"), "a computed value is written as `value: '{{=…}}'`"
            )
    if value and parameter.name and not parameter.has_value:
        message = f"{name}.value or {name}.valueFrom is required"
        findings.error(
            "no-value", message, place, f"give `value:`, or -p {parameter.name}=VALUE for a workflow's argument"
        )
    check_enum(findings, parameter, place, where, value=value)


def check_enum(findings: Findings, parameter: Parameter, place: Place, where: str, *, value: bool) -> None:
    """The value of an argument must be one of its enum, where it has one."""
    if parameter.enum is None:
        return
    name = f"{where}.{parameter.name}"
    if not parameter.enum:
        findings.error("empty-enum", f"{name}.enum should contain at least one value", place.at("enum"))
    elif parameter.value is None:
        if value and parameter.value_from is not None:
            findings.error("no-value", f"{name}.value is required, since it has an enum", place)
    elif parameter.value not in parameter.enum and "{{" not in parameter.value:
        message = f"{name}.value should be present in {name}.enum list: it is {parameter.value!r}"
        hint = findings.suggest(parameter.value, parameter.enum) or f"one of {', '.join(map(repr, parameter.enum[:8]))}"
        findings.error("not-in-enum", message, place.at("value"), hint)


def check_inputs(findings: Findings, template: Template, place: Place, where: str) -> None:
    """The inputs that a template declares; `where` is `templates.NAME`."""
    inputs, at = template.inputs, place.at("inputs")
    if not (inputs.parameters or inputs.artifacts):
        return
    check_value_names(findings, inputs.parameters, at, "parameters", f"{where}.inputs")
    check_value_names(findings, inputs.artifacts, at, "artifacts", f"{where}.inputs")
    for index, parameter in enumerate(inputs.parameters):
        if parameter.enum is not None and not parameter.enum:
            message = f"{where}.inputs.{parameter.name}.enum should contain at least one value"
            findings.warn("empty-enum", message, at.at("parameters", index, "enum"))
    for index, artifact in enumerate(inputs.artifacts):
        item, name = at.at("artifacts", index), f"{where}.inputs.artifacts.{artifact.name}"
        if template.kind in LEAF_KINDS and not artifact.path:
            findings.error("no-path", f"{name}.path not specified", item)
        elif template.kind in ("steps", "dag") and artifact.path:
            findings.error("path-here", f"{name}.path only valid in container/script templates", item.at("path"))
        if artifact.from_ or artifact.from_expression:
            key = "from" if artifact.from_ else "fromExpression"
            findings.error(
                "from-in-inputs",
                f"{name}.{key} not allowed in inputs",
                item.at(key),
                "whoever calls the template gives `from`",
            )
        check_location(findings, artifact, item, name)


def check_supplied(findings: Findings, callee: Located, arguments: Arguments, place: Place, where: str) -> None:
    """Every input of a called template has a value: an argument, its own value, or its default."""
    inputs = callee.template.inputs
    if inputs.parameters:
        given = {p.name for p in arguments.parameters}
        for parameter in inputs.parameters:
            if not (
                parameter.name in given or parameter.has_value or parameter.default is not None or not parameter.name
            ):
                _not_supplied(findings, f"parameters.{parameter.name}", given, callee, place, where)
    if inputs.artifacts:
        given = {a.name for a in arguments.artifacts}
        for artifact in inputs.artifacts:
            if not (artifact.name in given or artifact.optional or has_location(artifact) or not artifact.name):
                _not_supplied(findings, f"artifacts.{artifact.name}", given, callee, place, where)


def _not_supplied(findings: Findings, what: str, given: set[str], callee: Located, place: Place, where: str) -> None:
    named = f"{where} templates.{callee.name}" if callee.name else where
    hint = _near(findings, what.partition(".")[2], given, callee)
    findings.error("not-supplied", f"{named} inputs.{what} was not supplied".strip(), place, hint)


def _near(findings: Findings, name: str, given: set[str], callee: Located) -> str:
    """An argument that the template does not know is what was meant, perhaps."""
    inputs = callee.template.inputs
    known = {parameter.name for parameter in inputs.parameters} | {artifact.name for artifact in inputs.artifacts}
    return findings.suggest(name, sorted(given - known)) or "add it to `arguments`, or give the input a default"
