"""Starts programs from threads by the C library's posix_spawn, so that the event loop goes on while the kernel loads them.

Python's own ways hold the interpreter's lock until the new program is loaded: on a busy machine that takes longer than
everything else an attempt costs. A call through ctypes does not hold it.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import queue
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

THREADS = 4
"""So many programs are loaded at the same time; more only wait for the same processors."""
_SET_SIGNAL_DEFAULTS, _SET_SIGNAL_MASK, _SET_SESSION = 0x04, 0x08, 0x80
_IGNORED_BY_PYTHON = (13, 25)
"""SIGPIPE and SIGXFSZ: Python ignores them, programs expect not to."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is to be started, in a session of its own: `argv[0]` is a path, no descriptor but the three is handed on."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    stdin: int
    stdout: int
    stderr: int


class _Spawn:
    """posix_spawn of this C library; AttributeError when it lacks a part that we need (musl, older glibc)."""

    def __init__(self) -> None:
        library: Any = ctypes.CDLL(None)
        self._library = library
        for name in ("addchdir_np", "addclosefrom_np", "adddup2", "init", "destroy"):
            getattr(library, f"posix_spawn_file_actions_{name}")
        library.posix_spawn.argtypes = [ctypes.c_void_p, ctypes.c_char_p, *[ctypes.c_void_p] * 4]
        library.posix_spawn.restype = ctypes.c_int
        # Larger than the structures of any C library.
        self._attributes = ctypes.create_string_buffer(1024)
        self._defaults = ctypes.create_string_buffer(256)
        self._mask = ctypes.create_string_buffer(256)
        library.posix_spawnattr_init(self._attributes)
        library.sigemptyset(self._defaults)
        library.sigemptyset(self._mask)
        for number in _IGNORED_BY_PYTHON:
            library.sigaddset(self._defaults, number)
        flags = _SET_SIGNAL_DEFAULTS | _SET_SIGNAL_MASK | _SET_SESSION
        library.posix_spawnattr_setflags(self._attributes, ctypes.c_short(flags))
        library.posix_spawnattr_setsigdefault(self._attributes, self._defaults)
        library.posix_spawnattr_setsigmask(self._attributes, self._mask)

    def __call__(self, program: Program) -> int:
        library = self._library
        argv = _strings([os.fsencode(word) for word in program.argv])
        env = _strings([os.fsencode(f"{name}={value}") for name, value in program.env.items()])
        actions = ctypes.create_string_buffer(256)
        library.posix_spawn_file_actions_init(actions)
        try:
            for number, descriptor in enumerate((program.stdin, program.stdout, program.stderr)):
                library.posix_spawn_file_actions_adddup2(actions, descriptor, number)
            library.posix_spawn_file_actions_addchdir_np(actions, os.fsencode(program.cwd))
            library.posix_spawn_file_actions_addclosefrom_np(actions, 3)
            pid = ctypes.c_int()
            path = os.fsencode(program.argv[0])
            error = library.posix_spawn(ctypes.byref(pid), path, actions, self._attributes, argv, env)
        finally:
            library.posix_spawn_file_actions_destroy(actions)
        if error:
            missing = program.argv[0] if os.path.isdir(program.cwd) else program.cwd
            raise OSError(error, os.strerror(error), missing)
        return pid.value


def _strings(words: Sequence[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(words) + 1))(*words, None)


def _by_popen(program: Program) -> int:
    """The way that every system has."""
    process = subprocess.Popen(
        program.argv,
        env=program.env,
        cwd=program.cwd,
        stdin=program.stdin,
        stdout=program.stdout,
        stderr=program.stderr,
        start_new_session=True,
    )
    process.returncode = 0  # the one who asked reaps it
    return process.pid


def _best() -> Callable[[Program], int]:
    try:
        return _Spawn()
    except (AttributeError, OSError):
        return _by_popen


class _Threads:
    """Threads that start programs; made with the first one, shared by all runtimes of this process."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[Program, asyncio.AbstractEventLoop, asyncio.Future[int]]] = (
            queue.SimpleQueue()
        )
        self._spawn: Callable[[Program], int] | None = None

    def order(self, program: Program) -> asyncio.Future[int]:
        if self._spawn is None:
            self._spawn = _best()
            for number in range(THREADS):
                threading.Thread(target=self._work, name=f"spawn-{number}", daemon=True).start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[int] = loop.create_future()
        self._orders.put((program, loop, answer))
        return answer

    def _work(self) -> None:
        spawn = self._spawn
        assert spawn is not None
        while True:
            program, loop, answer = self._orders.get()
            tell: Callable[[], None]
            try:
                tell = partial(answer.set_result, spawn(program))
            except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked must hear of it
                tell = partial(answer.set_exception, error)
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody asks any more
                loop.call_soon_threadsafe(tell)


_threads = _Threads()


def order(program: Program) -> asyncio.Future[int]:
    """Let the program be started; nobody may cancel the future, since the process comes anyway."""
    return _threads.order(program)


def start_now(program: Program) -> int:
    """Start the program in this thread, which waits until it is loaded."""
    return _best()(program)
