"""Holds a trial against what its test expects; each difference is told with the story of the node that it is about."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from aggregator.app.explain import explain
from aggregator.errors import LanguageError
from aggregator.lang.gotime import parse_duration
from aggregator.testing.differences import Difference, shown_value
from aggregator.testing.expectations import ABSENT, entries
from aggregator.testing.mocks import names_of
from aggregator.testing.trial import try_case
from aggregator.testing.values import (
    as_text,
    contains,
    duration_holds,
    glob_matches,
    regex_of,
    shown,
    text_matches,
    value_matches,
)
from aggregator.testing.views import attempts_of, by_name

if TYPE_CHECKING:
    from aggregator.app.explain import Explainer
    from aggregator.engine.node import Node
    from aggregator.testing.cases import Expected
    from aggregator.testing.trial import Trial


def compare(trial: Trial) -> list[Difference]:
    """All that differs from what was expected; by default a run is expected to succeed."""
    return _Comparison(trial).all()


class _Comparison:
    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.expect = trial.case.expect
        self.found: list[Difference] = []
        self.detail: Trial | None = None
        self.explained: Explainer | None = None
        self.by_name = self._index()

    def _index(self) -> dict[str, list[Node]]:
        """The nodes of the names that are expected, by full name and display name; of a big run these are few."""
        wanted = {name for name, _ in entries(self.expect, "nodes.")}
        for key, entry in self.expect.items():
            if key == "order":
                wanted.update(entry.value)
            elif isinstance(entry.value, dict) and "startedAfter" in entry.value:
                after = entry.value["startedAfter"]
                wanted.update(map(str, after if isinstance(after, list) else [after]))
        found: dict[str, list[Node]] = {}
        if wanted:
            wanted |= {f"{self.trial.machine.name}.{name}" for name in wanted} if self.trial.run is not None else set()
            for node in self.trial.nodes():
                if node.name in wanted:
                    found.setdefault(node.name, []).append(node)
                if node.display in wanted and node.display != node.name:
                    found.setdefault(node.display, []).append(node)
        return found

    def all(self) -> list[Difference]:
        self._run()
        for name, entry in entries(self.expect, "nodes."):
            self._nodes(name, entry)
        self._order()
        self._outputs()
        self._requests()
        self._artifacts()
        return self.found

    # ------------------------------------------------------------------ the run

    def _run(self) -> None:
        trial = self.trial
        phase = self.expect.get("phase")
        wanted = phase.value if phase is not None else "Succeeded"
        if trial.phase not in (wanted if isinstance(wanted, list) else [wanted]):
            actual = f"{trial.phase}: {trial.message}" if trial.message else trial.phase
            self._differ("phase", phase, wanted, actual, self._why())
        message = self.expect.get("message")
        if message is not None and not text_matches(message.value, trial.message):
            self._differ("message", message, message.value, trial.message, self._why())
        duration = self.expect.get("duration")
        if duration is not None and not duration_holds(duration.value, trial.duration):
            self._differ("duration", duration, str(duration.value), shown(round(trial.duration, 3)))

    def _why(self) -> list[str]:
        """What people ask when a run did not end as it should: what was wrong, waited, or failed first."""
        trial = self.trial
        if trial.run is None:
            problems = trial.prepared.problems if trial.prepared is not None else []
            return [line for d in problems for line in d.render().splitlines()]
        first = trial.machine.first_failure
        if first is not None:
            return self._story(first)
        return trial.waits_for()

    # ------------------------------------------------------------------ nodes

    def _find(self, name: str) -> list[Node]:
        """By full name, display name, or glob; a display name that several nodes have means all of them."""
        found = self.by_name.get(name)
        if found:
            full = [node for node in found if node.name == name]
            return full or found
        if self.trial.run is None:
            return []
        machine = self.trial.machine
        inside = [n for n in self.by_name.get(f"{machine.name}.{name}", ()) if n.name == f"{machine.name}.{name}"]
        if inside:
            return inside[:1]
        if "*" not in name:
            return []
        return [n for n in machine.nodes if any(glob_matches(name, known) for known in (n.name, n.display))]

    def _nodes(self, name: str, entry: Expected) -> None:
        nodes = self._find(name)
        if entry.value == ABSENT:
            if nodes:
                self._differ(entry.path, entry, ABSENT, f"it is {nodes[0].phase}", self._story(nodes[0]))
            return
        if not nodes:
            self._differ(entry.path, entry, "a node of that name", "there is none", [self._names()])
            return
        wanted = {"phase": entry.value} if isinstance(entry.value, str) else dict(entry.value)
        count = wanted.pop("count", None)
        if count is not None and count != len(nodes):
            self._differ(f"{entry.path}.count", entry, count, len(nodes))
        for node in nodes:
            before = len(self.found)
            path = entry.path if len(nodes) == 1 else f"{entry.path} ({node.name})"
            for key, value in wanted.items():
                self._node(node, path, entry, key, value)
            if len(self.found) > before:
                last = self.found[-1]
                self.found[-1] = Difference(last.path, last.expected, last.actual, last.span, self._story(node))

    def _node(self, node: Node, path: str, entry: Expected, key: str, value: Any) -> None:
        trial = self.trial
        here = f"{path}.{key}"
        if key == "phase":
            if node.phase not in (value if isinstance(value, list) else [value]):
                self._differ(here, entry, value, f"{node.phase}: {node.message}" if node.message else node.phase)
        elif key == "message":
            if not text_matches(value, node.message):
                self._differ(here, entry, value, node.message)
        elif key == "attempts":
            if attempts_of(node, trial.nodes()) != value:
                self._differ(here, entry, value, attempts_of(node, trial.nodes()))
        elif key == "duration":
            end = node.finished if node.finished is not None else trial.machine.at
            if not duration_holds(value, end - node.started):
                self._differ(here, entry, value, shown(round(end - node.started, 3)))
        elif key == "outputs":
            self._values(here, entry, value or {}, by_name(node.outputs))
        elif key == "inputs":
            self._values(here, entry, value or {}, by_name(node.inputs))
        elif key == "leaf":
            asked = self._asked(node)
            if asked is None:
                self._differ(here, entry, value, "no leaf was started here")
            else:
                self._contains(here, entry, value, asked)
        elif key == "startedAfter":
            for one in value if isinstance(value, list) else [value]:
                self._started_after(here, entry, node, str(one))
        elif key == "children":
            if len(node.children) != value:
                self._differ(here, entry, value, len(node.children))
        else:
            actual = node.kind if key == "type" else node.template.name if node.template is not None else ""
            if actual != value:
                self._differ(here, entry, value, actual)

    def _asked(self, node: Node) -> dict[str, Any] | None:
        """What the leaf was asked to do, for a retried one at its last attempt: its template, every tag filled."""
        attempts = self.trial.attempts
        attempt = attempts.get(node.number)
        if attempt is None:
            tried = [n for n in node.children if n in attempts and self.trial.machine.nodes[n].parent is node]
            attempt = attempts[tried[-1]] if tried else None
        if attempt is None:
            return None
        return {
            **attempt.template,
            "archiveLogs": attempt.archive_logs,
            "serviceAccountName": attempt.service_account,
            "volumes": attempt.volumes,
        }

    def _contains(self, path: str, entry: Expected, expected: Any, actual: Any) -> None:
        """As `contains`, telling the innermost place that differs."""
        if isinstance(expected, dict) and isinstance(actual, dict):
            for key, value in expected.items():
                if key not in actual:
                    self._differ(f"{path}.{key}", entry, value, f"there is only {', '.join(map(str, actual))}")
                else:
                    self._contains(f"{path}.{key}", entry, value, actual[key])
        elif not contains(expected, actual):
            self._differ(path, entry, expected, actual)

    def _values(self, path: str, entry: Expected, wanted: dict[str, Any], actual: dict[str, Any]) -> None:
        """Outputs or inputs: parameters and artifacts by name, and single values."""
        for family, value in wanted.items():
            if family not in ("parameters", "artifacts"):
                got = actual.get(family)
                if (value != ABSENT or got is not None) and (got is None or not value_matches(value, got)):
                    self._differ(f"{path}.{family}", entry, value, ABSENT if got is None else got)
                continue
            there = actual.get(family) or {}
            for name, one in (value or {}).items():
                here = f"{path}.{family}.{name}"
                if one == ABSENT and name not in there:
                    continue
                if name not in there or one == ABSENT:
                    self._differ(here, entry, one, there.get(name, ABSENT))
                elif family == "artifacts":
                    self._contains(here, entry, one, there[name])
                elif not value_matches(one, there[name]):
                    self._differ(here, entry, one, there[name])

    def _started_after(self, path: str, entry: Expected, node: Node, other: str) -> None:
        """After another node has ended, or after some time since the run's begin."""
        history = self.trial.history
        before = self._find(other)
        if not before:
            try:
                wait = parse_duration(other).ns / 1e9
            except LanguageError:
                self._differ(path, entry, other, "there is no node of that name", [self._names()])
                return
            began = node.started - (self.trial.machine.started or 0.0)
            if began < wait - 1e-6:
                self._differ(path, entry, f"at least {other} after the run's begin", f"it started at +{shown(began)}")
            return
        for one in before:
            ended = history.ended.get(one.number)
            if ended is None or node.number not in history.began or ended > history.began[node.number]:
                told = f"{one.display} had not ended when {node.display} started"
                self._differ(path, entry, f"after {other}", told, self._story(one))
                return

    # ------------------------------------------------------------------ the rest

    def _order(self) -> None:
        entry = self.expect.get("order")
        names = entry.value if entry is not None else []
        for name, following in itertools.pairwise(names):
            nodes = self._find(following)
            for missing in (n for n in (name, following) if not self._find(n)):
                self._differ("order", entry, missing, "there is no node of that name", [self._names()])
                return
            for node in nodes:
                if entry is not None:
                    self._started_after(f"order: {name} before {following}", entry, node, name)

    def _outputs(self) -> None:
        entry = self.expect.get("outputs")
        if entry is not None:
            machine_outputs = self.trial.machine.outputs if self.trial.run is not None else {}
            self._values("outputs", entry, entry.value or {}, by_name(machine_outputs))

    def _requests(self) -> None:
        entry = self.expect.get("requests")
        if entry is None:
            return
        sent = self.trial.requests()
        for key, count in (entry.value or {}).items():
            actual = sum(n for request, n in sent.items() if key == "count" or glob_matches(key, request))
            if actual != count:
                told = [f"{n} times {request}" for request, n in sorted(sent.items())][:20]
                self._differ(f"requests.{key}", entry, count, actual, told)

    def _artifacts(self) -> None:
        entry = self.expect.get("artifacts")
        if entry is None:
            return
        written = self.trial.artifacts()
        for name, wanted in (entry.value or {}).items():
            path = f"artifacts.{name}"
            if name not in written:
                if wanted != ABSENT:
                    there = ", ".join(written) or "none"
                    self._differ(path, entry, wanted, f"{ABSENT}; written were: {there}")
                continue
            node, text = written[name]
            if wanted == ABSENT:
                self._differ(path, entry, ABSENT, f"written by {node.display}", self._story(node))
                continue
            self._artifact(path, entry, wanted, node, text)

    def _artifact(self, path: str, entry: Expected, wanted: Any, node: Node, text: str | None) -> None:
        form = wanted if isinstance(wanted, dict) else {"text": wanted}
        writer = form.get("node")
        if writer is not None and not any(glob_matches(str(writer), n) for n in names_of(node, self.trial.machine)):
            self._differ(f"{path}.node", entry, writer, node.display)
        if ("json" in form or "text" in form) and text is None:
            self._differ(path, entry, wanted, "it was written, but its mock gives it no content", self._story(node))
            return
        if "json" in form:
            try:
                actual = json.loads(text or "")
            except ValueError as problem:
                self._differ(f"{path}.json", entry, form["json"], f"{text!r} is not JSON: {problem}")
                return
            if actual != form["json"]:
                self._differ(f"{path}.json", entry, form["json"], actual)
        if "text" in form:
            pattern = regex_of(form["text"])
            same = pattern.search(text or "") is not None if pattern else text == as_text(form["text"])
            if not same:
                self._differ(f"{path}.text", entry, form["text"], text)

    # ------------------------------------------------------------------ telling

    def _differ(
        self, path: str, entry: Expected | None, expected: Any, actual: Any, story: list[str] | None = None
    ) -> None:
        span = entry.span if entry is not None else self.trial.case.span
        self.found.append(Difference(path, shown_value(expected), shown_value(actual), span, list(story or ())))

    def _story(self, node: Node) -> list[str]:
        """What happened to the node, and what was decided of it: the test is run once more, now with an eye on these."""
        if self.detail is None:
            self.detail = try_case(self.trial.case, detailed=True)
            self.explained = explain(self.detail.run.journal if self.detail.run is not None else ())
        assert self.explained is not None
        lines = self.detail.history.story(self.detail.machine, self.detail.machine.nodes[node.number])
        start = self.explained.started or 0.0
        for decision in self.explained.story(node).decisions:
            lines += [f"  {line}" for line in decision.lines(start)]
        return lines

    def _names(self) -> str:
        names = list(dict.fromkeys(n.display for n in self.trial.nodes()))
        return f"nodes: {', '.join(names[:30])}{' …' if len(names) > 30 else ''}" if names else "the run has no nodes"
