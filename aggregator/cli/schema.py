"""`agg schema`: the JSON Schema of the documents that agg reads, for editors."""

from __future__ import annotations

import msgspec
import typer

from aggregator.spec.schema import json_schema


def schema() -> None:
    """Print a JSON Schema of workflow documents, for the YAML language server."""
    typer.echo(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode())
