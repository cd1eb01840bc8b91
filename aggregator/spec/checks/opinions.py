"""What bites although Argo takes it: the warnings of `agg lint` that need the whole document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from aggregator.spec.checks.aggregates import check_aggregates
from aggregator.spec.checks.texts import OPEN, maps_below, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.spec.checks.library import Located
    from aggregator.spec.checks.root import Root
    from aggregator.spec.positions import Path

# etcd takes requests of 1.5 MiB; the status of a run needs room as well.
LARGEST_OBJECT: Final = 1024 * 1024
QUOTED: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
TAG: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
HYPHENED: Final = re.compile(r"(?<![\w.\-])[A-Za-z_]\w*(?:-\w+)+")
SECRET_NAME: Final = re.compile(
    r"(?i)(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)"
)
NOT_SECRET: Final = re.compile(r"(?i)(?:file|path|name|url|uri|dir|ref|arn|ttl|type|endpoint|header)s?$")
SECRET_TEXT: Final = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{36}\b"
)
SHORTEST_SECRET: Final = 4
# A document without any of them holds no secret that the rules above would find.
SECRET_WORDS: Final = (
    "passw", "passphrase", "secret", "token", "credential", "authorization", "akia", "asia", "gho_", "ghp_", "ghu_",
    "ghs_", "ghr_",
)  # fmt: skip
SECRET_KEYS: Final = re.compile(r"(?:api|access|private)[ _-]?key")


def check_opinions(root: Root) -> None:
    """All of them, for one document."""
    check_aggregates(root)
    _check_size(root)
    _check_unused_templates(root)
    _check_unused_arguments(root)
    for located in root.all.values():
        _check_retry(root, located)
        _check_conditions(root, located)
        if located.place.path[-1] != "inline":
            _check_unused_inputs(root, located)
    _check_secrets(root)


def _check_size(root: Root) -> None:
    size = len(msgspec.json.encode(root.loaded.value))
    if size > LARGEST_OBJECT:
        message = f"the {root.loaded.kind} has {size:,} bytes as JSON; a cluster would refuse it"
        hint = "etcd takes 1.5 MB with the status; split it into stored templates"
        root.findings.add("too-large", message, root.loaded.key_span("kind"), hint, "warning")


# ------------------------------------------------------------------------ retry


def _check_retry(root: Root, located: Located) -> None:
    """A policy that never covers the way in which this kind of template fails."""
    retry, kind = located.template.retry_strategy, located.template.kind
    if retry is None:
        return
    policy = retry.retry_policy
    why = ""
    if policy == "OnError" and kind == "http":
        why = "an http template ends Failed, never Error, so OnError never retries it"
        hint = "use OnFailure, Always or OnTransientError"
    elif policy == "OnError" and kind == "steps":
        why = "a steps template ends Failed when a step fails or errs, so OnError hardly ever retries it"
        hint = "use OnFailure or Always, or give the retryStrategy to the step's template"
    elif policy == "OnTransientError" and kind in ("container", "script", "container_set") and not retry.expression:
        why = "OnTransientError looks at the node's message, which for a failed command is only its exit code: it is not retried"
        hint = "use OnFailure or Always, or an `expression` about lastRetry.exitCode"
    if why:
        message = f"templates.{located.name}: {why}"
        root.findings.warn("retry-never", message, located.place.at("retryStrategy", "retryPolicy"), hint)


# ------------------------------------------------------------------- conditions


def _check_conditions(root: Root, located: Located) -> None:
    for call, place in located.calls:
        text = getattr(call, "when", "")
        if "-" not in text:
            continue
        plain = TAG.sub("x", QUOTED.sub("''", text))
        found = HYPHENED.search(plain)
        if found:
            word = found[0] if found[0] in text else ""
            shown = found[0] if word else "a value with '-'"
            message = f"in `when`, {shown} is a subtraction, since it is not quoted"
            hint = f"write '{found[0]}'" if word else "put quotes around it: '{{…}}'"
            root.findings.warn("when-hyphen", message, place.at("when"), hint, part=word)


# ----------------------------------------------------------------------- unused


def _check_unused_templates(root: Root) -> None:
    """Templates that nothing in the workflow reaches. Stored ones are there for others; without a start all would be unused."""
    if root.stored or root.holder.where.loaded is not root.loaded or root.holder.find(root.spec.entrypoint) is None:
        return
    starts = [root.spec.entrypoint, root.spec.on_exit, *(hook.template for hook in root.spec.hooks.values())]
    found = (root.holder.find(name) for name in starts)
    reached = root.reach(start for start in found if start is not None)
    if any(OPEN in name for name in starts) or any(_is_dynamic(located) for located in root.all.values()):
        return
    for index in range(len(root.own.templates)):
        located = root.holder.at(index)
        if id(located) not in reached and located.name:
            message = f"template {located.name!r} is not used"
            root.findings.warn("unused-template", message, located.place.at("name"))


def _is_dynamic(located: Located) -> bool:
    """Whether it calls a template whose name is only known when it runs."""
    return any(OPEN in call.template for call, _ in located.calls)


def _check_unused_arguments(root: Root) -> None:
    """Arguments that neither a tag nor an input of the first template mentions."""
    if root.stored or root.from_reference is not None or not root.own.arguments.parameters:
        return
    texts = {located.place.loaded.document.source.text for located in root.all.values()}
    texts.add(root.loaded.document.source.text)
    used: set[str] = set()
    for name in (root.spec.entrypoint, root.spec.on_exit, *(hook.template for hook in root.spec.hooks.values())):
        if (found := root.holder.find(name)) is not None:
            used.update(p.name for p in found.template.inputs.parameters)
    mentioned = _mentioned("workflow.parameters", texts)
    if mentioned is None:
        return
    for index, parameter in enumerate(root.own.arguments.parameters):
        if parameter.name not in used and parameter.name not in mentioned:
            message = f"parameter {parameter.name!r} of the workflow is not used"
            at = root.place.at("arguments", "parameters", index, "name")
            root.findings.warn("unused-parameter", message, at)


def _check_unused_inputs(root: Root, located: Located) -> None:
    """Inputs that the template does not mention. Suspended nodes show theirs, plugins are sent theirs."""
    template = located.template
    if not template.inputs.parameters or template.kind in ("suspend", "plugin", ""):
        return
    written = located.place.value
    mentioned = _mentioned("inputs.parameters", _strings(written))
    if mentioned is None:
        return
    for index, parameter in enumerate(template.inputs.parameters):
        if parameter.name and parameter.name not in mentioned:
            message = f"templates.{template.name}: input parameter {parameter.name!r} is not used"
            at = located.place.at("inputs", "parameters", index, "name")
            root.findings.warn("unused-parameter", message, at)


MENTION: Final = {
    prefix: re.compile(
        re.escape(prefix)
        + r"(?:\.(?P<dotted>[\w-]+)|\?\.(?P<guarded>[\w-]+)|\[\\?[\"'](?P<quoted>[^\"'\\]+)|(?P<whole>))"
    )
    for prefix in ("workflow.parameters", "inputs.parameters")
}


def _mentioned(prefix: str, texts: Any) -> set[str] | None:
    """Names that stand behind the prefix; None where the whole map is used, or a name that is made up."""
    names: set[str] = set()
    for text in texts:
        if prefix not in text:
            continue
        for found in MENTION[prefix].finditer(text):
            name = found["dotted"] or found["guarded"] or found["quoted"]
            if not name or (name == "json" and prefix == "workflow.parameters"):
                return None
            names.add(name)
    return names


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting.extend(part.values())
            waiting.extend(part)
        elif isinstance(part, list):
            waiting.extend(part)


# ---------------------------------------------------------------------- secrets


def _check_secrets(root: Root) -> None:
    """Secrets that stand in the document as they are."""
    written = root.loaded.document.source.text.lower()
    if not (any(word in written for word in SECRET_WORDS) or ("key" in written and SECRET_KEYS.search(written))):
        return
    hint = "keep it in a Secret and use secretKeyRef"
    for trail, value in maps_below(root.place.value):
        name, text = value.get("name"), value.get("value", value.get("default"))
        if isinstance(name, str) and isinstance(text, str) and _is_secret(name, text, path_of(trail)):
            at = root.place.at(*path_of(trail), "value" if "value" in value else "default")
            root.findings.warn("plain-secret", f"{name} is a secret in plain text", at, hint, private=True)
        for key, part in value.items():
            if isinstance(part, str) and (found := SECRET_TEXT.search(part)):
                message = f"a secret stands here in plain text: {found[0][:4]}…"
                root.findings.warn(
                    "plain-secret", message, root.place.at(*path_of(trail), key), hint, part=found[0], private=True
                )


def _is_secret(name: str, text: str, path: Path) -> bool:
    if OPEN in text or len(text.strip()) < SHORTEST_SECRET or text.startswith("/"):
        return False
    if name.lower() == "authorization" and "headers" in path:
        return True
    if not SECRET_NAME.search(name) or NOT_SECRET.search(name):
        return False
    return "env" in path or "parameters" in path
