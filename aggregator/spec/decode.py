"""Documents to models: every object of a text decoded, and all that is wrong with it collected in one go."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import Diagnostic, nearest
from aggregator.source import Span
from aggregator.spec.allocation import building
from aggregator.spec.bundle import KINDS, Bundle, Loaded
from aggregator.spec.decoding import Decoding, describe
from aggregator.spec.shapes import decode_root
from aggregator.spec.yaml import parse_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aggregator.source import Source
    from aggregator.spec.yaml import Document, Path

API_VERSION: Final = "argoproj.io/v1alpha1"
ARGO_KINDS: Final = frozenset(
    {"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow", "WorkflowEventBinding"}
)
# Written by Argo's controller, or belonging to other products of the same group.
FOREIGN_KINDS: Final = {
    "WorkflowTaskSet": "Argo's controller writes it; it can't be run",
    "WorkflowTaskResult": "Argo's controller writes it; it can't be run",
    "WorkflowArtifactGCTask": "Argo's controller writes it; it can't be run",
    "EventSource": "it belongs to Argo Events",
    "EventBus": "it belongs to Argo Events",
    "Sensor": "it belongs to Argo Events",
    "Application": "it belongs to Argo CD",
    "Rollout": "it belongs to Argo Rollouts",
}

_HOLDS_SECRETS: Final = re.compile(r"""\bkind["']?\s*:\s*["']?Secret\b""")


def decode_text(source: Source, *, strict: bool = True, kindless: str = "") -> Bundle:
    """Everything that a text holds. Unknown fields are errors when strict, else warnings.

    `kindless` is the kind that a document with templates is taken for, with a warning, when it names none itself.
    """
    parsed = parse_text(source)
    bundle = decode_documents(parsed.documents, strict=strict, kindless=kindless)
    broken = parsed.diagnostics if strict else map(_tolerated, parsed.diagnostics)
    if parsed.diagnostics:
        private = bool(_HOLDS_SECRETS.search(source.text))
        bundle.diagnostics[:0] = [replace(d, private=True) for d in broken] if private else broken
    if not parsed.diagnostics and all(document.value is None for document in parsed.documents):
        problem = "the file is empty" if not source.text.strip() else "the file holds no document"
        problem += ", only comments" if "#" in source.text else ""
        hint = "a document begins with `apiVersion: argoproj.io/v1alpha1` and `kind: Workflow`"
        bundle.diagnostics.append(Diagnostic("empty-file", problem, Span(source, 0, 1), hint))
    return bundle


def _tolerated(diagnostic: Diagnostic) -> Diagnostic:
    """When not strict, Argo takes the last of duplicate keys."""
    return replace(diagnostic, severity="warning") if diagnostic.code == "yaml-duplicate-key" else diagnostic


@building()
def decode_documents(documents: Iterable[Document], *, strict: bool = True, kindless: str = "") -> Bundle:
    """The objects of documents, those inside a `kind: List` one by one."""
    bundle = Bundle()
    for document in documents:
        if kindless and _has_templates(document.value):
            message = f"the document has no kind; as it has templates, it is taken for a {kindless}"
            bundle.diagnostics.append(Diagnostic("missing-kind", message, document.span(()), "", "warning"))
            _load(document, (), kindless, bundle, strict=strict)
        elif document.value is not None:
            _decode(document, document.value, (), bundle, strict)
    return bundle


def _has_templates(value: Any) -> bool:
    """Whether an object that does not say its kind can only be one of Argo's."""
    if not isinstance(value, dict) or "kind" in value or not isinstance(value.get("metadata"), dict):
        return False
    spec = value.get("spec")
    return isinstance(spec, dict) and isinstance(spec.get("templates"), list)


def _decode(document: Document, value: Any, path: Path, bundle: Bundle, strict: bool) -> None:
    def report(code: str, message: str, at: Path, hint: str = "", severity: str = "error") -> None:
        span = document.span((*path, *at))
        if severity == "error":
            bundle.diagnostics.append(Diagnostic(code, message, span, hint))
        else:
            bundle.diagnostics.append(Diagnostic(code, message, span, hint, "note"))

    if not isinstance(value, dict):
        report("not-an-object", f"expected an object with apiVersion and kind, got {describe(value)}", ())
        return
    kind, version = value.get("kind"), value.get("apiVersion")
    if not isinstance(kind, str) or not kind:
        problem = "the document has no kind" if kind is None else f"kind must be text, got {describe(kind)}"
        hint = nearest("kind", (k for k in value if k != "kind")) and "did you mean `kind`?"
        report("missing-kind", problem, ("kind",), hint or "write `kind: Workflow`")
    elif kind in KINDS:
        if kind in ARGO_KINDS and version != API_VERSION:
            seen = "missing" if version is None else f"{describe(version)}"
            _version_warning(document, (*path, "apiVersion"), seen, bundle)
        _load(document, path, kind, bundle, strict=strict)
    elif kind == "List" or (kind.endswith("List") and isinstance(value.get("items"), list)):
        items = value.get("items")
        if not isinstance(items, list):
            report("wrong-type", f".items: expected list, got {describe(items)}", ("items",))
            return
        for index, item in enumerate(items):
            _decode(document, item, (*path, "items", index), bundle, strict)
    elif kind in FOREIGN_KINDS:
        report("unknown-kind", f"kind {kind} is not run here: {FOREIGN_KINDS[kind]}", ("kind",))
    elif _is_kubernetes(kind, version):
        metadata = value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        bundle.others.append(Loaded(kind, name if isinstance(name, str) else "", value, document, path))
        report("other-kind", f"kind {kind} is carried along; runs here do not use it", ("kind",), severity="note")
    else:
        report("unknown-kind", f"kind {kind!r} is not known", ("kind",), nearest(kind, KINDS))


def _version_warning(document: Document, path: Path, seen: str, bundle: Bundle) -> None:
    message = f"apiVersion is {seen}; a cluster takes only {API_VERSION}"
    bundle.diagnostics.append(Diagnostic("api-version", message, document.span(path), "", "warning"))


def _load(document: Document, path: Path, kind: str, bundle: Bundle, *, strict: bool) -> None:
    value = document.value
    for part in path:
        value = value[part]
    model_type, home = KINDS[kind]
    decoding = Decoding(document, strict=strict)
    model: Any = decode_root(model_type, value, decoding, path)
    found = decoding.diagnostics
    bundle.diagnostics.extend(found if kind != "Secret" else [_private(d, value) for d in found])
    getattr(bundle, home).append(Loaded(kind, model.metadata.name, model, document, path))


def _private(diagnostic: Diagnostic, value: Any) -> Diagnostic:
    """A finding about a Secret, without any of its values."""
    message = diagnostic.message
    for text in sorted(_texts([value.get("data"), value.get("stringData")]), key=len, reverse=True):
        message = message.replace(text, "***")
    return replace(diagnostic, message=message, private=True)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value not in (None, ""):
        yield str(value)


# Kinds of Kubernetes' own groups that people keep beside workflows.
_KUBERNETES: Final = frozenset(
    {
        "Namespace",
        "Pod",
        "Service",
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "Job",
        "CronJob",
        "Ingress",
        "NetworkPolicy",
        "PersistentVolume",
        "StorageClass",
        "LimitRange",
        "ResourceQuota",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "PriorityClass",
        "CustomResourceDefinition",
        "Endpoints",
        "ResourceClaim",
        "ResourceClaimTemplate",
        "DeviceClass",
        "Kustomization",
    }
)


def _is_kubernetes(kind: str, version: Any) -> bool:
    if kind in _KUBERNETES:
        return True
    # Custom resources of other products: any group but Argo's own.
    return isinstance(version, str) and "/" in version and not version.startswith("argoproj.io/")
