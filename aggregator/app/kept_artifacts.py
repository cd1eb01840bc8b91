"""Artifacts of runs that are kept: their drivers, with the secrets that the settings and documents give."""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.app.adapters import NOWHERE, Adapters
from aggregator.drive.leaf import LeafRunner
from aggregator.engine.events import Submitted, decode_event
from aggregator.secrets.store import SecretStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from aggregator.ports import ArtifactDriver, Journal, RunRow
    from aggregator.settings import Settings


class KeptDrivers:
    """The drivers of one run's artifacts. `patiently` makes a call again where its failure may pass."""

    def __init__(self, adapters: Adapters, folder: Path) -> None:
        self.driver_of: Callable[[str], ArtifactDriver] = adapters.driver_of
        leaves = LeafRunner(runtime_of=adapters.runtime_of, driver_of=adapters.driver_of, archive=None, folder=folder)
        self.patiently: Callable[[Callable[[], None]], None] = leaves.retried


@contextmanager
def kept_drivers(
    settings: Settings,
    journal: Journal,
    row: RunRow,
    *,
    documents: Iterable[Mapping[str, Any]] = (),
    environ: Mapping[str, str] | None = None,
) -> Iterator[KeptDrivers]:
    """For one command. Secrets that stood in the run's own file are not kept, so `documents` may bring them again."""
    first = next(iter(journal.read(row.uid)), None)
    submitted = decode_event(first) if first is not None else None
    config_maps = submitted.config_maps if isinstance(submitted, Submitted) else []
    env_file = settings.text("secrets.env_file")
    secrets = SecretStore(
        folders=[Path(p) for p in settings.paths("secrets.folders")],
        env_file=Path(env_file) if env_file else None,
        environ=environ,
        documents=[*documents, *config_maps],
    )
    folder = Path(row.folder or ".")
    adapters = Adapters(
        settings=settings,
        folder=folder,
        secrets=secrets,
        world=NOWHERE,
        environ=os.environ if environ is None else environ,
        notice=lambda _text: None,
    )
    try:
        yield KeptDrivers(adapters, folder)
    finally:
        asyncio.run(adapters.close())
