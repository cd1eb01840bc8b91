"""Answers a shell that completes a command line; imports neither typer nor a command until flags are asked for."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.cli import Command

SHELLS = ("bash", "zsh", "fish")
FILES = ":files"
"""The answer that lets the shell offer files."""
LATEST = "@latest"


def complete_command(words: Sequence[str]) -> int:
    """Print what may stand in place of the last word, one a line. A shell is never bothered with an error."""
    with suppress(Exception):
        sys.stdout.writelines(f"{answer}\n" for answer in answers(list(words)))
    return 0


def answers(words: list[str]) -> list[str]:
    """The completions of the last of the words that follow `agg`."""
    from aggregator.cli import COMMANDS, LEADING, find_command  # noqa: PLC0415 - cli imports this module on use

    *before, word = words or [""]
    while before and before[0].partition("=")[0] in LEADING:
        del before[: 1 if "=" in before[0] else 2]
    if not before:
        flags = ["--help", "--version", *LEADING] if word.startswith("-") else []
        names = [command.name for command in COMMANDS.values() if not command.hidden]
        return [
            name for name in [*names, *flags] if name.startswith(word) and name.startswith("-") == word.startswith("-")
        ]
    if before == ["help"]:
        return [name for name in COMMANDS if name.startswith(word) and not COMMANDS[name].hidden]
    command = find_command(before[0])
    if len(before) == 1 and not word.startswith("-") and (verbs := _verbs(command)):
        return [verb for verb in verbs if verb.startswith(word)]
    if word.startswith("-"):
        return [flag for flag in _flags(command) if flag.startswith(word)]
    values = _values(before[-1], command)
    if values is not None:
        return [value for value in values if value.startswith(word) or value == FILES]
    if command.name == "completion":
        return [shell for shell in SHELLS if shell.startswith(word)]
    if command.name == "config":
        from aggregator.settings import OPTIONS  # noqa: PLC0415

        return [name for name in OPTIONS if name.startswith(word)]
    if command.completes == "run":
        return _runs(word)
    return [FILES] if command.completes == "file" else []


def _values(flag: str, command: Command) -> list[str] | None:
    """What may follow a flag; None when the flag takes none, or when files and names may follow."""
    if flag in ("-o", "--output"):
        return ["json", "yaml", "name", "wide", "short"]
    if flag == "--status":
        return ["Pending", "Running", "Succeeded", "Failed", "Error"]
    if flag in ("--config", "--home") or (command.raw and flag in ("-f", "--parameter-file", "--with")):
        return [FILES]
    return None


def _flags(command: Command) -> list[str]:
    from aggregator.cli import load, typer_command  # noqa: PLC0415

    if command.flags:
        module, _, attribute = command.flags.partition(":")
        return list(getattr(import_module(module), attribute))
    parser = typer_command(command, load(command))
    parsers = [parser, *getattr(parser, "commands", {}).values()]
    parameters = [parameter for each in parsers for parameter in each.params]
    names = [name for parameter in parameters for name in [*parameter.opts, *parameter.secondary_opts]]
    return list(dict.fromkeys(name for name in names if name.startswith("-")))


def _verbs(command: Command) -> list[str]:
    """The commands of a command that has commands of its own."""
    from aggregator.cli import load, typer_command  # noqa: PLC0415

    return list(getattr(typer_command(command, load(command)), "commands", ())) if command.verbs else []


def _runs(prefix: str) -> list[str]:
    """Names of kept runs, newest first."""
    from aggregator.cli.settings_sources import load_settings, open_home  # noqa: PLC0415

    home = open_home(load_settings())
    names: list[str] = []
    if home.database.exists():
        from aggregator.journal.sqlite import SqliteJournal  # noqa: PLC0415

        journal = SqliteJournal(home.database, busy=0.5)
        names = journal.names()
        journal.close()
    return [name for name in dict.fromkeys([LATEST, *names]) if name.startswith(prefix)]
