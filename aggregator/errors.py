"""The exception tree, diagnostics and exit codes.

AggError (exit 1)
├── UsageError (2)            a flag, argument or setting is wrong
├── InvalidWorkflow (3)       the document is wrong; carries every Diagnostic found
├── Unsupported (4)           valid for Argo, but cannot run on one machine
├── LockHeld (7)              another process holds the `--lock`
├── NotFound (1)              a run, file or object that was named does not exist
├── LanguageError (1)         an expression, tag, condition or layout is wrong
│   └── LimitExceeded         a named limit of the small languages was passed
├── StoreError (1)            an artifact store, journal or cloud call failed for good
│   └── TransientError        the same, but worth another try
└── EngineBug (70)            a bug of ours: an event that does not fit the state
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aggregator.source import Span

Severity = Literal["error", "warning", "note"]
LONGEST_MESSAGE = 2000

EXIT_CODES: dict[int, str] = {
    0: "Succeeded",
    1: "Failed or Error (or any other failed command)",
    2: "usage: a flag, argument or setting is wrong",
    3: "invalid workflow",
    4: "a feature that can't run locally",
    5: "suspended and detached",
    6: "deadline exceeded",
    7: "already running (`--lock`)",
    70: "a bug of ours",
    130: "ended by Ctrl-C (SIGINT)",
    143: "ended by SIGTERM",
}


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a document: what is wrong, where, and what to do."""

    code: str
    message: str
    span: Span | None = None
    hint: str = ""
    severity: Severity = "error"
    notes: tuple[tuple[Span, str], ...] = ()
    private: bool = False
    """The line may hold a secret: its place is told, its text is not shown."""

    def render(self, *, excerpt: bool = True) -> str:
        """`file:line:col: error[code]: message`, with a caret excerpt and the hint below."""
        place = f"{self.span.where()}: " if self.span else ""
        lines = [f"{place}{self.severity}[{self.code}]: {shortened(self.message)}"]
        if excerpt and self.span and not self.private:
            lines.append(self.span.excerpt())
        lines.extend(f"  {span.where()}: {text}" for span, text in self.notes)
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """The text, its middle left out where it is so long that nobody would read it."""
    if len(text) <= longest:
        return text
    head, tail = longest * 2 // 3, longest // 3
    return f"{text[:head]} …({len(text) - head - tail:,} characters left out)… {text[-tail:]}"


class AggError(Exception):
    """Anything that ends a command with a message instead of a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AggError):
    exit_code = 2


class InvalidWorkflow(AggError):  # noqa: N818 - the name is the user's word for it
    """A document with at least one error; `diagnostics` holds all that was found."""

    exit_code = 3

    def __init__(self, diagnostics: Iterable[Diagnostic], *, hint: str = "") -> None:
        self.diagnostics = list(diagnostics)
        errors = [d for d in self.diagnostics if d.severity == "error"]
        super().__init__(errors[0].message if errors else "invalid workflow", hint=hint)


class Unsupported(AggError):  # noqa: N818
    exit_code = 4


class LockHeld(AggError):  # noqa: N818
    exit_code = 7


class NotFound(AggError):  # noqa: N818
    pass


class LanguageError(AggError):
    """A text in one of the small languages is wrong.

    `start` and `end` are character offsets into `text`; `kind` is `syntax`, `name`, `type`, `value` or `limit`.
    """

    def __init__(
        self,
        message: str,
        *,
        text: str = "",
        start: int = 0,
        end: int | None = None,
        kind: str = "value",
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.text = text
        self.start = start
        self.end = start + 1 if end is None else end
        self.kind = kind


class LimitExceeded(LanguageError):  # noqa: N818
    """A named limit (`limit`) of the small languages was passed."""

    def __init__(self, limit: str, message: str, *, text: str = "", start: int = 0) -> None:
        super().__init__(message, text=text, start=start, kind="limit")
        self.limit = limit


class StoreError(AggError):
    pass


class TransientError(StoreError):
    """`retry_after`: seconds that the other side asked us to wait, if it said so."""

    def __init__(self, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class EngineBug(AggError):  # noqa: N818
    """An event that does not fit the state; `story` tells how the node came to be where it is."""

    exit_code = 70

    def __init__(self, message: str, story: Iterable[str] = ()) -> None:
        super().__init__(message, hint="this is a bug of agg: please report it with the run's journal")
        self.story = list(story)


_OF_THE_MACHINE = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.ESTALE,
    }
)


def of_the_machine(error: OSError) -> str:
    """What a full disk, a missing permission and the like mean, in words; empty for an error that may be a bug of ours."""
    if error.errno not in _OF_THE_MACHINE:
        return ""
    what = error.filename if error.filename is not None else "a file, or standard output, can't be written"
    return f"{what}: {(error.strerror or str(error)).lower()}"


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean NAME?` for the closest known name, or an empty string."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else ""
