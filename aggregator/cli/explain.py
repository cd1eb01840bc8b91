"""`agg explain`: why the nodes of a run are what they are, decision by decision."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations when the command is called
from aggregator.cli.kept import load_masker, reading
from aggregator.errors import NotFound, UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.app.explain import Explainer
    from aggregator.engine.node import Node

FORMS = ("pretty", "json")
TOLD = {"skipped", "omitted", "retried", "waited", "gave up"}
"""Without NODE, nodes of which one of these was decided are told at length, and those that failed."""


def explain_command(
    name: Annotated[str, typer.Argument(metavar="RUN", help="Name or uid of a run, or @latest.")],
    node: Annotated[str, typer.Argument(metavar="[NODE]", help="Only this node: display name, name or id.")] = "",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FORM", help="pretty or json.")] = "pretty",
    namespace: options.Namespace = "",
    home: options.Home = "",
    config: options.Config = "",
) -> None:
    """Tell the story of a node: each decision with its expression, the values that it saw, and the rule."""
    if output not in FORMS:
        raise UsageError(f"-o {output} is no form of output", hint=nearest(output, FORMS) or ", ".join(FORMS))
    with reading(home, config) as (settings, journal):
        row = journal.run(name, namespace or None)
        from aggregator.app.explain import explain  # noqa: PLC0415 - it brings the whole engine along

        machine = explain(journal.read(row.uid))
        mask = load_masker(journal, row, settings)
        chosen = _named(machine, node) if node else machine.nodes
        if output == "json":
            sys.stdout.write(_json(machine, chosen, mask) + "\n")
        else:
            _pretty(machine, chosen, mask, all_of_it=bool(node))


def _named(machine: Explainer, word: str) -> list[Node]:
    """The nodes that a word means; a retried one with its attempts."""
    found = [n for n in machine.nodes if word in (n.name, n.display, n.identity(machine.name))]
    found = found or [n for n in machine.nodes if n.name == f"{machine.name}.{word}"]
    if not found:
        known = [n.display for n in machine.nodes]
        hint = nearest(word, known) or f"agg get {machine.name} shows the nodes"
        raise NotFound(f"run {machine.name!r} has no node {word!r}", hint=hint)
    attempts = [machine.nodes[n] for one in found if one.kind == "Retry" for n in one.children]
    return [*found, *(n for n in attempts if n.attempt is not None)]


def _pretty(machine: Explainer, nodes: list[Node], mask: Callable[[str], str], *, all_of_it: bool) -> None:
    start = machine.started or 0.0
    if not all_of_it:
        sys.stdout.write(mask(_told(machine.name, "run", machine.phase, machine.message)))
    for node in nodes:
        story = machine.story(node)
        full = all_of_it or bool(story.verbs & TOLD) or node.phase in ("Failed", "Error")
        sys.stdout.write(mask(_told(node.display, node.kind, node.phase, node.message)))
        for decision in story.decisions if full else ():
            sys.stdout.write(mask("".join(f"  {line}\n" for line in decision.lines(start))))
        if full and node.runtime:
            sys.stdout.write(f"  run by the {node.runtime} runtime\n")
        if full and node.finished is not None and node.attempt is not None:
            sys.stdout.write(
                f"  attempt {node.attempt}, from +{node.started - start:.1f}s to +{node.finished - start:.1f}s\n"
            )


def _told(name: str, kind: str, phase: str, message: str) -> str:
    return f"{name}  {kind}  {phase or 'Pending'}{f': {message}' if message else ''}\n"


def _json(machine: Explainer, nodes: list[Node], mask: Callable[[str], str]) -> str:
    start = machine.started or 0.0
    rows: list[dict[str, Any]] = [
        {
            "id": node.identity(machine.name),
            "name": node.name,
            "displayName": node.display,
            "type": node.kind,
            "phase": node.phase,
            "message": node.message,
            **({"runtime": node.runtime} if node.runtime else {}),
            "decisions": [decision.plain(start) for decision in machine.story(node).decisions],
        }
        for node in nodes
    ]
    document = {"run": machine.name, "phase": machine.phase, "message": machine.message, "nodes": rows}
    # Masked inside of the values, so that what is printed stays JSON whatever a secret looks like.
    return json.dumps(_masked(document, mask), indent=2, ensure_ascii=False)


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _masked(inner, mask) for key, inner in value.items()}
    return [_masked(inner, mask) for inner in value] if isinstance(value, list) else value
