"""One document that is checked as a whole: its merged spec, its templates, and what all of them can refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.spec.checks.findings import Findings, Place
from aggregator.spec.checks.library import Holder, Library, Located
from aggregator.spec.merge import apply_workflow_defaults, merge_workflow_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aggregator.spec.bundle import Loaded
    from aggregator.spec.checks.library import Call
    from aggregator.spec.models import ObjectMeta, Template, Workflow, WorkflowSpec
    from aggregator.spec.positions import Path

STORED_KINDS: Final = frozenset({"WorkflowTemplate", "ClusterWorkflowTemplate"})
ALWAYS: Final = frozenset(
    "workflow." + name
    for name in (
        "name", "namespace", "uid", "mainEntrypoint", "serviceAccountName", "duration", "scheduledTime",
        "parameters", "parameters.json", "labels", "labels.json", "annotations", "annotations.json",
    )
)  # fmt: skip
AT_EXIT: Final = frozenset({"workflow.status", "workflow.failures"})


class Root:
    """A workflow, stored workflow or cron workflow under check.

    `stored`: a stored workflow by itself, so that parameters may still come from whoever runs it. `submitted`: values
    are required. `runs`: the spec is about to run, with labels that may have been added (`agg run -l`).
    """

    def __init__(
        self,
        library: Library,
        loaded: Loaded[Any],
        findings: Findings,
        *,
        spec: WorkflowSpec | None = None,
        submitted: bool = False,
        ignore_missing: bool = False,
        defaults: Workflow | None = None,
    ) -> None:
        self.library = library
        self.loaded = loaded
        self.findings = findings
        self.submitted = submitted
        self.runs = spec is not None
        self.ignore_missing = ignore_missing
        self.base: Path = ("spec", "workflowSpec") if loaded.kind == "CronWorkflow" else ("spec",)
        self.own: WorkflowSpec = loaded.model.spec.workflow_spec if loaded.kind == "CronWorkflow" else loaded.model.spec
        # Whoever runs a stored template gives it the defaults then.
        self.defaults = defaults if loaded.kind not in STORED_KINDS else None
        self.stored = loaded.kind in STORED_KINDS and spec is None
        self.place = Place(loaded, self.base)
        self.holder = Holder(loaded, self.base, self.own)
        self.from_reference: Holder | None = None
        self.spec = self.own if spec is None else spec
        reference = self.spec.workflow_template_ref
        if reference is not None:
            self.from_reference = library.holder(reference.name, cluster=reference.cluster_scope)
        if self.from_reference is not None:
            if spec is None:
                self.spec = merge_workflow_template(self.own, self.from_reference.spec)
            if not self.own.templates:
                self.holder = Holder(self.from_reference.where.loaded, ("spec",), self.spec)
        elif spec is not None:
            self.holder = Holder(loaded, self.base, spec)
        if spec is None and self.defaults is not None:
            self.spec = apply_workflow_defaults(self.spec, self.defaults.spec)
            self.holder = Holder(self.holder.where.loaded, tuple(self.holder.where.path), self.spec)
        self._called: dict[int, list[Located]] = {}
        self._inlines: dict[tuple[int, Path], Located | None] = {}
        self.all: dict[int, Located] = {}
        self.global_keys: set[str] = set(ALWAYS)
        self.any_output_parameter = False
        self.any_output_artifact = False
        self._find_templates()
        self._find_globals()

    # ------------------------------------------------------------------ templates

    def resolve(self, call: Call, located: Located, place: Place) -> Located | None:
        """The template that a step, task or hook of `located` calls; the same object for the same place."""
        if getattr(call, "inline", None) is None:
            return self.library.resolve(call, located.holder, place)
        key = (id(place.loaded), place.path)
        if key not in self._inlines:
            self._inlines[key] = self.library.resolve(call, located.holder, place)
        return self._inlines[key]

    def _find_templates(self) -> None:
        """All templates of the document, called or not, and those of other documents that they call."""
        everything = [self.holder.at(index) for index in range(len(self.holder.spec.templates))]
        called = (self.library.resolve(hook, self.holder, self.place) for hook in self.spec.hooks.values())
        self.all = self.reach([*everything, *(found for found in called if found)])

    def reach(self, starts: Iterable[Located]) -> dict[int, Located]:
        """The templates of `starts` and all that they call, each once."""
        found: dict[int, Located] = {}
        waiting = list(starts)
        while waiting:
            located = waiting.pop()
            if id(located) in found:
                continue
            found[id(located)] = located
            waiting.extend(self._called_by(located))
        return found

    def _called_by(self, located: Located) -> list[Located]:
        """The templates that one template calls, each once."""
        if id(located) not in self._called:
            found = [self.resolve(call, located, place) for call, place in located.calls]
            found += [located.holder.find(name) for name in exits_of(located.template)]
            self._called[id(located)] = list({id(called): called for called in found if called is not None}.values())
        return self._called[id(located)]

    # ------------------------------------------------------------------ globals

    def _find_globals(self) -> None:
        keys = self.global_keys
        keys.update(f"workflow.parameters.{p.name}" for p in self.spec.arguments.parameters)
        if self.spec.priority is not None or self.stored:
            keys.add("workflow.priority")
        for metadata in self._metadatas():
            keys.update(f"workflow.labels.{name}" for name in metadata.labels)
            keys.update(f"workflow.annotations.{name}" for name in metadata.annotations)
        wanted = self.spec.workflow_metadata
        if wanted is not None:
            keys.update(f"workflow.labels.{name}" for name in (*wanted.labels, *wanted.labels_from))
            keys.update(f"workflow.annotations.{name}" for name in wanted.annotations)
        for located in self.all.values():
            outputs = located.template.outputs
            for parameter in outputs.parameters:
                keys.add(f"workflow.outputs.parameters.{parameter.global_name}")
                self.any_output_parameter |= "{{" in parameter.global_name
            for artifact in outputs.artifacts:
                keys.add(f"workflow.outputs.artifacts.{artifact.global_name}")
                self.any_output_artifact |= "{{" in artifact.global_name

    def _metadatas(self) -> Iterator[ObjectMeta]:
        yield self.loaded.model.metadata
        if self.defaults is not None:
            yield self.defaults.metadata
        if self.loaded.kind == "CronWorkflow" and self.loaded.model.spec.workflow_metadata is not None:
            yield self.loaded.model.spec.workflow_metadata
        if self.from_reference is not None:
            yield self.from_reference.where.loaded.model.metadata

    def knows(self, key: str) -> bool:
        """Whether a `workflow.…` variable exists."""
        if key in self.global_keys or key.startswith("workflow.creationTimestamp"):
            return True
        if key in AT_EXIT:
            return self.stored or bool(self.spec.on_exit or self.spec.hooks)
        if key.startswith("workflow.outputs.parameters."):
            return self.any_output_parameter
        if key.startswith("workflow.outputs.artifacts."):
            return self.any_output_artifact
        if key.startswith("workflow.parameters."):
            return self.stored
        if key.startswith(("workflow.labels.", "workflow.annotations.")):
            return self.stored or self.runs
        return False


def exits_of(template: Template) -> Iterator[str]:
    """Names of the templates that `onExit` of steps and tasks calls."""
    for group in template.steps or ():
        yield from (step.on_exit for step in group if step.on_exit)
    for task in template.dag.tasks if template.dag else ():
        if task.on_exit:
            yield task.on_exit
