"""Semantic versions as the Masterminds library has them: reading, order, and the methods of its Go object."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final

from aggregator.errors import LanguageError
from aggregator.lang.govalue import GoMethod, GoObject, Uint64

SEGMENT_MAX: Final = (1 << 64) - 1
TAIL: Final = r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+(?P<meta>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
VERSION = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?{TAIL}", re.ASCII)
NUMBER = re.compile(r"[0-9]+", re.ASCII)
SET_METHOD = ("SetMetadata", "SetPrerelease")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Version(GoObject):
    """A version; `original` is the text that it was read from."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    metadata: str = ""
    original: str = ""

    GO_TYPE: ClassVar[str] = "*semver.Version"
    GO_KIND: ClassVar[str] = "ptr"

    def __repr__(self) -> str:
        return f"Version({self.go_string()})"

    def go_string(self) -> str:
        pre = f"-{self.pre}" if self.pre else ""
        return f"{self.major}.{self.minor}.{self.patch}{pre}{f'+{self.metadata}' if self.metadata else ''}"

    def go_json(self) -> Any:
        return self.go_string()

    def compare(self, other: Version) -> int:
        """-1, 0 or 1; a prerelease comes before its release, metadata does not count."""
        mine, theirs = (self.major, self.minor, self.patch), (other.major, other.minor, other.patch)
        if mine != theirs:
            return 1 if mine > theirs else -1
        if not (self.pre and other.pre):
            return (not self.pre) - (not other.pre)
        return compare_prerelease(self.pre, other.pre)

    def increased(self, part: str) -> Version:
        """The next version: a prerelease becomes its release where the patch is increased."""
        major, minor, patch = self.major, self.minor, self.patch
        if part == "major":
            major, minor, patch = major + 1, 0, 0
        elif part == "minor":
            minor, patch = minor + 1, 0
        elif not self.pre:
            patch += 1
        return self.renamed(Version(major, minor, patch))

    def renamed(self, version: Version) -> Version:
        """A version made from this one keeps the v of the original text."""
        prefix = "v" if self.original.startswith("v") else ""
        original = prefix + version.go_string()
        return VersionValue(version.major, version.minor, version.patch, version.pre, version.metadata, original)

    def with_part(self, method: str, text: str) -> Version:
        check = check_prerelease if method == "SetPrerelease" else check_metadata
        if text:
            check(text)
        pre, metadata = (text, self.metadata) if method == "SetPrerelease" else (self.pre, text)
        return self.renamed(Version(self.major, self.minor, self.patch, pre, metadata))


class VersionValue(Version):
    """A version that a method made: Go hands it out by value, which has only the methods that need no pointer."""

    __slots__ = ()
    GO_TYPE: ClassVar[str] = "semver.Version"
    GO_KIND: ClassVar[str] = "struct"


def version_error(why: str, text: str) -> LanguageError:
    return LanguageError(f"invalid semantic version {text[:80]!r}: {why}", text=text)


def check_prerelease(text: str) -> None:
    for part in text.split("."):
        if NUMBER.fullmatch(part) and len(part) > 1 and part[0] == "0":
            raise version_error("a number in the prerelease starts with 0", text)
        if not re.fullmatch(r"[0-9A-Za-z-]+", part, re.ASCII):
            raise version_error("the prerelease holds a character that is not allowed", text)


def check_metadata(text: str) -> None:
    if not re.fullmatch(r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*", text, re.ASCII):
        raise version_error("the metadata holds a character that is not allowed", text)


@lru_cache(maxsize=512)
def parse_version(text: str) -> Version:
    """Read a version, as loosely as sprig does: `v1`, `1.2`, `1.2.3-rc.1+build`."""
    match = VERSION.fullmatch(text)
    if match is None:
        raise version_error("it is not of the form MAJOR.MINOR.PATCH", text)
    segments = [segment or "0" for segment in match.groups()[:3]]
    if any(len(segment.lstrip("0")) > 20 or int(segment) > SEGMENT_MAX for segment in segments):
        raise version_error("a number does not fit 64 bits", text)
    pre = match["pre"] or ""
    if pre:
        check_prerelease(pre)
    major, minor, patch = map(int, segments)
    return Version(major, minor, patch, pre, match["meta"] or "", text)


def compare_prerelease(left: str, right: str) -> int:
    """Part by part: numbers by value and before words, words by their letters, a missing part first."""
    mine, theirs = left.split("."), right.split(".")
    for i in range(max(len(mine), len(theirs))):
        ours = mine[i] if i < len(mine) else ""
        other = theirs[i] if i < len(theirs) else ""
        if ours != other:
            return 1 if part_key(ours) > part_key(other) else -1
    return 0


def part_key(part: str) -> tuple[int, int, str]:
    if not part:
        return 0, 0, ""
    if NUMBER.fullmatch(part) and len(part) <= 20 and int(part) <= SEGMENT_MAX:
        return 1, int(part), ""
    return 2, 0, part


def _reader(name: str, result: str, read: Any) -> tuple[str, GoMethod]:
    return name, GoMethod(name, (), result, read)


def _comparison(name: str, result: str, read: Any) -> tuple[str, GoMethod]:
    return name, GoMethod(name, (Version.GO_TYPE,), result, read)


Version.GO_METHODS = dict(
    (
        _reader("Major", "uint64", lambda v: Uint64(v.major)),
        _reader("Minor", "uint64", lambda v: Uint64(v.minor)),
        _reader("Patch", "uint64", lambda v: Uint64(v.patch)),
        _reader("Prerelease", "string", lambda v: v.pre),
        _reader("Metadata", "string", lambda v: v.metadata),
        _reader("Original", "string", lambda v: v.original),
        _reader("String", "string", Version.go_string),
        _reader("IncMajor", "semver.Version", lambda v: v.increased("major")),
        _reader("IncMinor", "semver.Version", lambda v: v.increased("minor")),
        _reader("IncPatch", "semver.Version", lambda v: v.increased("patch")),
        _comparison("Compare", "int", Version.compare),
        _comparison("Equal", "bool", lambda v, o: v.compare(o) == 0),
        _comparison("GreaterThan", "bool", lambda v, o: v.compare(o) > 0),
        _comparison("GreaterThanEqual", "bool", lambda v, o: v.compare(o) >= 0),
        _comparison("LessThan", "bool", lambda v, o: v.compare(o) < 0),
        _comparison("LessThanEqual", "bool", lambda v, o: v.compare(o) <= 0),
        *(
            (name, GoMethod(name, ("string",), "semver.Version", lambda v, t, name=name: v.with_part(name, t)))
            for name in SET_METHOD
        ),
    )
)
POINTER_METHODS: Final = frozenset(
    ("Original", "Compare", "Equal", "GreaterThan", "GreaterThanEqual", "LessThan", "LessThanEqual")
)
VersionValue.GO_METHODS = {name: row for name, row in Version.GO_METHODS.items() if name not in POINTER_METHODS}
