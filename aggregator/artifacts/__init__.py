"""Artifact drivers, named by their YAML key: a table, and drivers made on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from aggregator.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from aggregator.aws.clients import AwsClients
    from aggregator.ports import ArtifactDriver, Secrets

DRIVERS = {
    "artifactory": "aggregator.artifacts.http:ArtifactoryDriver",
    "azure": "aggregator.artifacts.azure:AzureDriver",
    "gcs": "aggregator.artifacts.gcs:GcsDriver",
    "git": "aggregator.artifacts.git:GitDriver",
    "hdfs": "aggregator.artifacts.hdfs:HdfsDriver",
    "http": "aggregator.artifacts.http:HttpDriver",
    "local": "aggregator.artifacts.local:LocalDriver",
    "memory": "aggregator.artifacts.memory:MemoryDriver",
    "oss": "aggregator.artifacts.oss:OssDriver",
    "raw": "aggregator.artifacts.raw:RawDriver",
    "s3": "aggregator.artifacts.s3:S3Driver",
}


def make_driver(key: str, *, secrets: Secrets, clients: Callable[[], AwsClients], root: Path) -> ArtifactDriver:
    """The driver of a YAML key, imported now; Unsupported when there is none.

    Each takes what it needs: `clients` is called only by drivers that talk to AWS, `root` is the folder of `local`.
    """
    if key not in DRIVERS:
        raise Unsupported(
            f"artifacts of kind {key!r} can't be read or written here", hint=f"use one of {', '.join(sorted(DRIVERS))}"
        )
    module, _, name = DRIVERS[key].partition(":")
    made: Any = getattr(import_module(module), name)
    return cast("ArtifactDriver", made.make(secrets=secrets, clients=clients, root=root))
