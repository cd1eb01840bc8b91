"""The manifest of a resource template: its text, what kind of object it is, and the marks that link it to the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.errors import AggError
from aggregator.source import Source
from aggregator.spec.write import to_yaml
from aggregator.spec.yaml import parse_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Workspace

WORKFLOW_LABEL = "workflows.argoproj.io/workflow"
OWNER_ANNOTATION = "agg.dev/owner-uid"


class BadManifest(Exception):  # noqa: N818 - why a template can't be carried out, as data for its node
    """The manifest can't be had or read; the node is Error."""


def text_of(attempt: Attempt, workspace: Workspace | None) -> str:
    """The manifest, from the template or from the input artifact that it names; empty when it has none."""
    resource = attempt.template.get("resource") or {}
    source = resource.get("manifestFrom")
    if resource.get("manifest"):
        return str(resource["manifest"])
    if not source:
        return ""
    wanted = str((source.get("artifact") or {}).get("name") or "")
    inputs = (attempt.template.get("inputs") or {}).get("artifacts") or ()
    found = next((artifact for artifact in inputs if artifact.get("name") == wanted), None)
    if found is None or not found.get("path") or workspace is None:
        known = ", ".join(repr(artifact.get("name")) for artifact in inputs) or "none"
        raise BadManifest(
            f"manifestFrom.artifact.name {wanted!r} must be an input artifact with a path; the template's are: {known}"
        )
    try:
        return workspace.host_path(str(found["path"])).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise BadManifest(f"manifestFrom: artifact {wanted!r} can't be read as text: {problem}") from None


def documents(text: str) -> list[Any]:
    """The objects of a manifest; BadManifest with the place of a mistake."""
    try:
        parsed = parse_text(Source("manifest", text))
    except AggError as problem:
        raise BadManifest(f"the manifest is no YAML: {problem.message}") from None
    if parsed.diagnostics:
        first = parsed.diagnostics[0]
        where = f" ({first.span.where()})" if first.span is not None else ""
        raise BadManifest(f"the manifest is no YAML: {first.message}{where}")
    return [document.value for document in parsed.documents if document.value is not None]


def is_workflow(found: list[Any]) -> bool:
    """Whether the manifest is one Workflow, which runs here."""
    return len(found) == 1 and is_workflow_object(found[0])


def is_workflow_object(value: Any) -> bool:
    """Whether a document is of Argo's kind Workflow."""
    if not isinstance(value, dict) or value.get("kind") != "Workflow":
        return False
    return str(value.get("apiVersion") or "").partition("/")[0] in ("argoproj.io", "")


def owned(found: list[Any], attempt: Attempt) -> str:
    """The manifest with the marks of setOwnerReference.

    The owner is a run of this machine, which the cluster does not know: with an owner reference its garbage collector would
    take the object away at once. So it gets a label with the run's name and an annotation with its uid.
    """
    return to_yaml(_marked(value, attempt) for value in found)


def _marked(value: Any, attempt: Attempt) -> Any:
    if not isinstance(value, dict):
        return value
    metadata: Mapping[str, Any] = value.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), WORKFLOW_LABEL: attempt.workflow[:63]}
    annotations = {**(metadata.get("annotations") or {}), OWNER_ANNOTATION: attempt.uid}
    return {**value, "metadata": {**metadata, "labels": labels, "annotations": annotations}}
