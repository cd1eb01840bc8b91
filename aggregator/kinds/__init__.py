"""One file per template key; this table is the list of them."""

from aggregator.engine.machine import Kind
from aggregator.kinds.dag import Dag
from aggregator.kinds.leaf import Leaf
from aggregator.kinds.steps import Steps
from aggregator.kinds.suspend import Suspend

__all__ = ["KINDS", "Leaf"]

KINDS: dict[str, Kind] = {
    "container": Leaf("Pod", "process", "pod"),
    "containerSet": Leaf("Pod", "process", "pod"),
    "dag": Dag(),
    "data": Leaf("Pod", "process", "data"),
    "http": Leaf("HTTP", "http", "http"),
    "plugin": Leaf("Plugin", "plugin", "plugin"),
    "resource": Leaf("Pod", "process", "resource"),
    "script": Leaf("Pod", "process", "pod"),
    "steps": Steps(),
    "suspend": Suspend(),
}
