"""`agg convert`: documents of Argo v3 rewritten for v4."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from aggregator.cli.documents import read_sources
from aggregator.errors import InvalidWorkflow
from aggregator.spec.convert import convert_documents
from aggregator.spec.write import to_json, to_yaml
from aggregator.spec.yaml import parse_text


class Format(StrEnum):
    YAML = "yaml"
    JSON = "json"


def convert(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders, globs, URLs, or - for stdin.")],
    output: Annotated[Format, typer.Option("-o", "--output", help="Form of the result.")] = Format.YAML,
) -> None:
    """Rewrite retired fields of Argo v3 as v4 wants them, on standard output. Comments are not kept."""
    values = []
    diagnostics = []
    for source in read_sources(paths):
        parsed = parse_text(source)
        diagnostics += [d for d in parsed.diagnostics if d.severity == "error"]
        values += convert_documents(parsed.documents)
    if diagnostics:
        raise InvalidWorkflow(diagnostics)
    typer.echo(to_json(values) if output is Format.JSON else to_yaml(values), nl=False)
