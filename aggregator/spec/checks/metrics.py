"""Metrics of templates and workflows: names, help, and one value each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Findings, Place
    from aggregator.spec.models import Metrics, Prometheus

NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def check_metrics(findings: Findings, metrics: Metrics | None, place: Place, where: str) -> None:
    """The metrics at `place`, if there are any."""
    for index, metric in enumerate(metrics.prometheus if metrics else ()):
        _check_metric(findings, metric, place.at("prometheus", index), f"{where} metric '{metric.name}'")


def _check_metric(findings: Findings, metric: Prometheus, place: Place, where: str) -> None:
    if not NAME.fullmatch(metric.name):
        message = f"{where} error: the name is invalid: use letters, digits, '_' and ':', not beginning with a digit"
        findings.error("metric", message, place.at("name"))
    if not metric.help:
        findings.error("metric", f"{where} error: it must contain a help text under 'help:'", place)
    for index, label in enumerate(metric.labels):
        if not LABEL.fullmatch(label.key):
            message = f"{where} error: label '{label.key}' is invalid: use letters, digits and '_', not beginning with a digit"
            findings.error("metric", message, place.at("labels", index, "key"))
    kinds = [kind for kind in ("counter", "gauge", "histogram") if getattr(metric, kind) is not None]
    if len(kinds) != 1:
        seen = f"it has {' and '.join(kinds)}" if kinds else "it has none"
        findings.error("metric", f"{where} error: give exactly one of counter, gauge, histogram: {seen}", place)
        return
    value = getattr(metric, kinds[0]).value
    if not value:
        findings.error("metric", f"{where} error: missing {kinds[0]}.value", place.at(kinds[0]))
    gauge = metric.gauge
    if gauge is not None and gauge.realtime and "resourcesDuration." in gauge.value:
        message = f"{where} error: 'resourcesDuration.*' metrics cannot be used in real-time"
        findings.error("metric", message, place.at("gauge", "value"))
