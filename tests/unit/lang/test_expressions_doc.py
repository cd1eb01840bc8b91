"""Runs every example of docs/expressions.md, and sees that it names every function.

A block of examples follows a comment `<!-- LANGUAGE [--lenient] VARIABLES -->`; each line is a text, ` → `, and its value as JSON
or `error:` with a part of what is told.
"""

import json
import re
from pathlib import Path

import pytest

from aggregator.cli.eval_languages import evaluate
from aggregator.cli.eval_values import from_json, to_json
from aggregator.cli.report import error_lines
from aggregator.errors import AggError
from aggregator.lang.expr import ARGO_NAMES, BUILTINS
from aggregator.lang.sprig import FUNCTIONS

DOC = (Path(__file__).parents[3] / "docs" / "expressions.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- (\w+) (--lenient )?(\{.*?\}) -->\n```text\n(.*?)```", re.DOTALL)
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)


def examples():
    for language, lenient, variables, body in BLOCK.findall(DOC):
        for line in body.splitlines():
            text, arrow, wanted = line.rpartition("→")
            assert arrow, line
            yield pytest.param(
                language, bool(lenient), json.loads(variables), text.strip(), wanted.strip(), id=line.strip()
            )


@pytest.mark.parametrize(("language", "lenient", "variables", "text", "wanted"), list(examples()))
def test_example(language, lenient, variables, text, wanted, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    try:
        got = to_json(evaluate(language, text, from_json(variables), lenient=lenient))
    except AggError as error:
        told = "\n".join(error_lines(error))
        assert wanted.startswith("error: "), told
        assert wanted.removeprefix("error: ") in told
    else:
        assert json.loads(got) == json.loads(wanted)
        assert got == to_json(from_json(json.loads(wanted)))


def test_there_are_examples_of_every_language():
    languages = [block[0] for block in BLOCK.findall(DOC)]
    assert {"tag", "expr", "when", "depends"} <= set(languages)
    assert DOC.count("```text") == len(languages)


def test_console_examples(capfd, monkeypatch):
    import shlex

    from aggregator.__main__ import main

    monkeypatch.setenv("TZ", "UTC")
    lines = CONSOLE.search(DOC)[1].splitlines()
    for command, output in zip(lines[::2], lines[1::2], strict=True):
        words = shlex.split(command)
        assert words[:2] == ["$", "agg"]
        assert main(words[2:]) == 0
        assert capfd.readouterr().out == f"{output}\n"


def test_every_function_is_named():
    for name in (*BUILTINS, *ARGO_NAMES, *FUNCTIONS):
        assert f"`{name}`" in DOC, name


def test_links_lead_somewhere():
    headings = {
        re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", DOC, re.MULTILINE)
    }
    for link in re.findall(r"\]\(#([\w-]+)\)", DOC):
        assert link in headings
