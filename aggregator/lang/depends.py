"""The `depends` logic of DAG tasks: which results of which tasks let a task start.

    depends     = choice
    choice      = or [ "?" choice ":" choice ]
    or          = and { "||" and }
    and         = equality { "&&" equality }
    equality    = unary { ( "==" | "!=" ) unary }
    unary       = { "!" } ( "(" choice ")" | task [ "." result ] )

Every word is a task, so `and`, `or`, `not` and `true` have no meaning here. A task without a result means that it
Succeeded, was Skipped, or runs as a daemon; `continueOn` of that task adds Errored and Failed.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Lookup = Callable[[str, str], bool]

RESULTS: Final = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed")
BARE: Final = ("Succeeded", "Skipped", "Daemoned")
MAX_LENGTH: Final = 1_000_000
MAX_DEPTH: Final = 64

# Words that Argo's evaluator keeps for itself: a task of that name can be run, but not be depended on.
RESERVED: Final = frozenset(
    "true false nil let if else in not and or contains matches startsWith endsWith".split()  # noqa: SIM905 - one line
)
TOKEN: Final = re.compile(
    r"\s+|(?P<task>[A-Za-z0-9][-A-Za-z0-9]*)(?:\.(?P<result>[A-Z][A-Za-z]+))?|(?P<op>&&|\|\||==|!=|[!()?:])"
)

# A tree is ("task", name, results) | ("not", tree) | ("and" | "or" | "same" | "differ", trees) | ("choice", trees).
Tree = tuple[Any, ...]


class Depends:
    """A parsed condition. `refs` lists (task, result or "") in the order of their first appearance."""

    __slots__ = ("_bare", "refs", "text", "tree")

    def __init__(self, text: str, tree: Tree, refs: tuple[tuple[str, str], ...]) -> None:
        self.text = text
        self.tree = tree
        self.refs = refs
        self._bare: Mapping[str, tuple[str, ...]] = {}

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that must be finished before the condition is looked at, each once."""
        return tuple(dict.fromkeys(task for task, _ in self.refs))

    def expand(self, continue_on: Mapping[str, tuple[bool, bool]]) -> Depends:
        """The condition in which a bare task also accepts what its own `continueOn` (failed, error) forgives."""
        expanded = Depends(self.text, self.tree, self.refs)
        expanded._bare = {
            task: BARE + ("Errored",) * bool(error) + ("Failed",) * bool(failed)
            for task, (failed, error) in continue_on.items()
        }
        return expanded

    def evaluate(self, lookup: Lookup) -> bool:
        """Whether the condition holds; `lookup(task, result)` answers for one result of one task."""
        return _evaluate(self.tree, lookup, self._bare)

    def __str__(self) -> str:
        """The condition with every bare task written out."""
        return _render(self.tree, self._bare)

    def __repr__(self) -> str:
        return f"Depends({self.text!r})"


def from_dependencies(names: Iterable[str]) -> Depends:
    """What a `dependencies` list means: all of them, each as a bare task."""
    names = tuple(names)
    for name in names:
        if not TOKEN.fullmatch(name) or "." in name:
            raise LanguageError(
                f"dependency {name!r} is not a task name", text=name, end=len(name), kind="syntax",
                hint="task names are letters, digits and '-'",
            )  # fmt: skip
    trees: tuple[Tree, ...] = tuple(("task", name, "") for name in names)
    return Depends(" && ".join(names), ("and", trees), tuple((name, "") for name in dict.fromkeys(names)))


@lru_cache(maxsize=4096)
def parse(text: str) -> Depends:
    """Read a `depends` text; a LanguageError carries the place of the mistake."""
    if len(text) > MAX_LENGTH:
        raise LimitExceeded(
            "depends length", f"the condition has {len(text):,} characters; the limit is {MAX_LENGTH:,}"
        )
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.refs: dict[tuple[str, str], None] = {}
        self.tokens = list(self._scan())
        self.index = 0
        self.depth = 0

    def _scan(self) -> Iterable[tuple[str, str, str, int, int]]:
        at, text = 0, self.text
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise self._error(
                    f"{text[at]!r} cannot be used in a depends condition", at, at + 1, _hint_for(text, at)
                )
            if match["task"]:
                yield "task", match["task"], match["result"] or "", at, match.end()
            elif match["op"]:
                yield match["op"], "", "", at, match.end()
            at = match.end()
        yield "end", "", "", at, at

    def _error(self, message: str, start: int, end: int, hint: str = "", kind: str = "syntax") -> LanguageError:
        return LanguageError(message, text=self.text, start=start, end=end, kind=kind, hint=hint)

    def whole(self) -> Depends:
        if self.tokens[0][0] == "end":
            raise self._error("the depends condition is empty: expected a task name", 0, 1)
        tree = self.choice()
        kind, task, _, start, end = self.tokens[self.index]
        if kind != "end":
            seen = task or kind
            hint = {"and": "write &&", "or": "write ||"}.get(task, "join conditions with && or ||")
            raise self._error(f"expected an operator or the end, found {seen!r}", start, end, hint)
        return Depends(self.text, tree, tuple(self.refs))

    def choice(self) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            message = f"the condition is nested more than {MAX_DEPTH} levels deep"
            raise LimitExceeded("depends depth", message, text=self.text, start=self.tokens[self.index][3])
        tree = self.any_of()
        if self._take("?"):
            first = self.choice()
            self._expect(":")
            tree = ("choice", (tree, first, self.choice()))
        self.depth -= 1
        return tree

    def any_of(self) -> Tree:
        trees = [self.all_of()]
        while self._take("||"):
            trees.append(self.all_of())
        return trees[0] if len(trees) == 1 else ("or", tuple(trees))

    def all_of(self) -> Tree:
        trees = [self.equality()]
        while self._take("&&"):
            trees.append(self.equality())
        return trees[0] if len(trees) == 1 else ("and", tuple(trees))

    def equality(self) -> Tree:
        tree = self.unary()
        for _ in range(MAX_DEPTH):
            kind = self.tokens[self.index][0]
            if kind not in ("==", "!="):
                return tree
            self.index += 1
            tree = ("same" if kind == "==" else "differ", (tree, self.unary()))
        raise LimitExceeded("depends depth", f"more than {MAX_DEPTH} comparisons in a row", text=self.text)

    def unary(self) -> Tree:
        negate = False
        while self._take("!"):
            negate = not negate
        kind, task, result, start, end = self.tokens[self.index]
        self.index += 1
        tree: Tree
        if kind == "(":
            tree = self.choice()
            self._expect(")")
        elif kind == "task":
            self._check(task, result, start, end)
            self.refs[task, result] = None
            tree = ("task", task, result)
        else:
            seen = "the end" if kind == "end" else repr(kind)
            raise self._error(f"expected a task name or '(', found {seen}", start, max(end, start + 1))
        return ("not", tree) if negate else tree

    def _check(self, task: str, result: str, start: int, end: int) -> None:
        if result and result not in RESULTS:
            known = ", ".join(RESULTS)
            hint = nearest(result, RESULTS) or f"results are {known}"
            raise self._error(f"task {task!r} has no result {result!r}", start + len(task) + 1, end, hint, "name")
        if task in RESERVED:
            hint = {"and": "write &&", "or": "write ||", "not": "write !"}.get(task, "rename the task")
            raise self._error(f"{task!r} is a reserved word, it cannot name a task in depends", start, end, hint)
        if task[0].isdigit():
            message = f"task name {task!r} starts with a digit, such a task cannot be used in depends"
            raise self._error(message, start, end, "rename the task")

    def _take(self, kind: str) -> bool:
        if self.tokens[self.index][0] == kind:
            self.index += 1
            return True
        return False

    def _expect(self, kind: str) -> None:
        if not self._take(kind):
            found, task, _, start, end = self.tokens[self.index]
            seen = "the end" if found == "end" else repr(task or found)
            raise self._error(f"expected {kind!r}, found {seen}", start, max(end, start + 1))


def _hint_for(text: str, at: int) -> str:
    if text[at] in "&|":
        return "write && or ||"
    if text[at] == "_":
        return "task names are letters, digits and '-'"
    if text[at] == ".":
        return f"a result follows the task without blanks and starts with a capital: {', '.join(RESULTS)}"
    return "usable are task names, && || ! and parentheses"


def _evaluate(tree: Tree, lookup: Lookup, bare: Mapping[str, tuple[str, ...]]) -> bool:
    kind = tree[0]
    if kind == "task":
        _, task, result = tree
        return lookup(task, result) if result else any(lookup(task, each) for each in bare.get(task, BARE))
    if kind == "not":
        return not _evaluate(tree[1], lookup, bare)
    if kind == "and":
        return all(_evaluate(part, lookup, bare) for part in tree[1])
    if kind == "or":
        return any(_evaluate(part, lookup, bare) for part in tree[1])
    if kind == "choice":
        test, yes, no = tree[1]
        return _evaluate(yes if _evaluate(test, lookup, bare) else no, lookup, bare)
    left, right = tree[1]
    return (_evaluate(left, lookup, bare) == _evaluate(right, lookup, bare)) is (kind == "same")


SIGNS: Final = {"and": "&&", "or": "||", "same": "==", "differ": "!="}


def _render(tree: Tree, bare: Mapping[str, tuple[str, ...]]) -> str:
    kind = tree[0]
    if kind == "task":
        _, task, result = tree
        if result:
            return f"{task}.{result}"
        return "(" + " || ".join(f"{task}.{each}" for each in bare.get(task, BARE)) + ")"
    if kind == "not":
        return f"!{_render(tree[1], bare)}"
    parts = [_render(part, bare) for part in tree[1]]
    if kind == "choice":
        return f"({parts[0]} ? {parts[1]} : {parts[2]})"
    return f"({f' {SIGNS[kind]} '.join(parts)})"
