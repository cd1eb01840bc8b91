"""Runs that other processes act upon: several processes on one state folder, with no help from inside."""

import os
import re
import shlex
import signal
import time

from aggregator.journal.sqlite import SqliteJournal


def test_outputs_are_set_and_the_run_is_resumed_from_other_processes(world):
    running = world.start(world.WITH_DEFAULT)
    world.until_phase("gate", "approve", "Running")
    assert "Running (Suspended)" in world.agg("get", "gate").out
    answer = world.agg("node", "set", "gate", "-p", "word=yes", "-m", "for once")
    assert (answer.code, answer.out) == (0, "workflow gate: values set for approve\n")
    node = world.nodes("gate")["approve"]
    assert node["phase"] == "Running"
    assert node["message"] == "for once"
    assert node["outputs"]["parameters"][0]["value"] == "yes"
    answer = world.agg("resume", "@latest")
    assert (answer.code, answer.out) == (0, "workflow @latest (gate) resumed: approve\n")
    waited = world.agg("wait", "gate")
    assert waited.code == 0
    assert re.fullmatch(r"gate Succeeded at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", waited.out)
    assert world.end(running)[0] == 0
    assert world.nodes("gate")["say"]["inputs"]["parameters"][0]["value"] == "yes"


def test_a_resumed_node_takes_its_default_and_node_set_may_end_it_by_itself(world):
    world.start(world.WITH_DEFAULT)
    world.start(world.WITH_DEFAULT, "--name", "other")
    for name in ("gate", "other"):
        world.until_phase(name, "approve", "Running")
    assert world.agg("resume", "gate").code == 0
    answer = world.agg("node", "set", "other", "--phase", "Failed", "--message", "not today")
    assert answer.code == 0
    waited = world.agg("wait", "gate", "other")
    assert waited.code == 1, "one of them failed"
    assert "gate Succeeded" in waited.out
    assert "other Failed" in waited.out
    assert world.nodes("gate")["approve"]["outputs"]["parameters"] == [{"name": "word", "value": "no"}]
    assert world.nodes("other")["approve"]["message"] == "not today"


def test_what_does_not_fit_the_waiting_nodes_is_an_error_and_changes_nothing(world):
    world.start(world.WITHOUT_DEFAULT)
    world.until_phase("gate", "approve", "Running")
    events = world.workflow("gate")["status"]["nodes"]
    for arguments, words in [
        (["resume", "gate"], ["'word' is not set and has no default", "agg node set gate"]),
        (
            ["resume", "gate", "--node-field-selector", "displayName=aprove"],
            ["matches 'displayName=aprove'", "approve"],
        ),
        (["resume", "gate", "--node-field-selector", "dsplayName=approve"], ["no field 'dsplayName'", "displayName"]),
        (["resume", "gate", "--node-field-selector", "inputs.paramaters.word.value=x"], ["no field"]),
        (["node", "set", "gate", "-p", "wort=yes"], ["does not ask for an output parameter 'wort'", "'word'"]),
        (["node", "set", "gate", "-p", "word=perhaps"], ["one of yes, no"]),
        (["node", "set", "gate", "-p", "word"], ["NAME=VALUE"]),
        (["node", "set", "gate"], ["nothing is set"]),
        (["node", "set", "gate", "--phase", "Sucèeded"], ["--phase", "Succeeded"]),
        (["node", "set", "gate", "--phase", "Succeeded"], ["not set and has no default"]),
        (["node", "sett", "gate", "-m", "x"], ["did you mean 'set'"]),
        (["node", "set", "gat", "-m", "x"], ["did you mean 'gate'"]),
        (["stop", "gate", "--node-field-selector", "displayName=say"], ["matches"]),
        (["stop"], ["which run?"]),
    ]:
        answer = world.agg(*arguments)
        assert answer.code in (1, 2), answer
        assert answer.out == ""
        for word in words:
            assert word in answer.err, answer
    assert world.workflow("gate")["status"]["nodes"] == events
    assert world.agg("node", "set", "gate", "-p", "word=no", "--phase", "Succeeded").code == 0
    assert world.agg("wait", "gate").code == 0


def test_selectors_reach_single_nodes_also_by_values_with_commas_and_stop_fails_only_those(world):
    running = world.start(world.TWO_GATES)
    world.until_phase("gates", "b", "Running")
    answer = world.agg("resume", "gates", "--node-field-selector", r"inputs.parameters.env.value=a\,b\=c")
    assert answer.out == "workflow gates resumed: b\n", answer
    assert world.phase("gates", "b") == "Succeeded"
    assert world.phase("gates", "a") == "Running"
    answer = world.agg("stop", "gates", "--node-field-selector", "displayName=a,phase=Running", "--message", "no")
    assert answer.out == "workflow gates: a failed\n", answer
    assert world.end(running)[0] == 1
    node = world.nodes("gates")["a"]
    assert (node["phase"], node["message"]) == ("Failed", "no")
    assert "shutdown" not in world.workflow("gates")["spec"]


def test_a_suspended_run_starts_nothing_new_until_it_is_resumed(world):
    running = world.start(world.TWO_STEPS.replace("GO", str(world.go)))
    world.until_phase("steps", "first", "Running")
    answer = world.agg("suspend", "steps")
    assert (answer.code, answer.out) == (0, "workflow steps suspended\n")
    assert "Running (Suspended)" in world.agg("get", "steps").out
    world.go.touch()
    world.until_phase("steps", "first", "Succeeded")
    time.sleep(0.5)
    assert world.phase("steps", "second") == "absent"
    assert world.agg("resume", "steps").out == "workflow steps resumed\n"
    assert world.end(running)[0] == 0
    assert world.phase("steps", "second") == "Succeeded"
    assert "suspend" not in world.workflow("steps")["spec"]


def test_resuming_what_is_not_suspended_is_no_error_and_does_nothing(world):
    world.start(world.TWO_STEPS.replace("GO", "/nowhere/at/all"))
    world.until_phase("steps", "first", "Running")
    answer = world.agg("resume", "steps")
    assert (answer.code, answer.out) == (0, "workflow steps resumed: nothing in it was suspended\n")


def test_stop_runs_exit_handlers_and_terminate_does_not(world):
    for verb, handled in (("stop", True), ("terminate", False)):
        running = world.start(world.TWO_STEPS.replace("GO", "/nowhere/at/all"), "--name", verb)
        world.until_phase(verb, "first", "Running")
        answer = world.agg(verb, verb, "--message", f"{verb} it")
        assert answer.code == 0
        assert answer.out.startswith(f"workflow {verb} {verb}"), answer
        code, out, err = world.end(running)
        assert code == 1
        assert f"agg {verb}:" in err, "whoever watches the run is told"
        assert "Failed (" in out
        assert (f"{verb}.onExit" in world.nodes(verb)) == handled
        found = world.workflow(verb)
        assert found["status"]["message"] == f"{verb} it"
        assert found["spec"]["shutdown"] == verb.capitalize()


def test_stop_by_labels_leaves_other_runs_and_those_that_have_ended_alone(world):
    world.start(world.TWO_STEPS.replace("GO", "/nowhere/at/all"))
    other = world.start(world.WITH_DEFAULT)
    world.until_phase("steps", "first", "Running")
    world.until_phase("gate", "approve", "Running")
    dry = world.agg("stop", "-l", "team=red", "--dry-run")
    assert dry.out == "workflow steps stopped; exit handlers still run (dry run)\n"
    assert world.phase("steps", "first") == "Running"
    assert world.agg("stop", "-l", "team=red").out.startswith("workflow steps stopped")
    assert world.agg("wait", "steps").code == 1
    assert world.agg("stop", "-l", "team=red").out == "No workflows found\n"
    assert other.poll() is None
    answer = world.agg("terminate", "steps", "gate", "--field-selector", "metadata.name=gate")
    assert answer.code == 1, "the first has ended already"
    assert "'steps' has ended (Failed), it can't be terminated" in answer.err
    assert answer.out == "workflow gate terminated\n", "the other is terminated all the same, once"


def test_nobody_acts_upon_a_run_that_has_ended_or_whose_process_is_gone(world):
    running = world.start(world.WITH_DEFAULT)
    world.until_phase("gate", "approve", "Running")
    born = world.rows()["gate"].born
    assert born
    world.change_row("gate", born="another process")
    answer = world.agg("resume", "gate")
    assert answer.code == 1, "another process has the number now"
    assert "nobody drives it" in answer.err
    world.change_row("gate", born=born)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    for verb in (["suspend"], ["resume"], ["stop"], ["terminate"], ["node", "set", "--phase=Failed"]):
        answer = world.agg(*verb, "gate")
        assert answer.code == 1, answer
        assert f"process {running.pid} is gone" in answer.err
    for verb in ("wait", "watch"):
        answer = world.agg(verb, "gate")
        assert answer.code == 1
        assert "interrupted" in answer.err
    journal = SqliteJournal(world.agg.home / "agg.db")
    assert journal.requests(journal.run("gate").uid) == [], "nothing was left for whoever may take the run over"
    journal.close()


def test_wait_tells_of_runs_that_do_not_exist_or_have_ended_long_ago(world):
    world.agg("run", world.agg.file("x.yaml", world.TWO_STEPS.replace("[ ! -e GO ]", "false")))
    assert world.agg("wait", "steps").code == 0
    answer = world.agg("wait", "steps", "nobody")
    assert answer.code == 1
    assert "steps Succeeded" in answer.out
    assert "'nobody' not found" in answer.err
    answer = world.agg("wait", "nobody", "steps", "--ignore-not-found")
    assert (answer.code, answer.err) == (0, "")


def test_watch_follows_a_run_of_another_process_to_its_end_and_succeeds_even_if_that_failed(world):
    world.start(world.TWO_STEPS.replace("GO", str(world.go)).replace("echo second", "exit 3"))
    world.until_phase("steps", "first", "Running")
    watching = world.agg.start("watch", "steps")
    world.going.append(watching)
    only = world.agg.start("watch", "steps", "--status", "Failed", "--node-field-selector", "displayName=second")
    world.going.append(only)
    assert "Running" in watching.stdout.readline()
    world.go.touch()
    code, out, err = world.end(watching)
    assert (code, err) == (0, "")
    told = [line.split()[1:3] for line in out.splitlines()]
    for line in (["Succeeded", "[0].first"], ["Failed", "[1].second"], ["Succeeded", "onExit"]):
        assert line in told
    code, out, err = world.end(only)
    assert (code, err) == (0, "")
    assert {line.split()[2] for line in out.splitlines()} == {"steps[1].second"}
    ended = world.agg("watch", "@latest")
    assert (ended.code, ended.err) == (0, "")
    assert "[1].second" in ended.out


def test_delete_removes_rows_and_folders_and_refuses_what_runs(world):
    file = world.agg.file("x.yaml", world.TWO_STEPS.replace("[ ! -e GO ]", "false"))
    for name in ("one", "two", "three"):
        assert world.agg("run", file, "--name", name).code == 0
    running = world.start(world.WITH_DEFAULT)
    world.until_phase("gate", "approve", "Running")
    runs = world.agg.home / "runs"
    assert len(list(runs.iterdir())) == 4
    assert world.agg("delete").code == 2
    assert world.agg("delete", "one", "--dry-run").out == "workflow one deleted (dry run)\n"
    answer = world.agg("delete", "one", "nobody", "gate")
    assert answer.code == 1
    assert answer.out == "workflow one deleted\n"
    assert "'nobody' not found" in answer.err
    assert "still runs" in answer.err
    assert world.agg("delete", "--older", "1h").out == "No workflows found\n"
    assert world.agg("delete", "--completed", "--prefix", "tw").out == "workflow two deleted\n"
    assert sorted(world.rows()) == ["gate", "three"]
    answer = world.agg("delete", "--all", "--force")
    assert answer.code == 0, answer
    assert world.end(running)[0] == 1
    assert world.rows() == {}
    assert list(runs.iterdir()) == []
    assert world.agg("run", file, "--name", "one").code == 0, "the name is free"


def test_a_run_without_a_terminal_prints_the_command_that_answers(world):
    running = world.start(world.WITH_DEFAULT)
    line = world.until(lambda: next((told for told in running.stderr if "waits" in told), ""), "the command")
    command = re.search(r"agg node set .*--phase Succeeded", line)[0]
    assert "word is one of yes, no" in line
    assert world.agg(*shlex.split(command.replace("word=no", "word=yes"))[1:]).code == 0
    assert world.end(running)[0] == 0
    assert world.nodes("gate")["say"]["inputs"]["parameters"][0]["value"] == "yes"


def test_a_node_that_asks_for_nothing_and_goes_on_by_itself_is_not_told_of(world):
    text = world.TWO_GATES.replace("suspend: {}", "suspend: {duration: '1'}")
    answer = world.agg("run", world.agg.file("x.yaml", text))
    assert answer.code == 0
    assert "waits" not in answer.err
    answer = world.agg("run", world.agg.folder / "x.yaml", "--name", "again", "--detach-on-suspend")
    assert answer.code == 0, "it goes on by itself, so there is no reason to leave it"


def test_a_run_that_only_waits_is_left_when_the_user_wants_that(world):
    beside = "- - {name: first, template: first}\n        - - {name: second, template: second}"
    assert beside in world.TWO_STEPS
    both = "- - {name: first, template: first}\n          - {name: second, template: second}"
    text = world.TWO_STEPS.replace(beside, both).replace("GO", str(world.go))
    text = text.replace("container: {image: alpine, command: [sh, -c], args: ['echo second']}", "suspend: {}")
    running = world.start(text, "--detach-on-suspend")
    world.until_phase("steps", "second", "Running")
    world.until_phase("steps", "first", "Running")
    assert running.poll() is None, "something else is at work"
    world.go.touch()
    code, out, err = world.end(running)
    assert code == 5
    assert "Running (Suspended)" in out
    assert "nobody drives it now" in err
    assert world.phase("steps", "first") == "Succeeded"
    assert world.rows()["steps"].phase == "Running"
    assert "detached" in world.agg("list").out
    for command in (["resume", "steps"], ["wait", "steps"]):
        answer = world.agg(*command)
        assert answer.code == 1
        assert "detach" in answer.err
    assert world.agg("delete", "steps").code == 0


def test_a_run_that_is_suspended_by_its_spec_says_how_it_is_started(world):
    running = world.start(
        world.TWO_STEPS.replace("spec:\n", "spec:\n  suspend: true\n").replace("[ ! -e GO ]", "false")
    )
    line = world.until(lambda: next((told for told in running.stderr if "suspended" in told), ""), "the command")
    command = line[line.index("agg resume") :]
    world.until(lambda: world.rows().get("steps") and world.rows()["steps"].phase == "Running", "the run")
    assert world.nodes("steps") == {}
    assert world.agg(*shlex.split(command)[1:]).code == 0
    assert world.end(running)[0] == 0
    left = world.agg("run", world.agg.folder / "wf0.yaml", "--name", "left", "--detach-on-suspend")
    assert left.code == 5
