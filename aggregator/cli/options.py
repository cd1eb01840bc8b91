"""Flags that several commands share."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

Home = Annotated[str, typer.Option("--home", metavar="FOLDER", help="State folder instead of $AGG_HOME.")]
Config = Annotated[str, typer.Option("--config", metavar="FILE", help="One more settings file.")]
Namespace = Annotated[str, typer.Option("-n", "--namespace", metavar="NAME", help="Namespace; default: all of them.")]
StoredNamespace = Annotated[
    str, typer.Option("-n", "--namespace", metavar="NAME", help="Namespace of documents that name none.")
]
NodeFields = Annotated[
    str,
    typer.Option("--node-field-selector", metavar="FIELDS", help="Only such nodes, as displayName=NAME,phase!=Failed."),
]
RunFields = Annotated[
    str, typer.Option("--field-selector", metavar="FIELDS", help="Runs that have not ended, as metadata.name=NAME.")
]
Labels = Annotated[
    str, typer.Option("-l", "--selector", metavar="LABELS", help="Runs that have not ended, by labels: app=web,!old.")
]
Message = Annotated[
    str, typer.Option("-m", "--message", metavar="TEXT", help="Why; becomes the message in the status.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours; NO_COLOR does the same.")]
NoUtf8 = Annotated[bool, typer.Option("--no-utf8", help="Plain letters instead of symbols.")]


def use_color(no_color: bool) -> bool:
    """Colours only for a terminal, and only where nobody objects."""
    return not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and sys.stdout.isatty()


def use_utf8(no_utf8: bool) -> bool:
    """Symbols only where the output can carry them."""
    return not no_utf8 and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
