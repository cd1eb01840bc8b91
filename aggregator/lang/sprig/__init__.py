"""The sprig functions that expressions call as `sprig.NAME(...)`: one file for each family, one table of them all."""

from __future__ import annotations

from typing import Final

from aggregator.lang.sprig import (
    casing,
    certificates,
    crypto,
    dates,
    defaults,
    dicts,
    encoding,
    jsontext,
    lists,
    numbers,
    paths,
    randomness,
    regex,
    semver,
    text,
    types,
    url,
)
from aggregator.lang.sprig.signature import Family, SprigFunction

FAMILIES: Final[tuple[Family, ...]] = (
    text.FAMILY,
    casing.FAMILY,
    numbers.FAMILY,
    lists.FAMILY,
    dicts.FAMILY,
    defaults.FAMILY,
    types.FAMILY,
    jsontext.FAMILY,
    dates.FAMILY,
    encoding.FAMILY,
    regex.FAMILY,
    paths.FAMILY,
    url.FAMILY,
    semver.FAMILY,
    randomness.FAMILY,
    crypto.FAMILY,
    certificates.FAMILY,
)
FUNCTIONS: Final[dict[str, SprigFunction]] = {
    name: function for family in FAMILIES for name, function in family.functions.items()
}

__all__ = ["FAMILIES", "FUNCTIONS", "Family", "SprigFunction"]
