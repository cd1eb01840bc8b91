"""`agg gc`: remove what runs that were killed have left behind; runs themselves are kept."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time
from aggregator.cli.kept import reading
from aggregator.cli.settings_sources import open_home
from aggregator.errors import AggError


def gc_command(dry_run: options.DryRun = False, home: options.Home = "", config: options.Config = "") -> int:
    """End processes, and remove containers, working folders and temporary files, of runs whose `agg` was killed."""
    from aggregator.app import leftovers  # noqa: PLC0415 - it brings the whole engine along

    with reading(home, config) as (settings, journal):
        found = leftovers.find(journal, open_home(settings).runs, Path(tempfile.gettempdir()))
    told = [f"process {pid} of {run}" for pid, run in found.processes]
    told += [f"folder {path}" if path.is_dir() else f"file {path}" for path in found.folders]
    if not dry_run:
        leftovers.remove(found)
        try:
            told += [f"container {name}" for name in _containers()]
        except (AggError, OSError) as problem:
            found.problems.append(f"containers were not looked for: {problem}")
    word = "would remove" if dry_run else "removed"
    sys.stdout.writelines(f"{word} {what}\n" for what in told)
    if not told:
        sys.stdout.write("nothing was left behind\n")
    sys.stderr.writelines(f"agg: warning: {problem}\n" for problem in found.problems)
    return 1 if found.problems else 0


def _containers() -> list[str]:
    """Containers of agg processes that are gone, on the engines that answer."""
    engines: Any = import_module("aggregator.app.engines")
    swept: list[str] = asyncio.run(engines.sweep_containers(os.environ))
    return swept
