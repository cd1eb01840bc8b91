"""SQL in named blocks: reads `-- name: WORD` files of this package."""

from __future__ import annotations

from pathlib import Path

_MARK = "-- name:"


def load_statements(file_name: str) -> dict[str, str]:
    """The blocks of a SQL file by their names, in the file's order."""
    # Read as a plain file: importlib.resources takes longer to import than the journal to open.
    text = Path(__file__).with_name(file_name).read_text(encoding="utf-8")
    _, *blocks = text.split(_MARK)
    named = (block.partition("\n") for block in blocks)
    return {name.strip(): body.strip() for name, _, body in named}
