"""What files hold together: every document found in them, by kind, and everything found wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec import Struct, field

from aggregator.spec.models import (
    ClusterWorkflowTemplate,
    ConfigMap,
    CronWorkflow,
    PersistentVolumeClaim,
    Secret,
    Workflow,
    WorkflowEventBinding,
    WorkflowTemplate,
)

if TYPE_CHECKING:
    from aggregator.errors import Diagnostic
    from aggregator.source import Span
    from aggregator.spec.yaml import Document, Path

Model = TypeVar("Model")


class Loaded(Struct, Generic[Model], frozen=True):
    """One object of a document; `path` leads to it there (empty unless it came out of a List).

    Paths inside it use the JSON names of the document: `loaded.span("spec", "templates", 0, "name")`.
    """

    kind: str
    name: str
    model: Model
    document: Document
    path: Path = ()

    @property
    def value(self) -> Any:
        """The object as plain data, just as it was written."""
        value = self.document.value
        for part in self.path:
            value = value[part]
        return value

    def span(self, *path: str | int) -> Span:
        """Where a value stands; what was not written answers with its nearest written ancestor."""
        return self.document.span((*self.path, *path))

    def key_span(self, *path: str | int) -> Span:
        """Where the key of a value stands."""
        return self.document.key_span((*self.path, *path))

    def has(self, *path: str | int) -> bool:
        """Whether something was written there."""
        return self.document.has((*self.path, *path))


class Bundle(Struct):
    """Objects of one or more texts, in the order in which they were written."""

    workflows: list[Loaded[Workflow]] = field(default_factory=list)
    workflow_templates: list[Loaded[WorkflowTemplate]] = field(default_factory=list)
    cluster_workflow_templates: list[Loaded[ClusterWorkflowTemplate]] = field(default_factory=list)
    cron_workflows: list[Loaded[CronWorkflow]] = field(default_factory=list)
    event_bindings: list[Loaded[WorkflowEventBinding]] = field(default_factory=list)
    config_maps: list[Loaded[ConfigMap]] = field(default_factory=list)
    secrets: list[Loaded[Secret]] = field(default_factory=list)
    claims: list[Loaded[PersistentVolumeClaim]] = field(default_factory=list)
    others: list[Loaded[dict[str, Any]]] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def merge(self, other: Bundle) -> None:
        """Take over everything of another bundle, behind what is here."""
        for name in self.__struct_fields__:
            getattr(self, name).extend(getattr(other, name))

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self.diagnostics if d.severity == "error"]

    def __len__(self) -> int:
        """How many objects it holds."""
        return sum(len(getattr(self, name)) for name in self.__struct_fields__ if name != "diagnostics")


# Kinds of documents that are decoded: their struct, and the list of a bundle where they go.
KINDS: dict[str, tuple[type[Struct], str]] = {
    "Workflow": (Workflow, "workflows"),
    "WorkflowTemplate": (WorkflowTemplate, "workflow_templates"),
    "ClusterWorkflowTemplate": (ClusterWorkflowTemplate, "cluster_workflow_templates"),
    "CronWorkflow": (CronWorkflow, "cron_workflows"),
    "WorkflowEventBinding": (WorkflowEventBinding, "event_bindings"),
    "ConfigMap": (ConfigMap, "config_maps"),
    "Secret": (Secret, "secrets"),
    "PersistentVolumeClaim": (PersistentVolumeClaim, "claims"),
}
