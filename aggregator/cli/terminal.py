"""Whole lines from a terminal, read by the run's own loop when they are there, so that waiting for them blocks nothing."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def own_terminal() -> str:
    """The path of the terminal that standard input and error are on; empty where nobody sits there."""
    try:
        return os.ttyname(sys.stdin.fileno()) if sys.stdin.isatty() and sys.stderr.isatty() else ""
    except (OSError, ValueError, AttributeError):  # closed or replaced
        return ""


class TerminalLines:
    """Calls `take` with each line, and with None when the terminal's end is reached (Ctrl-D) or it has gone away.

    The terminal is opened once more: loops make what they watch non-blocking, and all that shares standard input (standard
    error, the shell) would suffer from that.
    """

    def __init__(self, path: str, take: Callable[[str | None], None]) -> None:
        self._take = take
        self._rest = b""
        self._file = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
        with suppress(termios.error):
            termios.tcflush(self._file, termios.TCIFLUSH)  # what was typed before the question is no answer to it
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._read)

    def close(self) -> None:
        if self._file >= 0:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _read(self) -> None:
        try:
            data = os.read(self._file, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._take(None)
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._file >= 0:
                self._take(line.decode("utf-8", "replace").removesuffix("\r"))


def in_background(path: str) -> bool:
    """Whether the shell has put this process into the background, where reading from the terminal would stop it."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        return os.tcgetpgrp(file) != os.getpgrp()
    except OSError:
        return False  # not the terminal that controls this process: it never stops it either
    finally:
        os.close(file)
