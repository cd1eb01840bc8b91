"""Makes the standard streams usable: closed ones lead nowhere, texts are written whole, what an encoding lacks as an escape."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import Any

ESCAPES = "agg.escapes"


def mend_streams() -> None:
    """To be called before any file is opened: a closed stream's number would go to the first one."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            try:
                os.fstat(number)
            except OSError:
                os.open(os.devnull, os.O_RDONLY if mode == "r" else os.O_WRONLY)
            setattr(sys, name, open(number, mode, closefd=False, encoding="utf-8"))  # noqa: SIM115 - lives as long as we do
    codecs.register_error(ESCAPES, _escaped)
    for name in ("stdout", "stderr"):
        _write_whole(name)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # tests and callers put other objects there
            reconfigure(errors=ESCAPES)


class _AtOnce(io.BufferedWriter):
    """Writes all of what it is given, at once."""

    def write(self, data: Any, /) -> int:
        written = super().write(data)
        self.flush()
        return written


def _write_whole(name: str) -> None:
    """Without its buffer (PYTHONUNBUFFERED) Python loses the rest of a text whose write a signal has cut short."""
    stream = getattr(sys, name)
    raw = getattr(stream, "buffer", None)
    if isinstance(raw, io.FileIO):
        whole = _AtOnce(io.FileIO(raw.fileno(), "w", closefd=False))
        setattr(sys, name, io.TextIOWrapper(whole, encoding=stream.encoding, write_through=True))


def _escaped(error: UnicodeError) -> tuple[str, int]:
    r"""`\u00e9` for a character that the encoding lacks: in JSON it still means the same."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2)), error.end
