"""The arguments of `agg run`, in two passes: the file first, then everything else against the file's parameters."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aggregator.errors import UsageError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aggregator.spec.models import Parameter


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of the command itself. `value` names its value in the help; empty: it takes none.

    `alone` is the value that it has without one, for a flag whose value may only follow `=`.
    """

    names: tuple[str, ...]
    help: str
    value: str = ""
    alone: str = ""
    many: bool = False
    hidden: bool = False

    @property
    def key(self) -> str:
        return self.names[-1].lstrip("-")


FLAGS = (
    Flag(("-p", "--parameter"), "set a parameter; reaches every parameter", "NAME=VALUE", many=True),
    Flag(("-f", "--parameter-file"), "YAML or JSON file (or URL) of parameters", "FILE", many=True),
    Flag(("-a", "--artifact"), "give an input artifact: a file or folder", "NAME=PATH", many=True),
    Flag(("--with",), "supporting documents: templates, ConfigMaps, Secrets (file or folder)", "PATH", many=True),
    Flag(("--from",), "run a stored document, e.g. workflowtemplate/NAME, of --with or $AGG_HOME", "KIND/NAME"),
    Flag(("--name",), "name of the run", "NAME"),
    Flag(("--generate-name",), "prefix of a generated name", "PREFIX"),
    Flag(("--entrypoint",), "start at another template", "TEMPLATE"),
    Flag(("-l", "--labels"), "labels of the run, comma separated", "K=V,…", many=True),
    Flag(("--priority",), "priority of the run", "NUMBER"),
    Flag(("--serviceaccount", "--service-account"), "text of workflow.serviceAccountName", "NAME"),
    Flag(("-n", "--namespace"), "namespace of the run", "NAME"),
    Flag(("-o", "--output"), "print the finished Workflow on stdout: json, yaml, name or wide", "FORM"),
    Flag(("--dry-run",), "print the Workflow that would run, and run nothing"),
    Flag(("--server-dry-run",), "as --dry-run", hidden=True),
    Flag(("--log",), "print what the leaves print"),
    Flag(("-w", "--wait"), "wait for the end (always done)"),
    Flag(("--watch",), "show the tree while it runs, also when stderr is no terminal"),
    Flag(("--progress",), "how the run is shown: auto, tree, plain or none", "HOW"),
    Flag(("--detach-on-suspend",), "exit 5 where the run only waits to be resumed, instead of asking and waiting"),
    Flag(("--strict",), "unknown fields are errors (the default)"),
    Flag(("--no-strict",), "unknown fields are warnings"),
    Flag(("--sandbox",), "run against a world of our own on 127.0.0.1: sample posts API, S3, SNS, SQS"),
    Flag(("--sandbox-faults",), "share of the sample API's answers that fail, e.g. 0.2", "SHARE"),
    Flag(("--sandbox-fault-limit",), "how often one post may fail (default 2)", "NUMBER"),
    Flag(("--sandbox-seed",), "seed of the faults", "NUMBER"),
    Flag(("--lock",), "for cron: exit 7 at once when another run holds this lock", "NAME"),
    Flag(("--runtime",), "how leaves are run: auto, docker, podman, process, or dry (nothing is touched)", "NAME"),
    Flag(("--max-parallel",), "processes at the same time", "NUMBER"),
    Flag(("--http-concurrency",), "HTTP requests in flight (default 64)", "NUMBER"),
    Flag(
        ("--argo-limits",), "warn where a cluster would cut or refuse values; with =error, fail", "error", alone="warn"
    ),
    Flag(("--strict-argo",), "follow Argo also where agg differs (docs/compatibility.md)"),
    Flag(("--config",), "settings file", "FILE"),
    Flag(("--home",), "folder of the journal and the runs", "FOLDER"),
    Flag(("-h", "--help"), "show this help, with the parameters of FILE"),
)
BY_NAME = {name: flag for flag in FLAGS for name in flag.names}


@dataclass(slots=True)
class Arguments:
    """What was given: the file, own flags by key (the last, or all of `many`), and flags that may be parameters."""

    file: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)
    others: list[tuple[str, str | None]] = field(default_factory=list)

    def one(self, key: str, default: str = "") -> str:
        """The value of a flag given at most once (the last one counts)."""
        found = self.values.get(key)
        return found[-1] if found else default

    def all(self, key: str) -> list[str]:
        return self.values.get(key, [])

    def has(self, key: str) -> bool:
        return key in self.values


def first_pass(arguments: Sequence[str]) -> Arguments:
    """Split the arguments: own flags, the file, and the rest, each of which takes one value (`--count 5`, `--count -1`)."""
    made = Arguments()
    files: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            files.extend(waiting)
        elif argument == "-" or not argument.startswith("-"):
            files.append(argument)
        else:
            _flag(made, argument, waiting)
    if len(files) > 1:
        raise UsageError(
            f"agg run takes one file, {len(files)} are given: {', '.join(map(repr, files))}",
            hint="templates and other supporting documents come by --with PATH",
        )
    made.file = files[0] if files else ""
    return made


def _flag(made: Arguments, argument: str, waiting: Iterator[str]) -> None:
    name, equals, value = argument.partition("=")
    flag = BY_NAME.get(name)
    if flag is None and not name.startswith("--") and BY_NAME.get(name[:2]) is not None and BY_NAME[name[:2]].value:
        flag, value, equals = BY_NAME[name[:2]], argument[2:], "="  # -pname=value, as getopt takes it
    if flag is None:
        # Whether this is a parameter of the file is known in the second pass; a parameter always takes a value.
        made.others.append((name, value if equals else next(waiting, None)))
        return
    if flag.alone:
        made.values[flag.key] = [value if equals else flag.alone]
        return
    if not flag.value:
        if equals and value.lower() in ("false", "0"):
            made.values.pop(flag.key, None)
            return
        made.values[flag.key] = ["true"]
        return
    given = value if equals else next(waiting, None)
    if given is None:
        raise UsageError(f"{name} needs a value: {name} {flag.value}", hint="agg run --help lists every flag")
    if flag.many:
        made.values.setdefault(flag.key, []).append(given)
    else:
        made.values[flag.key] = [given]


def plain(name: str) -> str:
    """A flag or parameter name without its spelling: `--sns-topic-arn` and `snsTopicArn` are the same."""
    return re.sub(r"[-_.]", "", name.lstrip("-")).lower()


def kebab(name: str) -> str:
    """The flag of a parameter: `snsTopicArn` is `--sns-topic-arn`."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", name)
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1-\2", words)
    return "--" + re.sub(r"[_.]", "-", words).lower()


def second_pass(made: Arguments, declared: Sequence[str]) -> list[tuple[str, str]]:
    """The parameters given as flags; UsageError with the nearest name for a flag that is none."""
    found: list[tuple[str, str]] = []
    for name, value in made.others:
        exact = [p for p in declared if name.lstrip("-") == p]
        alike = exact or [p for p in declared if plain(p) == plain(name)]
        if not alike or not name.startswith("--"):
            known = [*(n for n in BY_NAME if n.startswith("--")), *map(kebab, declared)]
            hint = nearest(name, known)
            told = f"; parameters of the file are {', '.join(map(kebab, declared))}" if declared and not hint else ""
            raise UsageError(
                f"there is no flag {name}{told}", hint=hint or "agg run [FILE] --help lists flags and parameters"
            )
        if len(alike) > 1:
            raise UsageError(f"{name} may mean {' or '.join(map(repr, alike))}", hint=f"give -p {alike[0]}=VALUE")
        if value is None:
            raise UsageError(f"{name} needs a value: {name} VALUE")
        found.append((alike[0], value))
    return found


def assignment(text: str, flag: str) -> tuple[str, str]:
    """`NAME=VALUE`, split at the first equals sign."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{flag} {text!r} must be NAME=VALUE", hint=f"for example {flag} count=5")
    return name, value


def help_text(file: str, parameters: Sequence[Parameter], width: int = 100) -> str:
    """Usage, the file's parameters as flags, and every flag."""
    lines = [
        "Usage: agg run [FILE|-|URL] [FLAGS] [--PARAMETER VALUE]…",
        "",
        "Run a Workflow to its end and show it. Without FILE, the bundled one: fetch posts in parallel, validate and",
        "aggregate them, store them in S3 and publish to SNS (in a sandbox until a bucket and a topic are given).",
        "",
        f"Parameters of {file} (each is a flag; -p NAME=VALUE works as well):",
        *(_parameter_lines(parameters, width) or ["  none"]),
        "",
        "Flags:",
    ]
    shown = [f for f in FLAGS if not f.hidden]
    heads = [", ".join(f.names) + (f"[={f.value}]" if f.alone else f" {f.value}" if f.value else "") for f in shown]
    column = min(34, max(map(len, heads)) + 4)
    for head, flag in zip(heads, shown, strict=True):
        lines += _entry(head, flag.help, column, width)
    lines += [
        "",
        "Examples:",
        "  agg run --count 5                          the bundled workflow, in the sandbox",
        "  agg run wf.yaml -p message=hello           a file of your own",
        "  agg run wf.yaml --sandbox                  the same, AWS and the sample API played by this machine",
        "  agg run --count 5 --s3-bucket B --sns-topic-arn ARN    live, with your AWS credentials",
        "",
    ]
    return "\n".join(lines)


def _parameter_lines(parameters: Sequence[Parameter], width: int) -> list[str]:
    lines: list[str] = []
    for parameter in parameters:
        told = []
        if parameter.description:
            told.append(parameter.description.strip())
        if parameter.enum:
            told.append("one of " + ", ".join(parameter.enum))
        value = parameter.value if parameter.value is not None else parameter.default
        told.append(f"default {value!r}" if value is not None else "required")
        lines += _entry(f"{kebab(parameter.name)} VALUE", "; ".join(told), 34, width)
    return lines


def _entry(head: str, text: str, column: int, width: int) -> list[str]:
    wrapped = textwrap.wrap(text, max(30, width - column - 2)) or [""]
    first = f"  {head}"
    if len(first) >= column:
        return [first, *(" " * column + line for line in wrapped)]
    return [first.ljust(column) + wrapped[0], *(" " * column + line for line in wrapped[1:])]
