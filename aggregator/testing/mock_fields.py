"""Reads the `mocks` of a test file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

from aggregator.runtimes.http.exchange import FailureKind
from aggregator.testing.cases import HttpAnswer, Mock, MockedOutcome
from aggregator.testing.values import as_text

if TYPE_CHECKING:
    from aggregator.testing.fields import Fields

PHASES = ("Succeeded", "Failed", "Error")
OUTCOME = (
    "phase",
    "message",
    "result",
    "exitCode",
    "parameters",
    "artifacts",
    "http",
    "takes",
    "starts",
    "transient",
    "retryAfter",
    "ready",
)


def texts(fields: Fields) -> dict[str, str]:
    """A map of names to values, each as the text that it is in a workflow."""
    return {key: as_text(inner.value) for key, inner in fields.pairs()}


def read_mocks(fields: Fields) -> list[Mock]:
    """In their order; `default:` stands for every leaf, so what follows it would never be asked."""
    found: list[Mock] = []
    items = fields.items()
    for number, item in enumerate(items):
        if not item.known(("template", "node", "url", "item", "outcomes", "default")):
            continue
        if "default" in item:
            if len(item.value) > 1:
                item.report("wrong-value", f"{item.where}: `default` stands alone: it is for every leaf")
            if number + 1 < len(items):
                item.report("wrong-value", f"{item.where}: `default` must be the last mock: the first match wins")
            found.append(Mock(outcomes=(_outcome(item["default"]),), span=item.span))
            continue
        outcomes = tuple(map(_outcome, item["outcomes"].items()))
        if not outcomes:
            item.report("missing-field", f"{item.where} has no outcomes", "outcomes: [{phase: Succeeded}]")
            continue
        if not any(key in item for key in ("template", "node", "url", "item")):
            item.report("missing-field", f"{item.where} says of no leaf", "give template, node or url, or use default")
        found.append(
            Mock(
                outcomes=outcomes,
                template=item["template"].text(),
                node=item["node"].text(),
                url=item["url"].text(),
                item=item["item"].value,
                span=item.span,
            )
        )
    return found


def _outcome(fields: Fields) -> MockedOutcome:
    if not fields.known(OUTCOME):
        return MockedOutcome()
    phase: Any = fields["phase"].choice(PHASES) or None
    retry_after, result = fields["retryAfter"], fields["result"]
    return MockedOutcome(
        phase=phase,
        message=fields["message"].text(),
        result=None if result.value is None else as_text(result.value),
        exit_code=fields["exitCode"].whole() if "exitCode" in fields else None,
        parameters=texts(fields["parameters"]),
        artifacts={key: _content(inner) for key, inner in fields["artifacts"].pairs()},
        http=_http(fields["http"], phase) if "http" in fields else None,
        takes=fields["takes"].seconds(),
        starts=fields["starts"].seconds(),
        transient=fields["transient"].flag(),
        retry_after=retry_after.seconds() if retry_after.value is not None else None,
        ready=fields["ready"].flag() if "ready" in fields else None,
    )


def _content(fields: Fields) -> str:
    """An artifact's text; a map or list stands for its JSON."""
    value = fields.value
    return json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, dict | list) else as_text(value)


def _http(fields: Fields, phase: str | None) -> HttpAnswer:
    if not fields.known(("status", "headers", "body", "failure")):
        return HttpAnswer()
    if phase is not None:
        fields.report("wrong-value", f"{fields.where}: `phase` is decided by the answer: give one of them")
    body = fields["body"].value
    headers = []
    for name, inner in fields["headers"].pairs():
        values = inner.value if isinstance(inner.value, list) else [inner.value]
        headers += [(name, as_text(value)) for value in values]
    return HttpAnswer(
        status=fields["status"].whole(200),
        headers=tuple(headers),
        body=json.dumps(body, ensure_ascii=False) if isinstance(body, dict | list) else as_text(body),
        failure=fields["failure"].choice(get_args(FailureKind)),
    )
