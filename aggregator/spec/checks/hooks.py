"""Lifecycle hooks: each names a template, and all but `exit` say when they start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.spec.checks import arguments
from aggregator.spec.checks.targets import check_target
from aggregator.spec.checks.variables import check_expression

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.spec.checks.findings import Place
    from aggregator.spec.checks.library import Located
    from aggregator.spec.checks.root import Root
    from aggregator.spec.checks.variables import Scope
    from aggregator.spec.models import Arguments, LifecycleHook


def check_hooks(
    root: Root,
    hooks: Mapping[str, LifecycleHook],
    located: Located,
    place: Place,
    where: str,
    scope: Scope | None,
) -> None:
    """The hooks of a step, a task or the workflow."""
    for name, hook in hooks.items():
        at, named = place.at(name), f"{where}.{name}"
        if name != "exit" and not hook.expression:
            # Argo's own wording, which tools that read a run's message know.
            message = f"{where.removesuffix('.hooks')}.{name} Expression required"
            root.findings.error("hook-expression", message, at, "without one it never starts; or name the hook `exit`")
        check_expression(scope, root, hook.expression, at.at("expression"), named)
        called = check_target(root, hook, located, at, named)
        own = hook.arguments
        arguments.check_arguments(root.findings, own, at.at("arguments"), f"{named}.arguments", values=True)
        # An exit hook without arguments gets those of the workflow.
        given: Arguments = own if name != "exit" or own.parameters or own.artifacts else root.spec.arguments
        if called is not None and not (root.stored and given is root.spec.arguments):
            arguments.check_supplied(root.findings, called, given, at, named)
