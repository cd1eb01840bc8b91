"""Where templates are found: the templates of one document by name, and the stored documents of all files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.spec.checks.findings import Place
from aggregator.spec.merge import apply_template_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.spec.bundle import Bundle, Loaded
    from aggregator.spec.models import LifecycleHook, Template, TemplateRef, WorkflowSpec, WorkflowStep
    from aggregator.spec.positions import Path

    Call = WorkflowStep | LifecycleHook


class Located:
    """A template, its place, and the holder in which the names that it calls are looked up."""

    __slots__ = ("_calls", "holder", "output_keys", "place", "template")

    def __init__(self, template: Template, place: Place, holder: Holder) -> None:
        self.template = template
        self.place = place
        self.holder = holder
        self._calls: list[tuple[Call, Place]] | None = None
        # What callers can say of it, by the kind of loop around the call; made on use.
        self.output_keys: dict[tuple[bool, bool], frozenset[str] | None] = {}

    @property
    def calls(self) -> list[tuple[Call, Place]]:
        """Every step, task and hook of the template, with its place."""
        if self._calls is None:
            self._calls = list(_calls_of(self.template, self.place))
        return self._calls

    @property
    def name(self) -> str:
        return self.template.name


class Holder:
    """The templates of one document. Defaults of the document are already laid under each."""

    __slots__ = ("_located", "by_name", "spec", "where")

    def __init__(self, loaded: Loaded[Any], base: Path, spec: WorkflowSpec) -> None:
        self.spec = spec
        self.where = Place(loaded, base)
        self.by_name: dict[str, int] = {}
        for index, template in enumerate(spec.templates):
            self.by_name.setdefault(template.name, index)
        self._located: dict[int, Located] = {}

    def at(self, index: int) -> Located:
        found = self._located.get(index)
        if found is None:
            template = apply_template_defaults(self.spec.templates[index], self.spec.template_defaults)
            found = self._located[index] = Located(template, self.where.at("templates", index), self)
        return found

    def find(self, name: str) -> Located | None:
        index = self.by_name.get(name)
        return None if index is None else self.at(index)


def _calls_of(template: Template, place: Place) -> Iterator[tuple[Call, Place]]:
    """Every step, task and hook of a template, with its place."""
    for group_index, group in enumerate(template.steps or ()):
        for index, step in enumerate(group):
            yield from _with_hooks(step, place.at("steps", group_index, index))
    for index, task in enumerate(template.dag.tasks if template.dag else ()):
        yield from _with_hooks(task, place.at("dag", "tasks", index))


def _with_hooks(call: Any, place: Place) -> Iterator[tuple[Call, Place]]:
    yield call, place
    for name, hook in call.hooks.items():
        yield hook, place.at("hooks", name)


class Library:
    """All stored workflow templates of the files given, by name."""

    def __init__(self, everything: Bundle) -> None:
        self._stored: dict[tuple[str, bool], Loaded[Any]] = {}
        for stored in everything.workflow_templates:
            self._stored.setdefault((stored.name, False), stored)
        for cluster in everything.cluster_workflow_templates:
            self._stored.setdefault((cluster.name, True), cluster)
        self._holders: dict[tuple[str, bool], Holder] = {}

    def loaded(self, name: str, *, cluster: bool) -> Loaded[Any] | None:
        return self._stored.get((name, cluster))

    def holder(self, name: str, *, cluster: bool) -> Holder | None:
        found = self._holders.get((name, cluster))
        if found is None:
            loaded = self._stored.get((name, cluster))
            if loaded is None:
                return None
            found = self._holders[name, cluster] = Holder(loaded, ("spec",), loaded.model.spec)
        return found

    def names(self, *, cluster: bool) -> list[str]:
        return [name for name, is_cluster in self._stored if is_cluster is cluster]

    def referenced(self, reference: TemplateRef) -> Located | None:
        holder = self.holder(reference.name, cluster=reference.cluster_scope)
        return None if holder is None else holder.find(reference.template)

    def resolve(self, call: Call, holder: Holder, place: Place) -> Located | None:
        """The template that a step, task or hook calls, if there is one; says nothing about mistakes."""
        inline = getattr(call, "inline", None)
        if inline is not None:
            return Located(inline, place.at("inline"), holder)
        if call.template_ref is not None:
            return self.referenced(call.template_ref)
        return holder.find(call.template) if call.template else None
