"""`agg suspend`: let a run start nothing new until it is resumed."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time


def suspend_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names or uids of runs, or @latest.")],
    namespace: options.Namespace = "",
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    """Start nothing new in these runs until `agg resume`; what runs already goes on."""
    from aggregator.cli.control import Chosen, Plan, Target, act  # noqa: PLC0415 - it brings the whole engine along
    from aggregator.engine.events import SuspendRequested  # noqa: PLC0415

    def plan(target: Target) -> Plan:
        return Plan(SuspendRequested(time.time()), lambda: f"workflow {target.shown} suspended")

    return act(Chosen(names=names, namespace=namespace), plan, home=home, config=config, verb="suspended")
