"""Sprig's functions on semantic versions."""

from __future__ import annotations

from aggregator.lang.sprig.constraint import parse_constraint, satisfies
from aggregator.lang.sprig.signature import STRING, Family
from aggregator.lang.sprig.version import Version, parse_version

FAMILY = Family("Semantic versions")


@FAMILY.add("semver", STRING)
def semver(text: str) -> Version:
    """A version to ask for its parts: `sprig.semver("1.2.3").Minor()` is 2."""
    return parse_version(text)


@FAMILY.add("semverCompare", STRING, STRING)
def semver_compare(constraint: str, text: str) -> bool:
    """Whether a version satisfies a constraint: `sprig.semverCompare("^1.2.0", "1.3.0")` is true."""
    alternatives = parse_constraint(constraint)
    version = parse_version(text)
    return satisfies(version, alternatives)
