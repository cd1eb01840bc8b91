"""Answers attempts of leaves as the mocks of a test say, HTTP answers judged by the rules of the real runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine.events import Outcome
from aggregator.errors import AggError
from aggregator.runtimes.http import messages
from aggregator.runtimes.http.exchange import Response, TransportFailure
from aggregator.runtimes.http.reading import read
from aggregator.runtimes.http.verdict import judge
from aggregator.testing import placeholders
from aggregator.testing.values import as_text, glob_matches
from aggregator.testing.virtual import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aggregator.engine.commands import Attempt
    from aggregator.engine.machine import Machine
    from aggregator.engine.node import Node
    from aggregator.testing.cases import HttpAnswer, Mock, MockedOutcome

MOST_ATTEMPTS = 10_000
"""A leaf that is tried more often than this is taken to be tried for ever."""


class Unending(AggError):  # noqa: N818 - like NotFound and Unsupported
    """The run would never end: a leaf is retried without a limit, and its mock never lets it succeed."""


class UnreadSecrets:
    """Stands for the secret store: every secret is its own name, and nothing is read."""

    def secret(self, name: str, key: str) -> str:
        return f"secret:{name}/{key}"

    def secret_keys(self, name: str) -> Mapping[str, str]:
        del name
        return {}

    def config_map(self, name: str) -> Mapping[str, str]:
        del name
        return {}

    def mask(self, text: str) -> str:
        return text


class Mocks:
    """Chooses the outcome of each attempt; `machine` is set once the run is there."""

    machine: Machine

    def __init__(self, mocks: Sequence[Mock], *, strict_argo: bool = False) -> None:
        self.mocks = mocks
        self.strict_argo = strict_argo
        self.unmatched: dict[str, str] = {}
        """By template, what a leaf that no mock stands for wanted to do."""
        self.contents: dict[tuple[int, str], str] = {}
        """Text of the artifacts that mocks wrote, by node and name."""
        self.requests: dict[str, int] = {}
        """How often each request was sent, as `METHOD URL`."""
        self._turns: dict[tuple[int, str], int] = {}

    def answer(self, attempt: Attempt) -> Answer:
        """How the attempt goes."""
        machine = self.machine
        node = machine.nodes[attempt.node]
        if attempt.kind == "http":
            request = f"{method_of(attempt)} {url_of(attempt)}"
            self.requests[request] = self.requests.get(request, 0) + 1
        for number, mock in enumerate(self.mocks):
            if _matches(mock, attempt, machine, node):
                key = number, _place(node)
                turn = self._turns.get(key, 0)
                self._turns[key] = turn + 1
                if turn >= MOST_ATTEMPTS:
                    raise Unending(
                        f"{attempt.display_name} was tried {turn:,} times and would be tried for ever",
                        hint="give its retryStrategy a limit, or its mock an outcome that succeeds",
                    )
                return self._as_mocked(mock.outcomes[min(turn, len(mock.outcomes) - 1)], attempt)
        self.unmatched.setdefault(attempt.template_name, describe(attempt))
        return Answer(Outcome(phase="Error", message=f"no mock stands for {attempt.display_name}"))

    def _as_mocked(self, mocked: MockedOutcome, attempt: Attempt) -> Answer:
        daemon = bool(attempt.template.get("daemon"))
        ready = mocked.ready if mocked.ready is not None else daemon and mocked.phase in (None, "Succeeded")
        takes = mocked.takes
        if mocked.http is not None:
            outcome, takes = self._http(mocked.http, attempt, takes)
        else:
            outcome = self._outcome(mocked, attempt)
        for name, text in mocked.artifacts.items():
            self.contents[attempt.node, name] = text
        return Answer(outcome, takes=takes, starts=None if attempt.kind == "http" else mocked.starts, ready=ready)

    def _outcome(self, mocked: MockedOutcome, attempt: Attempt) -> Outcome:
        """What the mock says; on success with placeholders for the declared outputs that it says nothing of."""
        code = mocked.exit_code
        phase = mocked.phase or ("Failed" if code else "Succeeded")
        message, result, made = mocked.message, mocked.result, mocked.parameters
        written = [a for a in placeholders.artifacts(attempt, mocked.artifacts) if a["name"] in mocked.artifacts]
        if phase == "Succeeded":
            made = placeholders.parameters(self.machine, attempt, made)
            written = placeholders.artifacts(attempt, mocked.artifacts)
            if result is None:
                result = placeholders.result(self.machine, attempt)
            if code is None and attempt.kind in ("container", "script", "containerSet"):
                code = 0
        elif code and not message:
            message = f"main: Error (exit code {code})"
        return Outcome(
            phase=phase,
            message=message,
            result=result,
            exit_code=code,
            parameters=made,
            artifacts=written,
            transient=mocked.transient,
            retry_after=mocked.retry_after,
        )

    def _http(self, answer: HttpAnswer, attempt: Attempt, takes: float) -> tuple[Outcome, float]:
        """The outcome as the real runtime would judge the answer, and how long it takes."""
        if attempt.kind != "http":
            text = f"the mock gives an HTTP answer, but template {attempt.template_name!r} is a {attempt.kind}"
            return Outcome(phase="Error", message=text), 0.0
        try:
            reading = read(attempt.template.get("http") or {}, UnreadSecrets())
        except AggError as error:
            text = f"{error.message} ({error.hint})" if error.hint else error.message
            return Outcome(phase="Failed", message=text), 0.0
        if reading.timeout is not None and takes > reading.timeout:
            text = messages.timed_out(reading.request, f"timeoutSeconds: {reading.timeout:g}")
            return Outcome(phase="Failed", message=text, transient=not self.strict_argo), reading.timeout
        if answer.failure:
            failure = TransportFailure(answer.failure)  # type: ignore[arg-type]  # checked when the file was read
            transient = messages.is_transient(failure, strict_argo=self.strict_argo)
            text = messages.transport_failure(reading.request, failure)
            return Outcome(phase="Failed", message=text, transient=transient), takes
        response = Response(answer.status, list(answer.headers), answer.body.encode())
        now = self.machine.at + takes
        return judge(reading, response, now=now, strict_argo=self.strict_argo), takes


def _matches(mock: Mock, attempt: Attempt, machine: Machine, node: Node) -> bool:
    if mock.template and not glob_matches(mock.template, attempt.template_name):
        return False
    if mock.url and not (attempt.kind == "http" and glob_matches(mock.url, url_of(attempt))):
        return False
    if mock.node and not any(glob_matches(mock.node, name) for name in names_of(node, machine)):
        return False
    return mock.item is None or _is_item(mock.item, node)


def names_of(node: Node, machine: Machine) -> list[str]:
    """How a node may be called: full name, display name, the full name without the run's; for an attempt also its retry's."""
    found = [node.name, node.display, node.name.removeprefix(machine.name).removeprefix(".")]
    if node.attempt is not None and node.parent is not None:
        found += names_of(node.parent, machine)
    return found


def url_of(attempt: Attempt) -> str:
    return str((attempt.template.get("http") or {}).get("url") or "").strip()


def method_of(attempt: Attempt) -> str:
    return str((attempt.template.get("http") or {}).get("method") or "GET")


def describe(attempt: Attempt) -> str:
    """What a leaf wanted to do, for the one who writes its mock."""
    if attempt.kind == "http":
        return f"{attempt.display_name}: {method_of(attempt)} {url_of(attempt)}"
    return f"{attempt.display_name}: a {attempt.kind}"


def _place(node: Node) -> str:
    """The leaf's place in the workflow, the same for every attempt of it and of what encloses it."""
    parts = []
    current: Node | None = node
    while current is not None:
        if current.attempt is not None and current.parent is not None:
            current = current.parent
        parts.append(current.display)
        current = current.boundary
    return "/".join(reversed(parts[:-1])) if len(parts) > 1 else parts[0]


def _is_item(wanted: Any, node: Node) -> bool:
    """Whether the nearest enclosing loop is at this item: by its text, or by its index where texts are no numbers."""
    current: Node | None = node
    while current is not None:
        if current.item is not None:
            element = current.parent if current.attempt is not None and current.parent is not None else current
            text = element.name.rpartition("(")[2].removesuffix(")").partition(":")[2]
            if isinstance(wanted, dict):
                return text == ",".join(f"{key}:{as_text(wanted[key])}" for key in sorted(wanted))
            if isinstance(wanted, int) and not isinstance(wanted, bool) and not text.lstrip("-").isdigit():
                return current.item == wanted
            return text == as_text(wanted).translate(str.maketrans("", "", "()"))
        current = current.boundary
    return False
