"""SQL in named blocks: reads `-- name: WORD` files of this package."""

from __future__ import annotations

from importlib.resources import files

_MARK = "-- name:"


def load_statements(file_name: str) -> dict[str, str]:
    """The blocks of a SQL file by their names, in the file's order."""
    text = files("aggregator.journal").joinpath(file_name).read_text(encoding="utf-8")
    _, *blocks = text.split(_MARK)
    named = (block.partition("\n") for block in blocks)
    return {name.strip(): body.strip() for name, _, body in named}
