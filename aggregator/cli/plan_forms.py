"""Forms of `agg plan`: a tree for people, JSON for programs, and two languages for graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.plan.parts import Estimate, Part
    from aggregator.plan.tally import Tally

LONGEST_VALUE = 100


def tree(found: Estimate) -> str:
    """Every call with its count, parameters and notes; the totals below."""
    lines: list[str] = []
    for part in found.parts:
        _branch(part, "", "", lines)
    about = "at least " if found.unknown else ""
    lines += [
        "",
        f"leaves            {about}{found.leaves:,}",
        f"at the same time  {about}{found.width:,}",
        f"attempts at worst {'without limit' if found.worst is None else f'{about}{found.worst:,}'}",
    ]
    lines += [f"requests          {count:,} to {_host(host)}" for host, count in sorted(found.requests.items())]
    lines.append(f"longest path      {' > '.join(_runs(found.path)) or 'nothing'}")
    return "\n".join(lines)


def _host(host: str) -> str:
    return "a host that is not known yet" if host == "?" else host


def _runs(path: tuple[str, ...]) -> Iterator[str]:
    """The same template many times in a row is written once."""
    start = 0
    for index in range(1, len(path) + 1):
        if index == len(path) or path[index] != path[start]:
            count = index - start
            yield path[start] if count == 1 else f"{path[start]} x {count}"
            start = index


def _title(part: Part) -> str:
    name = part.name or part.template
    text = name if name == part.template else f"{name}: {part.template}"
    if part.kind:
        text += f" ({part.kind})"
    if part.times != 1:
        text += f" x {'?' if part.times is None else f'{part.times:,}'}"
    if part.after:
        text += f" after {', '.join(part.after)}"
    if part.attempts != 1:
        text += ", retried without limit" if part.attempts is None else f", up to {part.attempts} attempts"
    return f"{text} [{part.note}]" if part.note else text


def _branch(part: Part, lead: str, below: str, lines: list[str]) -> None:
    lines.append(lead + _title(part))
    shown = "│  " if part.children else "   "
    for key, value in part.inputs.items():
        text = (value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…").replace("\n", "\\n")
        more = " …" if part.times != 1 and "item" not in value else ""
        lines.append(f"{below}{shown}  {key} = {text}{more}")
    for index, child in enumerate(part.children):
        last = index == len(part.children) - 1
        mark = "" if child.group is None else f"[{child.group}] "
        _branch(child, f"{below}{'└─ ' if last else '├─ '}{mark}", f"{below}{'   ' if last else '│  '}", lines)


def as_json(found: Estimate, succeeding: Tally, failing: Tally) -> str:
    """Everything that was found, as one object; and what a run comes to in which all succeeds, or all fails."""
    whole = {
        "leaves": found.leaves,
        "width": found.width,
        "attemptsAtWorst": found.worst,
        "complete": not found.unknown,
        "allSucceeds": _counts(succeeding),
        "allFails": _counts(failing),
        "requests": dict(sorted(found.requests.items())),
        "path": list(found.path),
        "parts": [_plain(part) for part in found.parts],
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()


def _counts(made: Tally) -> dict[str, Any]:
    return {"nodes": made.nodes, "attempts": made.attempts, "requests": made.requests, "exact": made.exact}


def _plain(part: Part) -> dict[str, Any]:
    return {
        "name": part.name or part.template,
        "template": part.template,
        "kind": part.kind,
        "times": part.times,
        "runs": part.normal,
        "note": part.note,
        "after": list(part.after),
        "group": part.group,
        "inputs": part.inputs,
        "attempts": part.attempts,
        "leaves": part.leaves,
        "width": part.width,
        "attemptsAtWorst": part.worst,
        "complete": not part.unknown,
        "children": [_plain(child) for child in part.children],
    }


def _nodes(found: Estimate) -> tuple[list[tuple[str, Part]], list[tuple[str, str]]]:
    """Nodes with identifiers, and the edges between them: calls without order hang on their caller."""
    nodes: list[tuple[str, Part]] = []
    edges: list[tuple[str, str]] = []

    def walk(part: Part, ident: str) -> None:
        nodes.append((ident, part))
        idents = {child.name: f"{ident}_{index}" for index, child in enumerate(part.children)}
        groups: dict[int, list[str]] = {}
        for index, child in enumerate(part.children):
            own = f"{ident}_{index}"
            before = [idents[name] for name in child.after if name in idents]
            if child.group is not None:
                groups.setdefault(child.group, []).append(own)
                before = groups.get(child.group - 1, [])
            edges.extend((other, own) for other in before or [ident])
            walk(child, own)

    for index, part in enumerate(found.parts):
        walk(part, f"n{index}")
        if index:
            edges.append((f"n{index - 1}", f"n{index}"))
    return nodes, edges


def mermaid(found: Estimate) -> str:
    """A Mermaid flowchart."""
    nodes, edges = _nodes(found)
    lines = ["flowchart TD"]
    lines += [f'  {ident}["{_label(part, "&quot;", "<br/>")}"]' for ident, part in nodes]
    lines += [f"  {before} --> {after}" for before, after in edges]
    return "\n".join(lines)


def dot(found: Estimate) -> str:
    """A Graphviz graph."""
    nodes, edges = _nodes(found)
    lines = ["digraph plan {", "  node [shape=box];"]
    lines += [f'  {ident} [label="{_label(part, chr(92) + chr(34), chr(92) + "n")}"];' for ident, part in nodes]
    lines += [f"  {before} -> {after};" for before, after in edges]
    return "\n".join([*lines, "}"])


def _label(part: Part, quote: str, line_break: str) -> str:
    times = "" if part.times == 1 else f" x {'?' if part.times is None else part.times}"
    title = f"{part.name or part.template}{times}"
    lines = [title, f"{part.template} ({part.kind})"] if part.kind else [title]
    return line_break.join(line.replace("\\", "/").replace('"', quote) for line in lines)
