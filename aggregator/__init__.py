"""agg: run Argo Workflows files on one machine, without Kubernetes."""

__version__ = "0.1.0"
