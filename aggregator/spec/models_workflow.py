"""The documents themselves: workflows, stored templates, cron workflows, event bindings, and the objects beside them."""

from typing import Any

from msgspec import Struct, field

from aggregator.spec.models_templates import (
    ExecutorConfig,
    LifecycleHook,
    Metadata,
    Metrics,
    RetryStrategy,
    Synchronization,
    Template,
)
from aggregator.spec.models_values import Arguments, ArtifactGC


class ObjectMeta(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    uid: str = ""
    creation_timestamp: str | None = None
    resource_version: str = ""
    generation: int | None = None
    self_link: str = ""
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[dict[str, Any], ...] = ()
    managed_fields: tuple[dict[str, Any], ...] = ()


class WorkflowTemplateRef(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    cluster_scope: bool = False


class TTLStrategy(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    seconds_after_completion: int | None = None
    seconds_after_success: int | None = None
    seconds_after_failure: int | None = None


class PodGC(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    strategy: str = ""
    label_selector: dict[str, Any] | None = None
    delete_delay_duration: str = ""


class VolumeClaimGC(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    strategy: str = ""


class WorkflowLevelArtifactGC(ArtifactGC, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    force_finalizer_removal: bool = False
    pod_spec_patch: str = ""


class ArtifactRepositoryRef(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    config_map: str = ""
    key: str = ""


class LabelValueFrom(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    expression: str = ""


class WorkflowMetadata(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    labels_from: dict[str, LabelValueFrom] = {}


class WorkflowSpec(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    templates: tuple[Template, ...] = ()
    entrypoint: str = ""
    arguments: Arguments = Arguments()
    service_account_name: str = ""
    automount_service_account_token: bool | None = None
    executor: ExecutorConfig | None = None
    volumes: tuple[dict[str, Any], ...] = ()
    volume_claim_templates: tuple[dict[str, Any], ...] = ()
    parallelism: int | None = None
    artifact_repository_ref: ArtifactRepositoryRef | None = None
    suspend: bool | None = None
    node_selector: dict[str, str] = {}
    affinity: dict[str, Any] | None = None
    tolerations: tuple[dict[str, Any], ...] = ()
    image_pull_secrets: tuple[dict[str, Any], ...] = ()
    host_network: bool | None = None
    dns_policy: str | None = None
    dns_config: dict[str, Any] | None = None
    on_exit: str = ""
    ttl_strategy: TTLStrategy | None = None
    active_deadline_seconds: int | None = None
    priority: int | None = None
    scheduler_name: str = ""
    pod_gc: PodGC | None = field(default=None, name="podGC")
    pod_priority_class_name: str = ""
    host_aliases: tuple[dict[str, Any], ...] = ()
    security_context: dict[str, Any] | None = None
    pod_spec_patch: str = ""
    pod_disruption_budget: dict[str, Any] | None = None
    pod_resources: dict[str, Any] | None = None
    resource_claims: tuple[dict[str, Any], ...] = ()
    metrics: Metrics | None = None
    shutdown: str = ""
    workflow_template_ref: WorkflowTemplateRef | None = None
    synchronization: Synchronization | None = None
    volume_claim_gc: VolumeClaimGC | None = field(default=None, name="volumeClaimGC")
    retry_strategy: RetryStrategy | None = None
    pod_metadata: Metadata | None = None
    template_defaults: Template | None = None
    archive_logs: bool | None = None
    hooks: dict[str, LifecycleHook] = {}
    workflow_metadata: WorkflowMetadata | None = None
    artifact_gc: WorkflowLevelArtifactGC | None = field(default=None, name="artifactGC")
    executor_plugins: tuple[dict[str, Any], ...] = ()

    def template(self, name: str) -> Template | None:
        return next((t for t in self.templates if t.name == name), None)


class Workflow(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`status` is whatever a cluster left there; runs here make their own."""

    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: WorkflowSpec = WorkflowSpec()
    status: dict[str, Any] | None = None


class WorkflowTemplate(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: WorkflowSpec = WorkflowSpec()


class ClusterWorkflowTemplate(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: WorkflowSpec = WorkflowSpec()


class StopStrategy(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    expression: str = ""


class CronWorkflowSpec(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A single `schedule` of v3 was moved into the list when decoding."""

    workflow_spec: WorkflowSpec = WorkflowSpec()
    schedules: tuple[str, ...] = ()
    concurrency_policy: str = ""
    suspend: bool = False
    starting_deadline_seconds: int | None = None
    successful_jobs_history_limit: int | None = None
    failed_jobs_history_limit: int | None = None
    timezone: str = ""
    workflow_metadata: ObjectMeta | None = None
    stop_strategy: StopStrategy | None = None
    when: str = ""


class CronWorkflow(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: CronWorkflowSpec = CronWorkflowSpec()
    status: dict[str, Any] | None = None


class Event(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    selector: str = ""


class Submit(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    workflow_template_ref: WorkflowTemplateRef | None = None
    metadata: ObjectMeta = ObjectMeta()
    arguments: Arguments | None = None


class WorkflowEventBindingSpec(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    event: Event = Event()
    submit: Submit | None = None


class WorkflowEventBinding(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: WorkflowEventBindingSpec = WorkflowEventBindingSpec()


class ConfigMap(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    data: dict[str, str] = {}
    binary_data: dict[str, str] = {}
    immutable: bool | None = None


class Secret(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    data: dict[str, str] = {}
    string_data: dict[str, str] = {}
    type: str = ""
    immutable: bool | None = None


class PersistentVolumeClaim(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    api_version: str = ""
    kind: str = ""
    metadata: ObjectMeta = ObjectMeta()
    spec: dict[str, Any] = {}
    status: dict[str, Any] | None = None
