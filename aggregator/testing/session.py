"""A session of `agg test`: which tests are chosen, and what came of each."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aggregator.errors import AggError, EngineBug, InvalidWorkflow, UsageError
from aggregator.spec.allocation import building
from aggregator.testing.compare import compare
from aggregator.testing.load import load_file
from aggregator.testing.trial import Trial, try_case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from aggregator.testing.cases import Case

_WORD = re.compile(r"\s*(?:(?P<sign>[()])|(?P<word>[^\s()]+))")


@dataclass(slots=True)
class Verdict:
    """How one test went: `problems` are its differences, each as a text of several lines."""

    name: str
    file: str
    seconds: float = 0.0
    virtual: float = 0.0
    problems: list[str] = field(default_factory=list)
    trial: Trial | None = None

    @property
    def passed(self) -> bool:
        return not self.problems


def judge(case: Case, *, keep: bool = True) -> Verdict:
    """Run one test and hold it against what it expects; its trial is kept where someone wants to look at it."""
    began = time.perf_counter()
    verdict = Verdict(case.name, case.file)
    try:
        with building():  # what a run leaves behind is let go in one piece
            trial = try_case(case, lean=not keep)
            verdict.virtual = trial.duration
            verdict.problems += trial.problems
            if trial.run is not None or not trial.problems:  # else all differs, for the reason that is told already
                verdict.problems += ["\n".join(difference.lines()) for difference in compare(trial)]
        if keep:
            verdict.trial = trial
    except EngineBug as bug:
        verdict.problems.append("\n  ".join([f"bug in agg: {bug.message}", *bug.story]))
    except AggError as problem:
        verdict.problems.append(problem.message)
    verdict.seconds = time.perf_counter() - began
    return verdict


def session(
    files: Iterable[Path],
    wanted: Callable[[str], bool],
    report: Callable[[Verdict], None],
    *,
    keep: bool = False,
) -> list[Verdict]:
    """Judge the tests of these files whose `FILE::NAME` is wanted. A file that can't be read is one failed test.

    `keep` keeps what came of each run, as coverage needs it.
    """
    found = []
    for path in files:
        try:
            cases = load_file(path)
        except InvalidWorkflow as problem:
            verdict = Verdict("", str(path), problems=[d.render() for d in problem.diagnostics])
            report(verdict)
            found.append(verdict)
            continue
        for case in cases:
            if wanted(f"{path}::{case.name}"):
                verdict = judge(case, keep=keep)
                report(verdict)
                found.append(verdict)
    return found


def selection(text: str) -> Callable[[str], bool]:
    """`-k`: words that a test's file or name holds, joined by `and`, `or`, `not` and parentheses.

    or   = and { "or" and }
    and  = not { ["and"] not }      (words side by side are parts of one phrase)
    not  = [ "not" ] ( word | "(" or ")" )
    """
    tokens = [match["sign"] or match["word"] for match in _WORD.finditer(text)]
    if not tokens:
        return lambda _: True
    reader = _Selection(text, tokens)
    chosen = reader.any_of()
    if reader.tokens:
        raise reader.wrong(f"{reader.tokens[0]!r} was not expected")
    return chosen


class _Selection:
    def __init__(self, text: str, tokens: list[str]) -> None:
        self.text = text
        self.tokens = tokens

    def wrong(self, why: str) -> UsageError:
        return UsageError(f"-k {self.text!r}: {why}", hint="write for example: -k 'retry and not slow'")

    def _take(self, word: str) -> bool:
        if self.tokens and self.tokens[0] == word:
            del self.tokens[0]
            return True
        return False

    def any_of(self) -> Callable[[str], bool]:
        parts = [self.all_of()]
        while self._take("or"):
            parts.append(self.all_of())
        return lambda name: any(part(name) for part in parts)

    def all_of(self) -> Callable[[str], bool]:
        parts = [self.one()]
        while self._take("and"):
            parts.append(self.one())
        return lambda name: all(part(name) for part in parts)

    def one(self) -> Callable[[str], bool]:
        if self._take("not"):
            inner = self.one()
            return lambda name: not inner(name)
        if self._take("("):
            inner = self.any_of()
            if not self._take(")"):
                raise self.wrong("a ')' is missing")
            return inner
        words = []
        while self.tokens and self.tokens[0] not in ("and", "or", "not", "(", ")"):
            words.append(self.tokens.pop(0))
        if not words:
            raise self.wrong("a word is missing")
        phrase = " ".join(words).lower()
        return lambda name: phrase in name.lower()
