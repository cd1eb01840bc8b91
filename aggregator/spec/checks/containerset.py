"""Container sets: dependencies between containers, and the one called main."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Final

from aggregator.spec.checks.names import field_name_problem

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.models import Template

RESERVED: Final = frozenset({"wait", "supervisor", "init"})


def check_container_set(findings: Findings, template: Template, place: Place, where: str) -> None:
    """Names, images, dependencies, and who makes the outputs."""
    body = template.container_set
    if body is None:
        return
    at, where = place.at("containerSet", "containers"), f"{where}.containerSet.containers"
    if not body.containers:
        findings.error("no-containers", f"{where} must have at least one container", place.at("containerSet"))
        return
    names = {container.name for container in body.containers}
    seen: set[str] = set()
    graph: dict[str, tuple[str, ...]] = {}
    for index, container in enumerate(body.containers):
        item = at.at(index)
        if not container.name:
            findings.error("name-required", f"{where}[{index}].name is required", item)
        elif problem := field_name_problem(container.name):
            findings.error(
                "invalid-name", f"{where}[{index}].name '{container.name}' is invalid: {problem}", item.at("name")
            )
        elif container.name in seen:
            findings.error("duplicate-name", f"{where}[{index}].name '{container.name}' is not unique", item.at("name"))
        seen.add(container.name)
        if container.name in RESERVED:
            findings.error(
                "reserved-name", f"{where}[{index}].name '{container.name}' is reserved for Argo", item.at("name")
            )
        if not container.image:
            findings.error("no-image", f"{where}.{container.name}.image may not be empty", item)
        graph[container.name] = tuple(name for name in container.dependencies if name in names)
        for number, name in enumerate(container.dependencies):
            if name not in names:
                message = f"{where}.{container.name} dependency '{name}' not defined"
                findings.error(
                    "unknown-dependency", message, item.at("dependencies", number), findings.suggest(name, names)
                )
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle = " waits for ".join(reversed([str(name) for name in error.args[1]]))
        findings.error("cycle", f"{where} cycle detected: {cycle}", at)
    _check_main(findings, template, names, place, where)


def _check_main(findings: Findings, template: Template, names: set[str], place: Place, where: str) -> None:
    outputs = template.outputs
    if "main" in names:
        return
    if template.inputs.artifacts or outputs.artifacts or any(p.value_from for p in outputs.parameters):
        key = "inputs" if template.inputs.artifacts else "outputs"
        message = f'{where} must have a container named "main" for input or output'
        findings.error("no-main", message, place.at(key))
