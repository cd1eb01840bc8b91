"""The HTTP runtime: `http` templates as requests made in this process."""

from aggregator.runtimes.http.runtime import HttpRuntime

__all__ = ["HttpRuntime"]
