"""Time zones: fixed offsets and the IANA database, with the lookups that Go's formatting and parsing need."""

from __future__ import annotations

from datetime import UTC as UTC_ZONE
from datetime import datetime, timedelta
from functools import lru_cache
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from aggregator.errors import LanguageError
from aggregator.lang.govalue import GoMethod, GoObject

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC_ZONE)
# Python's calendar ends at the years 1 and 9999; beyond them the outermost rule holds on.
FIRST, LAST = -62_135_510_400, 253_402_214_400
HALF_YEAR: Final = 182 * 86_400


class Zone(GoObject):
    """A named zone: which abbreviation and offset (seconds east of UTC) hold at an instant."""

    __slots__ = ("_fixed", "_rules", "name")
    GO_TYPE: ClassVar[str] = "*time.Location"
    GO_KIND: ClassVar[str] = "ptr"

    def __init__(self, name: str, *, offset: int = 0, rules: ZoneInfo | None = None) -> None:
        self.name = name
        self._fixed = (name, offset, False)
        self._rules = rules

    def lookup(self, unix: int) -> tuple[str, int, bool]:
        """Abbreviation, offset and whether daylight saving time holds, at a Unix second."""
        if self._rules is None:
            return self._fixed
        there = (EPOCH + timedelta(seconds=max(FIRST, min(unix, LAST)))).astimezone(self._rules)
        offset = there.utcoffset()
        assert offset is not None  # zoneinfo always knows
        return there.tzname() or "", int(offset.total_seconds()), bool(there.dst())

    def offset_of_abbreviation(self, abbreviation: str, local: int) -> int | None:
        """The offset that the abbreviation means here; `local` is the wall clock read as a Unix second."""
        known = _abbreviations(self)
        for name, offset in known:
            if name == abbreviation and self.lookup(local - offset)[0] == abbreviation:
                return offset
        return next((offset for name, offset in known if name == abbreviation), None)

    def unix(self, local: int) -> int:
        """The Unix second at which this zone's wall clock shows `local`.

        A clock time that a jump skips or repeats is read with one of the two offsets, the same one that Go takes.
        """
        offset = self.lookup(local)[1]
        return local - self.lookup(local - offset)[1] if offset else local

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Zone) and (self.name, self._fixed, self._rules) == (
            other.name,
            other._fixed,
            other._rules,
        )

    def __hash__(self) -> int:
        return hash(self._fixed)

    def __repr__(self) -> str:
        return f"Zone({self.name!r})"

    def go_string(self) -> str:
        return self.name

    def go_json(self) -> object:
        return {}


Zone.GO_METHODS = {"String": GoMethod("String", (), "string", Zone.go_string)}
UTC: Final = Zone("UTC")


@lru_cache(maxsize=64)
def _abbreviations(zone: Zone) -> tuple[tuple[str, int], ...]:
    """All abbreviations that the zone uses until 2100, later ones first; the local mean time comes last."""
    samples = (*range(4_102_444_800, -2_208_988_800, -HALF_YEAR), FIRST)
    seen = {zone.lookup(unix)[:2]: None for unix in samples}
    return tuple(seen)


@lru_cache(maxsize=256)
def load_zone(name: str, local: str = "UTC") -> Zone:
    """The zone of an IANA name; "" and "UTC" are UTC, "Local" is the zone that `local` names."""
    if name == "Local":
        return load_zone(local)
    if name in ("", "UTC"):
        return UTC
    try:
        # zoneinfo refuses names that leave its database
        return Zone(name, rules=ZoneInfo(name))
    except (KeyError, ValueError, OSError) as e:
        raise LanguageError(
            f"unknown time zone {name[:80]!r}", text=name, hint="use an IANA name such as Europe/Zurich"
        ) from e


def fixed_zone(name: str, offset: int) -> Zone:
    """A zone that always has this offset in seconds; the name may be empty."""
    return Zone(name, offset=offset)
