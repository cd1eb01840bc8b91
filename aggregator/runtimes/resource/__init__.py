"""Resource templates: kubectl where a cluster is configured; workflows that they create are runs of this machine."""

from aggregator.runtimes.resource.cluster import Cluster, find_cluster
from aggregator.runtimes.resource.runtime import ResourceRuntime

__all__ = ["Cluster", "ResourceRuntime", "find_cluster"]
