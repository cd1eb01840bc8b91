"""Standard output gets every byte, also without Python's buffer and while signals arrive."""

import os
import subprocess
import sys
import time

import pytest

WRITER = """
import signal, sys
from aggregator.cli.streams import mend_streams
mend_streams()
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
sys.stdout.write("é" * 1_500_000)
sys.stdout.flush()
signal.setitimer(signal.ITIMER_REAL, 0)
sys.stderr.write("short\\n")
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_text_is_written_whole(unbuffered):
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered, "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    time.sleep(1)  # the pipe is full by now, and the writer is interrupted again and again
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert err == b"short\n"
    assert len(out) == 3_000_000
