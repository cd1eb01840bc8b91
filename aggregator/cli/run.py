"""`agg run`: read the file, prepare the run, drive it to its end, tell how it went."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.cli.connection import drop_connection_flags
from aggregator.cli.documents import URL_PREFIXES, read_sources
from aggregator.cli.run_arguments import BY_NAME, Arguments, assignment, first_pass, help_text, second_pass
from aggregator.cli.settings_sources import load_settings, open_home
from aggregator.errors import AggError, EngineBug, InvalidWorkflow, NotFound, UsageError, nearest, shortened
from aggregator.spec.bundle import Bundle
from aggregator.spec.decode import decode_text
from aggregator.spec.yaml import parse_text, read_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.app import Prepared
    from aggregator.app.prepare import Submission
    from aggregator.settings import Settings
    from aggregator.source import Source

BUNDLED = "dynamic-deal-aggregator.yaml"
SANDBOX_BUCKET = "agg-sandbox"
SANDBOX_TOPIC = "arn:aws:sns:us-east-1:123456789012:agg-sandbox"
FORMS = ("", "json", "yaml", "name", "wide")
_SETTINGS = {
    "runtime": "runtime",
    "max-parallel": "max_parallel",
    "http-concurrency": "http.concurrency",
    "strict-argo": "strict_argo",
    "argo-limits": "argo_limits",
    "progress": "progress",
    "home": "home",
    "namespace": "namespace",
}


@dataclass(slots=True)
class Request:
    """One call of the command, after both passes."""

    given: Arguments
    sources: list[Source]
    bundle: Bundle
    declared: list[Any]
    parameters: list[tuple[str, str]]
    sandbox: bool
    sandbox_posts: bool
    bundled: bool
    entry: str


def run_command(arguments: Sequence[str]) -> int:
    """The exit code of the run."""
    given = first_pass(drop_connection_flags(list(arguments), own=set(BY_NAME)))
    if given.one("output") not in FORMS:
        raise UsageError(f"-o {given.one('output')} must be one of {', '.join(FORMS[1:])}")
    try:
        settings = _settings(given)
        for warning in settings.warnings:
            _warn(warning)
        supporting = _supporting(given, settings)
        request = _read(given, settings, supporting)
        if given.has("help"):
            return _help(request)
        return _run(request, supporting, settings)
    except EngineBug:
        raise
    except AggError as error:
        from aggregator.cli.run_report import refused  # noqa: PLC0415 - only where it ends early

        return refused(error, given.one("name"), given.one("output"))


def _settings(given: Arguments) -> Settings:
    flags: dict[str, tuple[Any, str]] = {
        option: (given.one(key), f"--{key}") for key, option in _SETTINGS.items() if given.has(key)
    }
    if given.has("watch"):
        flags.setdefault("progress", ("tree", "--watch"))
    if given.has("no-strict"):
        flags["strict"] = ("false", "--no-strict")
    elif given.has("strict"):
        flags["strict"] = ("true", "--strict")
    return load_settings(flags, config=given.one("config"))


def _read(given: Arguments, settings: Settings, supporting: Bundle) -> Request:
    """The file, its parameters, and the flags that set them; stored templates join the supporting documents."""
    strict = settings.flag("strict")
    bundled = not given.file and not given.has("from")
    if bundled:
        sources = [bundled_source()]
    elif given.file:
        sources = _one_file(given.file)
    else:
        sources = []
    bundle = Bundle()
    for source in sources:
        bundle.merge(decode_text(source, strict=strict))
    if not bundled:
        _add_stored(bundle, supporting, settings, given.one("from"))
    declared = _declared(bundle, supporting, given.one("from"))
    flags = [] if given.has("help") else second_pass(given, [p.name for p in declared])
    parameters = [assignment(text, "-p") for text in given.all("parameter")]
    parameters += [pair for pair in flags if pair not in parameters]
    for name in given.all("parameter-file"):
        parameters += _parameter_file(name)
    sandbox = given.has("sandbox") or given.has("sandbox-faults")
    posts = sandbox
    if bundled and not given.has("help"):
        sandbox, posts, parameters = _bundled_world(parameters, sandbox=sandbox)
    return Request(
        given,
        sources,
        bundle,
        declared,
        parameters,
        sandbox,
        posts,
        bundled,
        given.file or given.one("from") or "bundled",
    )


def _one_file(name: str) -> list[Source]:
    from pathlib import Path  # noqa: PLC0415 - not needed for stdin and URLs

    if name == "-" or name.startswith(URL_PREFIXES):
        return read_sources([name])
    path = Path(name)
    try:
        if path.is_dir():
            raise UsageError(
                f"{name} is a folder, agg run takes one file", hint=f"agg run {name}/FILE.yaml --with {name}"
            )
        return read_sources([name])
    except NotFound as error:
        beside = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        hint = nearest(path.name, beside) or "without FILE, agg run runs the bundled workflow: agg run --count 5"
        raise NotFound(error.message, hint=hint) from None
    except OSError as error:
        raise UsageError(f"{shortened(name, 200)}: {(error.strerror or str(error)).lower()}") from None


def bundled_source() -> Source:
    """The workflow that ships with the package: the same text as `configs/dynamic-deal-aggregator.yaml`."""
    from importlib.resources import files  # noqa: PLC0415 - other files are read without it, and it takes a while

    shipped = files("aggregator") / "bundled" / BUNDLED
    if not shipped.is_file():  # an editable install runs from the checkout
        shipped = files("aggregator").joinpath("..", "configs", BUNDLED)
    return read_source(BUNDLED, shipped.read_bytes())


def _bundled_world(parameters: list[tuple[str, str]], *, sandbox: bool) -> tuple[bool, bool, list[tuple[str, str]]]:
    """Live with a bucket and a topic, else in the sandbox: (sandbox, its posts API too, parameters)."""
    values = dict(parameters)
    bucket, topic = values.get("s3Bucket", ""), values.get("snsTopicArn", "")
    if sandbox or not (bucket or topic):
        added = [] if bucket else [("s3Bucket", SANDBOX_BUCKET)]
        added += [] if topic else [("snsTopicArn", SANDBOX_TOPIC)]
        kept = [(n, v) for n, v in parameters if v or n not in ("s3Bucket", "snsTopicArn")]
        return True, "baseUrl" not in values, [*kept, *added]
    if not bucket or not topic:
        missing, there = ("s3Bucket", "--sns-topic-arn") if not bucket else ("snsTopicArn", "--s3-bucket")
        flag = "--s3-bucket BUCKET" if not bucket else "--sns-topic-arn ARN"
        raise UsageError(
            f"{there} is given but parameter {missing} is not: a live run needs both, the bucket and the topic",
            hint=f"add {flag}; or leave both out to run in the sandbox",
        )
    return False, False, parameters


def _add_stored(bundle: Bundle, supporting: Bundle, settings: Settings, source: str) -> None:
    """Stored templates that are referred to join the supporting documents, behind those of --with."""
    from aggregator.cli.stored import add_stored  # noqa: PLC0415 - not for the bundled workflow

    given = Bundle()
    given.merge(bundle)
    given.merge(supporting)
    supporting.merge(add_stored(given, settings, source))


def _declared(bundle: Bundle, supporting: Bundle, source: str) -> list[Any]:
    """The parameters of what is to run: the file's document, or the template that --from names."""
    runnable: list[Any] = [*bundle.workflows, *bundle.workflow_templates, *bundle.cluster_workflow_templates]
    if source:
        from aggregator.cli.stored import FROM_KINDS, templates  # noqa: PLC0415 - not without --from

        kind, _, name = source.partition("/")
        wanted = (FROM_KINDS.get(kind), name)
        runnable = [t for t in [*templates(bundle), *templates(supporting)] if (t.kind, t.name) == wanted] or runnable
    for loaded in runnable:
        return list(loaded.model.spec.arguments.parameters)
    for cron in bundle.cron_workflows:
        return list(cron.model.spec.workflow_spec.arguments.parameters)
    return []


def _parameter_file(name: str) -> list[tuple[str, str]]:
    """A YAML or JSON map: texts as they are, other values as JSON."""
    (source,) = read_sources([name])
    parsed = parse_text(source)
    if parsed.diagnostics:
        raise InvalidWorkflow(parsed.diagnostics)
    value = parsed.documents[0].value if parsed.documents else {}
    if not isinstance(value, dict):
        raise UsageError(f"{name} must be a map of parameter names to values")
    return [(str(k), v if isinstance(v, str) else json.dumps(v)) for k, v in value.items()]


def _supporting(given: Arguments, settings: Settings) -> Bundle:
    from pathlib import Path  # noqa: PLC0415 - only with supporting documents

    bundle = Bundle()
    strict = settings.flag("strict")
    for name in given.all("with"):
        for source in read_sources([name]):
            found = decode_text(source, strict=strict, kindless="" if strict else "WorkflowTemplate")
            if Path(name).is_dir():  # a folder may hold other YAML beside, such as values of a chart
                found.diagnostics = [
                    d
                    for d in found.diagnostics
                    if d.code not in ("missing-kind", "not-an-object") or d.severity == "warning"
                ]
            bundle.merge(found)
    return bundle


def _help(request: Request) -> int:
    width = min(120, shutil.get_terminal_size((100, 24)).columns)
    file = "the bundled workflow" if request.bundled else request.entry
    sys.stdout.write(help_text(file, request.declared, width))
    return 0


def _submission(request: Request, settings: Settings) -> Submission:
    from aggregator.app.prepare import Submission  # noqa: PLC0415
    from aggregator.spec.defaults import workflow_defaults  # noqa: PLC0415 - not for --help

    given = request.given
    labels = dict(assignment(pair, "-l") for text in given.all("labels") for pair in text.split(",") if pair)
    priority = given.one("priority")
    try:
        number = int(priority) if priority else None
    except ValueError:
        raise UsageError(f"--priority {priority!r} must be a whole number") from None
    return Submission(
        parameters=request.parameters,
        artifacts=[_artifact(text) for text in given.all("artifact")],
        name=given.one("name"),
        generate_name=given.one("generate-name"),
        entrypoint=given.one("entrypoint"),
        labels=labels,
        priority=number,
        service_account=given.one("service-account"),
        namespace=settings.text("namespace"),
        defaults=workflow_defaults(settings),
        source=given.one("from"),
    )


def _artifact(text: str) -> tuple[str, str]:
    """A name and an absolute path that exists."""
    from pathlib import Path  # noqa: PLC0415 - few runs are given files

    name, value = assignment(text, "-a")
    path = Path(value).expanduser().absolute()
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UsageError(f"-a {name}={value}: there is no such file or folder", hint=nearest(path.name, beside))
    return name, str(path)


def _run(request: Request, supporting: Bundle, settings: Settings) -> int:
    from aggregator.app import prepare  # noqa: PLC0415 - not for --help
    from aggregator.cli.run_report import invalid  # noqa: PLC0415

    given = request.given
    prepared = prepare(request.bundle, supporting, _submission(request, settings))
    _warnings(prepared, request)
    if not prepared.problems and settings.text("runtime") != "dry":
        from aggregator.app.fitness import unfit  # noqa: PLC0415

        prepared.problems += unfit(prepared, settings, os.environ)
    if prepared.problems:
        return invalid(prepared, given.one("output"))
    if given.has("dry-run") or given.has("server-dry-run"):
        return _dry_run(prepared, given.one("output"))
    home = open_home(settings).ensure()
    if given.has("lock"):
        from aggregator.journal.locks import NamedLock  # noqa: PLC0415 - only for cron

        lock = NamedLock(home, given.one("lock"))
        lock.acquire(prepared.name)
    from aggregator.cli.run_drive import drive  # noqa: PLC0415 - the engine is only needed now

    return drive(request, prepared, settings, supporting)


def _warnings(prepared: Prepared, request: Request) -> None:
    """Each warning in full, but fields without effect in one line: they are no mistake of the file's author."""
    idle = [w for w in prepared.warnings if w.code in ("ignored-field", "later-field")]
    for warning in prepared.warnings:
        if warning not in idle:
            sys.stderr.write(warning.render() + "\n")
    if idle and not request.bundled:
        fields = dict.fromkeys(w.message.partition(" ")[0] for w in idle)
        _say(f"agg: note: without effect on one machine: {', '.join(fields)} (agg compat {request.entry} tells more)")


def _dry_run(prepared: Prepared, output: str) -> int:
    from aggregator.observe.tree import dump  # noqa: PLC0415 - only here

    if output == "name":
        sys.stdout.write(f"{prepared.name}\n")
    else:
        shown = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", **prepared.workflow}
        sys.stdout.write(dump(shown, output if output in ("json", "yaml") else "yaml"))
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _warn(text: str) -> None:
    _say(f"agg: warning: {text}")
