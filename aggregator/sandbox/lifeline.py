"""Runs one server of the sandbox (`python lifeline.py SERVER.py`) and ends it when its parent ends, even by kill -9.

The parent holds the other end of standard input: when the kernel closes it, reading gives nothing more. (A death signal
by prctl would fire when the *thread* that started us ends.) The first line is the server's settings, as JSON.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _settings() -> dict[str, object]:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)  # byte by byte: whatever follows the line is the watching thread's
        if not byte:
            os._exit(0)
        line += byte
    found: dict[str, object] = json.loads(line)
    return found


if __name__ == "__main__":
    # Ctrl-C on the terminal reaches the whole process group, but the run's exit handler still needs the sandbox.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = _settings()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    runpy.run_path(sys.argv[1], {"SETTINGS": settings}, run_name="__sandbox__")
