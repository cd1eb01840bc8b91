"""`agg plan`: what a file would run, without running or fetching anything."""

from __future__ import annotations

import random
import time
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer

from aggregator.app.prepare import Submission, prepare
from aggregator.cli.documents import read_sources
from aggregator.cli.options import Config, Home, StoredNamespace  # noqa: TC001 - typer reads them at run time
from aggregator.cli.plan_forms import as_json, dot, mermaid, tree
from aggregator.cli.stored import add_stored, settings_of
from aggregator.errors import InvalidWorkflow, UsageError
from aggregator.lang.context import Context
from aggregator.plan.compile import compile_workflow
from aggregator.plan.estimate import estimate
from aggregator.plan.tally import tally
from aggregator.spec.bundle import Bundle
from aggregator.spec.decode import API_VERSION, decode_text
from aggregator.spec.defaults import workflow_defaults
from aggregator.spec.write import to_yaml


class Form(StrEnum):
    TREE = "tree"
    JSON = "json"
    YAML = "yaml"
    MERMAID = "mermaid"
    DOT = "dot"


def plan(
    file: Annotated[
        str, typer.Argument(metavar="[FILE]", help="A workflow's file, or - for stdin.", show_default=False)
    ] = "",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter.")
    ] = None,
    output: Annotated[Form, typer.Option("-o", "--output", help="Form; yaml is the resolved spec.")] = Form.TREE,
    beside: Annotated[
        list[str] | None, typer.Option("--with", metavar="PATH", help="Files with templates that it refers to.")
    ] = None,
    entrypoint: Annotated[
        str, typer.Option("--entrypoint", metavar="TEMPLATE", help="Start at another template.")
    ] = "",
    source: Annotated[
        str,
        typer.Option("--from", metavar="KIND/NAME", help="Plan a stored document of the file, --with or $AGG_HOME."),
    ] = "",
    strict: Annotated[bool, typer.Option("--strict/--no-strict", help="Unknown fields are errors.")] = True,
    namespace: StoredNamespace = "",
    home: Home = "",
    config: Config = "",
) -> int:
    """Show what would run: loops with their counts, resolved parameters, widths, requests, attempts, the longest path."""
    if not file and not source:
        raise UsageError(
            "which workflow? Name its file", hint="agg plan FILE, or agg plan --from workflowtemplate/NAME"
        )
    main, supporting = _read([file] if file else [], strict=strict), _read(beside or [], strict=False)
    settings = settings_of(home, namespace, config)
    given = Bundle()
    given.merge(main)
    given.merge(supporting)
    supporting.merge(add_stored(given, settings, source))
    pairs = [_pair(text) for text in parameter or []]
    submission = Submission(
        parameters=pairs,
        name="",
        entrypoint=entrypoint,
        namespace=settings.text("namespace"),
        source=source,
        defaults=workflow_defaults(settings),
    )
    prepared = prepare(main, supporting, submission)
    problems = [p for p in prepared.problems if p.code != "refused-field"]
    if problems:
        raise InvalidWorkflow(problems)
    if output is Form.YAML:
        typer.echo(to_yaml([_resolved(prepared.workflow)]), nl=False)
        return 0
    program = compile_workflow(prepared.workflow, prepared.templates)
    # No secrets are made here: only expressions with random functions ask for it.
    context = Context(now=time.time_ns(), random=random.Random(prepared.seed), keep=lambda _, make: make())  # noqa: S311
    known = _known(prepared.workflow, prepared.namespace)
    found = estimate(program, context, known)
    if output is Form.JSON:
        typer.echo(as_json(found, *(tally(program, context, known, fails=fails) for fails in (False, True))))
        return 0
    forms: dict[Form, Any] = {Form.TREE: tree, Form.MERMAID: mermaid, Form.DOT: dot}
    typer.echo(forms[output](found))
    return 0


def _resolved(workflow: dict[str, Any]) -> dict[str, Any]:
    """The merged workflow as a document of its own: what it referred to as a whole is in it now."""
    spec = {key: value for key, value in workflow["spec"].items() if key != "workflowTemplateRef"}
    return {"apiVersion": API_VERSION, "kind": "Workflow", **workflow, "spec": spec}


def _read(names: list[str], *, strict: bool) -> Bundle:
    bundle = Bundle()
    for text in read_sources(names):
        bundle.merge(decode_text(text, strict=strict))
    return bundle


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"-p {text!r} must be NAME=VALUE")
    return name, value


def _known(workflow: dict[str, Any], namespace: str) -> dict[str, str]:
    """Variables that have values before the run: parameters, labels and annotations, and the namespace."""
    metadata, spec = workflow.get("metadata") or {}, workflow.get("spec") or {}
    parameters = [p for p in (spec.get("arguments") or {}).get("parameters") or () if p.get("value") is not None]
    known = {f"workflow.parameters.{p['name']}": str(p["value"]) for p in parameters}
    listed = msgspec.json.encode([{"name": p["name"], "value": p["value"]} for p in parameters]).decode()
    known["workflow.parameters"] = known["workflow.parameters.json"] = listed
    known["workflow.namespace"] = namespace
    known["workflow.mainEntrypoint"] = spec.get("entrypoint") or ""
    for kind in ("labels", "annotations"):
        known.update({f"workflow.{kind}.{key}": value for key, value in (metadata.get(kind) or {}).items()})
    return known
