"""A stream that observers write to: it masks secrets, and a reader who went away never harms the run."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable


_screen: list[Callable[[str], None]] = []


def claim_screen(write: Callable[[str], None]) -> None:
    """From now on `write` gets what any outlet would write to a terminal: it redraws what it keeps on the screen."""
    _screen.append(write)


def release_screen(write: Callable[[str], None]) -> None:
    """Outlets write by themselves again."""
    if write in _screen:
        _screen.remove(write)


class Outlet:
    """Whole lines, flushed as they come. After the first failed write everything is dropped."""

    def __init__(self, stream: TextIO, mask: Callable[[str], str] = str) -> None:
        self.stream = stream
        self.mask = mask
        self._open = True

    def write(self, text: str) -> None:
        """Write text that the caller has masked."""
        if not self._open:
            return
        if _screen and self.stream.isatty():
            _screen[-1](text)
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except UnicodeEncodeError:
            encoding = self.stream.encoding or "ascii"
            self.write(text.encode(encoding, "replace").decode(encoding))
        except (OSError, ValueError):  # a pipe whose reader left, or a stream that was closed
            self._open = False


class PatientStream:
    """A text stream for others to write to, which drops what a terminal that went away can't take any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding
        self.isatty = stream.isatty
        self.fileno = stream.fileno

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()
