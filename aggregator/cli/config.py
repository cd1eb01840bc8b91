"""`agg config`: every setting, its value, and where it came from."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time
from aggregator.cli.settings_sources import load_settings, open_home
from aggregator.errors import UsageError, nearest
from aggregator.observe.columns import table
from aggregator.settings import OPTIONS


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


def config_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Only these settings.")] = None,
    output: Annotated[Format, typer.Option("-o", "--output", help="Form of the result.")] = Format.TEXT,
    home: options.Home = "",
    config: options.Config = "",
) -> None:
    """Show every setting and where it came from: default, a file, the environment or a flag.

    What looks like a secret is shown as ***.
    """
    settings = load_settings({"home": (home, "--home")}, config=config)
    for warning in settings.warnings:
        sys.stderr.write(f"agg: warning: {warning}\n")
    for name in names or ():
        if not any(option == name or option.startswith(f"{name}.") for option in OPTIONS):
            raise UsageError(f"there is no setting {name!r}", hint=nearest(name, OPTIONS) or "agg config lists them")
    folder = str(open_home(settings).path)
    rows = [
        (name, folder if name == "home" else value, origin)
        for name, value, origin in settings.rows()
        if not names or any(name == wanted or name.startswith(f"{wanted}.") for wanted in names)
    ]
    if output is Format.JSON:
        told = [{"name": name, "value": value, "origin": origin} for name, value, origin in rows]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for line in table([("NAME", "VALUE", "FROM"), *((name, _text(value), origin) for name, value, origin in rows)]):
        typer.echo(line)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
