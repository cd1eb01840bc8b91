"""Loads test files: `*.aggtest.yaml`, one test per document or several under `tests:`, everything wrong told in one go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.errors import Diagnostic, InvalidWorkflow, NotFound
from aggregator.spec.bundle import Bundle
from aggregator.spec.decode import decode_documents
from aggregator.spec.positions import Document
from aggregator.spec.yaml import parse_text, read_source
from aggregator.testing.cases import Case, Happening
from aggregator.testing.documents import Documents
from aggregator.testing.expectations import read_expectations
from aggregator.testing.fields import Fields
from aggregator.testing.mock_fields import read_mocks, texts
from aggregator.testing.values import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aggregator.source import Source

SUFFIXES = (".aggtest.yaml", ".aggtest.yml")
SHARED = (
    "workflow",
    "templates",
    "parameters",
    "entrypoint",
    "runName",
    "mocks",
    "events",
    "expect",
    "strictArgo",
    "maxParallel",
    "httpConcurrency",
    "at",
    "seed",
)
DEEDS = ("stop", "terminate", "suspend", "resume", "set")


def find_files(paths: Iterable[str]) -> list[Path]:
    """The files that paths stand for; a folder gives all of its `*.aggtest.yaml`, however deep."""
    found: dict[Path, None] = {}
    for name in paths:
        path = Path(name)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.name.endswith(SUFFIXES) and p.is_file())
            if not inside:
                raise NotFound(f"{name}: the folder holds no {SUFFIXES[0][1:]} file")
            found.update(dict.fromkeys(inside))
        elif path.is_file():
            found[path] = None
        else:
            raise NotFound(f"{name}: no such file", hint="a test file ends in .aggtest.yaml")
    return list(found)


def load_file(path: Path) -> list[Case]:
    """The tests of one file; InvalidWorkflow with all that is wrong with it."""
    return load_text(read_source(str(path), path.read_bytes()), path.parent)


def load_text(source: Source, folder: Path) -> list[Case]:
    """The tests of a text; paths in it are relative to the folder."""
    parsed = parse_text(source)
    found = list(parsed.diagnostics)
    reader = _Reader(folder, found)
    cases: list[Case] = []
    for document in parsed.documents:
        if document.value is not None:
            cases += reader.document(Fields(document, document.value, (), found))
    if not cases and not found:
        found.append(Diagnostic("empty-file", f"{source.name} holds no test", hint="docs/testing.md shows one"))
    _named(cases, source, found)
    if found:
        raise InvalidWorkflow(found)
    return cases


def _named(cases: list[Case], source: Source, found: list[Diagnostic]) -> None:
    """Every test has a name of its own: its place in the file where none is written."""
    seen: set[str] = set()
    stem = Path(source.name).name.partition(".aggtest.")[0]
    for number, case in enumerate(cases, 1):
        case.file = source.name
        if not case.name:
            case.name = stem if len(cases) == 1 else f"{stem} #{number}"
        if case.name in seen:
            found.append(Diagnostic("duplicate-name", f"two tests are called {case.name!r}", case.span))
        seen.add(case.name)


class _Reader:
    """Reads documents; workflows that several tests name are read once."""

    def __init__(self, folder: Path, found: list[Diagnostic]) -> None:
        self.folder = folder
        self.found = found
        self._files: dict[str, Documents] = {}

    def document(self, fields: Fields) -> list[Case]:
        """One test, or the tests of a `tests:` list, which share what stands beside it."""
        if not fields.known(("name", "tests", *SHARED)):
            return []
        if "tests" not in fields:
            return [self._case([fields])]
        if "name" in fields:
            fields["name"].report("wrong-field", "`name` belongs to each test of `tests`", key=True)
        inside = [inner for inner in fields["tests"].items() if inner.known(("name", *SHARED))]
        return [self._case([inner, fields]) for inner in inside]

    def _case(self, layers: list[Fields]) -> Case:
        """A test from its own fields and those that it shares: its own come first."""
        own = layers[0]

        def first(key: str) -> Fields:
            return next((layer[key] for layer in layers if key in layer), own[key])

        workflow = first("workflow")
        if workflow.value is None:
            own.report("missing-field", "the test names no workflow", "workflow: FILE, or a document written here")
        parameters: dict[str, str] = {}
        for layer in reversed(layers):
            parameters |= texts(layer["parameters"])
        supporting = Bundle()
        for layer in layers:
            for item in layer["templates"].items():
                supporting.merge(self._documents(item).bundle)
        options: dict[str, Any] = {"strict_argo": first("strictArgo").flag(), "slots": {}, "host": "localhost"}
        for key, slot in (("maxParallel", "process"), ("httpConcurrency", "http")):
            limit = first(key).whole()
            if limit:
                options["slots"][slot] = limit
        at = first("at")
        expect: dict[str, Any] = {}
        for layer in reversed(layers):
            expect |= read_expectations(layer["expect"])
        return Case(
            name=own["name"].text(),
            span=own.span,
            main=(self._documents(workflow) if workflow.value is not None else Documents()).use(),
            supporting=supporting,
            parameters=tuple(parameters.items()),
            entrypoint=first("entrypoint").text(),
            run_name=first("runName").text(),
            mocks=tuple(mock for layer in layers for mock in read_mocks(layer["mocks"])),
            events=tuple(event for layer in layers for event in _events(layer["events"])),
            expect=expect,
            options=options,
            at=None if at.value is None else _moment(at),
            seed=first("seed").whole(),
        )

    def _documents(self, fields: Fields) -> Documents:
        """The documents of a file, or the one that is written in place."""
        if isinstance(fields.value, dict):
            inner = Document(fields.document.source, fields.value, _node_at(fields))
            return Documents(bundle=decode_documents([inner]))
        name = fields.text()
        if name and name not in self._files:
            path = self.folder / name
            try:
                source = read_source(str(path), path.read_bytes())
            except OSError as problem:
                reason = (problem.strerror or str(problem)).lower()
                fields.report("no-such-file", f"{name}: {reason}", f"looked for it at {path}")
                return Documents()
            self._files[name] = Documents(source)
        return self._files.get(name) or Documents()


def _node_at(fields: Fields) -> Any:
    """The places of an inline document, so that its own problems are told where they stand."""
    node: Any = fields.document.node
    for part in fields.path:
        node = node.children[part]
    return node


def _moment(fields: Fields) -> float | None:
    from aggregator.engine.times import unix_seconds  # noqa: PLC0415 - tests about the calendar are few

    found = unix_seconds(fields.text())
    if found is None:
        fields.report("wrong-value", f"{fields.where}: {fields.value!r} is no time", "write 2026-01-31T08:00:00Z")
    return found


def _events(fields: Fields) -> list[Happening]:
    found = []
    for item in fields.items():
        if not item.known(("at", *DEEDS)):
            continue
        deeds = [deed for deed in DEEDS if deed in item]
        if len(deeds) != 1:
            item.report("wrong-value", f"{item.where} needs exactly one of {', '.join(DEEDS)}")
            continue
        deed = deeds[0]
        body = item[deed]
        known = {
            "stop": ("message", "selector"),
            "terminate": ("message",),
            "suspend": (),
            "resume": ("selector",),
            "set": ("selector", "parameters", "phase", "message"),
        }[deed]
        if body.value is not None and not body.known(known):
            continue
        found.append(
            Happening(
                at=item["at"].seconds(),
                deed=deed,  # type: ignore[arg-type]  # it is one of DEEDS
                message=body["message"].text(),
                selector=body["selector"].text(),
                phase=body["phase"].choice(("Succeeded", "Failed", "Error")),
                parameters={key: as_text(value.value) for key, value in body["parameters"].pairs()},
            )
        )
    return found
