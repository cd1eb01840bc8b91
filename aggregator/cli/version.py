"""`agg version`: which agg this is."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from aggregator import __version__


def version_command(
    short: Annotated[bool, typer.Option("--short", help="Only the number.")] = False,
) -> None:
    """Print the version of agg, and of the Python that runs it."""
    typer.echo(__version__ if short else f"agg {__version__} (Python {platform.python_version()}, {platform.system()})")
