"""What a suspended run waits for: the nodes, what they ask, what may be answered, and the command that answers."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregator.engine.control import default_of, matching
from aggregator.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node

PHASES = ("Succeeded", "Failed", "Error")
"""What a suspended node may be set to."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A parameter of a suspended node. As an input it has a value, as an output that is asked for perhaps a default."""

    name: str
    value: str | None
    enum: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A node that waits. `asked` are its supplied outputs: the value that is set, else the default, else None."""

    number: int
    id: str
    name: str
    display: str
    template: str
    message: str
    inputs: tuple[Choice, ...]
    asked: tuple[Choice, ...]
    timed: bool
    """Whether it goes on by itself when its time has come."""
    shared: bool
    """Whether another node that waits has the same display name."""

    @property
    def aim(self) -> str:
        """What names it among all that wait."""
        return self.id if self.shared else self.display

    @property
    def missing(self) -> list[str]:
        """Names of outputs that have neither a value nor a default."""
        return [choice.name for choice in self.asked if choice.value is None]


def questions(machine: Machine, selector: str = "") -> list[Question]:
    """The nodes that wait and match the field selector (all, when it is empty)."""
    return [question(machine, node) for node in matching(machine, selector)]


def question(machine: Machine, node: Node) -> Question:
    """What a suspended node asks."""
    inputs = {p["name"]: p for p in (node.inputs or {}).get("parameters") or ()}
    return Question(
        number=node.number,
        id=node.identity(machine.name),
        name=node.name,
        display=node.display,
        template=node.template.name if node.template is not None else "",
        message=node.message,
        inputs=tuple(_choice(p, p.get("value")) for p in inputs.values()),
        asked=tuple(
            _choice({**inputs.get(p["name"], {}), **p}, p["value"] if "value" in p else default_of(node, p))
            for p in (node.outputs or {}).get("parameters") or ()
        ),
        shared=any(n.display == node.display and n is not node for n in machine.suspensions.values()),
        timed=node.number in machine.due,
    )


def _choice(parameter: Mapping[str, Any], value: Any) -> Choice:
    return Choice(
        name=parameter["name"],
        value=None if value is None else str(value),
        enum=tuple(str(entry) for entry in parameter.get("enum") or ()),
        description=str(parameter.get("description") or "").strip(),
    )


def check_answer(asking: Iterable[Question], parameters: Mapping[str, str]) -> None:
    """UsageError unless each of the nodes asks for each of the parameters, and its enum has the value."""
    for asker in asking:
        known = {choice.name: choice for choice in asker.asked}
        for name, value in parameters.items():
            if name not in known:
                told = f"it asks for {', '.join(known)}" if known else "it asks for none"
                raise UsageError(
                    f"node {asker.display!r} does not ask for an output parameter {name!r}: {told}",
                    hint=nearest(name, known) or "--node-field-selector says which nodes are meant",
                )
            enum = known[name].enum
            if enum and value not in enum:
                hint = nearest(value, enum) or f"for example {name}={enum[0]}"
                raise UsageError(f"{name}={value}: {name!r} is one of {', '.join(enum)}", hint=hint)


def check_resumable(run: str, asking: Iterable[Question], given: Iterable[str] = ()) -> None:
    """UsageError when a node could not succeed, because nothing says what one of its outputs is."""
    set_now = set(given)
    for asker in asking:
        missing = [name for name in asker.missing if name not in set_now]
        if missing:
            raise UsageError(
                f"node {asker.display!r} can't be resumed: its output {missing[0]!r} is not set and has no default",
                hint=answer_command(run, asker),
            )


def answer_command(run: str, asked: Question, flags: Iterable[str] = ()) -> str:
    """The command that answers a question. `flags` are those that it has to repeat to find the run."""
    aim = ["--node-field-selector", f"{'id' if asked.shared else 'displayName'}={_escaped(asked.aim)}"]
    if not asked.asked:
        return shlex.join(["agg", "resume", run, *aim, *flags])
    values = []
    for choice in asked.asked:
        value = choice.value if choice.value is not None else next(iter(choice.enum), "VALUE")
        values += ["--output-parameter", f"{choice.name}={value}"]
    return shlex.join(["agg", "node", "set", run, *aim, *values, "--phase", "Succeeded", *flags])


def _escaped(value: str) -> str:
    """A value as a field selector takes it."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
