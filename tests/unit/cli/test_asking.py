"""Where nobody can be asked: which suspended nodes are told of, and how; and a tree that leaves the screen to a question."""

import io

import pytest

from aggregator.app.suspension import Choice, Question
from aggregator.cli.asking import Asking
from aggregator.observe.live import LiveTree
from aggregator.observe.outlet import Outlet
from aggregator.ports import Change


class Desk:
    """A run whose nodes wait as they are told to."""

    def __init__(self, *questions):
        self.questions = {question.number: question for question in questions}

    def waiting(self, number):
        return self.questions.get(number)

    def answer(self, number, parameters):
        raise AssertionError("nobody was asked")


def question(number, *asked, timed=False, message=""):
    return Question(number, f"wf-{number}", f"wf.n{number}", f"n{number}", "t", message, (), asked, timed, shared=False)


def change(number, phase="Running", kind="created", type_="Suspend"):
    name = f"wf.n{number}"
    return Change(
        at=0.0, kind=kind, node=number, id=f"wf-{number}", name=name, display_name=f"n{number}", type=type_, phase=phase
    )


@pytest.fixture
def asked():
    def make(*questions, **more):
        stream = io.StringIO()
        asking = Asking(Desk(*questions), "wf", stream, lambda text: text.replace("hunter2", "***"), **more)
        for number in [q.number for q in questions]:
            asking.on_change(change(number))
        return asking, stream

    return make


def test_each_node_gets_one_line_with_its_command_its_choices_and_no_secret(asked):
    asking, stream = asked(
        question(1, Choice("a", None, ("x", "y"))), question(2, message="of hunter2"), flags=["--home", "a b"]
    )
    first, second = stream.getvalue().splitlines()
    command = (
        "agg node set wf --node-field-selector displayName=n1 --output-parameter a=x --phase Succeeded --home 'a b'"
    )
    assert first == f"n1 waits: {command}   (a is one of x, y)"
    assert second == "n2 waits (of ***): agg resume wf --node-field-selector displayName=n2 --home 'a b'"
    asking.on_change(change(1, kind="message"))
    asking.on_change(change(1, "Succeeded", "finished"))
    asking.notice("x")
    asking.on_output(1, "stdout", b"x")
    asking.close()
    assert len(stream.getvalue().splitlines()) == 2


def test_nodes_that_go_on_by_themselves_are_told_of_only_if_they_ask_for_outputs(asked):
    _, stream = asked(question(1, timed=True), question(2, Choice("a", "1"), timed=True))
    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["n2"]


def test_other_nodes_and_nodes_that_wait_no_more_are_none_of_its_business(asked):
    asking, stream = asked()
    asking.on_change(change(1, type_="Pod"))
    asking.on_change(change(1))
    assert stream.getvalue() == ""


def test_of_very_many_nodes_only_the_first_are_told_one_by_one(asked):
    _, stream = asked(*(question(number) for number in range(50)))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[-1].startswith("more nodes wait: agg get wf")


def test_where_the_terminal_is_gone_the_command_is_printed(asked):
    _, stream = asked(question(1), terminal="/dev/there/is/none")
    assert stream.getvalue().startswith("n1 waits: agg resume wf")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True

    def fileno(self):
        raise OSError


def test_a_paused_tree_keeps_what_it_is_told_until_it_draws_again():
    stream = Terminal()
    tree = LiveTree(stream, frames_per_second=1)
    tree.pause()
    tree.pause()
    before = stream.getvalue()
    tree.notice("told meanwhile")
    tree.on_change(change(1))
    Outlet(stream).write("from elsewhere\n")
    assert stream.getvalue() == before + "from elsewhere\n", "a screen that nobody claims takes it as it comes"
    tree.resume()
    tree.resume()
    assert "told meanwhile" in stream.getvalue()
    Outlet(stream).write("above\n")
    tree.pause()
    tree.notice("last")
    tree.close()
    tree.close()
    assert "last" in stream.getvalue()
    tree.resume()
    size = len(stream.getvalue())
    tree.notice("too late")
    assert len(stream.getvalue()) == size
