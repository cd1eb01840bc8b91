"""`agg resume`: let a suspended run, and the nodes in it that wait, go on."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time


def resume_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names or uids of runs, or @latest.")],
    selector: options.NodeFields = "",
    namespace: options.Namespace = "",
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    """Let runs go on that `agg suspend` holds, and suspended nodes succeed: all of them, or those that are selected."""
    from aggregator.app.suspension import check_resumable, questions  # noqa: PLC0415 - it brings the whole engine along
    from aggregator.cli.control import Chosen, Plan, Target, act, list_of, waiting  # noqa: PLC0415
    from aggregator.engine.events import Resumed  # noqa: PLC0415

    def plan(target: Target) -> Plan:
        machine = target.run.machine
        asked = waiting(target, selector) if selector else questions(machine)
        check_resumable(target.name, asked)
        if not asked and not machine.suspended:
            return Plan(None, lambda: f"workflow {target.shown} resumed: nothing in it was suspended")
        nodes = f": {list_of(asked)}" if asked else ""
        return Plan(Resumed(time.time(), selector), lambda: f"workflow {target.shown} resumed{nodes}")

    return act(Chosen(names=names, namespace=namespace), plan, home=home, config=config, verb="resumed")
