"""JSONPath, of which Argo has two: the function of expressions, and kubectl's templates for resource outputs."""

from aggregator.lang.argojsonpath import argo_jsonpath
from aggregator.lang.kubejsonpath import k8s_jsonpath

__all__ = ["argo_jsonpath", "k8s_jsonpath"]
