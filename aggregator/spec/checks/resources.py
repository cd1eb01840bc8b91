"""Resource templates: an action, and a manifest that is YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aggregator.source import Source
from aggregator.spec.checks.texts import OPEN
from aggregator.spec.yaml import parse_text

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.models import Template

ACTIONS: Final = ("get", "create", "apply", "delete", "replace", "patch")


def check_resource(findings: Findings, template: Template, place: Place, where: str) -> None:
    """The body of a resource template."""
    body = template.resource
    if body is None:
        return
    at, where = place.at("resource"), f"{where}.resource"
    if body.action not in ACTIONS and OPEN not in body.action:
        message = f"{where}.action must be one of: {', '.join(ACTIONS)}"
        findings.error("resource-action", message, at.at("action"), findings.suggest(body.action, ACTIONS))
    if body.manifest and body.manifest_from is not None:
        message = f"{where} shouldn't have both `manifest` and `manifestFrom` specified"
        findings.error("two-sources", message, at.at("manifestFrom"))
    source = body.manifest_from
    if source is not None:
        artifact = source.artifact
        name = artifact.name if artifact else ""
        if template.inputs.artifact(name) is None:
            message = f"{where}.manifestFrom artifact '{name}' is not among the input artifacts"
            hint = findings.suggest(name, [a.name for a in template.inputs.artifacts])
            findings.error("unknown-artifact", message, at.at("manifestFrom"), hint)
    elif not body.manifest and body.action not in ("get", "delete"):
        findings.warn("no-manifest", f"{where} has no manifest to {body.action}", at)
    if body.manifest and OPEN not in body.manifest:
        _check_manifest(findings, body.manifest, at.at("manifest"), where)


def _check_manifest(findings: Findings, text: str, place: Place, where: str) -> None:
    parsed = parse_text(Source("manifest", text))
    problem = next((d.message for d in parsed.diagnostics if d.severity == "error"), "")
    if not problem and any(not isinstance(d.value, dict | list | None) for d in parsed.documents):
        problem = "it is a text, not a map"
    if problem:
        findings.error("manifest", f"{where}.manifest must be a valid yaml: {problem}", place)
