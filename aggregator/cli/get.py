"""`agg get`: runs as the Argo CLI shows them."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli import options
from aggregator.cli.kept import load_masker, load_workflow, reading
from aggregator.cli.list import interrupted
from aggregator.cli.selection import node_selector
from aggregator.errors import UsageError, nearest
from aggregator.observe.tree import OUTPUTS, Style, render_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PHASES = ("Pending", "Running", "Succeeded", "Skipped", "Failed", "Error", "Omitted")


def get_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names or uids of runs, or @latest.")],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FORM", help="name, json, yaml, short or wide.")
    ] = "",
    status: Annotated[str, typer.Option("--status", metavar="PHASE,…", help="Only nodes in these phases.")] = "",
    selector: Annotated[
        str,
        typer.Option(
            "--node-field-selector", metavar="FIELDS", help="Only such nodes, as displayName=NAME,phase!=Failed."
        ),
    ] = "",
    namespace: options.Namespace = "",
    no_color: options.NoColor = False,
    no_utf8: options.NoUtf8 = False,
    home: options.Home = "",
    config: options.Config = "",
) -> None:
    """Show runs: a header and the tree of nodes, or the Workflow object with its status as JSON or YAML."""
    if output and output not in OUTPUTS:
        raise UsageError(f"-o {output} is no form of output", hint=nearest(output, OUTPUTS) or ", ".join(OUTPUTS))
    keep = keep_nodes(status, selector)
    color, utf8 = options.use_color(no_color), options.use_utf8(no_utf8)
    with reading(home, config) as (settings, journal):
        rows = [journal.run(name, namespace or None) for name in names]
        for index, row in enumerate(rows):
            if index and output != "name":
                sys.stdout.write("---\n" if output == "yaml" else "\n")
            mask = load_masker(journal, row, settings)
            style = Style(now=time.time(), color=color, utf8=utf8, mask=mask, keep=keep)
            sys.stdout.write(render_workflow(load_workflow(journal, row), output, style))
            if interrupted(row):
                sys.stderr.write(
                    f"agg: {row.name} was interrupted: process {row.pid} is gone; this is what is known of it\n"
                )


def keep_nodes(status: str, selector: str) -> Callable[[Mapping[str, Any]], bool] | None:
    """Which nodes the tree shows, by the flags; None when it is all of them."""
    if not status and not selector:
        return None
    phases = {word.strip() for word in status.split(",") if word.strip()}
    for word in sorted(phases - set(PHASES)):
        raise UsageError(f"--status {word!r} is no phase of a node", hint=nearest(word, PHASES) or ", ".join(PHASES))
    matches = node_selector(selector)
    return lambda node: (not phases or node.get("phase") in phases) and matches(node)
