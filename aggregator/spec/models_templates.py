"""Templates: the steps and tasks that call them, and the rules around each call; bodies are elsewhere."""

from typing import Any

from msgspec import Struct

from aggregator.spec.models_bodies import (
    HTTP,
    Container,
    ContainerSet,
    Data,
    IntOrString,
    Resource,
    Script,
    Suspend,
    UserContainer,
)
from aggregator.spec.models_locations import ArtifactLocation, ConfigMapKeySelector
from aggregator.spec.models_values import Arguments, Inputs, Outputs


class Metadata(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Labels and annotations for pods."""

    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class TemplateRef(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    template: str = ""
    cluster_scope: bool = False


class ContinueOn(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    error: bool = False
    failed: bool = False


class Sequence(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    count: IntOrString | None = None
    start: IntOrString | None = None
    end: IntOrString | None = None
    format: str = ""


class LifecycleHook(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    template: str = ""
    arguments: Arguments = Arguments()
    template_ref: TemplateRef | None = None
    expression: str = ""


class WorkflowStep(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`with_items` is None when absent: an empty list is a loop over nothing."""

    name: str = ""
    template: str = ""
    inline: "Template | None" = None
    arguments: Arguments = Arguments()
    template_ref: TemplateRef | None = None
    with_items: tuple[Any, ...] | None = None
    with_param: str = ""
    with_sequence: Sequence | None = None
    when: str = ""
    continue_on: ContinueOn | None = None
    on_exit: str = ""
    hooks: dict[str, LifecycleHook] = {}


class DAGTask(WorkflowStep, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    dependencies: tuple[str, ...] = ()
    depends: str | None = None


# A group of a steps template: its members start together.
ParallelSteps = tuple[WorkflowStep, ...]


class DAG(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    target: str = ""
    tasks: tuple[DAGTask, ...] = ()
    fail_fast: bool | None = None


class Backoff(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    duration: str = ""
    factor: IntOrString | None = None
    max_duration: str = ""
    cap: str = ""


class RetryAffinity(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    node_anti_affinity: dict[str, Any] | None = None


class RetryStrategy(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    limit: IntOrString | None = None
    retry_policy: str = ""
    backoff: Backoff | None = None
    affinity: RetryAffinity | None = None
    expression: str = ""


class SyncDatabaseRef(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    key: str = ""


class SemaphoreRef(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    config_map_key_ref: ConfigMapKeySelector | None = None
    database: SyncDatabaseRef | None = None
    namespace: str = ""


class Mutex(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    namespace: str = ""
    database: bool = False


class Synchronization(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A single `mutex` or `semaphore` of v3 was moved into its list when decoding."""

    semaphores: tuple[SemaphoreRef, ...] = ()
    mutexes: tuple[Mutex, ...] = ()


class Cache(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    config_map: ConfigMapKeySelector | None = None


class Memoize(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    key: str = ""
    cache: Cache | None = None
    max_age: str = ""


class MetricLabel(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    key: str = ""
    value: str = ""


class Counter(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    value: str = ""


class Gauge(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    value: str = ""
    realtime: bool | None = None
    operation: str = ""


class Histogram(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    value: str = ""
    buckets: tuple[float, ...] = ()


class Prometheus(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    labels: tuple[MetricLabel, ...] = ()
    help: str = ""
    when: str = ""
    gauge: Gauge | None = None
    histogram: Histogram | None = None
    counter: Counter | None = None


class Metrics(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    prometheus: tuple[Prometheus, ...] = ()


class ExecutorConfig(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    service_account_name: str = ""


class Template(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()
    node_selector: dict[str, str] = {}
    affinity: dict[str, Any] | None = None
    metadata: Metadata = Metadata()
    annotations: dict[str, str] = {}
    daemon: bool | None = None
    steps: tuple[ParallelSteps, ...] | None = None
    container: Container | None = None
    container_set: ContainerSet | None = None
    script: Script | None = None
    resource: Resource | None = None
    dag: DAG | None = None
    suspend: Suspend | None = None
    data: Data | None = None
    http: HTTP | None = None
    plugin: dict[str, Any] | None = None
    volumes: tuple[dict[str, Any], ...] = ()
    init_containers: tuple[UserContainer, ...] = ()
    sidecars: tuple[UserContainer, ...] = ()
    archive_location: ArtifactLocation | None = None
    active_deadline_seconds: IntOrString | None = None
    retry_strategy: RetryStrategy | None = None
    parallelism: int | None = None
    fail_fast: bool | None = None
    tolerations: tuple[dict[str, Any], ...] = ()
    scheduler_name: str = ""
    priority_class_name: str = ""
    service_account_name: str = ""
    automount_service_account_token: bool | None = None
    executor: ExecutorConfig | None = None
    host_aliases: tuple[dict[str, Any], ...] = ()
    security_context: dict[str, Any] | None = None
    pod_spec_patch: str = ""
    pod_resources: dict[str, Any] | None = None
    resource_claims: tuple[dict[str, Any], ...] = ()
    metrics: Metrics | None = None
    synchronization: Synchronization | None = None
    memoize: Memoize | None = None
    timeout: str = ""
    pending_timeout: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The body attributes that are given, in the order in which Argo looks at them."""
        return tuple(kind for kind in TEMPLATE_KINDS if getattr(self, kind) is not None)

    @property
    def kind(self) -> str:
        """The body that runs (`container`, `steps`, …), or an empty string."""
        return next(iter(self.kinds), "")


# Attributes of Template that make it do something; when several are given the first one runs.
TEMPLATE_KINDS = (
    "container",
    "container_set",
    "steps",
    "dag",
    "script",
    "resource",
    "data",
    "suspend",
    "http",
    "plugin",
)
