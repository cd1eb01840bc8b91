"""The template that a step, task or hook calls: by name, by templateRef, or inline."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.spec.checks.findings import Place
    from aggregator.spec.checks.library import Call, Located
    from aggregator.spec.checks.root import Root


def check_target(root: Root, call: Call, located: Located, place: Place, where: str) -> Located | None:
    """The template that is called; says why there is none. A name with tags is looked up only when it runs."""
    findings = root.findings
    reference = call.template_ref
    if getattr(call, "inline", None) is not None:
        if call.template or reference is not None:
            findings.error("two-templates", f"{where} inline cannot be combined with template or templateRef", place)
        return root.resolve(call, located, place)
    if reference is not None:
        at = place.at("templateRef")
        if call.template:
            message = f"{where} template name cannot be specified with templateRef."
            findings.error("two-templates", message, place.at("template"))
        if not reference.name:
            findings.error("template-required", f"{where} resource name is required in templateRef", at)
        elif not reference.template:
            findings.error("template-required", f"{where} template name is required in templateRef", at)
        elif "{{" not in reference.name + reference.template:
            return _referenced(root, call, located, place, where)
        return None
    if not call.template:
        findings.error("template-required", f"{where} names no template: give template, templateRef or inline", place)
        return None
    if "{{" in call.template:
        return None
    found = root.resolve(call, located, place)
    if found is None:
        hint = findings.suggest(call.template, located.holder.by_name)
        message = f"{where} template name '{call.template}' undefined"
        findings.error("unknown-template", message, place.at("template"), hint)
    return found


def _referenced(root: Root, call: Call, located: Located, place: Place, where: str) -> Located | None:
    found = root.resolve(call, located, place)
    reference = call.template_ref
    if found is not None or reference is None:
        return found
    kind = "ClusterWorkflowTemplate" if reference.cluster_scope else "WorkflowTemplate"
    holder = root.library.holder(reference.name, cluster=reference.cluster_scope)
    if holder is not None:
        message = f"{where} template {reference.name}.{reference.template} not found: the {kind} has no such template"
        hint = root.findings.suggest(reference.template, holder.by_name)
        root.findings.error("unknown-template", message, place.at("templateRef", "template"), hint)
    elif not root.ignore_missing:
        named = f"{reference.name}.{reference.template}"
        message = f"{where} template reference {named} not found: there is no {kind} {reference.name!r}"
        known = root.library.names(cluster=reference.cluster_scope)
        hint = root.findings.suggest(reference.name, known) or missing_hint(
            root, reference.name, cluster=reference.cluster_scope
        )
        root.findings.error("unknown-template", message, place.at("templateRef", "name"), hint)
    return None


def missing_hint(root: Root, name: str, *, cluster: bool) -> str:
    """Perhaps it is there in the other scope."""
    if root.library.loaded(name, cluster=not cluster) is not None:
        return (
            "remove clusterScope"
            if cluster
            else "there is a ClusterWorkflowTemplate of that name: add `clusterScope: true`"
        )
    return "give its file as well, or with --with PATH"
