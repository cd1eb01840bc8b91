"""The templates of files that are to be stored: read, checked all together, and cut into one text each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.cli.documents import read_sources
from aggregator.cli.stored import add_stored, templates
from aggregator.errors import Diagnostic, InvalidWorkflow, UsageError
from aggregator.journal.templates import Key, template_key
from aggregator.source import Source
from aggregator.spec.bundle import KINDS, Bundle, Loaded
from aggregator.spec.checks import check_documents, in_order, silenced
from aggregator.spec.decode import decode_text
from aggregator.spec.write import to_yaml
from aggregator.spec.yaml import parse_text

if TYPE_CHECKING:
    from aggregator.settings import Settings

_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be stored, and what is odd about it."""

    texts: list[tuple[Key, str]]
    warnings: list[Diagnostic]


def read_given(kind: str, files: list[str], settings: Settings, *, strict: bool) -> Given:
    """The templates of this kind. InvalidWorkflow tells everything that is wrong with any of them."""
    bundle = Bundle()
    for source in read_sources(files):
        bundle.merge(decode_text(source, strict=strict))
    wanted = [loaded for loaded in templates(bundle) if loaded.kind == kind]
    everything = Bundle()
    everything.merge(bundle)
    everything.merge(add_stored(bundle, settings))
    found = [*bundle.diagnostics, *check_documents(everything, wanted), *_others(bundle, kind)]
    keyed: dict[Key, Loaded[Any]] = {}
    for loaded in wanted:
        found += _keyed(loaded, settings.text("namespace"), keyed)
    found = in_order(d for d in found if d.severity != "note" and not silenced(d))
    if not wanted and not any(d.severity == "error" for d in found):
        found.append(Diagnostic("no-template", f"there is no {kind} in {', '.join(files)}"))
    if any(d.severity == "error" for d in found):
        raise InvalidWorkflow(found, hint="nothing was stored")
    return Given([(key, document_text(loaded)) for key, loaded in keyed.items()], found)


def document_text(loaded: Loaded[Any]) -> str:
    """The text of one document as it was written; written anew only where it can't be cut out of its file."""
    source = loaded.document.source
    others = parse_text(source).documents
    if not loaded.path and len([d for d in others if d.value is not None]) == 1:
        return source.text
    if not loaded.path:
        text = _cut(source, loaded.span().start)
        again = parse_text(Source(source.name, text))
        if not again.diagnostics and [d.value for d in again.documents] == [loaded.value]:
            return text
    return to_yaml([loaded.value])


def _cut(source: Source, at: int) -> str:
    """The text between the `---` around an offset."""
    marks = list(_MARKER.finditer(source.text))
    start = max((mark.end() for mark in marks if mark.start() <= at), default=0)
    end = min((mark.start() for mark in marks if mark.start() > at), default=len(source.text))
    return source.text[start:end].lstrip("\r\n")


def _keyed(loaded: Loaded[Any], namespace: str, keyed: dict[Key, Loaded[Any]]) -> list[Diagnostic]:
    """Files the document under its key, or says why it has none."""
    if not loaded.name:
        hint = "add `name: NAME`: a stored template is found by its name"
        return [Diagnostic("no-name", f"the {loaded.kind} has no metadata.name", loaded.span("metadata"), hint)]
    given = loaded.model.metadata.namespace
    try:
        key = template_key(loaded.kind, given or namespace, loaded.name)
    except UsageError as error:
        field = "namespace" if given and "namespace" in error.message else "name"
        return [Diagnostic("bad-name", error.message, loaded.span("metadata", field), error.hint)]
    if key in keyed:
        first = (keyed[key].span("metadata", "name"), "the first one is here")
        return [Diagnostic("duplicate-name", f"{key} is given twice", loaded.span("metadata", "name"), notes=(first,))]
    keyed[key] = loaded
    return []


def _others(bundle: Bundle, kind: str) -> list[Diagnostic]:
    """A warning for each document that is not stored by this command."""
    every = [loaded for _, home in KINDS.values() for loaded in getattr(bundle, home)]
    return [
        Diagnostic("other-kind", f"{d.kind} is not stored: it is no {kind}", d.key_span("kind"), severity="warning")
        for d in [*every, *bundle.others]
        if d.kind != kind
    ]
