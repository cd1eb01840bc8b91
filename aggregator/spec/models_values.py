"""What goes in and out of templates: parameters, artifacts, arguments, inputs and outputs."""

from typing import Any

from msgspec import Struct, field

from aggregator.spec.models_locations import ArtifactLocation, ConfigMapKeySelector


class SuppliedValueFrom(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A value that somebody enters when a suspended node is resumed."""


class ValueFrom(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    path: str = ""
    json_path: str = ""
    jq_filter: str = ""
    event: str = ""
    parameter: str = ""
    supplied: SuppliedValueFrom | None = None
    config_map_key_ref: ConfigMapKeySelector | None = None
    default: str | None = None
    expression: str = ""


class Parameter(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`value`, `default` and `enum` are text: numbers and booleans were converted when decoding."""

    name: str = ""
    default: str | None = None
    value: str | None = None
    value_from: ValueFrom | None = None
    global_name: str = ""
    enum: tuple[str, ...] | None = None
    description: str | None = None

    @property
    def has_value(self) -> bool:
        """Whether it carries a value or a source of one (`default` is not asked)."""
        return self.value is not None or self.value_from is not None


class TarStrategy(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    compression_level: int | None = None


class NoneStrategy(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Files are stored one by one as they are."""


class ZipStrategy(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Files are stored as one zip file."""


class ArchiveStrategy(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    tar: TarStrategy | None = None
    none: NoneStrategy | None = None
    zip: ZipStrategy | None = None


class ArtifactGC(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    strategy: str = ""
    pod_metadata: dict[str, Any] | None = None
    service_account_name: str = ""


class Artifact(ArtifactLocation, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    name: str = ""
    path: str = ""
    mode: int | None = None
    from_: str = field(default="", name="from")
    global_name: str = ""
    archive: ArchiveStrategy | None = None
    optional: bool = False
    sub_path: str = ""
    recurse_mode: bool = False
    from_expression: str = ""
    artifact_gc: ArtifactGC | None = field(default=None, name="artifactGC")
    deleted: bool = False


class Arguments(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    parameters: tuple[Parameter, ...] = ()
    artifacts: tuple[Artifact, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)

    def artifact(self, name: str) -> Artifact | None:
        return next((a for a in self.artifacts if a.name == name), None)


class Inputs(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    parameters: tuple[Parameter, ...] = ()
    artifacts: tuple[Artifact, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)

    def artifact(self, name: str) -> Artifact | None:
        return next((a for a in self.artifacts if a.name == name), None)


class Outputs(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    parameters: tuple[Parameter, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    result: str | None = None
    exit_code: str | None = None

    def parameter(self, name: str) -> Parameter | None:
        return next((p for p in self.parameters if p.name == name), None)

    def artifact(self, name: str) -> Artifact | None:
        return next((a for a in self.artifacts if a.name == name), None)
