"""Checks of a workflow at submission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.errors import Diagnostic, nearest

if TYPE_CHECKING:
    from aggregator.spec.bundle import Bundle, Loaded
    from aggregator.spec.models import WorkflowSpec


def check_submission(everything: Bundle, loaded: Loaded[Any], spec: WorkflowSpec) -> list[Diagnostic]:
    """What is wrong with the spec that is about to run."""
    del everything
    names = [t.name for t in spec.templates]
    if not spec.entrypoint:
        return [Diagnostic("no-entrypoint", "spec.entrypoint is required", loaded.span("spec"))]
    if spec.entrypoint not in names:
        hint = nearest(spec.entrypoint, names)
        message = f"there is no template {spec.entrypoint!r}"
        return [Diagnostic("unknown-template", message, loaded.span("spec", "entrypoint"), hint=hint)]
    return []
