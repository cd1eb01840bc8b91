"""`agg lint`: everything that is wrong with files, at once, without running or fetching anything."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.documents import URL_PREFIXES, expand_names, read_file
from aggregator.cli.lint_forms import FORMS
from aggregator.cli.options import Config, Home, NoColor, StoredNamespace, use_color
from aggregator.cli.stored import add_stored, settings_of
from aggregator.errors import AggError, Diagnostic, InvalidWorkflow, NotFound, UsageError, nearest
from aggregator.source import Source, Span
from aggregator.spec.allocation import building
from aggregator.spec.bundle import KINDS, Bundle, Loaded
from aggregator.spec.checks import check_documents, effectless, in_order, silenced
from aggregator.spec.decode import decode_text
from aggregator.spec.defaults import workflow_defaults

if TYPE_CHECKING:
    from collections.abc import Iterable

ALIASES = {
    "wf": "Workflow",
    "wftmpl": "WorkflowTemplate",
    "cwft": "ClusterWorkflowTemplate",
    "clusterwftmpl": "ClusterWorkflowTemplate",
    "cwf": "CronWorkflow",
    "cronwf": "CronWorkflow",
    "wfeb": "WorkflowEventBinding",
    "cm": "ConfigMap",
    "pvc": "PersistentVolumeClaim",
}


class Form(StrEnum):
    PRETTY = "pretty"
    SIMPLE = "simple"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


@building()  # what is read stays until the end: looking for garbage in it would take a fifth of the time
def lint(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, globs, or - for stdin.")],
    output: Annotated[Form, typer.Option("-o", "--output", help="Form of the result.")] = Form.PRETTY,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="PATH", help="Files with templates that others refer to; not checked themselves."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict/--no-strict", help="Unknown fields and doubled keys are errors.")
    ] = True,
    submit: Annotated[bool, typer.Option("--submit", help="Require argument values too, as at submission.")] = False,
    ignore_missing: Annotated[
        bool, typer.Option("--ignore-missing", help="Accept references to templates that are in no file given.")
    ] = False,
    kinds: Annotated[
        list[str] | None, typer.Option("--kinds", metavar="KIND,...", help="Check only these kinds of documents.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Accepted for Argo's sake: lint is always offline.")
    ] = True,
    no_color: NoColor = False,
    namespace: StoredNamespace = "",
    home: Home = "",
    config: Config = "",
) -> int:
    """Say everything that is wrong with files, at once, with places. Exit 0 when there is no error."""
    del offline
    wanted = _kinds(kinds or [])
    main = Bundle()
    main.merge(_read(_local(paths, main), strict=strict))
    everything = Bundle()
    everything.merge(main)
    everything.merge(_read(_local(beside or [], main), strict=False))
    settings = settings_of(home, namespace, config)
    everything.merge(add_stored(everything, settings))
    documents = [d for d in _documents(main) if d.kind in wanted] if wanted else _documents(main)
    found = [
        *_readings(main, wanted),
        *check_documents(
            everything,
            documents,
            submitted=submit,
            ignore_missing=ignore_missing,
            defaults=workflow_defaults(settings),
        ),
    ]
    found += [d for document in documents for d in effectless(document)]
    found = in_order(d for d in found if d.severity != "note" and not silenced(d))
    if not documents and not found:
        found.append(Diagnostic("nothing-to-lint", f"there is nothing to lint in {', '.join(paths)}"))
    typer.echo(FORMS[output.value](found, documents, color=use_color(no_color)))
    return 1 if any(d.severity == "error" for d in found) else 0


def _kinds(given: Iterable[str]) -> set[str]:
    """Kinds by their names, plural or short, as Argo takes them; empty for all."""
    wanted: set[str] = set()
    for name in (part.strip() for text in given for part in text.split(",") if part.strip()):
        known = {**ALIASES, **{kind.lower(): kind for kind in KINDS}}
        word = name.lower()
        kind = known.get(word) or known.get(word.removesuffix("s"))
        if kind is None:
            raise UsageError(
                f"--kinds: there is no kind {name!r}", hint=nearest(word, known) or f"one of {', '.join(KINDS)}"
            )
        wanted.add(kind)
    return wanted


def _local(names: list[str], bundle: Bundle) -> list[str]:
    """The files of the names; those that stand for none are told with the rest. Lint never touches the network."""
    found: dict[str, None] = {}
    for name in names:
        if name.startswith(URL_PREFIXES):
            raise UsageError(f"{name}: agg lint never touches the network", hint="download it first, or pipe it in: -")
        try:
            found.update(dict.fromkeys(expand_names([name])))
        except NotFound as error:
            bundle.diagnostics.append(_unreadable(name, error))
    return list(found)


def _unreadable(name: str, error: AggError) -> Diagnostic:
    return Diagnostic("unreadable", error.message, Span(Source(name, ""), 0, 0), error.hint)


def _read(names: list[str], *, strict: bool) -> Bundle:
    """All documents of the files. A file that can't be read is one more thing that is wrong."""
    bundle = Bundle()
    for name in names:
        try:
            bundle.merge(decode_text(read_file(name), strict=strict))
        except InvalidWorkflow as error:
            bundle.diagnostics.extend(error.diagnostics)
        except AggError as error:
            bundle.diagnostics.append(_unreadable(name, error))
    return bundle


def _documents(bundle: Bundle) -> list[Loaded[Any]]:
    return [loaded for _, home in KINDS.values() for loaded in getattr(bundle, home)]


def _readings(main: Bundle, wanted: set[str]) -> list[Diagnostic]:
    """What was found while reading, without what belongs to documents of other kinds."""
    if not wanted:
        return main.diagnostics
    others = [d for d in _documents(main) if d.kind not in wanted]
    places = [(d.document.source, *_extent(d)) for d in others]
    return [
        d
        for d in main.diagnostics
        if d.span is None or not any(d.span.source is s and start <= d.span.start < end for s, start, end in places)
    ]


def _extent(loaded: Loaded[Any]) -> tuple[int, int]:
    """First and last offset of a document."""
    node = loaded.document.node
    place = node if isinstance(node, int) else node.place
    return place >> 32, (place & 0xFFFFFFFF) + 1
