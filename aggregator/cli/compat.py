"""`agg compat`: what each field that a file uses means on one machine."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from aggregator.cli.documents import read_sources
from aggregator.errors import InvalidWorkflow
from aggregator.spec.bundle import KINDS, Bundle, Loaded
from aggregator.spec.decode import decode_text
from aggregator.spec.decoding import path_text
from aggregator.spec.fields import VERDICTS, uses

if TYPE_CHECKING:
    from collections.abc import Iterator


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def compat(
    paths: Annotated[list[str], typer.Argument(metavar="FILE", help="Files, folders, globs, URLs, or - for stdin.")],
    output: Annotated[Format, typer.Option("-o", "--output", help="Form of the result.")] = Format.TEXT,
    everything: Annotated[
        bool, typer.Option("--all", help="Show the implemented and emulated fields one by one too.")
    ] = False,
) -> None:
    """Print what the fields of a file mean here: which do nothing on one machine, come later, or are refused."""
    bundle = Bundle()
    for source in read_sources(paths):
        bundle.merge(decode_text(source, strict=False))
    if bundle.errors:
        raise InvalidWorkflow(bundle.errors)
    rows = list(_rows(bundle))
    if output is Format.JSON:
        typer.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        return
    for verdict, meaning in {**VERDICTS, RETIRED: "of Argo v3; read as what took its place"}.items():
        mine = [row for row in rows if row["verdict"] == verdict]
        typer.echo(f"{verdict} ({len(mine)}): {meaning}")
        if everything or verdict not in ("implemented", "emulated"):
            for row in mine:
                typer.echo(f"  {row['where']}: {row['path']}: {row['meaning']}")


RETIRED = "retired"


def _rows(bundle: Bundle) -> Iterator[dict[str, Any]]:
    """Each field of the ledger once, at the first place where it is used."""
    told: set[tuple[str, str]] = set()
    for _, home in KINDS.values():
        objects: list[Loaded[Any]] = getattr(bundle, home)
        for loaded in objects:
            for use in uses(loaded):
                if (use.row.owner, use.row.name) in told:
                    continue
                told.add((use.row.owner, use.row.name))
                yield {
                    "field": f"{use.row.owner}.{use.row.name}",
                    "path": path_text(use.path),
                    "verdict": use.row.verdict,
                    "meaning": use.row.meaning,
                    "where": loaded.key_span(*use.path).where(),
                }
    for diagnostic in bundle.diagnostics:
        if diagnostic.code == "retired-field" and diagnostic.span is not None:
            path, _, meaning = diagnostic.message.partition(": ")
            where = diagnostic.span.where()
            yield {"field": "", "path": path, "verdict": RETIRED, "meaning": meaning, "where": where}
