"""The command line: one table of commands, each imported only when it is called, so that `agg --help` imports none."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from aggregator.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the table.

    `target` is `module:attribute`: a function with typer's annotations, or a typer app with commands of its own. With `raw`
    it is instead called with the arguments as they are, unknown flags included. Each answers with an exit code or None.
    `flags` is where a raw command keeps the names of its flags; `completes` says what arguments are, `run`, `file` or
    nothing: both for shell completion. `verbs` says that it has commands of its own. `hidden` keeps a command out of the help.
    """

    name: str
    target: str
    summary: str
    raw: bool = False
    flags: str = ""
    completes: str = ""
    verbs: bool = False
    hidden: bool = False


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command(
            "run",
            "aggregator.cli.run:run_command",
            "Run a workflow and show it.",
            raw=True,
            flags="aggregator.cli.run_arguments:BY_NAME",
            completes="file",
        ),
        Command("list", "aggregator.cli.list:list_command", "List the runs that are kept."),
        Command("get", "aggregator.cli.get:get_command", "Show runs: header, tree, JSON or YAML.", completes="run"),
        Command("logs", "aggregator.cli.logs:logs_command", "Print what the leaves of a run printed.", completes="run"),
        Command("wait", "aggregator.cli.wait:wait_command", "Wait until runs have ended.", completes="run"),
        Command("watch", "aggregator.cli.watch:watch_command", "Watch a run of another process.", completes="run"),
        Command("suspend", "aggregator.cli.suspend:suspend_command", "Let a run start nothing new.", completes="run"),
        Command(
            "resume", "aggregator.cli.resume:resume_command", "Let suspended runs and nodes go on.", completes="run"
        ),
        Command("node", "aggregator.cli.node:node_command", "Set outputs of suspended nodes.", completes="run"),
        Command("stop", "aggregator.cli.stop:stop_command", "End runs; exit handlers still run.", completes="run"),
        Command("terminate", "aggregator.cli.terminate:terminate_command", "End runs at once.", completes="run"),
        Command("delete", "aggregator.cli.delete:delete_command", "Delete runs and their files.", completes="run"),
        Command("cp", "aggregator.cli.cp:cp_command", "Copy artifacts of a run to a folder.", completes="run"),
        Command("gc", "aggregator.cli.gc:gc_command", "Remove what runs that were killed left behind."),
        Command(
            "explain", "aggregator.cli.explain:explain_command", "Tell why nodes are what they are.", completes="run"
        ),
        Command("test", "aggregator.cli.test:run_tests", "Run tests of workflows in virtual time.", completes="file"),
        Command(
            "template",
            "aggregator.cli.template:template_app",
            "Keep workflow templates to refer to.",
            completes="file",
            verbs=True,
        ),
        Command(
            "cluster-template",
            "aggregator.cli.template:cluster_template_app",
            "Keep cluster workflow templates.",
            completes="file",
            verbs=True,
        ),
        Command("cache", "aggregator.cli.cache:cache_app", "List and delete memoized outputs.", verbs=True),
        Command("lint", "aggregator.cli.lint:lint", "Say everything that is wrong with files.", completes="file"),
        Command("plan", "aggregator.cli.plan:plan", "Show what a file would run, and how much.", completes="file"),
        Command(
            "compat", "aggregator.cli.compat:compat", "Show what a file's fields mean on one machine.", completes="file"
        ),
        Command("convert", "aggregator.cli.convert:convert", "Rewrite Argo v3 documents for v4.", completes="file"),
        Command("schema", "aggregator.cli.schema:schema", "Print the JSON Schema of workflow documents."),
        Command("eval", "aggregator.cli.eval:eval_command", "Evaluate an expression, condition or tag."),
        Command("config", "aggregator.cli.config:config_command", "Show every setting and where it came from."),
        Command("completion", "aggregator.cli.completion:completion_command", "Print a shell's completion script."),
        Command("version", "aggregator.cli.version:version_command", "Print the version."),
        Command("__complete", "aggregator.cli.complete:complete_command", "Answer the shell.", raw=True, hidden=True),
    )
}

LEADING = {"-n": 1, "--namespace": 1, "--home": 1, "--config": 1}
"""Flags that may also stand before the command, with the number of their values."""


def main(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name); the exit code. Errors leave as exceptions."""
    leading, rest = _split_leading([*arguments])
    if not rest or rest[0] in ("-h", "--help") or rest == ["help"]:
        sys.stdout.write(help_text())
        return 0
    if rest[0] in ("-V", "--version"):
        rest = ["version", *rest[1:]]
    elif rest[0] == "help":
        rest = [*rest[1:], "--help"]
    if rest[0].startswith("-"):
        hint = nearest(rest[0], ["--help", "--version", *LEADING])
        raise UsageError(
            f"there is no flag {rest[0]} before the command", hint=hint or "agg COMMAND --help lists its flags"
        )
    command = find_command(rest[0])
    target = load(command)
    if command.raw:
        return _code(target([*leading, *rest[1:]]))
    own = 2 if command.verbs else 1  # `-n NS template list` is `template list -n NS`
    return run_typer(command, target, [*rest[1:own], *leading, *rest[own:]])


def help_text() -> str:
    """The commands in one screen."""
    shown = [command for command in COMMANDS.values() if not command.hidden]
    width = max(len(command.name) for command in shown)
    lines = [f"  {command.name:<{width}}  {command.summary}" for command in shown]
    return "\n".join(
        [
            "Usage: agg COMMAND [ARGUMENTS]",
            "",
            "Run Argo Workflows files on one machine, without Kubernetes.",
            "",
            "Commands:",
            *lines,
            "",
            "agg COMMAND --help tells more. Start here: agg run --count 5",
            "",
        ]
    )


def find_command(name: str) -> Command:
    """The row of a command's name."""
    if name not in COMMANDS:
        known = [command.name for command in COMMANDS.values() if not command.hidden]
        raise UsageError(f"there is no command {name!r}", hint=nearest(name, known) or "agg --help lists the commands")
    return COMMANDS[name]


def load(command: Command) -> Callable[..., Any]:
    """Import what a command runs."""
    module, _, attribute = command.target.partition(":")
    return getattr(import_module(module), attribute)  # type: ignore[no-any-return]


def run_typer(command: Command, target: object, arguments: list[str]) -> int:
    """Parse by typer and call; its complaints become a UsageError like all others."""
    import typer  # noqa: PLC0415 - only commands need it, and it takes a while to import

    from aggregator.cli.connection import drop_connection_flags, split_connection_flags  # noqa: PLC0415
    from aggregator.cli.plain import plain_line  # noqa: PLC0415

    line = None if isinstance(target, typer.Typer) else plain_line(cast("Callable[..., Any]", target))
    if line is not None:
        values = line.read(split_connection_flags(arguments, line.flags)[0])
        if values is not None:
            drop_connection_flags(arguments, line.flags)
            return _code(cast("Callable[..., Any]", target)(**values))
    parser = typer_command(command, target)
    own = {name for parameter in parser.params for name in [*parameter.opts, *parameter.secondary_opts]}
    try:
        return _code(parser.main(drop_connection_flags(arguments, own), f"agg {command.name}", standalone_mode=False))
    except typer.TyperException as error:
        raise UsageError(error.format_message(), hint=f"agg {command.name} --help lists the flags") from error
    except typer.Abort:
        return 130


def typer_command(command: Command, target: object) -> Any:
    """Typer's parser for a function, or for an app that has commands of its own."""
    import typer  # noqa: PLC0415

    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    function = cast("Callable[..., Any]", target)
    app.command(command.name, context_settings={"help_option_names": ["-h", "--help"]})(function)
    return typer.main.get_command(app)


def _split_leading(arguments: list[str]) -> tuple[list[str], list[str]]:
    """`-n NS list` is `list -n NS`."""
    end = 0
    while end < len(arguments):
        name, equals, _ = arguments[end].partition("=")
        if name not in LEADING:
            break
        end += 1 if equals else 1 + LEADING[name]
    return arguments[:end], arguments[end:]


def _code(answer: object) -> int:
    return answer if isinstance(answer, int) else 0
