"""Aggregates: the list of all results of a loop, where it will not fit or cannot be made."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

from aggregator.spec.checks.loops import is_listed, is_looped
from aggregator.spec.checks.texts import OPEN, tags_of
from aggregator.spec.models import WorkflowStep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.spec.checks.findings import Place
    from aggregator.spec.checks.library import Call, Located
    from aggregator.spec.checks.root import Root
    from aggregator.spec.models import Template

REFERENCE: Final = re.compile(r"(?:steps|tasks)\.(?P<name>[\w-]+)\.outputs\.(?P<what>result|parameters(?:\.[\w-]+)?)")
TAG: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
SHELL: Final = re.compile(r"[$`|;&<>\\*\n]")
SHELLS: Final = frozenset({"sh", "bash", "ash", "/bin/sh", "/bin/bash"})


def check_aggregates(root: Root) -> None:
    """Both rules, for every steps and dag template."""
    for located in list(root.all.values()):
        calls = {getattr(call, "name", ""): (call, place) for call, place in located.calls}
        loops = {
            name for name, (call, _) in calls.items() if isinstance(call, WorkflowStep) and name and is_looped(call)
        }
        if not loops:
            continue
        for call, place in calls.values():
            _check_environment(root, located, call, place, calls, loops)
        _check_results(root, located, calls, loops)


def _check_environment(
    root: Root, located: Located, call: Call, place: Place, calls: dict[str, tuple[Any, Place]], loops: set[str]
) -> None:
    """An aggregate that a called template puts into a variable or a command line."""
    for index, argument in enumerate(call.arguments.parameters):
        found = REFERENCE.search(argument.value or "")
        if found is None or found["name"] not in loops:
            continue
        loop = calls[found["name"]][0]
        if found["what"] == "parameters" and not is_listed(loop):
            continue
        called = root.resolve(call, located, place)
        if called is None:
            continue
        given = place.at("arguments", "parameters", index, "value")
        for at, kind in _uses(called, argument.name):
            message = f"input {argument.name!r} is the list of all results of {found['name']!r}, and {kind} holds 128 KiB at most"
            hint = "give it as an artifact: `raw: {data: '{{…}}'}`, or in the source of a script"
            notes = ((given.span(), "the aggregate is given here"),)
            part = f"inputs.parameters.{argument.name}"
            root.findings.warn("aggregate-in-env", message, at, hint, part=part, notes=notes)


def _uses(called: Located, name: str) -> Iterator[tuple[Place, str]]:
    """Where a template uses an input in a variable or a command line."""
    key = f"inputs.parameters.{name}"
    for path, body in _containers(called.template):
        for index, variable in enumerate(body.env):
            if _mentions(variable.value, key):
                yield called.place.at(*path, "env", index, "value"), "an environment variable"
        for field, texts in (("command", body.command), ("args", body.args)):
            for index, text in enumerate(texts):
                if _mentions(text, key):
                    yield called.place.at(*path, field, index), "one argument of a command"


def _containers(template: Template) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if template.container is not None:
        yield ("container",), template.container
    if template.script is not None:
        yield ("script",), template.script
    for index, node in enumerate(template.container_set.containers if template.container_set else ()):
        yield ("containerSet", "containers", index), node
    for index, sidecar in enumerate(template.init_containers):
        yield ("initContainers", index), sidecar


def _mentions(text: str, key: str) -> bool:
    if OPEN not in text or key not in text:
        return False
    return any(tag.key == key for tag in tags_of(text)[0])


def _check_results(root: Root, located: Located, calls: dict[str, tuple[Any, Place]], loops: set[str]) -> None:
    """A loop whose results are put together as JSON, although none of them is JSON."""
    text = json.dumps(located.place.value, default=str)
    wanted = {found["name"] for found in REFERENCE.finditer(text) if found["what"] == "result"}
    for name in sorted(loops & wanted):
        call, place = calls[name]
        called = root.resolve(call, located, place)
        printed = None if called is None else printed_text(called.template)
        if called is None or printed is None or _is_json(TAG.sub("0", printed)):
            continue
        message = f"the results of {name!r} are put together as JSON, but it prints {printed[:60]!r}, which is none"
        hint = f"print JSON, or use an output parameter: {{{{….{name}.outputs.parameters.NAME}}}}"
        root.findings.warn("not-json-aggregate", message, place, hint)


def printed_text(template: Template) -> str | None:
    """What a template prints, where one look at an `echo` tells it."""
    body = template.container
    if body is not None:
        words = [*body.command, *body.args]
        if words[:1] == ["echo"]:
            return _echoed(words[1:])
        if len(words) == 3 and words[0] in SHELLS and words[1] == "-c":
            return _shell(words[2])
    script = template.script
    if script is not None and script.command and script.command[0] in SHELLS:
        lines = [line for line in script.source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        return _shell(lines[0]) if len(lines) == 1 else None
    return None


def _shell(line: str) -> str | None:
    line = line.strip()
    if SHELL.search(TAG.sub("0", line)):
        return None
    try:
        words = shlex.split(TAG.sub("0", line))
    except ValueError:
        return None
    return _echoed(words[1:]) if words[:1] == ["echo"] else None


def _echoed(words: list[str]) -> str | None:
    if words[:1] == ["-n"]:
        words = words[1:]
    return None if words[:1] and words[0].startswith("-e") else " ".join(words)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
