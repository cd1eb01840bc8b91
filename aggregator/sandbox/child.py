"""Starts a server of the sandbox as a child process, waits until it answers, and ends it."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aggregator.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HERE = Path(__file__).parent
_LIFELINE = _HERE / "lifeline.py"
START_SECONDS = 60.0
STOP_SECONDS = 3.0


class Child:
    """One server. It has no fixed port, and dies with us: its standard input is our lifeline to it."""

    def __init__(self, script: str, settings: Mapping[str, Any], flags: Sequence[str], env: Mapping[str, str]) -> None:
        self._script = script
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._process = subprocess.Popen(
            [sys.executable, *flags, str(_LIFELINE), str(_HERE / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=dict(env),
            start_new_session=True,  # signals of the terminal are for the run, which still needs its world to end well
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(settings).encode() + b"\n")
        self._process.stdin.flush()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, seconds: float = START_SECONDS) -> str:
        """The server's base URL; StoreError with what it printed when it does not come up."""
        assert self._process.stdout is not None
        line, until = b"", time.monotonic() + seconds
        descriptor = self._process.stdout.fileno()
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
            data = self._process.stdout.readline() if ready else b""
            if not data:
                said = self._said()
                self.stop()
                raise StoreError(
                    f"the sandbox's {self._script} did not start within {seconds:g} s"
                    if not ready
                    else f"the sandbox's {self._script} ended while it started: {said or 'it said nothing'}",
                    hint="run again, or without --sandbox against real services",
                )
            line += data
        return f"http://127.0.0.1:{json.loads(line)['port']}"

    def stop(self) -> None:
        """Close the lifeline and wait; what does not end is killed. More than once does no harm."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _said(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()[-2000:]
