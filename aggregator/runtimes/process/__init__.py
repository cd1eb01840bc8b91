"""Leaves as processes of this host: container and script templates, run by programs that stand in for their images."""

from aggregator.runtimes.process.images import ImageRule
from aggregator.runtimes.process.runtime import ProcessRuntime

__all__ = ["ImageRule", "ProcessRuntime"]
