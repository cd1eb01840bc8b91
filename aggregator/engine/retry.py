"""The Retry node: it holds the attempts of a template with a retryStrategy, and starts the next one when that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.engine import places
from aggregator.engine.attempts import start_attempt, unstarted
from aggregator.engine.frames import Frame
from aggregator.engine.node import ERROR, RETRIED, RUNNING, SUCCEEDED, Node
from aggregator.engine.scope import Scope
from aggregator.engine.strategy import Strategy, decide, read_strategy
from aggregator.errors import LanguageError
from aggregator.lang import expr
from aggregator.lang.tags import LENIENT

if TYPE_CHECKING:
    from aggregator.engine.limits import Gate
    from aggregator.engine.machine import Machine
    from aggregator.plan.program import Retry


def _strategy_of(machine: Machine, retry: Retry, scope: Scope) -> Strategy:
    """The strategy of a template; one without tags is read once."""
    if retry.read is not None:
        strategy: Strategy = retry.read
        return strategy
    strategy = read_strategy(retry.tree.fill(scope, machine.context, LENIENT))
    if retry.tree.static:
        retry.read = strategy
    return strategy


class RetryFrame(Frame):
    """The wrapper of a template's attempts; it takes the last one's phase and outputs."""

    __slots__ = ("attempts", "depth", "problem", "retry_after", "strategy", "timer", "transient")

    def __init__(self, machine: Machine, node: Node, depth: int) -> None:
        super().__init__(node)
        assert node.template is not None
        assert node.template.retry is not None
        assert node.scope is not None
        self.attempts: list[Node] = []
        self.depth = depth
        self.timer: int | None = None
        self.transient = False
        self.retry_after: float | None = None
        self.problem = ""
        machine.set_phase(node, RUNNING)
        try:
            self.strategy = _strategy_of(machine, node.template.retry, node.scope)
        except LanguageError as problem:
            self.problem = problem.message

    def next_attempt(self, machine: Machine) -> None:
        """Start attempt number `len(attempts)` now: the gates have been asked."""
        wrapper = self.node
        assert wrapper.template is not None
        assert wrapper.scope is not None
        index = len(self.attempts)
        wrapper.message = ""
        node = machine.new_node(
            f"{wrapper.name}({index})",
            machine.kinds[wrapper.template.kind].node_type,
            boundary=wrapper.boundary,
            parent=wrapper,
            owner=self,
        )
        node.template = wrapper.template
        node.task = wrapper.task
        node.flags |= RETRIED
        node.exempt = wrapper.exempt
        node.attempt = index
        node.item = wrapper.item
        node.inputs = wrapper.inputs
        node.scope = wrapper.scope
        node.where = wrapper.where
        scope = Scope(wrapper.scope, self._variables(index))
        if self.strategy.max_duration is not None:
            first = self.attempts[0].started if self.attempts else machine.at
            node.until = first + self.strategy.max_duration
        self.attempts.append(node)
        self.transient = False
        self.retry_after = None
        start_attempt(machine, node, wrapper.template, scope, self.depth)

    def _variables(self, index: int) -> dict[str, Any]:
        values = {"retries": str(index)}
        if self.attempts:
            last = self.attempts[-1]
            values["lastRetry.exitCode"] = _exit_code(last, "0")
            values["lastRetry.status"] = last.phase
            values["lastRetry.duration"] = _duration(last)
            values["lastRetry.message"] = last.message
        else:
            values |= {
                "lastRetry.exitCode": "0",
                "lastRetry.status": "",
                "lastRetry.duration": "0",
                "lastRetry.message": "",
            }
        return values

    def advance(self, machine: Machine) -> Gate | None:
        """The backoff is over: start the next attempt as soon as the gates allow."""
        if self.node.done:
            return None
        assert self.node.template is not None
        gate = places.blocked(machine, self.node.template, self.node.boundary)
        if gate is None:
            self.next_attempt(machine)
        return gate

    def child_done(self, machine: Machine, child: Node) -> None:
        if self.node.done:  # a daemon that was being started again when its template ended
            return
        if child.daemoned and not child.done:
            self.node.daemoned = True
            self.node.ip = child.ip
            machine.daemons[self.node.number] = self.node
            if not self.node.hooks_left:
                machine.later(machine.report, self.node)
            return
        if child.phase == SUCCEEDED:
            self._end(machine, SUCCEEDED, "")
        else:
            self._after(machine, child)

    def _after(self, machine: Machine, child: Node) -> None:
        """An attempt failed: another one now or later, or the end."""
        try:
            verdict = decide(
                self.strategy,
                phase=child.phase,
                message=child.message,
                attempts=len(self.attempts),
                first_start=self.attempts[0].started,
                finished=machine.at,
                transient=self.transient,
                retry_after=self.retry_after,
                ended=machine.stop_message if machine.stopping(exempt=self.node.exempt) else "",
                wanted=lambda: self._wanted(machine, child),
            )
        except LanguageError as problem:
            self._end(machine, ERROR, problem.message)
            return
        if not verdict.again:
            if child.unstarted:
                unstarted(machine, self.node, verdict.reason or child.message)
            else:
                self._end(machine, child.phase, verdict.reason or child.message)
            return
        if self.node.daemoned and not self.node.reported:
            # Its hooks still run, so nobody has heard of it yet: it is up once the next attempt is.
            self.node.daemoned = False
            machine.daemons.pop(self.node.number, None)
        if verdict.at > machine.at:
            wait = verdict.at - machine.at
            self.node.message = f"Backoff for {_short(wait)}"
            machine.news("retry", self.node)
            self.timer = machine.set_timer(verdict.at, machine.start, self)
        else:
            machine.news("retry", self.node)
            machine.start(self)

    def _wanted(self, machine: Machine, last: Node) -> bool:
        env = {
            "retries": str(len(self.attempts) - 1),
            "lastRetry": {
                "exitCode": _exit_code(last, "-1"),
                "status": last.phase,
                "duration": _duration(last),
                "message": last.message,
            },
        }
        written = f"retryStrategy.expression {self.strategy.expression!r}"
        try:
            value = expr.parse(self.strategy.expression).run(env, machine.context, functions="argo")
        except LanguageError as problem:
            hint = f" ({problem.hint})" if problem.hint else ""
            raise LanguageError(f"failed to evaluate {written}: {problem.message}{hint}") from problem
        if not isinstance(value, bool):
            raise LanguageError(f"{written} must give a boolean, it gave {value!r}")
        return value

    def stop_waiting(self, machine: Machine) -> None:
        """The run is being stopped while this waits for its next attempt."""
        machine.cancel_timer(self.timer)
        self._end(machine, self.attempts[-1].phase, machine.stop_message)

    def daemon_ended(self, machine: Machine, child: Node) -> None:
        """A daemon that was up has ended, which counts as a failure whatever it says: perhaps it is started again."""
        if not self.node.done:
            self._after(machine, child)

    @property
    def waiting(self) -> bool:
        """Whether the last attempt has ended and this has heard of it: the next one is due, or waits for its place."""
        return bool(self.attempts) and self.attempts[-1].done and self.attempts[-1].reported

    def _end(self, machine: Machine, phase: str, message: str) -> None:
        last = self.attempts[-1]
        self.node.outputs = last.outputs
        self.node.ip = last.ip
        machine.finish(self.node, phase, message)


def _exit_code(node: Node, default: str) -> str:
    code = (node.outputs or {}).get("exitCode")
    return default if code is None else str(code)


def _duration(node: Node) -> str:
    return str(int((node.finished or node.started) - node.started))


def _short(wait: float) -> str:
    minutes, rest = divmod(wait, 60)
    return f"{int(minutes)} minutes {int(rest)} seconds"
