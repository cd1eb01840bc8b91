"""What `agg eval` does with a text in each language, and the answers to its JSON lines."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, cast

from aggregator.cli.eval_values import from_json, to_json
from aggregator.errors import AggError, LanguageError, LimitExceeded, nearest
from aggregator.lang import depends, expr, jq, jsonpath, selectors, tagdoc, when
from aggregator.lang.context import Context
from aggregator.lang.gotime import load_zone
from aggregator.lang.scope import NestedEnv, Scope
from aggregator.lang.tagscan import LENIENT, STRICT, Policy

Request = Mapping[str, Any]


def new_context() -> Context:
    """The context of one evaluation by hand: the clock of the machine, and no network unless the settings allow it."""
    zone = os.environ.get("TZ", "") or "UTC"
    try:
        load_zone(zone)
    except LanguageError:
        zone = "UTC"
    return Context(
        now=time.time_ns(),
        random=random.Random(),  # noqa: S311 - no secrets are made here
        keep=lambda _key, make: make(),
        zone=zone,
        lookup_host=_look_up,
    )


def _look_up(name: str) -> str:
    """Ask the network for a host where the settings allow it; they are read when an expression asks."""
    from aggregator.app.hosts import ALLOWED, host_lookup  # noqa: PLC0415 - hardly any expression asks
    from aggregator.cli.settings_sources import load_settings  # noqa: PLC0415

    lookup = host_lookup(load_settings())
    if lookup is None:
        raise LanguageError(
            f"sprig.getHostByName: looking up {name[:80]!r} is not allowed",
            hint=f"the setting {ALLOWED} allows it; see docs/settings.md",
        )
    return lookup(name)


def evaluate(language: str, text: str, env: Mapping[str, Any], *, lenient: bool = False) -> Any:
    """The value of a text in one of the languages of the command line."""
    if language == "expr":
        return expr.parse(text).run(NestedEnv(env), new_context(), functions="argo")
    if language == "when":
        return when.evaluate(_filled(text, env, lenient=lenient) if "{{" in text else text)
    if language == "tag":
        return _filled(text, env, lenient=lenient)
    return run_depends(text, env)


def _filled(text: str, env: Mapping[str, Any], *, lenient: bool) -> str:
    from aggregator.lang import tags  # noqa: PLC0415 - expressions and conditions do without

    flat = {key: value if value is None or isinstance(value, str) else to_json(value) for key, value in env.items()}
    return tags.parse(text).fill(Scope(flat), new_context(), LENIENT if lenient else STRICT)


def run_depends(text: str, env: Mapping[str, Any]) -> bool:
    """A depends condition over tasks: `{"a": "Failed", "b": {"phase": "Succeeded", "continueOn": {"failed": true}}}`."""
    parsed = depends.parse(text)
    tasks = {name: _task(name, task) for name, task in env.items()}
    for task, _ in parsed.refs:
        if task not in tasks:
            start = max(text.find(task), 0)
            raise LanguageError(
                f"there is no task {task!r}", text=text, start=start, end=start + len(task), kind="name",
                hint=nearest(task, tasks),
            )  # fmt: skip
    forgiven = {name: _forgiven(task) for name, task in tasks.items()}
    return parsed.expand(forgiven).evaluate(lambda task, result: _has_result(tasks[task], result))


def _task(name: str, task: Any) -> Mapping[str, Any]:
    if isinstance(task, str):
        return {"phase": task}
    if isinstance(task, dict):
        return task
    raise LanguageError(f"task {name!r} must be a phase, or an object with a phase", kind="type")


def _forgiven(task: Mapping[str, Any]) -> tuple[bool, bool]:
    given = task.get("continueOn") or task.get("ContinueOn")
    words = {str(key).lower(): bool(value) for key, value in given.items()} if isinstance(given, dict) else {}
    return words.get("failed", False), words.get("error", False)


def _has_result(task: Mapping[str, Any], result: str) -> bool:
    phase = task.get("phase")
    children = task.get("children")
    phases = children if isinstance(children, list) else []
    match result:
        case "Daemoned":
            return bool(task.get("daemoned")) and phase != "Pending"
        case "AnySucceeded":
            return "Succeeded" in phases
        case "AllFailed":
            return bool(phases) and all(child == "Failed" for child in phases)
        case "Errored":
            return phase == "Error"
    return phase == result


# The lines of --jsonl.


def answer(line: str) -> str:
    """The answer to one line: `{"ok":true,"value":…}` or `{"ok":false,"error":…}`; it never raises."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise LanguageError("a line must be a JSON object with `lang`", kind="type")
        return f'{{"ok":true,"value":{to_json(_run(request))}}}'
    except LanguageError as error:
        told: dict[str, Any] = {"ok": False, "error": error.message, "kind": error.kind}
        if error.text:
            told |= {"start": error.start, "end": error.end}
        if isinstance(error, LimitExceeded):
            told["limit"] = error.limit
        if error.hint:
            told["hint"] = error.hint
        return json.dumps(told)
    except AggError as error:
        return json.dumps({"ok": False, "error": error.message})
    except json.JSONDecodeError as error:
        return json.dumps({"ok": False, "error": f"the line is not JSON: {error}"})
    except Exception as error:  # noqa: BLE001 - one bad line must not end the others; the type says that it is our bug
        return json.dumps({"ok": False, "error": f"{type(error).__name__}: {error}", "kind": "bug"})


def _run(request: Request) -> Any:
    language = request.get("lang")
    handler = LINES.get(language) if isinstance(language, str) else None
    if handler is None:
        raise LanguageError(f"unknown lang {language!r}", kind="name", hint=f"known are {', '.join(LINES)}")
    return handler(request)


def _text(request: Request, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise LanguageError(f"the field {name!r} must be a string", kind="type")
    return value


def _object_of(request: Request, name: str) -> dict[str, Any]:
    value = from_json(request.get(name) or {})
    if not isinstance(value, dict):
        raise LanguageError(f"the field {name!r} must be an object", kind="type")
    return value


def _expr(functions: Literal["bare", "argo"]) -> Callable[[Request], Any]:
    def run(request: Request) -> Any:
        return expr.parse(_text(request, "expr")).run(_object_of(request, "env"), new_context(), functions=functions)

    return run


def _govaluate(request: Request) -> Any:
    mode = request.get("mode", "when")
    if mode not in ("when", "cron", "raw"):
        raise LanguageError(f"unknown mode {mode!r} of a condition", kind="name", hint="known are when, cron, raw")
    return when.evaluate(_text(request, "expr"), mode=cast("when.Mode", mode), env=_object_of(request, "env"))


def _policy(request: Request) -> Policy:
    prefixes = request.get("strict_prefixes")
    if isinstance(prefixes, list):
        return Policy("prefixes", prefixes=tuple(map(str, prefixes)))
    return LENIENT if request.get("allow_unresolved") else STRICT


def _tag(request: Request) -> Any:
    mode = request.get("mode", "field")
    if mode == "expand":
        return tagdoc.expand(_object_of(request, "map"))
    text = _text(request, "text")
    if mode == "validate":
        return tagdoc.simple_tags(text)
    variables = _object_of(request, "map")
    if mode == "resolve_var":
        return tagdoc.resolve_var(text, variables, new_context())
    fill = {"field": tagdoc.fill_field, "doc": tagdoc.replace_document, "raw": tagdoc.replace}.get(str(mode))
    if fill is None:
        known = "field, doc, raw, resolve_var, validate, expand"
        raise LanguageError(f"unknown mode {mode!r} of a tag", kind="name", hint=f"known are {known}")
    return fill(text, Scope(variables), new_context(), _policy(request))


def _argo_jsonpath(request: Request) -> Any:
    """The function gets JSON text, whose numbers are all floats."""
    data = json.loads(json.dumps(request.get("data")), parse_int=float)
    return jsonpath.argo_jsonpath(data, _text(request, "expr"))


def _depends(request: Request) -> Any:
    data = _object_of(request, "data")
    return run_depends(_text(request, "expr"), data["tasks"] if isinstance(data.get("tasks"), dict) else data)


LINES: Final[dict[str, Callable[[Request], Any]]] = {
    "expr": _expr("bare"),
    "argo": _expr("argo"),
    "govaluate": _govaluate,
    "when": _govaluate,
    "tag": _tag,
    "jq": lambda request: jq.jq_filter(request.get("data"), _text(request, "expr")),
    "k8s_jsonpath": lambda request: jsonpath.k8s_jsonpath(request.get("data"), _text(request, "expr")),
    "argo_jsonpath": _argo_jsonpath,
    "selector": lambda request: selectors.parse(_text(request, "expr")).matches_object(request.get("data")),
    "depends": _depends,
}
