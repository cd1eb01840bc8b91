"""Errors and sources: what they carry, how they are shown, and which errors are the machine's and not ours."""

import errno

import pytest

from aggregator.errors import (
    Diagnostic,
    EngineBug,
    InvalidWorkflow,
    TransientError,
    UsageError,
    nearest,
    of_the_machine,
    shortened,
)
from aggregator.source import Source, Span

TEXT = Source("wf.yaml", "kind: Workflow\r\nspec:\n  entrypoint: main\n")


def test_positions_count_from_one_and_stay_inside_of_the_text():
    assert TEXT.position(0) == (1, 1)
    assert TEXT.position(16) == (2, 1)
    assert TEXT.position(10_000) == TEXT.position(len(TEXT.text))
    assert TEXT.line(1) == "kind: Workflow"
    assert TEXT.line(3) == "  entrypoint: main"
    assert (TEXT.line(0), TEXT.line(99)) == ("", "")


def test_an_excerpt_has_carets_under_its_span():
    span = Span(TEXT, 24, 34)
    assert span.where() == "wf.yaml:3:3"
    line, carets = span.excerpt().splitlines()
    assert line.endswith("|   entrypoint: main")
    assert carets.count("^") == 10
    assert line[carets.index("^") :].startswith("entrypoint")


def test_a_long_line_is_cut_to_a_window_around_its_span():
    long = Source("wf.yaml", "x" * 1000 + "here" + "y" * 1000)
    line, carets = Span(long, 1000, 1004).excerpt().splitlines()
    assert "…" in line[:10]
    assert line.endswith("…")
    assert line[carets.index("^") : carets.index("^") + carets.count("^")] == "here"


def test_a_diagnostic_says_where_what_and_what_to_do():
    told = Diagnostic(
        "some-code", "it is wrong", Span(TEXT, 0, 4), "write it right", notes=((Span(TEXT, 16, 20), "see here"),)
    )
    text = told.render()
    assert text.startswith("wf.yaml:1:1: error[some-code]: it is wrong\n")
    assert "^^^^" in text
    assert "  wf.yaml:2:1: see here" in text
    assert text.endswith("  hint: write it right")
    assert "^" not in told.render(excerpt=False)
    hidden = Diagnostic("c", "m", Span(TEXT, 0, 4), private=True).render()
    assert "Workflow" not in hidden
    assert Diagnostic("c", "m").render() == "error[c]: m"


def test_a_message_that_nobody_would_read_loses_its_middle():
    assert shortened("short") == "short"
    cut = shortened("a" * 5000 + "z" * 5000, 300)
    assert cut.startswith("a" * 200)
    assert cut.endswith("z" * 100)
    assert "characters left out" in cut


def test_what_errors_carry():
    assert TransientError("busy", hint="wait", retry_after=3.0).retry_after == 3.0
    assert TransientError("busy").retry_after is None
    bug = EngineBug("odd", ["line"])
    assert (bug.exit_code, bug.story) == (70, ["line"])
    assert "report it" in bug.hint
    warning = Diagnostic("c", "only a warning", severity="warning")
    assert InvalidWorkflow([warning, Diagnostic("c", "an error")]).message == "an error"
    assert InvalidWorkflow([warning]).message == "invalid workflow"
    assert UsageError("no").exit_code == 2


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), "/data/x: no space left on device"),
        (OSError(errno.EPIPE, "Broken pipe"), ""),
        (OSError(errno.EIO, "Input/output error"), "a file, or standard output, can't be written: input/output error"),
    ],
)
def test_what_the_machine_refuses_is_no_bug(error, told):
    assert of_the_machine(error) == told


def test_the_nearest_name():
    assert nearest("retyrStrategy", ["retryStrategy", "steps"]) == "did you mean 'retryStrategy'?"
    assert nearest("zzz", ["retryStrategy", "steps"]) == ""
