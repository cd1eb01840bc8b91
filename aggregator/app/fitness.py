"""What of a workflow can't run on this machine as it is set up: found before anything starts, by what it may reach."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aggregator.errors import AggError, Diagnostic, nearest
from aggregator.source import Source
from aggregator.spec.yaml import parse_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from aggregator.app.prepare import Prepared
    from aggregator.settings import Settings

Found = tuple[dict[str, Any], tuple[str | int, ...]]
"""A template and the path at which it stands."""
Holder = dict[str, Found]
LOCAL_ACTIONS = ("create", "apply", "get")


def cluster_of(settings: Settings, environ: Mapping[str, str]) -> Any:
    """How kubectl is called here, or in words why there is no cluster."""
    module: Any = import_module("aggregator.runtimes.resource.cluster")
    names = ("kubectl", "kubeconfig", "context", "namespace")
    return module.find_cluster(environ, **{name: settings.text(f"kubernetes.{name}") for name in names})


def unfit(prepared: Prepared, settings: Settings, environ: Mapping[str, str]) -> list[Diagnostic]:
    """A problem for each template that can be reached and has no way to run here."""
    found = []
    cluster: Any = None
    for template, path in reached(prepared):
        name = template.get("name") or "inline"
        if template.get("resource") is not None:
            if may_be_workflow(template["resource"]):
                continue
            cluster = cluster_of(settings, environ) if cluster is None else cluster
            if isinstance(cluster, str):
                message = f"template {name!r}: resource templates need a cluster, and there is none: {cluster}"
                hint = "docs/resource.md says how one is configured, and which manifests run without"
                found.append(_problem(prepared, message, hint, (*path, "resource")))
        elif isinstance(template.get("plugin"), dict) and not settings.table("plugins"):
            known = _built_in()
            for key in template["plugin"]:
                if key not in known:
                    message = (
                        f"template {name!r}: plugin {key!r} is not known here: the built-in ones are"
                        f" {', '.join(sorted(known))}, and the settings name none"
                    )
                    hint = nearest(key, known) or f'name it in the settings: [plugins.{key}] address = "http://..."'
                    found.append(_problem(prepared, message, hint, (*path, "plugin")))
        if path[0] != "spec":  # what stands in the workflow itself has been told of with its fields
            found += _of_artifact_plugins(prepared, template, name, path)
    return found


def _of_artifact_plugins(
    prepared: Prepared, template: Mapping[str, Any], name: str, path: tuple[str | int, ...]
) -> list[Diagnostic]:
    message = f"template {name!r}: artifact %r is kept by an artifact plugin, which is a container of a cluster"
    return [
        _problem(prepared, message % artifact.get("name"), "use s3, http or a local folder", path)
        for side in ("inputs", "outputs")
        for artifact in (template.get(side) or {}).get("artifacts") or ()
        if artifact.get("plugin") is not None
    ]


def _problem(prepared: Prepared, message: str, hint: str, path: tuple[str | int, ...]) -> Diagnostic:
    return Diagnostic("refused-field", message, prepared.locate(path) if path[0] == "spec" else None, hint)


def _built_in() -> Iterable[str]:
    module: Any = import_module("aggregator.runtimes.aws_plugins")
    found: Iterable[str] = module.PLUGINS
    return found


def may_be_workflow(resource: Mapping[str, Any]) -> bool:
    """Whether the manifest is a Workflow, which runs here, or can only be known when the template runs."""
    if resource.get("action") not in LOCAL_ACTIONS:
        return "{{" in str(resource.get("action") or "")
    if resource.get("manifestFrom"):
        return True
    # Tags are taken for texts: what is between them says what the manifest is.
    text = str(resource.get("manifest") or "").replace("{{", "__").replace("}}", "__")
    try:
        parsed = parse_text(Source("manifest", text))
    except AggError:
        return False
    if parsed.diagnostics:
        return "{{" in str(resource.get("manifest"))
    values = [document.value for document in parsed.documents if document.value is not None]
    if len(values) != 1 or not isinstance(values[0], dict):
        return False
    kind = str(values[0].get("kind") or "")
    return kind.startswith("__") or (
        kind == "Workflow" and str(values[0].get("apiVersion") or "").partition("/")[0] in ("argoproj.io", "")
    )


def reached(prepared: Prepared) -> Iterator[Found]:
    """The templates that the run may come to, with their paths; what a tag names is not known yet and left out."""
    spec = prepared.workflow.get("spec") or {}
    merged = "workflowTemplateRef" in spec
    own: Holder = {t.get("name"): (t, ("spec", "templates", i)) for i, t in enumerate(spec.get("templates") or ())}
    if merged:
        own = {name: (template, ("merged",)) for name, (template, _) in own.items()}
    stored: dict[tuple[bool, str], Holder] = {}
    for document in prepared.templates:
        templates = (document.get("spec") or {}).get("templates") or ()
        key = (document.get("kind") == "ClusterWorkflowTemplate", (document.get("metadata") or {}).get("name", ""))
        stored[key] = {t.get("name"): (t, ("stored",)) for t in templates}
    starts: list[Any] = [{"template": spec.get("entrypoint")}, {"template": spec.get("onExit")}]
    starts += list((spec.get("hooks") or {}).values())
    waiting: list[tuple[Any, Holder]] = [(start, own) for start in starts]
    seen: set[int] = set()
    while waiting:
        call, holder = waiting.pop(0)
        reference = call.get("templateRef")
        found: Found | None
        if call.get("inline"):
            found = (call["inline"], ("inline",))
        elif reference:
            holder = stored.get((bool(reference.get("clusterScope")), reference.get("name", "")), {})
            found = holder.get(reference.get("template"))
        else:
            found = holder.get(call.get("template"))
        if found is None or id(found[0]) in seen:
            continue
        seen.add(id(found[0]))
        template = found[0]
        yield found
        for inner in _calls(template):
            waiting.append((inner, holder))
            waiting += [(hook, holder) for hook in (inner.get("hooks") or {}).values()]
            waiting.append(({"template": inner.get("onExit")}, holder))


def _calls(template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for group in template.get("steps") or ():
        yield from group if isinstance(group, list) else group.get("steps") or ()
    yield from (template.get("dag") or {}).get("tasks") or ()
