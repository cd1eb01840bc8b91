"""Outputs: each parameter has one source, and one that its kind of template can fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.spec.checks.artifacts import check_location
from aggregator.spec.checks.names import check_value_names, value_name_problem
from aggregator.spec.checks.variables import check_expression, check_texts

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.checks.root import Root
    from aggregator.spec.checks.variables import Scope
    from aggregator.spec.models import Parameter, Template, ValueFrom

SOURCES: Final = {
    "path": "path",
    "json_path": "jsonPath",
    "jq_filter": "jqFilter",
    "event": "event",
    "parameter": "parameter",
    "expression": "expression",
    "supplied": "supplied",
    "config_map_key_ref": "configMapKeyRef",
}
TITLES: Final = {
    "container": "Container", "container_set": "ContainerSet", "script": "Script", "resource": "Resource",
    "steps": "Steps", "dag": "DAG",
}  # fmt: skip


def check_outputs(root: Root, template: Template, place: Place, where: str, scope: Scope) -> None:
    """Outputs of a template; `scope` knows all its steps or tasks."""
    outputs, at, findings = template.outputs, place.at("outputs"), root.findings
    if not (outputs.parameters or outputs.artifacts):
        return
    check_value_names(findings, outputs.parameters, at, "parameters", f"{where}.outputs")
    check_value_names(findings, outputs.artifacts, at, "artifacts", f"{where}.outputs")
    if template.kind in ("steps", "dag"):
        check_texts(scope, at.value, at, f"{where}.outputs")
    for index, parameter in enumerate(outputs.parameters):
        item, name = at.at("parameters", index), f"{where}.outputs.parameters.{parameter.name}"
        _check_source(findings, parameter, template, item, name)
        _check_global_name(findings, parameter.global_name, item, name)
        if parameter.value_from is not None:
            check_expression(scope, root, parameter.value_from.expression, item.at("valueFrom", "expression"), name)
    for index, artifact in enumerate(outputs.artifacts):
        item, name = at.at("artifacts", index), f"{where}.outputs.artifacts.{artifact.name}"
        if template.kind in ("steps", "dag"):
            if artifact.path:
                findings.error("path-here", f"{name}.path only valid in container/script templates", item.at("path"))
            if artifact.from_ and artifact.from_expression:
                findings.error(
                    "two-sources", f"{name} shouldn't have both `from` and `fromExpression` in Artifact", item
                )
        elif template.kind in TITLES and not artifact.path:
            findings.error("no-path", f"{name}.path not specified", item)
        _check_global_name(findings, artifact.global_name, item, name)
        check_expression(scope, root, artifact.from_expression, item.at("fromExpression"), name)
        check_location(findings, artifact, item, name)


def _check_source(findings: Findings, parameter: Parameter, template: Template, place: Place, where: str) -> None:
    source = parameter.value_from
    if source is None:
        if parameter.value is None:
            findings.error("no-source", f"{where} does not have valueFrom or value specified", place)
        return
    if parameter.value is not None:
        findings.error("two-sources", f"{where} has both valueFrom and value specified. Choose one.", place)
        return
    given = [key for attribute, key in SOURCES.items() if getattr(source, attribute)]
    at = place.at("valueFrom")
    if not given:
        message = f"{where}.valueFrom type unspecified: give one of {', '.join(SOURCES.values())}"
        findings.error("no-source", message, at)
    elif len(given) > 1:
        message = f"{where}.valueFrom has multiple valueFrom types specified: {' and '.join(given)}"
        findings.error("two-sources", message, at.at(given[1]))
    else:
        _check_kind(findings, source, template.kind, at, where)


def _check_kind(findings: Findings, source: ValueFrom, kind: str, at: Place, where: str) -> None:
    """Every kind of template has its own way to make values."""
    title = TITLES.get(kind, "")
    if kind in ("container", "container_set", "script") and not source.path:
        findings.error("source-here", f"{where}.path must be specified for {title} templates", at)
    elif kind == "resource" and not (source.json_path or source.jq_filter):
        findings.error("source-here", f"{where}: .jqFilter or jsonPath must be specified for {title} templates", at)
    elif kind in ("steps", "dag") and not (source.parameter or source.expression):
        findings.error("source-here", f"{where}: .parameter or expression must be specified for {title} templates", at)


def _check_global_name(findings: Findings, name: str, place: Place, where: str) -> None:
    if not name or "{{" in name:
        return
    problem = value_name_problem(name)
    if problem:
        findings.error("invalid-name", f"{where}.globalName '{name}' is invalid: {problem}", place.at("globalName"))
