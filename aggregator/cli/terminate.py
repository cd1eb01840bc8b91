"""`agg terminate`: end runs at once, without their exit handlers."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time


def terminate_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]", help="Names or uids of runs, or @latest.", show_default=False),
    ] = None,
    message: options.Message = "",
    labels: options.Labels = "",
    fields: options.RunFields = "",
    dry_run: options.DryRun = False,
    namespace: options.Namespace = "",
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    """End runs: what is at work is ended, and nothing more is run, exit handlers neither."""
    from aggregator.cli.control import Chosen, Plan, Target, act  # noqa: PLC0415 - it brings the whole engine along
    from aggregator.engine.events import StopRequested  # noqa: PLC0415

    def plan(target: Target) -> Plan:
        event = StopRequested(time.time(), "Terminate", message)
        return Plan(event, lambda: f"workflow {target.name} terminated")

    chosen = Chosen(names=names or [], namespace=namespace, labels=labels, fields=fields)
    return act(chosen, plan, home=home, config=config, verb="terminated", dry_run=dry_run)
