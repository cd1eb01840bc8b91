"""Forms of the result of `agg lint`: for people, editors, and CI services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from aggregator import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aggregator.errors import Diagnostic
    from aggregator.source import Span
    from aggregator.spec.bundle import Loaded

    Form = Callable[..., str]

DOCS = "docs/lint.md"
RED, YELLOW, GREEN, BOLD, PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[1m", "\x1b[0m"
SHOWN = 2000
"""More findings than these are only counted: nobody reads them, and each takes four lines."""


def pretty(found: Sequence[Diagnostic], documents: Sequence[Loaded[Any]], *, color: bool) -> str:
    """Each finding with its line, then a count."""
    lines: list[str] = []
    for diagnostic in found[:SHOWN]:
        text = diagnostic.render()
        if color:
            paint = RED if diagnostic.severity == "error" else YELLOW
            word = f"{diagnostic.severity}[{diagnostic.code}]"
            text = text.replace(word, f"{paint}{word}{PLAIN}", 1)
        lines += [text, ""]
    if len(found) > SHOWN:
        lines += [f"… and {len(found) - SHOWN:,} more", ""]
    lines.append(_summary(found, documents, color=color))
    return "\n".join(lines)


def simple(found: Sequence[Diagnostic], documents: Sequence[Loaded[Any]], *, color: bool) -> str:
    """One line for each finding, then a count."""
    lines = [diagnostic.render(excerpt=False).partition("\n")[0] for diagnostic in found]
    return "\n".join([*lines, _summary(found, documents, color=color)])


def _summary(found: Sequence[Diagnostic], documents: Sequence[Loaded[Any]], *, color: bool) -> str:
    errors = sum(d.severity == "error" for d in found)
    warnings = len(found) - errors
    beside = f" {warnings} {'warning' if warnings == 1 else 'warnings'}." if warnings else ""
    looked = f" {len(documents)} {'document' if len(documents) == 1 else 'documents'} checked."
    if errors:
        paint, text = RED, f"✖ {errors} linting errors found!"
    else:
        paint, text = GREEN, "✔ no linting errors found!"
    return (f"{BOLD}{paint}{text}{PLAIN}" if color else text) + beside + looked


def _place(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {"file": "", "line": 1, "column": 1, "endLine": 1, "endColumn": 1}
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(max(span.start + 1, span.end))
    return {"file": span.source.name, "line": line, "column": column, "endLine": end_line, "endColumn": end_column}


def as_json(found: Sequence[Diagnostic], documents: Sequence[Loaded[Any]], *, color: bool) -> str:
    """All findings as one JSON object, with counts."""
    del color
    listed = [
        {
            **_place(d.span),
            "severity": d.severity,
            "code": d.code,
            "message": d.message,
            "hint": d.hint,
            "notes": [{**_place(span), "message": text} for span, text in d.notes],
        }
        for d in found
    ]
    errors = sum(d.severity == "error" for d in found)
    whole = {
        "diagnostics": listed,
        "errors": errors,
        "warnings": len(found) - errors,
        "documents": [{"file": d.document.source.name, "kind": d.kind, "name": d.name} for d in documents],
    }
    return _json(whole)


def sarif(found: Sequence[Diagnostic], documents: Sequence[Loaded[Any]], *, color: bool) -> str:
    """SARIF 2.1.0, which code scanning services read."""
    del color, documents
    codes = sorted({d.code for d in found})
    results = []
    for d in found:
        related = [{**_physical(span), "message": {"text": text}} for span, text in d.notes]
        results.append(
            {
                "ruleId": d.code,
                "ruleIndex": codes.index(d.code),
                "level": d.severity,
                "message": {"text": d.message + (f" ({d.hint})" if d.hint else "")},
                "locations": [_physical(d.span)] if d.span else [],
                **({"relatedLocations": related} if related else {}),
            }
        )
    driver = {
        "name": "agg",
        "version": __version__,
        "rules": [{"id": code, "help": {"text": f"see {DOCS}#{code}"}} for code in codes],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return _json({"$schema": schema, "version": "2.1.0", "runs": [run]})


def _physical(span: Span) -> dict[str, Any]:
    """A SARIF location. File names are URI references there, so blanks and the like are written as escapes."""
    from urllib.parse import quote  # noqa: PLC0415 - only for this form

    place = _place(span)
    region = {
        "startLine": place["line"], "startColumn": place["column"],
        "endLine": place["endLine"], "endColumn": place["endColumn"],
    }  # fmt: skip
    location = {"artifactLocation": {"uri": quote(place["file"])}, "region": region}
    return {"physicalLocation": location}


def github(found: Sequence[Diagnostic], documents: Sequence[Loaded[Any]], *, color: bool) -> str:
    """Workflow commands that GitHub Actions turns into annotations, then a count."""
    lines = []
    for d in found:
        place = _place(d.span)
        fields = {"file": place["file"], "line": place["line"], "col": place["column"], "title": d.code}
        shown = ",".join(f"{key}={_escaped(str(value), field=True)}" for key, value in fields.items() if value != "")
        message = d.message + (f"\n{d.hint}" if d.hint else "")
        lines.append(f"::{d.severity} {shown}::{_escaped(message)}")
    return "\n".join([*lines, _summary(found, documents, color=color)])


def _escaped(text: str, *, field: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if field else text


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


FORMS: dict[str, Form] = {"pretty": pretty, "simple": simple, "json": as_json, "sarif": sarif, "github": github}
