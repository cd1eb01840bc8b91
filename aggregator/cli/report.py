"""How errors reach the user: a message, the place, and what to do next, on standard error."""

from __future__ import annotations

import os
import sys
import time
import traceback
from typing import TextIO

from aggregator import __version__
from aggregator.errors import AggError, EngineBug, InvalidWorkflow, LanguageError, of_the_machine, shortened

LONGEST_EXCERPT = 160


def report(error: AggError, stream: TextIO) -> None:
    """Write an error for people."""
    stream.write("\n".join(error_lines(error)) + "\n")


def error_lines(error: AggError) -> list[str]:
    """The message, whatever the error carries beside it, and its hint."""
    if isinstance(error, InvalidWorkflow) and error.diagnostics:
        lines = [diagnostic.render() for diagnostic in error.diagnostics]
        errors = sum(diagnostic.severity == "error" for diagnostic in error.diagnostics)
        lines.append(f"agg: error: {errors} {'error' if errors == 1 else 'errors'} in the workflow")
    else:
        lines = [f"agg: error: {shortened(error.message)}"]
    if isinstance(error, LanguageError) and error.text:
        lines += _caret(error)
    if isinstance(error, EngineBug):
        lines += [f"  {line}" for line in error.story]
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    return lines


def _caret(error: LanguageError) -> list[str]:
    """The line of the text that is wrong, with carets under the part."""
    start = max(0, min(error.start, len(error.text)))
    begin = error.text.rfind("\n", 0, start) + 1
    line = error.text[begin:].partition("\n")[0].replace("\t", " ")
    column = start - begin
    left = max(0, column - LONGEST_EXCERPT // 2)
    window = line[left : left + LONGEST_EXCERPT]
    width = max(1, min(error.end - start, len(window) - (column - left)))
    return [f"  {window}", "  " + " " * (column - left) + "^" * width]


def report_machine(error: OSError, stream: TextIO) -> bool:
    """Tell of a full disk, a missing permission and the like; False for any other error."""
    told = of_the_machine(error)
    if not told:
        return False
    hint = "check the disk, and the owner and mode of the file and its folder; AGG_HOME=FOLDER chooses another state folder"
    stream.write(f"agg: error: {told}\n  hint: {hint}\n")
    return True


def report_crash(error: BaseException, arguments: list[str], stream: TextIO) -> None:
    """A short report, and the traceback in a file: what a user sees of a bug of ours."""
    trace = "".join(traceback.format_exception(error))
    flags = [argument.partition("=")[0] for argument in arguments if argument.startswith("-")]
    # Values of flags may be secrets; the names of the command and of the flags are enough to see what was asked.
    asked = " ".join([*arguments[:1], *flags]) if arguments and not arguments[0].startswith("-") else " ".join(flags)
    text = f"agg {__version__}, Python {sys.version}\nagg {asked}\n\n{trace}"
    stream.write(f"agg: error: {type(error).__name__}: {error}\n  this is a bug of agg\n")
    try:
        path = _keep(text)
    except (OSError, AggError):
        stream.write(text)
    else:
        stream.write(f"  the traceback is in {path}\n")


def _keep(text: str) -> str:
    from aggregator.journal.home import Home, default_home, private_folder  # noqa: PLC0415 - only when something broke

    named = os.environ.get("AGG_HOME")
    home = Home(type(default_home())(named)) if named else Home(default_home())
    private_folder(home.path)
    folder = private_folder(home.crashes)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return str(path)
