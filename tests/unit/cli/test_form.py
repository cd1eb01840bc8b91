"""The dialogue about a suspended node: one prompt for each output, choices by text or number, defaults by Enter."""

import pytest

from aggregator.app.suspension import Choice, Question
from aggregator.cli.form import Form


def question(*asked, message="", inputs=(), template="gate"):
    return Question(
        number=1,
        id="wf-1",
        name="wf.gate",
        display="gate",
        template=template,
        message=message,
        inputs=tuple(inputs),
        asked=asked,
        timed=False,
        shared=False,
    )


def test_what_asks_for_nothing_takes_enter_alone():
    form = Form(question(message="look first", inputs=[Choice("env", "prod", (), "where"), Choice("x", "")]))
    assert form.intro() == ["gate waits for an answer", "  look first", "  env: prod  (where)", "  x: "]
    assert form.prompt.startswith("gate: Enter resumes")
    assert form.note() == ""
    assert "Enter alone" in form.take("no")
    assert not form.done
    assert form.take("  ") == ""
    assert form.done
    assert form.answers == {}


def test_each_output_is_asked_for_in_turn_and_inputs_of_the_same_name_are_not_shown_twice():
    form = Form(question(Choice("a", None, (), "the first"), Choice("b", "2"), inputs=[Choice("b", "2")], template="t"))
    assert form.intro() == ["gate (template t) waits for an answer"]
    assert (form.note(), form.prompt) == ("  a: the first", "a: ")
    assert "no default" in form.take("")
    assert form.take(" x ") == "", "text is taken as it is, with its spaces"
    assert (form.note(), form.prompt, form.done) == ("", "b [2]: ", False)
    assert form.take("") == ""
    assert form.done
    assert form.answers == {"a": " x ", "b": "2"}


@pytest.mark.parametrize(
    ("entered", "value"),
    [("YES", "YES"), ("1", "YES"), ("2", "NO"), ("3", "7"), (" NO ", "NO"), ("7", "7"), ("", "NO")],
)
def test_a_choice_is_made_by_its_text_or_its_number(entered, value):
    form = Form(question(Choice("a", "NO", ("YES", "NO", "7"))))
    assert form.prompt == "a (1: YES, 2: NO, 3: 7) [NO]: "
    assert form.take(entered) == ""
    assert form.answers == {"a": value}


@pytest.mark.parametrize("entered", ["0", "4", "yes", "², "])
def test_what_is_no_choice_is_told_and_asked_for_again(entered):
    form = Form(question(Choice("a", "NO", ("YES", "NO", "7"))))
    assert "is none of YES, NO, 7" in form.take(entered)
    assert not form.done
