"""How `agg run` ends: the Workflow on stdout where asked for, what was stored and published, and the first cause of a failure."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from aggregator.app.places import place_of
from aggregator.cli.report import report
from aggregator.engine.node import pod_name
from aggregator.engine.status import failed_object, workflow_object
from aggregator.errors import InvalidWorkflow
from aggregator.observe.tree import Style, dump, header_lines, render_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aggregator.app import Prepared, RunResult
    from aggregator.errors import AggError, Diagnostic

INVALID = 3
UNSUPPORTED = 4
LONGEST_MESSAGE = 600
SHOWN_OBJECTS = 10
SHOWN_PROBLEMS = 50


def invalid(prepared: Prepared, output: str) -> int:
    """The workflow is wrong: every problem on stderr, and where JSON or YAML is asked for, the failed Workflow."""
    _tell(prepared.problems)
    if output in ("json", "yaml"):
        phase, message = prepared.problem_phase, prepared.problem_message
        shown = failed_object(prepared.workflow, prepared.name, prepared.uid, time.time(), phase, message)
        sys.stdout.write(dump(shown, output))
    # Valid for Argo, but with fields that cannot work on one machine.
    return UNSUPPORTED if all(p.code == "refused-field" for p in prepared.problems) else INVALID


def refused(error: AggError, name: str, output: str, uid: str = "") -> int:
    """There is no run to show: the reason on stderr, and where JSON or YAML is asked for, a Workflow that has it."""
    phase, message = "Error", error.message
    if isinstance(error, InvalidWorkflow) and error.diagnostics:
        phase, message = "Failed", f"invalid spec: {error.message}"
        _tell(error.diagnostics)
    else:
        report(error, sys.stderr)
    if output in ("json", "yaml") and error.exit_code in (1, INVALID):
        sys.stdout.write(dump(failed_object({}, name, uid, time.time(), phase, message), output))
    return error.exit_code


def _tell(problems: Sequence[Diagnostic]) -> None:
    for problem in problems[:SHOWN_PROBLEMS]:
        sys.stderr.write(problem.render() + "\n")
    count = len(problems)
    more = f", {SHOWN_PROBLEMS} of them shown" if count > SHOWN_PROBLEMS else ""
    files = " and ".join(dict.fromkeys(p.span.source.name for p in problems if p.span is not None)) or "the workflow"
    told = f"{count} {'error' if count == 1 else 'errors'} in {files}{more}; nothing was run"
    sys.stderr.write(f"agg: error: {told}\n")


def finished(
    result: RunResult, prepared: Prepared, *, output: str, mask: Callable[[str], str], sandbox: Any = None
) -> int:
    """Tell how the run went; the exit code."""
    workflow = workflow_object(result.machine)
    style = Style(now=time.time(), color=sys.stdout.isatty() and not os.environ.get("NO_COLOR"), mask=mask)
    if sandbox is not None:
        _sandbox(result, sandbox, mask)
    if output:
        sys.stdout.write(render_workflow(workflow, output, style))
    else:
        sys.stdout.write("\n".join(header_lines(workflow, style)) + "\n")
    sys.stdout.flush()
    if result.exit_code:
        sys.stderr.write(mask("\n".join(failure_lines(result, prepared))) + "\n")
    return result.exit_code


def _sandbox(result: RunResult, report: Any, mask: Callable[[str], str]) -> None:
    lines = [f"stored     s3://{o.bucket}/{o.key} ({o.size:,} bytes)" for o in report.objects[:SHOWN_OBJECTS]]
    if len(report.objects) > SHOWN_OBJECTS:
        lines.append(f"           and {len(report.objects) - SHOWN_OBJECTS} more objects")
    for sent in report.messages[:SHOWN_OBJECTS]:
        text = sent.message if len(sent.message) <= LONGEST_MESSAGE else sent.message[:LONGEST_MESSAGE] + "…"
        lines.append(f"published  {sent.topic.rpartition(':')[2]}: {text}")
    lines += [f"queued     {q.queue}: {q.message}" for q in report.queued[:SHOWN_OBJECTS]]
    if lines:
        lines.append(f"kept in    {result.folder}/sandbox")
        sys.stderr.write(mask("\n".join(lines)) + "\n")


def failure_lines(result: RunResult, prepared: Prepared) -> list[str]:
    """The first cause: what, where in the file, the log, and a command that helps next."""
    machine = result.machine
    if result.detached:
        later = "a later version of agg takes such runs over"
        return [f"{machine.name}: suspended and detached: nobody drives it now; {later}; next: agg get {machine.name}"]
    node = machine.first_failure
    again = f"agg get {machine.name}"
    if node is None:
        return [f"{machine.name}: {machine.phase}: {machine.message or 'no message'}; next: {again}"]
    span = place_of(node, prepared)
    where = f"{span.where()}: " if span is not None else ""
    message = node.message.replace("\n", " ")
    if len(message) > LONGEST_MESSAGE:
        message = message[:LONGEST_MESSAGE] + "…"
    lines = [f"{where}{node.display}: {node.phase}: {message or 'no message'}"]
    log = result.folder / node.log / "stderr" if node.log else None
    if log is not None and log.exists() and log.stat().st_size:
        lines.append(f"log: {log}")
        template = node.template.name if node.template is not None else ""
        again = f"agg logs {machine.name} {pod_name(machine.name, node.name, template)}"
    else:  # it printed nothing, or is no process: the run's folder has what there is
        lines.append(f"log: {log.parent if log is not None else result.folder}")
    lines.append(f"next: {again}")
    return lines if len(lines) == 1 else [lines[0], "; ".join(lines[1:])]
