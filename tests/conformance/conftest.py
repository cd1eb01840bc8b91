"""The corpus of recorded cases and the tool that judges them, and a stage on which a case's steps are real `agg` processes."""

import contextlib
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

from aggregator.app import load_status
from aggregator.journal.sqlite import SqliteJournal

BESIDE = pathlib.Path(__file__).parents[3] / "shared"
CORPUS = pathlib.Path(os.environ.get("AGG_CORPUS") or BESIDE / "argo")
TOOL = BESIDE / "tools" / "conformance"


def beside(path):
    """A file that only the project's own machines have: CI must have it, elsewhere the test is skipped."""
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"CI must have {path}")
        pytest.skip(f"needs {path}, which is not beside this repository; AGG_CORPUS names the cases' folder")
    return path


@pytest.fixture(scope="session")
def tool_path():
    return beside(TOOL)


@pytest.fixture(scope="session")
def corpus():
    beside(CORPUS / "run.json")
    return CORPUS


@pytest.fixture(scope="session")
def tool(tool_path):
    """The tool as a module: its rules for documents, node checks and whole trees are the ones that count."""
    loader = importlib.machinery.SourceFileLoader("conformance_tool", str(tool_path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("conformance_tool", loader))
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # its folder may be read-only
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = written
    return module


@pytest.fixture
def stage(tool, tmp_path):
    """Makes a stage for one case."""
    made = []

    def make(case, runtime):
        made.append(Stage(tool, tmp_path, case, runtime))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


class Stage:
    """A folder, an $AGG_HOME and the runs that a case has started, each a process of its own."""

    LIMIT = 150  # seconds; far from what a step takes

    def __init__(self, tool, folder, case, runtime):
        self.folder, self.case, self.runtime = folder, case, runtime
        self.beside = tool.write_documents(folder, case) if case.get("yaml") else []
        shims = tool.HERE / "shims"
        images = (("argoproj/argosay:v2", "argosay"), ("argoproj/argosay:v1", "cowsay"))
        (folder / "agg.toml").write_text(
            "".join(f'[process.images."{i}"]\nentrypoint = ["{c}"]\npath = ["{shims}"]\n' for i, c in images)
        )
        self.environment = {
            **os.environ,
            "AGG_HOME": str(folder / "home"),
            "NO_COLOR": "1",
            "PATH": f"{shims}:{os.environ['PATH']}",
        }
        self.runs = []
        """Of each run, in order: its process and its name once known."""
        self.documents = []
        """The finished Workflow objects."""

    # ------------------------------------------------------------------ processes

    def agg(self, *arguments):
        """One command, to its end: (exit code, stdout, stderr)."""
        done = subprocess.run(
            [sys.executable, "-m", "aggregator", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.LIMIT,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def start(self, *arguments):
        """A run in the background; returns once the run has a name or the process has ended."""
        before = set(self.names())
        number = len(self.runs)
        out, err = (self.folder / f"{number}.{kind}" for kind in ("out", "err"))
        flags = ["-o", "json", "--no-strict", "--runtime", self.runtime, "--config", "agg.toml"]
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "aggregator", "run", *map(str, arguments), *flags],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        self.runs.append({"process": process, "name": None, "out": out, "err": err})
        made = self.until(lambda: set(self.names()) - before or process.poll() is not None, "the run's name")
        if made is not True:
            self.runs[-1]["name"] = made.pop()

    def close(self):
        for run in self.runs:
            if run["process"].poll() is None:
                run["process"].kill()
            run["process"].wait()

    # ------------------------------------------------------------------ what the runs look like

    def journal(self):
        """Read here and not by an `agg` each time: what is waited for may last for seconds only."""
        return contextlib.closing(SqliteJournal(self.folder / "home" / "agg.db"))

    def names(self):
        if not (self.folder / "home" / "agg.db").exists():
            return []
        with self.journal() as journal:
            return [row.name for row in journal.runs()]

    @property
    def name(self):
        return self.runs[-1]["name"]

    def status(self):
        """The status of the last run, as it is now."""
        if self.ended():
            return self.end()["status"]
        with self.journal() as journal:
            return load_status(journal, journal.run(self.name).uid).get("status") or {}

    def ended(self):
        return self.runs[-1]["process"].poll() is not None

    def end(self):
        """Wait for every run, and read the finished objects."""
        for run in self.runs[len(self.documents) :]:
            code = run["process"].wait(timeout=self.LIMIT)
            text = run["out"].read_text()
            assert text.startswith("{"), f"exit {code}, no JSON on stdout: {run['err'].read_text()[-600:]}"
            document = json.loads(text)
            phase = (document.get("status") or {}).get("phase")
            assert (code == 0) == (phase == "Succeeded"), f"exit code {code} for phase {phase}"
            run["name"] = document["metadata"]["name"]
            self.documents.append(document)
        return self.documents[-1]

    def until(self, found, what):
        limit = time.monotonic() + self.LIMIT
        while time.monotonic() < limit:
            if answer := found():
                return answer
            time.sleep(0.1)
        return pytest.fail(f"waited in vain for {what}: {[r['err'].read_text()[-400:] for r in self.runs]}")
