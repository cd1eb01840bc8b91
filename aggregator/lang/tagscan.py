"""Finding tags in a text, the policies for what cannot be filled in, and the errors that tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aggregator.errors import LanguageError, LimitExceeded, nearest
from aggregator.lang.scope import flat_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.lang.scope import Variables

OPEN: Final = "{{"
CLOSE: Final = "}}"
MAX_LENGTH: Final = 16_000_000
MAX_TAGS: Final = 200_000

# Blanks that JSON does not escape: the key is what is left of them in the JSON form of a tag.
BLANKS: Final = (
    " \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Which tags must be resolved: all, those under `prefixes`, every expression, or none."""

    name: str
    everything: bool = False
    prefixes: tuple[str, ...] = ()
    expressions: bool = False

    def requires(self, key: str) -> bool:
        """Whether a missing key is an error; else its tag stays as it is written."""
        if self.everything:
            return True
        if ".outputs.artifacts." in key:
            return False
        return any(
            key.startswith(prefix) and key[len(prefix) : len(prefix) + 1] in ("", ".") for prefix in self.prefixes
        )

    @property
    def lenient(self) -> bool:
        return not self.everything and not self.prefixes and not self.expressions


STRICT: Final = Policy("strict", everything=True)
PREFIX_STRICT: Final = Policy("steps and tasks", prefixes=("tasks", "steps"))
LENIENT: Final = Policy("lenient")
# What is handed to a step or task is data from then on: an expression has its last chance here, other tags may stay as text.
CALL: Final = Policy("call", prefixes=("tasks", "steps"), expressions=True)
# No later pass will come: a simple tag may be text that only looks like one, an expression has no other meaning.
LAST: Final = Policy("last", expressions=True)


def scan(text: str) -> Iterator[tuple[int, int]]:
    """Places of the tags of a text, without their braces: from `{{` to the first `}}` after it."""
    if len(text) > MAX_LENGTH:
        raise LimitExceeded("template length", f"the text has {len(text):,} characters; the limit is {MAX_LENGTH:,}")
    start = text.find(OPEN)
    for _ in range(MAX_TAGS):
        if start < 0:
            return
        end = text.find(CLOSE, start + 2)
        if end < 0:
            raise unclosed(text, start)
        yield start + 2, end
        start = text.find(OPEN, end + 2)
    raise LimitExceeded("tags", f"the text has more than {MAX_TAGS:,} tags")


def unclosed(text: str, start: int) -> LanguageError:
    return LanguageError(
        "the tag is not closed: expected '}}' after '{{'", text=text, start=start, end=start + 2, kind="syntax",
        hint="to write the braces as they are, let an expression tag make them: {{='{'+'{'}}",
    )  # fmt: skip


def missing(key: str, scope: Variables, text: str, start: int, end: int) -> LanguageError:
    """No such variable: the tag, why it is not there where the scope knows, or else the nearest key that there is."""
    ask = getattr(scope, "why_missing", None)
    why = ask(key) if ask is not None else ""
    hint = "" if why else nearest(key, flat_keys(scope.env()))
    return LanguageError(
        f"failed to resolve {{{{{_short(key)}}}}}: {why or 'there is no such variable here'}",
        text=text, start=start, end=end, kind="name", hint=hint,
    )  # fmt: skip


def absent(key: str, text: str, start: int, end: int) -> LanguageError:
    """The variable exists and has no value: an optional output of a task that was skipped or omitted."""
    return LanguageError(
        f"unable to substitute {{{{{_short(key)}}}}}: it is an absent optional, an output that was never written: "
        "its producer was skipped or omitted and has no default",
        text=text, start=start, end=end, kind="absent",
        hint=f"give a default: {{{{={key} ?? 'value'}}}}, or valueFrom.default at the producer",
    )  # fmt: skip


def not_text(key: str, value: object, text: str, start: int, end: int) -> LanguageError:
    kind = {dict: "a map", list: "a list", bool: "a bool", int: "a number", float: "a number"}.get(
        type(value), "an object"
    )
    return LanguageError(
        f"failed to resolve {{{{{_short(key)}}}}} to string: it is {kind}",
        text=text, start=start, end=end, kind="type", hint=f"use an expression tag: {{{{={key}}}}}",
    )  # fmt: skip


def _short(key: str) -> str:
    return key if len(key) <= 120 else f"{key[:120]}…"
