"""The raw driver: an input artifact whose content stands in the YAML."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from aggregator.artifacts import files
from aggregator.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from aggregator.ports import Location


class RawDriver:
    """Implements ports.ArtifactDriver for reading; there is nothing to write to."""

    @classmethod
    def make(cls, **_: Any) -> Self:
        return cls()

    def load(self, location: Location, target: Path) -> None:
        with files.whole(target, f"write the raw artifact {target}") as part:
            part.write_bytes(_data(location))

    def open(self, location: Location) -> BinaryIO:
        return io.BytesIO(_data(location))

    def save(self, source: Path, _location: Location) -> None:
        raise StoreError(f"can't store {source} as a raw artifact: raw is text in the YAML, for inputs only")

    def list(self, _location: Location) -> list[str]:
        raise StoreError("a raw artifact has no keys to list")

    def delete(self, _location: Location) -> None:
        """There is nothing that could be deleted."""


def _data(location: Location) -> bytes:
    data = location.get("data")
    if not isinstance(data, str):
        raise StoreError(f"raw.data must be a text, not {type(data).__name__}", hint="put the value in quotes")
    return data.encode("utf-8", "surrogateescape")
