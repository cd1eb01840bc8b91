"""The prompt of `agg eval` on a terminal: history, completion of functions and variables, and commands that begin with `:`."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from aggregator.cli.eval_languages import evaluate
from aggregator.cli.eval_values import to_json
from aggregator.cli.report import error_lines
from aggregator.errors import AggError, UsageError, nearest
from aggregator.journal.home import Home, default_home, private_folder
from aggregator.lang.expr import ARGO_NAMES, BUILTINS
from aggregator.lang.scope import NestedEnv, flat_keys
from aggregator.lang.sprig import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

WORD: Final = re.compile(r"[$#\w.'\[\]-]+$")
COMMANDS: Final = (":lang", ":set", ":env", ":raw", ":help", ":quit")
HELP: Final = """\
:lang expr|when|tag|depends   the language of the next lines
:set KEY=VALUE                set a variable to a text; KEY:=VALUE takes JSON
:env                          show the variables
:raw                          print strings without quotes, or with them again
:quit                         leave (also Ctrl-D)"""


class Names(Completer):
    """Completes functions, variables and commands."""

    def __init__(self, env: dict[str, Any]) -> None:
        self.env = env

    def words(self) -> list[str]:
        functions = [*BUILTINS, *ARGO_NAMES, *(f"sprig.{name}" for name in FUNCTIONS)]
        return sorted({*flat_keys(NestedEnv(self.env)), *self.env, *functions})

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        before = document.text_before_cursor
        if before.startswith(":") and " " not in before:
            yield from (Completion(name, -len(before)) for name in COMMANDS if name.startswith(before))
            return
        match = WORD.search(before)
        if match:
            start = match[0].lstrip("[")
            yield from (Completion(word, -len(start)) for word in self.words() if word.startswith(start))


class Prompt:
    """One session: its language, its variables, and what to do with a line."""

    def __init__(self, language: str, env: dict[str, Any], *, raw: bool, write: Callable[[str], None]) -> None:
        self.language = language
        self.env = env
        self.raw = raw
        self.write = write

    def line(self, text: str) -> bool:
        """Answer one line; False when the session is over."""
        text = text.strip()
        try:
            if text.startswith(":"):
                return self._command(text)
            if text:
                value = evaluate(self.language, text, self.env)
                self.write(value if self.raw and isinstance(value, str) else to_json(value))
        except AggError as error:
            self.write("\n".join(error_lines(error)))
        return True

    def _command(self, text: str) -> bool:
        name, _, rest = text.partition(" ")
        rest = rest.strip()
        match name:
            case ":quit" | ":q":
                return False
            case ":lang":
                if rest not in LANGUAGES:
                    raise UsageError(f"there is no language {rest!r}", hint=f"known are {', '.join(LANGUAGES)}")
                self.language = rest
            case ":set":
                self._set(rest)
            case ":env":
                self.write(to_json(self.env))
            case ":raw":
                self.raw = not self.raw
            case ":help":
                self.write(HELP)
            case _:
                raise UsageError(f"there is no command {name}", hint=nearest(name, COMMANDS) or ":help lists them")
        return True

    def _set(self, text: str) -> None:
        from aggregator.cli.eval import variable  # noqa: PLC0415 - eval imports this module for its prompt

        key, value = variable(text)
        self.env[key] = value


LANGUAGES: Final = ("expr", "when", "tag", "depends")


def run(language: str, env: dict[str, Any], *, raw: bool) -> None:
    """Read lines until the user leaves."""
    prompt = Prompt(language, env, raw=raw, write=lambda text: print(text, file=sys.stdout))  # noqa: T201 - the answer
    session: PromptSession[str] = PromptSession(history=_history(), completer=Names(env), complete_while_typing=False)
    prompt.write("agg eval: an expression, or :help")
    while True:
        try:
            line = session.prompt(f"{prompt.language}> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if not prompt.line(line):
            return


def _history() -> History:
    """Kept under the state folder; where that can't be written, for this session only."""
    named = os.environ.get("AGG_HOME")
    home = Home(Path(named) if named else default_home())
    try:
        return FileHistory(str(private_folder(home.path) / "eval_history"))
    except AggError:
        return InMemoryHistory()
