"""`agg eval`: evaluate an expression, a condition, a tag or a depends condition by hand."""

from __future__ import annotations

import json
import sys
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any

import typer

from aggregator.errors import UsageError, nearest

LANGUAGES = ("expr", "when", "tag", "depends")
EXAMPLES = """

\b
Examples:
  agg eval 'asInt(inputs.parameters.n) * 2' -e inputs.parameters.n=21
  agg eval --lang when '{{status}} == Succeeded' -e status=Succeeded
  agg eval --lang tag 'hello {{= sprig.upper(name) }}' -e name=world -r
  agg eval --lang depends 'a.Failed || b' -e a=Failed -e b=Skipped
"""


def eval_command(
    expression: Annotated[
        str | None,
        typer.Argument(metavar="[EXPR]", help="The text to evaluate; `-` reads it from stdin. Without it: a prompt."),
    ] = None,
    lang: Annotated[
        str,
        typer.Option(
            "--lang", "-l", metavar="LANG", help="expr (as inside of {{= }}), when, tag, or depends (of a DAG task)."
        ),
    ] = "expr",
    env: Annotated[
        str | None,
        typer.Option("--env", metavar="FILE|JSON", help="The variables: a JSON or YAML file, or a JSON object."),
    ] = None,
    variables: Annotated[
        list[str] | None,
        typer.Option("-e", metavar="KEY=VALUE", help="One variable as text; KEY:=VALUE takes JSON. Repeatable."),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", "-r", help="Print strings without quotes and escapes.")] = False,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Leave tags that cannot be resolved, as the passes over templates do.")
    ] = False,
    jsonl: Annotated[
        bool,
        typer.Option("--jsonl", help="Answer JSON lines from stdin, one for one, in order; see docs/expressions.md."),
    ] = False,
) -> None:
    """Evaluate a text in one of the languages of workflow files and print the value as JSON.

    Integers and floats stay apart (1 and 1.0); times, durations, bytes and maps with other keys than strings are
    printed as {"$time": ...}, {"$duration": ...}, {"$bytes": ...}, {"$map": ...}, and --env takes these forms too.
    """
    if jsonl:
        _lines()
        return
    if lang not in LANGUAGES:
        raise UsageError(
            f"there is no language {lang!r}", hint=nearest(lang, LANGUAGES) or f"known: {', '.join(LANGUAGES)}"
        )
    given = read_env(env) if env else {}
    given.update(variable(text) for text in variables or [])
    if expression is None and sys.stdin.isatty():
        from aggregator.cli import eval_repl  # noqa: PLC0415 - the prompt's library is loaded for a prompt only

        eval_repl.run(lang, given, raw=raw)
        return
    text = sys.stdin.read().removesuffix("\n") if expression in (None, "-") else expression
    from aggregator.cli.eval_languages import evaluate  # noqa: PLC0415 - `--help` does without the languages
    from aggregator.cli.eval_values import to_json  # noqa: PLC0415

    value = evaluate(lang, text or "", given, lenient=lenient)
    typer.echo(value if raw and isinstance(value, str) else to_json(value))


# The \b above keeps the lines of the examples as they are.
eval_command.__doc__ = cleandoc(eval_command.__doc__ or "") + EXAMPLES


def _lines() -> None:
    from aggregator.cli.eval_languages import answer  # noqa: PLC0415

    stdin, write = sys.stdin.buffer, sys.stdout.write
    for line in stdin:
        text = line.decode("utf-8", "replace").strip()
        if text:
            write(answer(text) + "\n")
    sys.stdout.flush()


def variable(text: str) -> tuple[str, Any]:
    """The name and value of `KEY=TEXT` or `KEY:=JSON`."""
    from aggregator.cli.eval_values import from_json  # noqa: PLC0415

    key, equals, value = text.partition("=")
    if not equals or key in ("", ":"):
        raise UsageError(f"{text!r} is not KEY=VALUE")
    if not key.endswith(":"):
        return key, value
    try:
        return key[:-1], from_json(json.loads(value))
    except json.JSONDecodeError as error:
        raise UsageError(f"the value of {text!r} is not JSON: {error}", hint="KEY=VALUE takes text") from None


def read_env(given: str) -> dict[str, Any]:
    """The variables of `--env`: an object in JSON, or a file with one in JSON or YAML."""
    from aggregator.cli.eval_values import from_json  # noqa: PLC0415

    if given.lstrip().startswith("{"):
        try:
            value = json.loads(given)
        except json.JSONDecodeError as error:
            raise UsageError(f"--env is not JSON: {error}") from None
    else:
        value = _read_file(Path(given))
    if not isinstance(value, dict):
        raise UsageError("--env must be an object: its keys are the variables")
    return {str(key): from_json(inner) for key, inner in value.items()}


def _read_file(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"can't read --env {path}: {reason}", hint="give a file, or a JSON object in quotes") from None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        import yaml  # noqa: PLC0415 - only for a file that is not JSON

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UsageError(f"--env {path} is neither JSON nor YAML: {error}") from None
