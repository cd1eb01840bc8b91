"""A workflow as `agg get` prints it: a header block, then the tree of nodes in columns, in the Argo CLI's layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aggregator.engine.node import pod_name
from aggregator.errors import UsageError, nearest
from aggregator.observe.columns import one_line, table
from aggregator.observe.nodetree import Branch, plant
from aggregator.observe.timetext import go_duration, local_timestamp, long_duration, parse_time, short_duration

Workflow = Mapping[str, Any]
Node = Mapping[str, Any]
Output = Literal["", "wide", "short", "name", "json", "yaml"]
OUTPUTS = ("wide", "short", "name", "json", "yaml")

ICONS = {"Pending": "◷", "Running": "●", "Succeeded": "✔", "Skipped": "○", "Failed": "✖", "Error": "⚠", "Omitted": "○"}
COLOURS = {"Pending": 33, "Running": 36, "Succeeded": 32, "Skipped": 39, "Failed": 31, "Error": 31}
SUSPENDED = "ǁ"
LABEL_WIDTH = 20
_LEAVES = frozenset({"Pod", "Container", "HTTP", "Plugin", "Suspend"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How the tree is drawn. `keep` leaves out nodes (`--status`, `--node-field-selector`); groups stay where one is kept."""

    now: float
    color: bool = False
    utf8: bool = True
    mask: Callable[[str], str] = str
    keep: Callable[[Node], bool] | None = None


def render_workflow(workflow: Workflow, output: str, style: Style) -> str:
    """The workflow in one of the forms of `-o`, ending in a line break."""
    match output:
        case "json" | "yaml":
            return dump(masked(workflow, style.mask), output)
        case "name":
            return _name_of(workflow) + "\n"
        case "" | "wide":
            return "\n".join([*header_lines(workflow, style), "", *tree_lines(workflow, output, style)]) + "\n"
        case "short":
            return "\n".join(tree_lines(workflow, output, style)) + "\n"
    hint = nearest(output, OUTPUTS)
    raise UsageError(f"-o {output} is no form of output: it is one of {', '.join(OUTPUTS)}", hint=hint)


def masked(value: Any, mask: Callable[[str], str]) -> Any:
    """The value with every text in it masked; numbers stay what they are, so that the document stays whole."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: masked(inner, mask) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, mask) for inner in value]
    return value


def dump(value: Any, output: str) -> str:
    """JSON with two spaces, or YAML, as one document."""
    if output == "json":
        import json  # noqa: PLC0415 - only here

        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    import yaml  # noqa: PLC0415 - only here, and it takes a while

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(
        value, Dumper=dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10_000
    )
    return text


def header_lines(workflow: Workflow, style: Style) -> list[str]:
    """`Name:`, `Status:` and so on, one a line; what the workflow does not say is left out."""
    return [one_line(style.mask(line)).rstrip() for line in _header(workflow, style)]


def tree_lines(workflow: Workflow, output: str, style: Style) -> list[str]:
    """The trees in columns: the workflow's own, then, each after an empty line, exit handlers and workflow hooks."""
    head = ["STEP", "TEMPLATE", "PODNAME", "DURATION", "MESSAGE"]
    if output == "wide":
        head = ["STEP", "TEMPLATE", "PODNAME", "DURATION", "ARTIFACTS", "MESSAGE", "RESOURCESDURATION", "NODENAME"]
    elif output == "short":
        head = [*head, "NODENAME"]
    forest = plant(workflow)
    rows: list[list[str]] = []
    for root in [*([forest.main] if forest.main else []), *forest.others]:
        drawn = [
            [f" {lead}{_label(branch.node, style)}", *_cells(workflow, branch.node, output, style)]
            for lead, branch in _drawn(root, style)
        ]
        if rows and drawn:
            rows.append([])
        rows.extend(drawn)
    if not rows:
        return []
    lines = table([head, *rows])
    return [line.rstrip() for line in lines]


def _name_of(workflow: Workflow) -> str:
    return str((workflow.get("metadata") or {}).get("name", ""))


def _header(workflow: Workflow, style: Style) -> Iterator[str]:
    metadata: Mapping[str, Any] = workflow.get("metadata") or {}
    spec: Mapping[str, Any] = workflow.get("spec") or {}
    status: Mapping[str, Any] = workflow.get("status") or {}
    yield _field("Name", _name_of(workflow) or metadata.get("generateName", ""))
    yield _field("Namespace", metadata.get("namespace") or "default")
    yield _field("ServiceAccount", spec.get("serviceAccountName") or "unset (runs as the user who started it)")
    yield _field("Status", workflow_status(workflow))
    if status.get("message"):
        yield _field("Message", status["message"])
    if status.get("conditions"):
        yield _field("Conditions", "")
        for condition in status["conditions"]:
            yield f" {condition.get('type', ''):<{LABEL_WIDTH - 1}} {condition.get('status') or condition.get('message', '')}"
    created, started, finished = (
        parse_time(text)
        for text in (metadata.get("creationTimestamp"), status.get("startedAt"), status.get("finishedAt"))
    )
    for label, at in (("Created", created), ("Started", started), ("Finished", finished)):
        if at is not None:
            yield _field(label, f"{local_timestamp(at)} ({_ago(style.now - at)})")
    if started is not None:
        yield _field("Duration", long_duration((style.now if finished is None else finished) - started))
    if status.get("estimatedDuration") and finished is None:
        yield _field("EstimatedDuration", long_duration(float(status["estimatedDuration"])))
    if status.get("progress"):
        yield _field("Progress", status["progress"])
    if status.get("resourcesDuration"):
        yield _field("ResourcesDuration", _resources(status["resourcesDuration"]))
    yield from _parameters("Parameters", (spec.get("arguments") or {}).get("parameters"))
    outputs: Mapping[str, Any] = status.get("outputs") or {}
    yield from _parameters("Output Parameters", outputs.get("parameters"))
    if outputs.get("artifacts"):
        yield _field("Output Artifacts", "")
        for artifact in outputs["artifacts"]:
            yield f"  {artifact.get('name', '') + ':':<{LABEL_WIDTH - 2}} {artifact_place(artifact)}"


def _field(label: str, value: object) -> str:
    return f"{label + ':':<{LABEL_WIDTH}} {value}"


def _parameters(label: str, parameters: Any) -> Iterator[str]:
    if parameters:
        yield _field(label, "")
        for parameter in parameters:
            value = parameter.get("value", parameter.get("default"))
            if value is None and parameter.get("valueFrom"):
                value = "(from " + ", ".join(parameter["valueFrom"]) + ")"
            yield f"  {parameter.get('name', '') + ':':<{LABEL_WIDTH - 2}} {'' if value is None else value}"


def workflow_status(workflow: Workflow) -> str:
    """The phase, with what a bare phase does not tell in brackets: suspended, stopped, terminated."""
    spec: Mapping[str, Any] = workflow.get("spec") or {}
    status: Mapping[str, Any] = workflow.get("status") or {}
    phase = str(status.get("phase") or "Pending")
    if phase == "Running":
        waiting = spec.get("suspend") or any(is_waiting(node) for node in (status.get("nodes") or {}).values())
        return "Running (Suspended)" if waiting else phase
    if phase in ("Failed", "Error") and spec.get("shutdown"):
        return f"{phase} ({'Terminated' if spec['shutdown'] == 'Terminate' else 'Stopped'})"
    return phase


def is_waiting(node: Node) -> bool:
    """A suspend node that waits to be resumed."""
    return node.get("type") == "Suspend" and node.get("phase") == "Running"


def artifact_place(artifact: Mapping[str, Any]) -> str:
    """Where an artifact lies, as short as can be: `s3://bucket/key`, a path, or the store's name."""
    for driver, body in artifact.items():
        if not isinstance(body, Mapping):
            continue
        key = body.get("key") or body.get("path") or body.get("blob") or body.get("url") or body.get("repo") or ""
        bucket = body.get("bucket") or body.get("container") or ""
        return f"{driver}://{bucket}/{key}" if bucket else f"{driver}: {key}"
    return str(artifact.get("path") or "")


def _ago(seconds: float) -> str:
    return (
        "now"
        if abs(seconds) < 1
        else f"{long_duration(seconds)} ago"
        if seconds > 0
        else f"in {long_duration(-seconds)}"
    )


def _resources(durations: Mapping[str, Any]) -> str:
    base = {"cpu": "1 cpu", "memory": "100Mi memory", "ephemeral-storage": "10Gi ephemeral-storage"}
    return ",".join(
        f"{go_duration(float(value))}*({base.get(name, name)})" for name, value in sorted(durations.items())
    )


def _drawn(root: Branch, style: Style) -> Iterator[tuple[str, Branch]]:
    """Each shown node with the lines that lead to it. A hidden node's first child takes its place on the branch."""
    marks = _UTF8 if style.utf8 else _ASCII
    shown = _shown(root, style)
    # (branch, what stands before it on its own line, what stands before the lines below it)
    pending: list[tuple[Branch, str, str]] = [(root, "", "")]
    while pending:
        branch, lead, below = pending.pop()
        hidden = branch.hidden() and branch is not root
        if not hidden:
            yield lead, branch
        children = [child for child in branch.children if shown[id(child)]]
        placed = []
        for index, child in enumerate(children):
            last = index == len(children) - 1
            if hidden and index == 0:
                before = lead + (marks.only if last else marks.fork)
            else:
                before = below + (marks.last if last else marks.middle)
            placed.append((child, before, below + (marks.blank if last else marks.line)))
        pending.extend(reversed(placed))


def _shown(root: Branch, style: Style) -> dict[int, bool]:
    """Whether a branch, or anything under it, has a line of its own."""
    order = []
    pending = [root]
    while pending:
        branch = pending.pop()
        order.append(branch)
        pending.extend(branch.children)
    shown: dict[int, bool] = {}
    for branch in reversed(order):
        below = any(shown[id(child)] for child in branch.children)
        own = not branch.hidden() and (style.keep is None or style.keep(branch.node))
        shown[id(branch)] = own or below
    return shown


@dataclass(frozen=True, slots=True)
class _Marks:
    middle: str
    last: str
    fork: str
    only: str
    line: str
    blank: str


_UTF8 = _Marks(middle="├─", last="└─", fork="┬─", only="──", line="│ ", blank="  ")
_ASCII = _Marks(middle="|-", last="`-", fork="+-", only="--", line="| ", blank="  ")


def _label(node: Node, style: Style) -> str:
    phase = str(node.get("phase") or "Pending")
    icon = SUSPENDED if is_waiting(node) else ICONS.get(phase, "◷")
    if not style.utf8:
        icon = "Suspended" if is_waiting(node) else phase
    if style.color:
        icon = f"\x1b[{COLOURS.get(phase, 39)}m{icon}\x1b[0m"
    return f"{icon} {one_line(style.mask(str(node.get('displayName') or node.get('name') or '')))}"


def _cells(workflow: Workflow, node: Node, output: str, style: Style) -> list[str]:
    duration, pod = "", ""
    if node.get("type") in _LEAVES:
        started, finished = parse_time(node.get("startedAt")), parse_time(node.get("finishedAt"))
        if started is not None:
            duration = short_duration((style.now if finished is None else finished) - started)
    if node.get("type") == "Pod":
        pod = pod_name(_name_of(workflow), str(node.get("name") or ""), template_of(node)[1])
    message = one_line(style.mask(str(node.get("message") or "")))
    place = str(node.get("hostNodeName") or "")
    if node.get("agg.dev/runtime"):
        place = f"{place} ({node['agg.dev/runtime']})".lstrip()
    cells = [one_line(template_of(node)[0]), pod, duration]
    if output == "wide":
        artifacts = ",".join(
            str(artifact.get("name", "")) for artifact in (node.get("outputs") or {}).get("artifacts") or ()
        )
        return [*cells, artifacts, message, _resources(node.get("resourcesDuration") or {}), place]
    return [*cells, message, place] if output == "short" else [*cells, message]


def template_of(node: Node) -> tuple[str, str]:
    """How a node's template is shown, and its own name."""
    reference = node.get("templateRef")
    if isinstance(reference, Mapping):
        own = str(reference.get("template", ""))
        return f"{reference.get('name', '')}/{own}", own
    name = str(node.get("templateName") or "")
    return name, name
