"""Unit tests for workflows, in virtual time and with no effect on the world: `run_workflow`, test files, the pytest plugin."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aggregator.testing.library import NodeView, WorkflowRun, run_workflow

__all__ = ["NodeView", "WorkflowRun", "run_workflow"]


def __getattr__(name: str) -> Any:
    # Imported on use: pytest loads this package in every project that has agg installed.
    if name in __all__:
        return getattr(import_module("aggregator.testing.library"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
