"""What templates run: containers and sets of them, scripts, resources, HTTP requests, data, suspension."""

from typing import Any

from msgspec import Struct

from aggregator.spec.models_locations import SecretKeySelector
from aggregator.spec.models_values import Artifact

# Kubernetes' IntOrString: the text may be a number or hold a tag that becomes one.
IntOrString = int | str


class EnvVar(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    value: str = ""
    value_from: dict[str, Any] | None = None


class VolumeMount(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    mount_path: str = ""
    sub_path: str = ""
    sub_path_expr: str = ""
    read_only: bool = False
    recursive_read_only: str | None = None
    mount_propagation: str | None = None


class Container(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Kubernetes' container; parts that only a pod understands are carried as given."""

    name: str = ""
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    ports: tuple[dict[str, Any], ...] = ()
    env_from: tuple[dict[str, Any], ...] = ()
    env: tuple[EnvVar, ...] = ()
    resources: dict[str, Any] | None = None
    resize_policy: tuple[dict[str, Any], ...] = ()
    restart_policy: str | None = None
    restart_policy_rules: tuple[dict[str, Any], ...] = ()
    volume_mounts: tuple[VolumeMount, ...] = ()
    volume_devices: tuple[dict[str, Any], ...] = ()
    liveness_probe: dict[str, Any] | None = None
    readiness_probe: dict[str, Any] | None = None
    startup_probe: dict[str, Any] | None = None
    lifecycle: dict[str, Any] | None = None
    termination_message_path: str = ""
    termination_message_policy: str = ""
    image_pull_policy: str = ""
    security_context: dict[str, Any] | None = None
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


class UserContainer(Container, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An init container or sidecar."""

    mirror_volume_mounts: bool | None = None


class Script(Container, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    source: str = ""


class ContainerNode(Container, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One container of a container set."""

    dependencies: tuple[str, ...] = ()


class ContainerSetRetryStrategy(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    duration: str = ""
    retries: IntOrString | None = None


class ContainerSet(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    containers: tuple[ContainerNode, ...] = ()
    volume_mounts: tuple[VolumeMount, ...] = ()
    retry_strategy: ContainerSetRetryStrategy | None = None


class ManifestFrom(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    artifact: Artifact | None = None


class Resource(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    action: str = ""
    merge_strategy: str = ""
    manifest: str = ""
    manifest_from: ManifestFrom | None = None
    set_owner_reference: bool = False
    success_condition: str = ""
    failure_condition: str = ""
    flags: tuple[str, ...] = ()


class Suspend(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    duration: str = ""


class HTTPHeaderSource(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    secret_key_ref: SecretKeySelector | None = None


class HTTPHeader(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    value: str = ""
    value_from: HTTPHeaderSource | None = None


class HTTPBodySource(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`bytes` is base64 text, as JSON carries Go's byte slices."""

    bytes: str = ""


class HTTP(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    method: str = ""
    url: str = ""
    headers: tuple[HTTPHeader, ...] = ()
    timeout_seconds: int | None = None
    success_condition: str = ""
    body: str = ""
    body_from: HTTPBodySource | None = None
    insecure_skip_verify: bool = False


class DataSource(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    artifact_paths: Artifact | None = None


class TransformationStep(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    expression: str = ""


class Data(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    source: DataSource = DataSource()
    transformation: tuple[TransformationStep, ...] = ()
