"""Compile documents into a Program: names are resolved, texts parsed once, the graph of tasks drawn.

Templates are compiled when they are first called, so that a file of 20,000 templates costs what it uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from aggregator.errors import LanguageError
from aggregator.lang import depends as depends_language
from aggregator.lang import tags
from aggregator.plan.program import (
    Argument,
    Arguments,
    Holder,
    Hook,
    Loop,
    Path,
    Program,
    Retry,
    Task,
    Template,
    TemplateRef,
)
from aggregator.spec import models
from aggregator.spec.merge import apply_template_defaults

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = ("container", "containerSet", "steps", "dag", "script", "resource", "data", "suspend", "http", "plugin")
"""Which body counts when several are present, first match."""
PODS = ("container", "containerSet", "script")
"""Kinds to which the workflow's own fields of a pod apply."""

_RESULT = re.compile(
    r"""(?:steps|tasks)(?:\.|\[\\?['"])([A-Za-z0-9_-]+)(?:\\?['"]\])?(?:\.outputs|\[\\?['"]outputs\\?['"]\])(?:\.result|\[\\?['"]result)"""
)

_NOTHING: dict[str, Argument] = {}
_NO_ARGUMENTS = Arguments(_NOTHING, _NOTHING)
_SCOPES = {"WorkflowTemplate": "namespaced", "ClusterWorkflowTemplate": "cluster"}


Fill = Callable[[tags.Tree], Any]


class UnknownTemplateError(LanguageError):
    """A template that is called is nowhere to be found."""


def compile_workflow(workflow: dict[str, Any], templates: Iterable[dict[str, Any]] = ()) -> Program:
    """The program of a Workflow document (arguments and workflowTemplateRef merged) and its supporting templates."""
    spec = workflow.get("spec") or {}
    metadata = workflow.get("metadata") or {}
    defaults = spec.get("templateDefaults") or {}
    local = _holder(f"local/{metadata.get('name', '')}", spec, ("spec", "templates"), defaults)
    others: dict[str, Holder] = {}
    for document in templates:
        scope = _SCOPES[document["kind"]]
        name = (document.get("metadata") or {}).get("name", "")
        others[f"{scope}/{name}"] = _holder(f"{scope}/{name}", document.get("spec") or {}, (), defaults)
    hooks = _hooks(spec, ("spec",))
    exit_hook = next((h for h in hooks if h.name == "exit"), None)
    return Program(
        spec=spec,
        metadata=metadata,
        local=local,
        entrypoint=TemplateRef(name=spec.get("entrypoint") or ""),
        arguments=compile_arguments(spec.get("arguments")),
        hooks=tuple(h for h in hooks if h.name != "exit"),
        exit=exit_hook,
        others=others,
        parallelism=spec.get("parallelism"),
        default_retry=spec.get("retryStrategy"),
    )


def resolve(program: Program, holder: Holder, call: TemplateRef, fill: Fill | None = None) -> Template:
    """The template that a call means inside `holder`; UnknownTemplateError names what is missing.

    `fill` fills the tags of the call itself; without it they are names like any others.
    """
    if call.tags is not None and fill is not None:
        filled = fill(call.tags)
        if filled != call.tags.value:
            return resolve(program, holder, TemplateRef(**filled))
    if call.compiled is not None:
        return call.compiled
    if call.inline is not None:
        raw = _with_defaults(call.inline, program.spec.get("templateDefaults") or {})
        template = compile_template(program, holder, raw, ())
    elif call.ref is not None:
        name, wanted = call.ref.get("name", ""), call.ref.get("template", "")
        scope = "cluster" if call.ref.get("clusterScope") else "namespaced"
        other = program.others.get(f"{scope}/{name}")
        if other is None:
            kind = "clusterworkflowtemplate" if scope == "cluster" else "workflowtemplate"
            raise UnknownTemplateError(
                f"{kind} {name!r} not found",
                kind="name",
                hint="give its file with --with PATH, or put it into the same file",
            )
        template = _named(program, other, wanted)
    else:
        template = _named(program, holder, call.name)
    if not template.kind:
        raise UnknownTemplateError(f"template {template.name!r} has no type: none of {', '.join(KINDS)}", kind="name")
    call.compiled = template
    return template


def _named(program: Program, holder: Holder, name: str) -> Template:
    found = holder.compiled.get(name)
    if found is None:
        raw = holder.raw.get(name)
        if raw is None:
            raise UnknownTemplateError(f"template {name!r} not found in {holder.scope}", kind="name")
        found = holder.compiled[name] = compile_template(program, holder, raw, holder.paths.get(name, ()))
    return found


def kind_of(raw: dict[str, Any]) -> str:
    """The YAML key that tells a template's type; empty when there is none."""
    return next((k for k in KINDS if raw.get(k) is not None), "")


def compile_template(program: Program, holder: Holder, raw: dict[str, Any], path: Path) -> Template:
    """One template with its texts parsed."""
    kind = kind_of(raw)
    leaf = kind not in ("steps", "dag")
    # Metrics are filled when the node has ended, and a mistake in them fails nothing.
    body = {k: v for k, v in raw.items() if k not in ("retryStrategy", "metrics")} if leaf else {}
    if body and (patch := program.spec.get("podSpecPatch")):
        body["podSpecPatch"] = [patch, raw.get("podSpecPatch") or ""]  # the template's is laid over the workflow's
    if kind in PODS:
        if (context := program.spec.get("securityContext")) and not raw.get("securityContext"):
            body["securityContext"] = context
        if aliases := program.spec.get("hostAliases"):
            body["hostAliases"] = [*aliases, *(raw.get("hostAliases") or [])]
    rules = {k: v for k, v in raw.items() if k not in KINDS and k != "retryStrategy"}
    retry = raw.get("retryStrategy")
    if retry is None:
        retry = program.default_retry
    template = Template(
        name=raw.get("name") or "",
        kind=kind,
        holder=holder,
        raw=raw,
        path=path,
        rules=tags.parse_tree(rules),
        body=tags.parse_tree(body),
        retry=Retry(tags.parse_tree(retry), (*path, "retryStrategy")) if retry is not None else None,
        parallelism=raw.get("parallelism"),
        fail_fast=bool(raw.get("failFast")),
        daemon=bool(raw.get("daemon")),
        mounts=leaf and "volumeMounts" in str(raw),
        output_paths=_output_paths(raw.get("outputs") or {}),
    )
    if kind == "steps":
        _compile_steps(template)
    elif kind == "dag":
        _compile_dag(template)
    if not leaf:
        template.wanted_results = frozenset(_RESULT.findall(json.dumps(raw)))
    return template


def _output_paths(outputs: dict[str, Any]) -> dict[str, str]:
    found = {f"outputs.artifacts.{a['name']}.path": a["path"] for a in outputs.get("artifacts") or () if a.get("path")}
    for parameter in outputs.get("parameters") or ():
        path = (parameter.get("valueFrom") or {}).get("path")
        if path:
            found[f"outputs.parameters.{parameter['name']}.path"] = path
    return found


def _compile_steps(template: Template) -> None:
    number = 0
    known: dict[str, TemplateRef] = {}
    groups = []
    for i, group in enumerate(template.raw["steps"] or ()):
        members = group if isinstance(group, list) else group.get("steps", [])
        tasks = []
        for j, raw in enumerate(members):
            tasks.append(_task(raw, number, (*template.path, "steps", i, j), known))
            number += 1
        groups.append(tuple(tasks))
    template.groups = tuple(groups)


def _compile_dag(template: Template) -> None:
    dag = template.raw["dag"] or {}
    template.target = dag.get("target") or ""
    raws = dag.get("tasks") or ()
    known: dict[str, TemplateRef] = {}
    template.tasks = tuple(_task(raw, i, (*template.path, "dag", "tasks", i), known) for i, raw in enumerate(raws))
    template.by_name = {t.name: t.number for t in template.tasks}
    template.tagged_graph = "{{" in template.target or any(
        "{{" in (raw.get("depends") or "") or any("{{" in name for name in raw.get("dependencies") or ())
        for raw in raws
    )
    if not template.tagged_graph:
        draw_graph(template, raws)


def draw_graph(template: Template, raws: Iterable[dict[str, Any]]) -> None:
    """Fill in who needs whom, from each task's `depends` or `dependencies` as `raws` give them."""
    tasks = template.tasks
    continues = {t.name: (t.continue_failed, t.continue_error) for t in tasks if t.continue_failed or t.continue_error}
    for task, raw in zip(tasks, raws, strict=True):
        text = raw.get("depends") or ""
        names = raw.get("dependencies") or ()
        if not text and not names:
            continue
        try:
            if text:
                # A tag inside `depends` is filled with the enclosing template's inputs when the DAG starts.
                parsed = depends_language.parse(text)
                task.depends = parsed.expand(continues)
                needed = dict.fromkeys(name for name, _ in parsed.refs)
            else:
                needed = dict.fromkeys(names)
            unknown = [n for n in needed if n not in template.by_name]
            if unknown:
                raise LanguageError(
                    f"task {task.name!r} depends on {unknown[0]!r}, which is no task of this DAG", kind="name"
                )
            task.needs = tuple(template.by_name[n] for n in needed)
        except LanguageError as problem:
            task.problem = problem
            task.depends = None
            task.needs = ()
        for need in task.needs:
            tasks[need].feeds.append(task.number)


def _task(raw: dict[str, Any], number: int, path: Path, known: dict[str, TemplateRef]) -> Task:
    goes_on = raw.get("continueOn") or {}
    when = raw.get("when")
    return Task(
        name=raw.get("name") or "",
        number=number,
        call=_call(raw, known),
        when=tags.parse(str(when)) if when else None,
        arguments=compile_arguments(raw.get("arguments")),
        loop=_loop(raw),
        continue_failed=bool(goes_on.get("failed")),
        continue_error=bool(goes_on.get("error")),
        hooks=_hooks(raw, path),
        path=path,
    )


def compile_arguments(raw: dict[str, Any] | None) -> Arguments:
    """The arguments of a call, a hook or the workflow."""
    if not raw:
        return _NO_ARGUMENTS
    parameters, artifacts = raw.get("parameters"), raw.get("artifacts")
    return Arguments(
        {p.get("name") or "": _parameter(p) for p in parameters} if parameters else _NOTHING,
        {a.get("name") or "": Argument(a.get("name") or "", None, a, tags.parse_tree(a)) for a in artifacts}
        if artifacts
        else _NOTHING,
    )


def _parameter(raw: dict[str, Any]) -> Argument:
    value = raw.get("value")
    text = None if value is None else tags.parse(value if isinstance(value, str) else json.dumps(value))
    return Argument(raw.get("name") or "", text, raw, None)


def _call(raw: dict[str, Any], known: dict[str, TemplateRef] | None = None) -> TemplateRef:
    """What a task calls; of a name without tags the calls of one template share what is `known`."""
    name = raw.get("template") or ""
    if known is not None and name in known and not raw.get("templateRef") and not raw.get("inline"):
        return known[name]
    parts: dict[str, Any] = {
        "name": name,
        "ref": raw.get("templateRef"),
        "inline": raw.get("inline"),
    }
    tree = tags.parse_tree(parts)
    made = TemplateRef(**parts, tags=None if tree.static else tree)
    if known is not None and tree.static and not made.ref and not made.inline:
        known[name] = made
    return made


def _loop(raw: dict[str, Any]) -> Loop | None:
    if raw.get("withItems"):
        return Loop("items", tags.parse_tree(raw["withItems"]))
    if raw.get("withParam"):
        return Loop("param", tags.parse_tree(raw["withParam"]))
    if raw.get("withSequence") is not None:
        return Loop("sequence", tags.parse_tree(raw["withSequence"]))
    return None


def _hooks(raw: dict[str, Any], path: Path) -> tuple[Hook, ...]:
    found = []
    on_exit = raw.get("onExit")
    if on_exit:
        found.append(Hook("exit", "", TemplateRef(name=on_exit), Arguments(), (*path, "onExit")))
    for name, hook in (raw.get("hooks") or {}).items():
        if name == "exit" and on_exit:
            continue
        arguments = compile_arguments(hook.get("arguments"))
        found.append(Hook(name, hook.get("expression") or "", _call(hook), arguments, (*path, "hooks", name)))
    return tuple(found)


def _holder(scope: str, spec: dict[str, Any], path: Path, defaults: dict[str, Any]) -> Holder:
    raws = {t.get("name", ""): _with_defaults(t, defaults) for t in spec.get("templates") or ()}
    paths = {t.get("name", ""): (*path, i) for i, t in enumerate(spec.get("templates") or ())} if path else {}
    return Holder(scope, raws, paths)


def _with_defaults(raw: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    if not defaults:
        return raw
    merged = apply_template_defaults(msgspec.convert(raw, models.Template), msgspec.convert(defaults, models.Template))
    # By way of JSON, so that lists are lists and not the tuples of the models.
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(merged))
    return made
