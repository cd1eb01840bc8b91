"""`outputs.result` of a leaf: what its main container printed to stdout."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_IN_THREAD = 1 << 20
"""Results larger than this are read in a thread, so that the loop goes on."""


async def result_of(path: Path) -> str:
    """All of stdout but one closing newline; bytes that are no UTF-8 become U+FFFD."""
    return await asyncio.to_thread(_read, path) if _size(path) > _IN_THREAD else _read(path)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace").removesuffix("\n") if path.exists() else ""
