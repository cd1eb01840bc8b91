"""Runs a program that writes a workflow with Hera, and what it prints: `python wf.py | agg run -`."""

import json
import subprocess
import sys
import textwrap

import pytest


class Written:
    """How the run of a program's workflow ended."""

    def __init__(self, answer):
        self.answer = answer
        self.workflow = answer.json
        self.status = self.workflow["status"]
        self.phase = self.status["phase"]
        self.nodes = list(self.status["nodes"].values())

    def node(self, name):
        """The first node of this display name."""
        return next(node for node in self.nodes if node["displayName"] == name)

    def phases(self, *names):
        return [self.node(name)["phase"] for name in names]

    def parameters(self, name):
        return {p["name"]: p["value"] for p in self.node(name)["outputs"]["parameters"]}

    def result(self, name):
        return self.node(name)["outputs"]["result"]

    def log(self):
        """Every line that leaves printed, without their names."""
        lines = (line.partition(": ")[2] for line in self.answer.err.splitlines() if line.startswith(self.prefix))
        return sorted(lines)

    @property
    def prefix(self):
        return self.workflow["metadata"]["name"]


@pytest.fixture
def hera(agg):
    """`hera(program, *flags)`; the program's last act is to print a workflow's YAML."""
    pytest.importorskip("hera.workflows")

    def run(program, *flags, code=0, env=None):
        path = agg.file("wf.py", textwrap.dedent(program))
        made = subprocess.run(
            [sys.executable, str(path)], cwd=agg.folder, capture_output=True, text=True, timeout=120, check=False
        )
        assert made.returncode == 0, made.stderr
        answer = agg(
            "run", "-", "-o", "json", "--log", *flags,
            stdin=made.stdout, env={"AGG_RUNTIME": "process", "AGG_PROGRESS": "none", **(env or {})},
        )  # fmt: skip
        assert answer.code == code, f"{made.stdout}\n{answer}"
        json.loads(answer.out)
        return Written(answer)

    return run
