"""`agg stop`: end runs as Ctrl-C does, with their exit handlers; or fail suspended nodes."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time


def stop_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]", help="Names or uids of runs, or @latest.", show_default=False),
    ] = None,
    message: options.Message = "",
    selector: options.NodeFields = "",
    labels: options.Labels = "",
    fields: options.RunFields = "",
    dry_run: options.DryRun = False,
    namespace: options.Namespace = "",
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    """End runs: what is at work is ended, exit handlers still run. With --node-field-selector, only fail suspended nodes."""
    from aggregator.cli.control import Chosen, Plan, Target, act, list_of, waiting  # noqa: PLC0415 - brings the engine
    from aggregator.engine.events import StopRequested  # noqa: PLC0415

    def plan(target: Target) -> Plan:
        event = StopRequested(time.time(), "Stop", message, selector)
        if selector:
            asked = waiting(target, selector)
            return Plan(event, lambda: f"workflow {target.name}: {list_of(asked)} failed")

        def told() -> str:
            going = "" if target.run.machine.finished is not None else "; exit handlers still run"
            return f"workflow {target.name} stopped{going}"

        return Plan(event, told)

    chosen = Chosen(names=names or [], namespace=namespace, labels=labels, fields=fields)
    return act(chosen, plan, home=home, config=config, verb="stopped", dry_run=dry_run)
