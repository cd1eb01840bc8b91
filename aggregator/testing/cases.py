"""What a test file says, read: the workflow, the mocks that stand for its leaves, what people do meanwhile, what is expected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from aggregator.source import Span
    from aggregator.spec.bundle import Bundle
    from aggregator.testing.documents import Documents

Deed = Literal["stop", "terminate", "suspend", "resume", "set"]


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server would say; or, with `failure`, how the exchange breaks off (`refused`, `reset`, `dns`, …)."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class MockedOutcome:
    """How one attempt goes. `phase` None means Succeeded, or Failed where an exit code other than 0 is given."""

    phase: Literal["Succeeded", "Failed", "Error"] | None = None
    message: str = ""
    result: str | None = None
    exit_code: int | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    http: HttpAnswer | None = None
    takes: float = 0.0
    starts: float = 0.0
    transient: bool = False
    retry_after: float | None = None
    ready: bool | None = None


@dataclass(frozen=True, slots=True)
class Mock:
    """Which leaves it stands for, and one outcome per attempt. A mock without a pattern stands for every leaf."""

    outcomes: tuple[MockedOutcome, ...]
    template: str = ""
    node: str = ""
    url: str = ""
    item: Any = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """What somebody does to the run, `at` seconds after its begin."""

    at: float
    deed: Deed
    message: str = ""
    selector: str = ""
    phase: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """One value of `expect`, with its place: `path` are the keys that lead to it, as a person would say them."""

    path: str
    value: Any
    span: Span | None


@dataclass(slots=True)
class Case:
    """One test: a workflow run once in virtual time."""

    name: str
    span: Span | None
    main: Documents
    supporting: Bundle
    parameters: tuple[tuple[str, str], ...] = ()
    entrypoint: str = ""
    run_name: str = ""
    mocks: tuple[Mock, ...] = ()
    events: tuple[Happening, ...] = ()
    expect: dict[str, Expected] = field(default_factory=dict)
    """By the keys under `expect`; `nodes.NAME` has an entry for each node."""
    options: dict[str, Any] = field(default_factory=dict)
    """Settings that the run's decisions depend on, as `Submitted.options` takes them."""
    at: float | None = None
    """Unix seconds of the run's begin."""
    seed: int = 0
    file: str = ""


__all__ = ["Case", "Deed", "Expected", "Happening", "HttpAnswer", "Mock", "MockedOutcome"]
