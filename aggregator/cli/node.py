"""`agg node set`: give suspended nodes their output parameters, a message or a phase."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time
from aggregator.errors import UsageError, nearest

ACTIONS = ("set",)


def node_command(
    action: Annotated[str, typer.Argument(metavar="set", help="What to do; there is only this one.")],
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Names or uids of runs, or @latest.")],
    parameters: Annotated[
        list[str] | None,
        typer.Option("-p", "--output-parameter", metavar="NAME=VALUE", help="Set an output that the node asks for."),
    ] = None,
    phase: Annotated[
        str, typer.Option("--phase", metavar="PHASE", help="End the node: Succeeded, Failed or Error.")
    ] = "",
    message: options.Message = "",
    selector: options.NodeFields = "",
    namespace: options.Namespace = "",
    home: options.Home = "",
    config: options.Config = "",
) -> int:
    """Set outputs, message or phase of the suspended nodes of runs: all that wait, or those that are selected."""
    from aggregator.app.suspension import PHASES, check_answer, check_resumable  # noqa: PLC0415 - brings the engine
    from aggregator.cli.control import Chosen, Plan, Target, act, list_of, waiting  # noqa: PLC0415
    from aggregator.cli.run_arguments import assignment  # noqa: PLC0415
    from aggregator.engine.events import NodeSet  # noqa: PLC0415

    if action not in ACTIONS:
        raise UsageError(f"agg node can't {action!r}", hint=nearest(action, ACTIONS) or "agg node set NAME …")
    if phase and phase not in PHASES:
        raise UsageError(f"--phase {phase!r} is none that a node can be set to", hint=_hint(phase, PHASES))
    given = dict(assignment(text, "--output-parameter") for text in parameters or ())
    if not given and not phase and not message:
        raise UsageError("nothing is set: give --output-parameter NAME=VALUE, --phase or --message")

    def plan(target: Target) -> Plan:
        asked = waiting(target, selector)
        check_answer(asked, given)
        if phase == "Succeeded":
            check_resumable(target.name, asked, given)
        event = NodeSet(time.time(), selector, phase, message, given)
        return Plan(event, lambda: f"workflow {target.name}: values set for {list_of(asked)}")

    return act(Chosen(names=names, namespace=namespace), plan, home=home, config=config, verb="changed")


def _hint(word: str, known: tuple[str, ...]) -> str:
    return nearest(word, known) or ", ".join(known)
