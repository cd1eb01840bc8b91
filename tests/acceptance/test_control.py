"""Runs that other processes act upon: several processes on one state folder, with no help from inside."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from aggregator.app import load_status
from aggregator.errors import NotFound
from aggregator.journal.sqlite import SqliteJournal

GATE = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: gate, labels: {team: blue}}
spec:
  entrypoint: main
  onExit: bye
  templates:
    - name: main
      steps:
        - - {name: approve, template: approve}
        - - {name: say, template: say, arguments: {parameters: [{name: word, value: "{{steps.approve.outputs.parameters.word}}"}]}}
    - name: approve
      suspend: {}
      inputs: {parameters: [{name: word, DEFAULT enum: ["yes", "no"], description: What to say}]}
      outputs: {parameters: [{name: word, valueFrom: {supplied: {}}}]}
    - name: say
      inputs: {parameters: [{name: word}]}
      container: {image: alpine, command: [sh, -c], args: ['echo "said {{inputs.parameters.word}}"']}
    - name: bye
      container: {image: alpine, command: [sh, -c], args: ['echo "it was {{workflow.status}}"']}
"""
WITH_DEFAULT = GATE.replace("DEFAULT", 'default: "no",')
WITHOUT_DEFAULT = GATE.replace("DEFAULT enum", "value: x, enum")

TWO_GATES = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: gates}
spec:
  entrypoint: main
  templates:
    - name: main
      failFast: false
      dag:
        tasks:
          - {name: a, template: gate, arguments: {parameters: [{name: env, value: prod}]}}
          - {name: b, template: gate, arguments: {parameters: [{name: env, value: "a,b=c"}]}}
    - name: gate
      inputs: {parameters: [{name: env}]}
      suspend: {}
"""

TWO_STEPS = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: steps, labels: {team: red}}
spec:
  entrypoint: main
  onExit: bye
  templates:
    - name: main
      steps:
        - - {name: first, template: first}
        - - {name: second, template: second}
    - name: first
      container: {image: alpine, command: [sh, -c], args: ['while [ ! -e GO ]; do sleep 0.05; done; echo went']}
    - name: second
      container: {image: alpine, command: [sh, -c], args: ['echo second']}
    - name: bye
      container: {image: alpine, command: [sh, -c], args: ['echo bye']}
"""


def until(found, what):
    """Wait for a condition; the limit is far from what it takes."""
    limit = time.monotonic() + 90
    while time.monotonic() < limit:
        if answer := found():
            return answer
        time.sleep(0.05)
    return pytest.fail(f"waited in vain for {what}")


class World:
    """An `agg` with runs in the background."""

    def __init__(self, agg):
        self.agg = agg
        self.going = []
        self.terminals = []
        self.go = agg.folder / "signals" / "go"
        """A file that leaves can see: they may be shut up in a file system of their own."""
        self.go.parent.mkdir()
        agg.environment["AGG_PROCESS_WRITABLE"] = str(self.go.parent)

    def start(self, text, *flags, **options):
        path = self.agg.file(f"wf{len(self.going)}.yaml", text)
        process = self.agg.start("run", path, *flags, **options)
        self.going.append(process)
        return process

    def terminal(self, *arguments):
        found = Terminal(self.agg, *arguments)
        self.terminals.append(found)
        return found

    def close(self):
        for process in [*self.going, *(terminal.process for terminal in self.terminals)]:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for terminal in self.terminals:
            terminal.close()

    def rows(self):
        if not (self.agg.home / "agg.db").exists():
            return {}
        journal = SqliteJournal(self.agg.home / "agg.db")
        rows = {row.name: row for row in journal.runs()}
        journal.close()
        return rows

    def change_row(self, name, **fields):
        journal = SqliteJournal(self.agg.home / "agg.db")
        row = journal.run(name)
        for field, value in fields.items():
            setattr(row, field, value)
        journal.append(row.uid, [], row)
        journal.close()

    def workflow(self, name):
        journal = SqliteJournal(self.agg.home / "agg.db")
        try:
            return load_status(journal, journal.run(name).uid)
        except NotFound:
            return {}
        finally:
            journal.close()

    def nodes(self, name):
        if name not in self.rows():
            return {}
        found = (self.workflow(name).get("status") or {}).get("nodes") or {}
        return {node["displayName"]: node for node in found.values()}

    def phase(self, name, node):
        return self.nodes(name).get(node, {}).get("phase", "absent")

    def until_phase(self, name, node, phase):
        until(lambda: self.phase(name, node) == phase, f"{node} to be {phase}")

    def end(self, process):
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


@pytest.fixture
def world(agg):
    world = World(agg)
    yield world
    world.close()


def test_outputs_are_set_and_the_run_is_resumed_from_other_processes(world):
    running = world.start(WITH_DEFAULT)
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
    world.start(WITH_DEFAULT)
    world.start(WITH_DEFAULT, "--name", "other")
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
    world.start(WITHOUT_DEFAULT)
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
    running = world.start(TWO_GATES)
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
    running = world.start(TWO_STEPS.replace("GO", str(world.go)))
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
    world.start(TWO_STEPS.replace("GO", "/nowhere/at/all"))
    world.until_phase("steps", "first", "Running")
    answer = world.agg("resume", "steps")
    assert (answer.code, answer.out) == (0, "workflow steps resumed: nothing in it was suspended\n")


def test_stop_runs_exit_handlers_and_terminate_does_not(world):
    for verb, handled in (("stop", True), ("terminate", False)):
        running = world.start(TWO_STEPS.replace("GO", "/nowhere/at/all"), "--name", verb)
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
    world.start(TWO_STEPS.replace("GO", "/nowhere/at/all"))
    other = world.start(WITH_DEFAULT)
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
    running = world.start(WITH_DEFAULT)
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
    world.agg("run", world.agg.file("x.yaml", TWO_STEPS.replace("[ ! -e GO ]", "false")))
    assert world.agg("wait", "steps").code == 0
    answer = world.agg("wait", "steps", "nobody")
    assert answer.code == 1
    assert "steps Succeeded" in answer.out
    assert "'nobody' not found" in answer.err
    answer = world.agg("wait", "nobody", "steps", "--ignore-not-found")
    assert (answer.code, answer.err) == (0, "")


def test_watch_follows_a_run_of_another_process_to_its_end_and_succeeds_even_if_that_failed(world):
    world.start(TWO_STEPS.replace("GO", str(world.go)).replace("echo second", "exit 3"))
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
    file = world.agg.file("x.yaml", TWO_STEPS.replace("[ ! -e GO ]", "false"))
    for name in ("one", "two", "three"):
        assert world.agg("run", file, "--name", name).code == 0
    running = world.start(WITH_DEFAULT)
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
    running = world.start(WITH_DEFAULT)
    line = until(lambda: next((told for told in running.stderr if "waits" in told), ""), "the command")
    command = re.search(r"agg node set .*--phase Succeeded", line)[0]
    assert "word is one of yes, no" in line
    assert world.agg(*shlex.split(command.replace("word=no", "word=yes"))[1:]).code == 0
    assert world.end(running)[0] == 0
    assert world.nodes("gate")["say"]["inputs"]["parameters"][0]["value"] == "yes"


def test_a_node_that_asks_for_nothing_and_goes_on_by_itself_is_not_told_of(world):
    text = TWO_GATES.replace("suspend: {}", "suspend: {duration: '1'}")
    answer = world.agg("run", world.agg.file("x.yaml", text))
    assert answer.code == 0
    assert "waits" not in answer.err
    answer = world.agg("run", world.agg.folder / "x.yaml", "--name", "again", "--detach-on-suspend")
    assert answer.code == 0, "it goes on by itself, so there is no reason to leave it"


def test_a_run_that_only_waits_is_left_when_the_user_wants_that(world):
    beside = "- - {name: first, template: first}\n        - - {name: second, template: second}"
    assert beside in TWO_STEPS
    both = "- - {name: first, template: first}\n          - {name: second, template: second}"
    text = TWO_STEPS.replace(beside, both).replace("GO", str(world.go))
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
    running = world.start(TWO_STEPS.replace("spec:\n", "spec:\n  suspend: true\n").replace("[ ! -e GO ]", "false"))
    line = until(lambda: next((told for told in running.stderr if "suspended" in told), ""), "the command")
    command = line[line.index("agg resume") :]
    until(lambda: world.rows().get("steps") and world.rows()["steps"].phase == "Running", "the run")
    assert world.nodes("steps") == {}
    assert world.agg(*shlex.split(command)[1:]).code == 0
    assert world.end(running)[0] == 0
    left = world.agg("run", world.agg.folder / "wf0.yaml", "--name", "left", "--detach-on-suspend")
    assert left.code == 5


# ---------------------------------------------------------------------- on a terminal


class Terminal:
    """`agg` on a terminal of its own."""

    def __init__(self, agg, *arguments, **env):
        import fcntl
        import pty
        import struct
        import termios

        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {**agg.environment, "TERM": "xterm", "PYTHONUTF8": "1", **env}
        environment.pop("NO_COLOR")
        # The terminal becomes the one that controls the process, as a shell would have it: Ctrl-C reaches it.
        script = (
            "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
            " os.execv(sys.executable, [sys.executable, '-m', 'aggregator', *sys.argv[1:]])"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=agg.folder,
            env=environment,
        )
        os.close(slave)
        self.seen = ""

    def expect(self, text):
        """Read until the text has come."""
        limit = time.monotonic() + 90
        while text not in self.seen:
            if time.monotonic() > limit or not self._read():
                pytest.fail(f"waited in vain for {text!r}; the terminal showed {self.seen!r}")
        _, _, self.seen = self.seen.partition(text)

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        """Read to the end: everything shown since the last expectation, and the exit code."""
        while self._read():
            pass
        return self.seen, self.process.wait(timeout=60)

    def close(self):
        os.close(self.master)

    def _read(self):
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            return False
        self.seen += data.decode("utf-8", "replace")
        return bool(data)


@pytest.mark.parametrize("display", ["tree", "plain", "none"])
def test_on_a_terminal_the_run_asks_for_outputs_with_choices_and_defaults(world, display):
    file = world.agg.file("x.yaml", WITH_DEFAULT)
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
    terminal = world.terminal("run", world.agg.file("x.yaml", WITH_DEFAULT))
    terminal.expect("[no]: ")
    terminal.type("\n")
    assert terminal.end()[1] == 0
    assert world.nodes("gate")["approve"]["outputs"]["parameters"][0]["value"] == "no"
    terminal = world.terminal("run", world.agg.file("y.yaml", TWO_GATES))
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
    terminal = world.terminal("run", world.agg.file("x.yaml", WITH_DEFAULT))
    terminal.expect("[no]: ")
    terminal.type("\x03")
    terminal.expect("approve: Failed: Stopped with strategy 'Stop'")
    seen, code = terminal.end()
    assert code == 130
    assert "it was Failed" not in seen
    assert world.phase("gate", "gate.onExit") == "Succeeded", "exit handlers run"


def test_ctrl_d_ends_the_asking_and_the_command_is_printed_instead(world):
    terminal = world.terminal("run", world.agg.file("x.yaml", WITH_DEFAULT))
    terminal.expect("[no]: ")
    terminal.type("\x04")
    terminal.expect("agg node set gate")
    assert world.agg("resume", "gate").code == 0
    assert terminal.end()[1] == 0


def test_an_answer_from_another_process_withdraws_the_question(world):
    terminal = world.terminal("run", world.agg.file("x.yaml", WITH_DEFAULT))
    terminal.expect("[no]: ")
    assert world.agg("node", "set", "gate", "-p", "word=yes", "--phase", "Succeeded").code == 0
    terminal.expect("approve: Succeeded")
    seen, code = terminal.end()
    assert code == 0, seen
    assert world.nodes("gate")["approve"]["outputs"]["parameters"][0]["value"] == "yes"


def test_watch_draws_on_a_terminal_also_with_filters_and_ctrl_c_ends_only_the_watching(world):
    running = world.start(WITH_DEFAULT)
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
