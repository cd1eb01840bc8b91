"""Leaves as containers of Docker or Podman, over the engine's API."""

from aggregator.runtimes.docker.engine import Engine, find
from aggregator.runtimes.docker.leftovers import Owner, sweep
from aggregator.runtimes.docker.runtime import DockerRuntime, PodmanRuntime

__all__ = ["DockerRuntime", "Engine", "Owner", "PodmanRuntime", "find", "sweep"]
