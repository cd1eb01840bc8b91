"""What `agg run` does where a suspend template waits: it asks on the terminal, or prints the command that answers.

Nothing is blocked by a question: the run goes on, Ctrl-C is the signal that it always is, and a question whose node goes on
by itself, or by another process, is withdrawn.
"""

from __future__ import annotations

import shlex
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TextIO, runtime_checkable

import msgspec

from aggregator.app.suspension import answer_command
from aggregator.cli.form import Form
from aggregator.cli.terminal import TerminalLines, in_background, own_terminal
from aggregator.observe.columns import one_line
from aggregator.observe.outlet import Outlet, claim_screen, release_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aggregator.app import Prepared, Runner
    from aggregator.app.suspension import Question
    from aggregator.ports import Change, Observer, Stream

TOLD = 10
"""So many commands are printed one by one; of more nodes that wait, one line tells."""
ENDED = frozenset({"Succeeded", "Failed", "Error", "Skipped", "Omitted"})


class Desk(Protocol):
    """The run, as far as it can be asked and answered."""

    def waiting(self, number: int) -> Question | None: ...

    def answer(self, number: int, parameters: Mapping[str, str]) -> None: ...


@runtime_checkable
class Screen(Protocol):
    """What draws on the terminal, and leaves it alone while a question stands there."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Asking:
    """An observer. `terminal` is the path of the terminal to ask on, empty where nobody can be asked.

    `flags` are those that a printed command has to repeat to find the run. Timed suspensions that ask for nothing are left
    alone: they go on by themselves.
    """

    def __init__(
        self,
        desk: Desk,
        run: str,
        stream: TextIO,
        mask: Callable[[str], str],
        *,
        terminal: str = "",
        screens: Sequence[Screen] = (),
        flags: Sequence[str] = (),
    ) -> None:
        self._desk = desk
        self._run = run
        self._stream = stream
        self._mask = mask
        self._outlet = Outlet(stream, mask)
        self._terminal = terminal
        self._screens = screens
        self._flags = flags
        self._waiting: dict[int, Question] = {}
        """Nodes that were neither asked about nor told of yet, by number."""
        self._told = 0
        self._form: Form | None = None
        self._lines: TerminalLines | None = None
        self._held: list[str] = []

    def on_change(self, change: Change) -> None:
        if change.type != "Suspend":
            return
        if change.phase in ENDED:
            self._waiting.pop(change.node, None)
            if self._form is not None and self._form.question.number == change.node:
                self._end(f"{change.display_name}: {change.phase}" + (f": {change.message}" if change.message else ""))
        elif change.phase == "Running" and change.kind != "message":
            question = self._desk.waiting(change.node)
            if question is not None and (question.asked or not question.timed):
                self._waiting[change.node] = question
        self._next()

    def on_output(self, node: int, stream: Stream, data: bytes) -> None:
        """What leaves print does not matter here."""

    def notice(self, text: str) -> None:
        """Others tell it."""

    def close(self) -> None:
        if self._form is not None:
            self._end("")

    def _next(self) -> None:
        """Ask about the next node, unless a question stands already; tell of all where nobody can be asked."""
        while self._waiting and self._form is None:
            question = self._waiting.pop(next(iter(self._waiting)))
            if not self._terminal or in_background(self._terminal) or not self._ask(question):
                self._tell(question)

    def _tell(self, question: Question) -> None:
        self._told += 1
        if self._told > TOLD:
            if self._told == TOLD + 1:
                self._outlet.write(
                    f"more nodes wait: agg get {self._run} shows them, agg resume {self._run} answers by their defaults\n"
                )
            return
        command = answer_command(self._run, question, self._flags)
        enums = "; ".join(f"{c.name} is one of {', '.join(c.enum)}" for c in question.asked if c.enum)
        message = f" ({question.message})" if question.message else ""
        told = f"{question.display} waits{message}: {command}" + (f"   ({enums})" if enums else "")
        self._outlet.write(one_line(self._mask(told)) + "\n")

    # ------------------------------------------------------------------ a question on the terminal

    def _ask(self, question: Question) -> bool:
        """Put the question; False when the terminal has gone away."""
        try:
            self._lines = TerminalLines(self._terminal, self._take)
        except OSError:
            self._terminal = ""
            return False
        for screen in self._screens:
            screen.pause()
        claim_screen(self._hold)
        self._form = Form(question)
        self._write("".join(f"{one_line(self._mask(line))}\n" for line in ["", *self._form.intro()]))
        self._prompt(self._form)
        return True

    def _prompt(self, form: Form) -> None:
        note = form.note()
        self._write((one_line(self._mask(note)) + "\n" if note else "") + one_line(self._mask(form.prompt)))

    def _take(self, line: str | None) -> None:
        form = self._form
        if form is None:
            return
        if line is None:  # Ctrl-D: nobody wants to be asked
            self._terminal = ""
            self._waiting = {form.question.number: form.question, **self._waiting}
            self._end("")
            self._next()
            return
        refused = form.take(line)
        if refused:
            self._write(f"{one_line(refused)}\n")
        if not form.done:
            self._prompt(form)
            return
        self._desk.answer(form.question.number, form.answers)
        self._end(None)
        self._next()

    def _end(self, told: str | None) -> None:
        """The question is over; `told` says why, on a line of its own after the prompt. None: it was answered."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        self._form = None
        if told is not None:
            self._write("\n" + (f"{one_line(self._mask(told))}\n" if told else ""))
        release_screen(self._hold)
        held, self._held = self._held, []
        for text in held:
            self._outlet.write(text)
        for screen in self._screens:
            screen.resume()

    def _hold(self, text: str) -> None:
        """What others print while the question stands comes after it."""
        self._held.append(text if text.endswith("\n") else text + "\n")

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


def asking_observers(
    runner: Runner, prepared: Prepared, screens: Sequence[object], mask: Callable[[str], str], *, home: str, ask: bool
) -> list[Observer]:
    """The observer that `agg run` adds where the workflow can suspend; `ask` allows it to use the terminal."""
    if b'"suspend"' not in msgspec.json.encode([prepared.workflow, prepared.templates]):
        return []
    flags = ["--home", home] if home else []
    if (prepared.workflow.get("spec") or {}).get("suspend"):
        command = shlex.join(["agg", "resume", prepared.name, *flags])
        Outlet(sys.stderr, mask).write(f"{prepared.name} is suspended by its spec: {command}\n")
    pausable = [screen for screen in screens if isinstance(screen, Screen)]
    terminal = own_terminal() if ask else ""
    return [Asking(runner, prepared.name, sys.stderr, mask, terminal=terminal, screens=pausable, flags=flags)]
