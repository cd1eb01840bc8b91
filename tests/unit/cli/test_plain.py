"""Ordinary command lines are read without typer's parser, and always as typer would read them."""

from __future__ import annotations

import functools
import itertools
import random
from enum import StrEnum
from typing import Annotated

import pytest
import typer

from aggregator.cli import COMMANDS, load, typer_command
from aggregator.cli.plain import plain_line

WORDS = (
    "a",
    "b",
    "--flag",
    "--no-flag",
    "-f",
    "--text",
    "-t",
    "--text=x",
    "--text=",
    "-t=x",
    "--many",
    "--number",
    "7",
    "-7",
    "--",
    "-",
    "--help",
    "--color",
    "red",
    "-ft",
)


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


def command(
    first: Annotated[str, typer.Argument(metavar="FIRST", help="One word.")],
    rest: Annotated[list[str], typer.Argument()] = [],  # noqa: B006 - typer copies it, and so do we
    flag: Annotated[bool, typer.Option("--flag/--no-flag", "-f")] = False,
    text: Annotated[str, typer.Option("--text", "-t", hidden=True)] = "t",
    many: Annotated[list[str] | None, typer.Option("--many")] = None,
    number: Annotated[int, typer.Option("--number")] = 3,
    color: Annotated[Color, typer.Option("--color")] = Color.RED,
) -> dict[str, object]:
    return {
        "first": first,
        "rest": list(rest),
        "flag": flag,
        "text": text,
        "many": list(many or ()),
        "number": number,
        "color": color,
    }


def by_typer(line):
    """What typer makes of a line: the values, or None where it shows help or a mistake."""
    try:
        answer = typer_command(COMMANDS["list"], command).main(list(line), "agg x", standalone_mode=False)
    except typer.TyperException:
        return None
    return answer if isinstance(answer, dict) else None


LINES = [
    *itertools.chain.from_iterable(itertools.product(WORDS, repeat=length) for length in (0, 1)),
    *(tuple(random.Random(seed).choices(WORDS, k=2 + seed % 4)) for seed in range(300)),
]


def test_whatever_is_read_is_what_typer_reads(capsys):
    """Of lines of up to five of these words: the same values, or the line is left to typer."""
    plain = plain_line(command)
    read = {line: values for line in LINES if (values := plain.read(line)) is not None}
    assert len(read) > 20
    for line, values in read.items():
        assert command(**values) == by_typer(line), line
    capsys.readouterr()


def test_usual_lines_are_read():
    """Flags with and without values, repeated ones, and words between them."""
    values = plain_line(command).read(
        ["a", "--many", "x", "-f", "b", "--many=y", "--number", "12", "c", "--color", "blue"]
    )
    assert values == {
        "first": "a",
        "rest": ["b", "c"],
        "flag": True,
        "text": "t",
        "many": ["x", "y"],
        "number": 12,
        "color": "blue",
    }
    assert values["color"] is Color.BLUE


@pytest.mark.parametrize(
    "line", [["a", "--help"], ["a", "--flgs"], ["a", "--text"], ["a", "--flag=1"], [], ["a", "--number", "x"]]
)
def test_help_and_mistakes_are_left_to_typer(line):
    assert plain_line(command).read(line) is None


def test_defaults_are_not_shared():
    """A list that one call changes is not seen by the next."""
    plain = plain_line(command)
    plain.read(["a"])["rest"].append("b")
    assert plain.read(["a"])["rest"] == []


def with_context(ctx: typer.Context) -> None: ...
def with_callback(x: Annotated[str, typer.Option("--x", callback=str)] = "") -> None: ...
def with_number(x: Annotated[float, typer.Option("--x")] = 0.0) -> None: ...
def with_two_names(x: Annotated[str, typer.Option("--x/--y")] = "") -> None: ...
def with_implied_name(x: Annotated[str, typer.Option()] = "") -> None: ...


@pytest.mark.parametrize("function", [with_context, with_callback, with_number, with_two_names, with_implied_name])
def test_what_only_typer_can_read(function):
    """Contexts, callbacks, other types, names that mean something else: the whole command is left to typer."""
    assert plain_line(function) is None


def test_two_words_too_many_and_lists_that_are_not_last():
    def one(x: Annotated[str, typer.Argument()] = "") -> None: ...
    def list_first(x: Annotated[list[str], typer.Argument()], y: Annotated[str, typer.Argument()]) -> None: ...

    hints = {"Annotated": Annotated, "typer": typer}
    for function in (one, list_first):
        function.__globals__.update(hints)
        assert plain_line(function).read(["a", "b"]) is None


@functools.cache
def functions():
    return {name: load(row) for name, row in COMMANDS.items() if not row.raw and not row.verbs}


@pytest.mark.parametrize("name", ["lint", "list", "get", "logs", "stop", "delete", "wait"])
def test_the_commands_that_people_type_most_are_read_plainly(name):
    """So that they don't wait for an import that takes longer than they do."""
    assert plain_line(functions()[name]) is not None
