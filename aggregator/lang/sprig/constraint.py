"""Constraints on semantic versions: `^1.2`, `~1.2.3`, `>= 1.0, < 2`, `1.x || 2.1 - 2.4`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aggregator.errors import LanguageError
from aggregator.lang.sprig.version import Version, parse_version

if TYPE_CHECKING:
    from collections.abc import Callable

WORD: Final = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
PATTERN: Final = rf"v?[0-9xX*|]+(?:\.[0-9xX*|]+)?(?:\.[0-9xX*|]+)?(?:-{WORD})?(?:\+{WORD})?"
OPERATOR: Final = r"(?:!=|=>|>=|=<|<=|~>|=|>|<|~|\^|)"
SPACE: Final = r"[ \t\n\f\r]"
RANGE = re.compile(rf"{SPACE}*({PATTERN}){SPACE}+-{SPACE}+({PATTERN}){SPACE}*")
COMPARATOR = re.compile(rf"(?P<operator>{OPERATOR}){SPACE}*(?P<pattern>{PATTERN})")
SEGMENT = re.compile(
    rf"{SPACE}*{OPERATOR}{SPACE}*{PATTERN}{SPACE}*(?:(?:{SPACE}+|,{SPACE}*){OPERATOR}{SPACE}*{PATTERN}{SPACE}*)*"
)
PARTS = re.compile(r"v?(?P<major>[0-9xX*|]+)(?:\.(?P<minor>[0-9xX*|]+))?(?:\.(?P<patch>[0-9xX*|]+))?(?P<tail>.*)")
WILDCARDS: Final = frozenset(("x", "X", "*", None))
SOURCE_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Comparator:
    """An operator with a version; `open_at` names the first part that was left open, or is empty."""

    operator: str
    version: Version
    open_at: str

    def admits(self, version: Version) -> bool:
        """Whether the version fits, prereleases apart."""
        return CHECKS[self.operator](self, version)


def satisfies(version: Version, alternatives: tuple[tuple[Comparator, ...], ...]) -> bool:
    """Whether all comparators of some alternative admit the version.

    A prerelease only fits where one of the alternative's comparators names a prerelease itself.
    """
    return any(
        (not version.pre or any(c.version.pre for c in all_of)) and all(c.admits(version) for c in all_of)
        for all_of in alternatives
    )


def same_major(c: Comparator, v: Version) -> bool:
    return c.version.major == v.major


def same_minor(c: Comparator, v: Version) -> bool:
    return c.version.minor == v.minor


def not_equal(c: Comparator, v: Version) -> bool:
    if not c.open_at:
        return v.compare(c.version) != 0
    if not same_major(c, v):
        return True
    if c.open_at == "minor":
        return False
    if not same_minor(c, v):
        return True
    if c.open_at == "patch":
        return v.pre != c.version.pre
    return v.compare(c.version) != 0


def greater(c: Comparator, v: Version) -> bool:
    """Above an open version means above all that it stands for: `>11` begins at 12."""
    if not c.open_at or v.major != c.version.major:
        return v.major > c.version.major if c.open_at else v.compare(c.version) > 0
    if c.open_at == "minor":
        return False
    return v.minor > c.version.minor if c.open_at == "patch" else v.compare(c.version) > 0


def less_or_equal(c: Comparator, v: Version) -> bool:
    if not c.open_at:
        return v.compare(c.version) <= 0
    if v.major != c.version.major:
        return v.major < c.version.major
    return c.open_at == "minor" or v.minor <= c.version.minor


def tilde(c: Comparator, v: Version) -> bool:
    """The same minor version, or the same major one where the minor is open."""
    if v.compare(c.version) < 0:
        return False
    low = c.version
    if (low.major, low.minor, low.patch) == (0, 0, 0) and c.open_at in ("", "major"):
        return True
    return same_major(c, v) and (same_minor(c, v) or c.open_at == "minor")


def caret(c: Comparator, v: Version) -> bool:
    """Nothing changes left of the first part that is not zero."""
    low = c.version
    if v.compare(low) < 0:
        return False
    if low.major > 0 or c.open_at == "minor":
        return same_major(c, v)
    if v.major > 0:
        return False
    if low.minor > 0 or c.open_at == "patch":
        return same_minor(c, v)
    return v.minor == 0 and v.patch == low.patch


def equal(c: Comparator, v: Version) -> bool:
    return tilde(c, v) if c.open_at else v.compare(c.version) == 0


def greater_or_equal(c: Comparator, v: Version) -> bool:
    return v.compare(c.version) >= 0


CHECKS: Final[dict[str, Callable[[Comparator, Version], bool]]] = {
    "": equal,
    "=": equal,
    "!=": not_equal,
    ">": greater,
    "<": lambda c, v: v.compare(c.version) < 0,
    ">=": greater_or_equal,
    "=>": greater_or_equal,
    "<=": less_or_equal,
    "=<": less_or_equal,
    "~": tilde,
    "~>": tilde,
    "^": caret,
}


def constraint_error(text: str) -> LanguageError:
    return LanguageError(
        f"invalid version constraint {text[:80]!r}", text=text, hint="write it like ^1.2, ~1.2.3, >=1.0 <2 or 1.x"
    )


@lru_cache(maxsize=512)
def parse_constraint(text: str) -> tuple[tuple[Comparator, ...], ...]:
    """Alternatives (apart by ||) of comparators that must all hold (apart by blanks or commas)."""
    if len(text) > SOURCE_MAX:
        raise constraint_error(text)
    rewritten = text
    for match in RANGE.finditer(text):
        rewritten = rewritten.replace(match[0], f">= {match[1]}, <= {match[2]} ", 1)
    alternatives = []
    for part in rewritten.split("||"):
        if not SEGMENT.fullmatch(part):
            raise constraint_error(text)
        alternatives.append(tuple(comparator(match, text) for match in COMPARATOR.finditer(part)))
    return tuple(alternatives)


def comparator(match: re.Match[str], text: str) -> Comparator:
    """One comparator; parts that are missing or wildcards count as 0 and leave the version open from there on."""
    parts = PARTS.fullmatch(match["pattern"])
    assert parts is not None  # the pattern is a wider form of it
    tail = parts["tail"].partition("+")[0]
    open_at = next((name for name in ("major", "minor", "patch") if parts[name] in WILDCARDS), "")
    kept = {"major": 0, "minor": 1, "patch": 2, "": 3}[open_at]
    numbers = [parts["major"], parts["minor"], parts["patch"]][:kept] + ["0"] * (3 - kept)
    try:
        version = parse_version(".".join(numbers) + tail)
    except LanguageError as e:
        raise constraint_error(text) from e
    return Comparator(match["operator"], version, open_at)
