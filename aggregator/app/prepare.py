"""From documents and flags to a run that can be submitted: the workflow is chosen, merged, named and checked."""

from __future__ import annotations

import random
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from aggregator.app.given import given_artifacts, with_files
from aggregator.app.naming import LONGEST_PREFIX, check_name, generated_suffix
from aggregator.errors import Diagnostic, InvalidWorkflow, UsageError, nearest
from aggregator.spec import models
from aggregator.spec.checks import check_submission
from aggregator.spec.merge import apply_workflow_defaults, merge_workflow_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aggregator.source import Span
    from aggregator.spec.bundle import Bundle, Loaded

_ALL_PARAMETERS = re.compile(r"workflow\.parameters(?![.\[\w])|workflow\.parameters\.json|workflow\.parameters\[(?!')")
"""A use of the parameters as a whole."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What the command line adds to the documents, as `argo submit` does."""

    parameters: Sequence[tuple[str, str]] = ()
    artifacts: Sequence[tuple[str, str]] = ()
    """Names of input artifacts and absolute paths of the files or folders that they are."""
    name: str = ""
    generate_name: str = ""
    entrypoint: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    priority: int | None = None
    service_account: str = ""
    namespace: str = ""
    """Of a document that names none."""
    defaults: models.Workflow | None = None
    """What the settings give to every workflow."""
    source: str = ""
    """`workflowtemplate/NAME`, `clusterworkflowtemplate/NAME` or `cronwf/NAME`: run a stored document."""


@dataclass(slots=True)
class Prepared:
    """A run ready to be submitted. `workflow` and `templates` are plain data in Argo's JSON shape."""

    name: str
    uid: str
    seed: int
    namespace: str
    workflow: dict[str, Any]
    templates: list[dict[str, Any]]
    config_maps: list[dict[str, Any]]
    secrets: list[dict[str, Any]]
    loaded: Loaded[Any]
    warnings: list[Diagnostic]
    parameters: dict[str, str]
    problems: list[Diagnostic] = field(default_factory=list)
    problem_phase: str = "Failed"
    """What the run's phase is when it has problems: an invalid spec is Failed, a missing workflow template Error."""

    @property
    def problem_message(self) -> str:
        """The status message of a run with problems."""
        first = self.problems[0].message
        return first if self.problem_phase == "Error" else f"invalid spec: {first}"

    def locate(self, path: Sequence[str | int]) -> Span | None:
        """Where a path of the workflow stands in its file."""
        return self.loaded.span(*path) if path else None


def prepare(main: Bundle, supporting: Bundle, submission: Submission) -> Prepared:
    """Choose the one document that is to run and make the run; what is wrong with it is in `problems`.

    InvalidWorkflow is raised when there is no such document, UsageError for mistakes of the command line.
    """
    everything = _joined(main, supporting)
    loaded, workflow = _choose(main, everything, submission)
    metadata = _metadata(workflow, loaded, submission)
    missing = _missing_template(workflow, everything, loaded)
    spec = workflow.spec if missing else _merged(workflow.spec, everything, submission.defaults)
    declared = {p.name for p in spec.arguments.parameters}
    spec = _overridden(spec, submission)
    workflow = replace_struct(workflow, metadata=metadata, spec=spec)
    source = random.SystemRandom()
    name = metadata.name
    parameters = {p.name: p.value for p in spec.arguments.parameters if p.value is not None}
    found = list(everything.errors)
    if not missing:
        # Checked before the plain data is made: of a big file both together would take much memory.
        found += check_submission(everything, loaded, spec)
    prepared = Prepared(
        name=name,
        uid=str(uuid.UUID(int=source.getrandbits(128), version=4)),
        seed=source.getrandbits(63),
        namespace=metadata.namespace or submission.namespace or "default",
        workflow=with_files(plain(workflow), submission.artifacts),
        templates=[{"kind": t.kind, **plain(t.model)} for t in _stored(everything)],
        config_maps=[c.value for c in everything.config_maps],
        secrets=[s.value for s in everything.secrets],
        loaded=loaded,
        warnings=[d for d in everything.diagnostics if d.severity != "error"],
        parameters=parameters,
    )
    if missing:
        prepared.problem_phase = "Failed" if found else "Error"
        found += missing
    else:
        found += _unused_parameters(submission, declared, prepared)
    prepared.problems = [d for d in found if d.severity == "error"]
    prepared.warnings += [d for d in found if d.severity != "error"]
    return prepared


def replace_struct(struct: Any, /, **changes: Any) -> Any:
    """A copy of a struct with some fields changed."""
    return msgspec.structs.replace(struct, **changes)


def plain(model: Any) -> dict[str, Any]:
    """A model as plain data with Argo's field names, absent fields left out."""
    data: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(model))
    return data


def _stored(bundle: Bundle) -> list[Loaded[Any]]:
    """All workflow templates, namespaced ones first; of those with the same name, the one that was read first."""
    found: dict[tuple[str, str], Loaded[Any]] = {}
    every: list[Loaded[Any]] = [*bundle.workflow_templates, *bundle.cluster_workflow_templates]
    for loaded in every:
        found.setdefault((loaded.kind, loaded.name), loaded)
    return list(found.values())


def _joined(main: Bundle, supporting: Bundle) -> Bundle:
    joined = type(main)()
    joined.merge(main)
    joined.merge(supporting)
    return joined


def _choose(main: Bundle, everything: Bundle, submission: Submission) -> tuple[Loaded[Any], models.Workflow]:
    """The document to run, as a Workflow."""
    if submission.source:
        return _from_stored(everything, submission.source)
    if len(main.workflows) > 1:
        raise InvalidWorkflow(
            [
                Diagnostic(
                    "several-workflows",
                    f"{len(main.workflows)} Workflows in the file, one is expected: "
                    + " and ".join(repr(_named(w)) for w in main.workflows),
                    main.workflows[1].key_span("kind"),
                    hint="put each into a file of its own",
                    notes=((main.workflows[0].key_span("kind"), "the first one is here"),),
                )
            ]
        )
    if main.workflows:
        return main.workflows[0], main.workflows[0].model
    if main.cron_workflows:
        cron = main.cron_workflows[0]
        return cron, _of_cron(cron)
    if main.workflow_templates or main.cluster_workflow_templates:
        template = _stored(main)[0]
        return template, _of_template(template)
    if main.errors:
        raise InvalidWorkflow(main.errors)
    rest: list[Loaded[Any]] = [*main.config_maps, *main.secrets, *main.claims, *main.event_bindings, *main.others]
    seen = [o.kind for o in rest]
    what = f"there is only {', '.join(dict.fromkeys(seen))}" if seen else "there is no document"
    place = rest[0].key_span("kind") if rest else None
    hint = "a document with `kind: Workflow` is needed"
    raise InvalidWorkflow([Diagnostic("no-workflow", f"no Workflow to run: {what}", place, hint)])


def _named(loaded: Loaded[Any]) -> str:
    return loaded.name or loaded.model.metadata.generate_name


def _from_stored(everything: Bundle, source: str) -> tuple[Loaded[Any], models.Workflow]:
    kind, _, name = source.partition("/")
    tables: dict[str, tuple[list[Loaded[Any]], Any]] = {
        "workflowtemplate": (list(everything.workflow_templates), _of_template),
        "wftmpl": (list(everything.workflow_templates), _of_template),
        "clusterworkflowtemplate": (list(everything.cluster_workflow_templates), _of_template),
        "cwft": (list(everything.cluster_workflow_templates), _of_template),
        "cronwf": (list(everything.cron_workflows), _of_cron),
        "cronworkflow": (list(everything.cron_workflows), _of_cron),
    }
    if kind not in tables or not name:
        raise UsageError(
            f"--from {source!r} must be KIND/NAME", hint="KIND is workflowtemplate, clusterworkflowtemplate or cronwf"
        )
    stored, make = tables[kind]
    found = next((s for s in stored if s.name == name), None)
    if found is None:
        known = [s.name for s in stored]
        raise UsageError(
            f"--from {source}: there is no such document",
            hint=nearest(name, known) or "give its file or --with PATH, or store it: agg template create FILE",
        )
    return found, make(found)


def _of_template(loaded: Loaded[Any]) -> models.Workflow:
    cluster = loaded.kind == "ClusterWorkflowTemplate"
    label = "workflows.argoproj.io/" + ("cluster-workflow-template" if cluster else "workflow-template")
    return models.Workflow(
        metadata=models.ObjectMeta(generate_name=f"{loaded.name}-", labels={label: loaded.name}),
        spec=models.WorkflowSpec(
            workflow_template_ref=models.WorkflowTemplateRef(name=loaded.name, cluster_scope=cluster)
        ),
    )


def _of_cron(loaded: Loaded[Any]) -> models.Workflow:
    wanted = loaded.model.spec.workflow_metadata
    labels = {**(wanted.labels if wanted else {}), "workflows.argoproj.io/cron-workflow": loaded.name}
    return models.Workflow(
        metadata=models.ObjectMeta(
            generate_name=f"{loaded.name}-", labels=labels, annotations=dict(wanted.annotations) if wanted else {}
        ),
        spec=loaded.model.spec.workflow_spec,
    )


def _metadata(workflow: models.Workflow, loaded: Loaded[Any], submission: Submission) -> models.ObjectMeta:
    """The run's name (given, or generated: the prefix and five characters) and labels."""
    metadata = workflow.metadata
    name = submission.name or ("" if submission.generate_name else metadata.name)
    prefix = (submission.generate_name or metadata.generate_name)[:LONGEST_PREFIX]
    check_name(name or prefix, submission, loaded)
    if not name:
        if not prefix:
            raise InvalidWorkflow(
                [
                    Diagnostic(
                        "no-name",
                        "the workflow has neither metadata.name nor metadata.generateName",
                        loaded.span("metadata"),
                        hint="add `generateName: NAME-`, or give --name NAME",
                    )
                ]
            )
        name = prefix + generated_suffix()
    under = submission.defaults.metadata if submission.defaults is not None else models.ObjectMeta()
    labels = {**under.labels, **metadata.labels, **submission.labels}
    annotations = {**under.annotations, **metadata.annotations}
    namespace = metadata.namespace or submission.namespace
    changed: models.ObjectMeta = replace_struct(
        metadata, name=name, labels=labels, annotations=annotations, namespace=namespace
    )
    return changed


def _referenced(spec: models.WorkflowSpec, everything: Bundle) -> Loaded[Any] | None:
    """The stored document that workflowTemplateRef names."""
    reference = spec.workflow_template_ref
    if reference is None:
        return None
    kind = "ClusterWorkflowTemplate" if reference.cluster_scope else "WorkflowTemplate"
    return next((s for s in _stored(everything) if s.kind == kind and s.name == reference.name), None)


def _missing_template(workflow: models.Workflow, everything: Bundle, loaded: Loaded[Any]) -> list[Diagnostic]:
    """The problem of a workflowTemplateRef to what is not there."""
    reference = workflow.spec.workflow_template_ref
    if reference is None or _referenced(workflow.spec, everything) is not None:
        return []
    kind = "clusterworkflowtemplate" if reference.cluster_scope else "workflowtemplate"
    known = [s.name for s in _stored(everything)]
    return [
        Diagnostic(
            "unknown-template",
            f'{kind} "{reference.name}" not found',
            loaded.span("spec", "workflowTemplateRef", "name"),
            hint=nearest(reference.name, known) or "give its file with --with PATH",
        )
    ]


def _merged(
    spec: models.WorkflowSpec, everything: Bundle, defaults: models.Workflow | None = None
) -> models.WorkflowSpec:
    """The spec, with the workflow template that it refers to underneath, and the defaults of the settings below both."""
    found = _referenced(spec, everything)
    under = defaults.spec if defaults is not None else None
    if found is not None:
        return merge_workflow_template(spec, found.model.spec, under)
    return spec if under is None else apply_workflow_defaults(spec, under)


def _unused_parameters(submission: Submission, declared: set[str], prepared: Prepared) -> Iterator[Diagnostic]:
    """Given parameters that the workflow neither declares nor mentions: Argo takes them, but they are hardly meant."""
    unknown = [name for name, _ in submission.parameters if name not in declared]
    if not unknown:
        return
    texts = msgspec.json.encode([prepared.workflow, prepared.templates]).decode()
    if _ALL_PARAMETERS.search(texts):
        return
    for name in unknown:
        if f"workflow.parameters.{name}" not in texts and f"workflow.parameters['{name}']" not in texts:
            known = f"its parameters are {', '.join(sorted(declared))}" if declared else "it has no parameters"
            yield Diagnostic(
                "unused-parameter",
                f"parameter {name!r} is given, but the workflow neither declares nor uses it; {known}",
                prepared.locate(("spec", "arguments")),
                hint=nearest(name, declared),
                severity="warning",
            )


def _overridden(spec: models.WorkflowSpec, submission: Submission) -> models.WorkflowSpec:
    """The spec with the parameters and fields of the command line; given parameters come first, as Argo lists them."""
    names = [name for name, _ in submission.parameters]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise UsageError(f"parameter {twice!r} is given more than once", hint="give each parameter one value")
    declared = {p.name: p for p in spec.arguments.parameters}
    given = []
    for name, value in submission.parameters:
        known = declared.get(name)
        base = models.Parameter(name=name) if known is None else known
        given.append(replace_struct(base, value=value, value_from=None))
    rest = [p for p in spec.arguments.parameters if p.name not in names]
    artifacts = given_artifacts(spec, submission.artifacts, submission.entrypoint)
    arguments = replace_struct(spec.arguments, parameters=(*given, *rest), artifacts=artifacts)
    changes: dict[str, Any] = {"arguments": arguments}
    if submission.entrypoint:
        changes["entrypoint"] = submission.entrypoint
    if submission.priority is not None:
        changes["priority"] = submission.priority
    if submission.service_account:
        changes["service_account_name"] = submission.service_account
    changed: models.WorkflowSpec = replace_struct(spec, **changes)
    return changed
