"""`agg cache`: the outputs that memoized templates have left, listed and deleted."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time
from aggregator.cli.kept import reading
from aggregator.errors import NotFound, UsageError, nearest
from aggregator.journal.shared import open_cache
from aggregator.observe.columns import one_line, table
from aggregator.observe.timetext import parse_time, short_duration
from aggregator.observe.tree import dump

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.ports import Cache, CacheRow

OUTPUTS = ("", "wide", "name", "json", "yaml")
MASKED = "***"

cache_app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Memoized outputs: what templates with `memoize` have left, for all runs of this state folder.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cache_app.command("list", help="List the entries of all caches, or of one.")
def list_(
    cache: Annotated[
        str, typer.Argument(metavar="[CACHE]", help="A cache: the name of its ConfigMap.", show_default=False)
    ] = "",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORM", help="name, json, yaml or wide.")] = "",
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Leave out the line of titles.")] = False,
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    if output not in OUTPUTS:
        raise UsageError(f"-o {output!r} is not known", hint=nearest(output, OUTPUTS) or "name, json, yaml or wide")
    with _open(home, config) as port:
        rows = port.entries(cache or None)
    if output == "name":
        shown = "".join(f"{row.cache}/{row.key}\n" for row in rows)
    elif output in ("json", "yaml"):
        shown = dump([_as_data(row) for row in rows], output)
    elif not rows:
        shown = "No cached outputs found\n"
    else:
        lines = table([*([] if no_headers else [_titles(output)]), *(_cells(row, output) for row in rows)])
        shown = "\n".join(lines) + "\n"
    sys.stdout.write(shown)
    return 0


@cache_app.command("delete", help="Forget entries: those named, all of a cache, or all.")
def delete(
    cache: Annotated[
        str, typer.Argument(metavar="[CACHE]", help="A cache: the name of its ConfigMap.", show_default=False)
    ] = "",
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY...]", help="Keys of its entries; none: all of them.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The entries of all caches.")] = False,
    dry_run: options.DryRun = False,
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    if bool(cache) == everything:
        raise UsageError("which cache? Name one, or give --all", hint="agg cache list shows them")
    with _open(home, config) as port:
        rows = port.entries(cache or None)
        chosen = _chosen(rows, port, cache, keys or [])
        for row in chosen:
            if not dry_run:
                port.delete(row.cache, row.key)
            sys.stdout.write(f"cache {row.cache}/{row.key} deleted{' (dry run)' if dry_run else ''}\n")
    if not chosen:
        sys.stdout.write("No cached outputs found\n")
    return 0


@contextmanager
def _open(home: str, config: str) -> Iterator[Cache]:
    """The cache of the state folder; where nothing ever ran, an empty one, and nothing is created."""
    with reading(home, config) as (_, journal):
        port = open_cache(journal)
        try:
            yield port
        finally:
            port.close()


def _chosen(rows: list[CacheRow], port: Cache, cache: str, keys: list[str]) -> list[CacheRow]:
    """The entries that are meant; nothing is deleted where one of them does not exist."""
    if cache and not rows:
        known = sorted({row.cache for row in port.entries(None)})
        raise NotFound(f"there is no cache {cache!r}", hint=nearest(cache, known) or "agg cache list shows them")
    known = [row.key for row in rows]
    for key in keys:
        if key not in known:
            raise NotFound(f"cache {cache!r} has no entry {key!r}", hint=nearest(key, known))
    return [row for row in rows if not keys or row.key in keys]


def _titles(output: str) -> list[str]:
    return ["CACHE", "KEY", "AGE", "LAST HIT", "NODE", *(["OUTPUTS"] if output == "wide" else [])]


def _cells(row: CacheRow, output: str) -> list[str]:
    entry = row.entry
    cells = [row.cache, row.key, *(_ago(entry.get(f"{name}Timestamp")) for name in ("creation", "lastHit"))]
    cells.append(str(entry.get("nodeID") or ""))
    if output == "wide":
        cells.append(MASKED if row.secret else ", ".join(_names(entry.get("outputs") or {})))
    return [one_line(cell) for cell in cells]


def _ago(moment: Any) -> str:
    at = parse_time(moment)
    return "" if at is None else short_duration(time.time() - at)


def _names(outputs: dict[str, Any]) -> Iterator[str]:
    """Parameters with their values, artifacts by name."""
    for parameter in outputs.get("parameters") or ():
        yield f"{parameter['name']}={parameter.get('value', '')}"
    for artifact in outputs.get("artifacts") or ():
        yield str(artifact["name"])
    if outputs.get("result") is not None:
        yield f"result={outputs['result']}"


def _as_data(row: CacheRow) -> dict[str, Any]:
    """Outputs that hold a secret of the run that left them are not shown."""
    entry = {**row.entry, "outputs": MASKED} if row.secret else row.entry
    return {"cache": row.cache, "key": row.key, **entry}
