"""`agg run` and `agg watch` on a terminal: questions, answers, Ctrl-C and Ctrl-D."""

import re

import pytest


@pytest.mark.parametrize("display", ["tree", "plain", "none"])
def test_on_a_terminal_the_run_asks_for_outputs_with_choices_and_defaults(world, display):
    file = world.agg.file("x.yaml", world.WITH_DEFAULT)
    terminal = world.terminal("run", file, "--progress", display)
    terminal.expect("approve waits for an answer")
    terminal.expect("What to say")
    terminal.expect("word (1: yes, 2: no) [no]: ")
    terminal.type("perhaps\n")
    terminal.expect("'perhaps' is none of yes, no")
    terminal.expect("[no]: ")
    terminal.type("1\n")
    seen, code = terminal.end()
    assert code == 0, seen
    assert world.nodes("gate")["say"]["inputs"]["parameters"][0]["value"] == "yes"


def test_enter_takes_the_default_and_nodes_that_ask_for_nothing_one_after_the_other(world):
    terminal = world.terminal("run", world.agg.file("x.yaml", world.WITH_DEFAULT))
    terminal.expect("[no]: ")
    terminal.type("\n")
    assert terminal.end()[1] == 0
    assert world.nodes("gate")["approve"]["outputs"]["parameters"][0]["value"] == "no"
    terminal = world.terminal("run", world.agg.file("y.yaml", world.TWO_GATES))
    terminal.expect("env: prod")
    terminal.expect("a: Enter resumes, Ctrl-C stops the run: ")
    terminal.type("no\n")
    terminal.expect("press Enter alone")
    terminal.expect("a: Enter resumes")
    terminal.type("\n")
    terminal.expect("b: Enter resumes")
    world.until_phase("gates", "a", "Succeeded")
    terminal.type("\n")
    assert terminal.end()[1] == 0


def test_ctrl_c_at_the_question_stops_the_run_as_always(world):
    terminal = world.terminal("run", world.agg.file("x.yaml", world.WITH_DEFAULT))
    terminal.expect("[no]: ")
    terminal.type("\x03")
    terminal.expect("approve: Failed: Stopped with strategy 'Stop'")
    seen, code = terminal.end()
    assert code == 130
    assert "it was Failed" not in seen
    assert world.phase("gate", "gate.onExit") == "Succeeded", "exit handlers run"


def test_ctrl_d_ends_the_asking_and_the_command_is_printed_instead(world):
    terminal = world.terminal("run", world.agg.file("x.yaml", world.WITH_DEFAULT))
    terminal.expect("[no]: ")
    terminal.type("\x04")
    terminal.expect("agg node set gate")
    assert world.agg("resume", "gate").code == 0
    assert terminal.end()[1] == 0


def test_an_answer_from_another_process_withdraws_the_question(world):
    terminal = world.terminal("run", world.agg.file("x.yaml", world.WITH_DEFAULT))
    terminal.expect("[no]: ")
    assert world.agg("node", "set", "gate", "-p", "word=yes", "--phase", "Succeeded").code == 0
    terminal.expect("approve: Succeeded")
    seen, code = terminal.end()
    assert code == 0, seen
    assert world.nodes("gate")["approve"]["outputs"]["parameters"][0]["value"] == "yes"


def test_watch_draws_on_a_terminal_also_with_filters_and_ctrl_c_ends_only_the_watching(world):
    running = world.start(world.WITH_DEFAULT)
    world.until_phase("gate", "approve", "Running")
    for flags in ([], ["--status", "Running"]):
        terminal = world.terminal("watch", "gate", *flags)
        terminal.expect("approve")
        terminal.type("\x03")
        assert terminal.end()[1] == 130
    assert running.poll() is None
    terminal = world.terminal("watch", "gate", "--status", "Succeeded")
    terminal.expect("Running (Suspended)")
    assert world.agg("resume", "gate").code == 0
    seen, code = terminal.end()
    assert code == 0
    assert "✔ say" in re.sub(r"\x1b\[\d+m", "", seen)
