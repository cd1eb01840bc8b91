"""Laying one part of a document over another, as Argo does with stored workflows, defaults and template defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from aggregator.spec.models import TEMPLATE_KINDS, Arguments, Artifact, Parameter, Template, WorkflowSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Model = TypeVar("Model", bound=msgspec.Struct)

# Lists that are merged item by item, and the JSON key that tells which items belong together (Kubernetes' patch merge
# keys); all other lists are replaced whole.
_MERGE_KEYS: Final[Mapping[str, str]] = {
    "templates": "name",
    "tasks": "name",
    "volumes": "name",
    "volume_claim_templates": "name",
    "parameters": "name",
    "artifacts": "name",
    "env": "name",
    "init_containers": "name",
    "sidecars": "name",
    "image_pull_secrets": "name",
    "tolerations": "key",
    "host_aliases": "ip",
    "ports": "containerPort",
    "volume_mounts": "mountPath",
    "volume_devices": "devicePath",
}


def overlay(upper: Model, lower: Model) -> Model:
    """A strategic merge: what `upper` says wins, what it leaves out comes from `lower`."""
    changes: dict[str, Any] = {}
    for field in msgspec.structs.fields(upper):
        over, under = getattr(upper, field.name), getattr(lower, field.name)
        if over is under:
            continue
        absent = over is None or over == field.default or (field.default_factory is dict and not over)
        merged = under if absent else _merge_values(field.name, over, under)
        if merged is not over:
            changes[field.name] = merged
    return replace(upper, **changes) if changes else upper


def _merge_values(name: str, over: Any, under: Any) -> Any:
    if isinstance(over, msgspec.Struct) and isinstance(under, type(over)):
        return overlay(over, under)
    if isinstance(over, dict) and isinstance(under, dict):
        return {
            key: _merge_values("", over[key], under[key]) if key in over and key in under else {**under, **over}[key]
            for key in {**under, **over}
        }
    if isinstance(over, tuple) and isinstance(under, tuple) and name in _MERGE_KEYS:
        return _merge_lists(over, under, _MERGE_KEYS[name])
    return over


def _key_of(item: Any, key: str) -> Any:
    if isinstance(item, dict):
        named = item.get(key)
        metadata = item.get("metadata")
        return metadata.get(key) if named is None and isinstance(metadata, dict) else named
    return getattr(item, "mount_path" if key == "mountPath" else key, None)


def _merge_lists(
    over: Sequence[Any], under: Sequence[Any], key: str, join: Callable[[Any, Any], Any] | None = None
) -> tuple[Any, ...]:
    """Items of `under` in their order, each with its namesake laid over it; then the new ones."""
    named = {_key_of(item, key): item for item in over}
    merged = []
    for item in under:
        found = named.pop(_key_of(item, key), None)
        merged.append(item if found is None else join(found, item) if join else _merge_values("", found, item))
    new = [item for item in over if named.get(_key_of(item, key)) is item]
    return (*merged, *new)


def merge_workflow_template(
    workflow: WorkflowSpec, template: WorkflowSpec, defaults: WorkflowSpec | None = None
) -> WorkflowSpec:
    """The spec of a run that refers to a stored workflow: its own fields, then the stored ones, then the defaults.

    Arguments are merged by name, a parameter as a whole; `suspend` is always the run's own.
    """
    merged = _with_defaults(workflow, template)
    if defaults is not None:
        merged = _with_defaults(merged, defaults)
    return merged if merged.suspend == workflow.suspend else replace(merged, suspend=workflow.suspend)


def apply_workflow_defaults(workflow: WorkflowSpec, defaults: WorkflowSpec) -> WorkflowSpec:
    """The spec of a run that refers to nothing, over the defaults of the settings."""
    merged = _with_defaults(workflow, defaults)
    return merged if merged.suspend == workflow.suspend else replace(merged, suspend=workflow.suspend)


def _with_defaults(upper: WorkflowSpec, lower: WorkflowSpec) -> WorkflowSpec:
    arguments = merge_arguments(upper.arguments, lower.arguments)
    return replace(overlay(upper, lower), arguments=arguments)


def merge_arguments(upper: Arguments, lower: Arguments) -> Arguments:
    """By name; the upper parameter wins as a whole when it has a value or a source of one."""
    return Arguments(
        parameters=_merge_lists(upper.parameters, lower.parameters, "name", _join_parameters),
        artifacts=_merge_lists(upper.artifacts, lower.artifacts, "name", _join_artifacts),
    )


def _join_parameters(upper: Parameter, lower: Parameter) -> Parameter:
    return upper if upper.has_value else lower


def _join_artifacts(upper: Artifact, lower: Artifact) -> Artifact:
    """Fields are merged while both live in the same backend (or only one of them names any)."""
    over, under = upper.backend, lower.backend
    if over and under and over[0] != under[0]:
        return upper
    return overlay(upper, lower)


def apply_template_defaults(template: Template, defaults: Template | None) -> Template:
    """`templateDefaults` under a template; bodies of other kinds are left out, so that none changes its kind."""
    if defaults is None:
        return template
    own = template.kinds
    others: dict[str, Any] = {kind: None for kind in TEMPLATE_KINDS if kind not in own}
    return overlay(template, replace(defaults, **others))
