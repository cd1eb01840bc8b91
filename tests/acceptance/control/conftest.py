"""Runs in the background and `agg` on terminals of their own, for the tests of control from other processes."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
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
    """An `agg` with runs in the background, and the workflows that they run."""

    WITH_DEFAULT = GATE.replace("DEFAULT", 'default: "no",')
    WITHOUT_DEFAULT = GATE.replace("DEFAULT enum", "value: x, enum")
    TWO_GATES = TWO_GATES
    TWO_STEPS = TWO_STEPS

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

    def until(self, found, what):
        return until(found, what)

    def until_phase(self, name, node, phase):
        until(lambda: self.phase(name, node) == phase or self.broken(), f"{node} to be {phase}")
        assert self.phase(name, node) == phase, self.going[-1].communicate()

    def broken(self):
        """Whether the last run has failed."""
        return bool(self.going and self.going[-1].poll())

    def end(self, process):
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


class Terminal:
    """`agg` on a terminal of its own."""

    def __init__(self, agg, *arguments, **env):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {**agg.environment, "TERM": "xterm", "PYTHONUTF8": "1", **env}
        environment.pop("NO_COLOR")
        # The terminal becomes the one that controls the process, as a shell would have it: Ctrl-C reaches it, also where
        # the tests themselves run in the background and ignore it.
        script = (
            "import fcntl, os, signal, sys, termios; signal.signal(signal.SIGINT, signal.SIG_DFL);"
            " os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
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


@pytest.fixture
def world(agg):
    world = World(agg)
    yield world
    world.close()
