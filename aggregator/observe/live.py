"""The live tree on a terminal: drawn a few times a second beside the run, never by the run."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TextIO, cast

from aggregator.observe.board import Board
from aggregator.observe.columns import one_line
from aggregator.observe.frame import frame
from aggregator.observe.outlet import PatientStream, claim_screen, release_screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.live import Live
    from rich.text import Text

    from aggregator.ports import Change, Stream

FRAMES_PER_SECOND = 5
STYLES = {
    "Running": "cyan",
    "Succeeded": "green",
    "Failed": "red",
    "Error": "red",
    "Pending": "yellow",
    "Skipped": "dim",
}


class LiveTree:
    """Redraws itself in its own thread until `close`, which leaves the last frame on the screen.

    `clock`: Unix seconds, for what is shown as passing; virtual where the run's time is.
    """

    def __init__(
        self,
        stream: TextIO,
        mask: Callable[[str], str] = str,
        *,
        clock: Callable[[], float] = time.time,
        frames_per_second: float = FRAMES_PER_SECOND,
    ) -> None:
        from rich.console import Console  # noqa: PLC0415 - rich takes a while to import, and only terminals need it

        self._board = Board()
        self._mask = mask
        self._clock = clock
        self._lock = threading.Lock()
        self._console = Console(
            file=cast("TextIO", PatientStream(stream)), force_terminal=True, highlight=False, markup=False, emoji=False
        )
        self._frames_per_second = frames_per_second
        self._live: Live | None = None
        self._held: list[str] = []
        self._open = True
        self.resume()

    def on_change(self, change: Change) -> None:
        with self._lock:
            self._board.apply(change)

    def on_output(self, node: int, stream: Stream, data: bytes) -> None:
        """What leaves print is shown by `logs.py`, where it is wanted, above the tree."""

    def notice(self, text: str) -> None:
        self.print_above(one_line(self._mask(text)))

    def print_above(self, text: str) -> None:
        """Masked text that scrolls away above the tree; its colours stay."""
        if self._open and self._live is None:
            self._held.append(text)
        elif self._open:
            from rich.text import Text  # noqa: PLC0415

            self._console.print(Text.from_ansi(text.removesuffix("\n")), soft_wrap=True)

    def pause(self) -> None:
        """Leave the screen to someone else; what is to be printed above the tree waits."""
        if self._live is not None:
            release_screen(self.print_above)
            live, self._live = self._live, None
            live.stop()

    def resume(self) -> None:
        """Draw again, below whatever stands on the screen now."""
        if not self._open or self._live is not None:
            return
        from rich.live import Live  # noqa: PLC0415

        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            refresh_per_second=self._frames_per_second,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()
        claim_screen(self.print_above)
        held, self._held = self._held, []
        for text in held:
            self.print_above(text)

    def close(self) -> None:
        if self._open:
            self.resume()
            self.pause()
            self._open = False

    def _draw(self) -> Text:
        from rich.text import Text  # noqa: PLC0415

        # One column is left free: some terminals break the line when the last one is written.
        width, height = max(10, self._console.width - 1), max(4, self._console.height - 1)
        with self._lock:
            lines = frame(self._board, self._clock(), width, height, self._mask)
        text = Text(no_wrap=True, overflow="crop", end="")
        for index, (line, phase) in enumerate(lines):
            text.append(("\n" if index else "") + line, style=STYLES.get(phase))
        return text
