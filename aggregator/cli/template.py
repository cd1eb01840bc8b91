"""`agg template` and `agg cluster-template`: workflow templates kept in `$AGG_HOME`, with Argo's verbs."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli import options  # noqa: TC001 - typer reads the annotations at run time
from aggregator.cli.lint import Form, lint
from aggregator.cli.report import report
from aggregator.cli.selection import label_selector
from aggregator.cli.settings_sources import open_home
from aggregator.cli.stored import settings_of, templates
from aggregator.cli.template_files import read_given
from aggregator.errors import AggError, UsageError, nearest
from aggregator.journal.templates import CLUSTER, NAMESPACED, Key, TemplateStore, exists, template_key
from aggregator.observe.columns import one_line, table
from aggregator.observe.timetext import rfc3339, short_duration
from aggregator.observe.tree import dump
from aggregator.spec.decode import decode_text
from aggregator.spec.write import to_yaml

if TYPE_CHECKING:
    from aggregator.spec.bundle import Loaded

OUTPUTS = ("", "name", "json", "yaml", "wide")
NOUNS = {NAMESPACED: "workflow template", CLUSTER: "cluster workflow template"}

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, folders, globs, URLs, or - for stdin.")]
Output = Annotated[str, typer.Option("-o", "--output", metavar="FORM", help="name, json, yaml or wide.")]
Strict = Annotated[bool, typer.Option("--strict/--no-strict", help="Unknown fields and doubled keys are errors.")]
Namespace = Annotated[
    str, typer.Option("-n", "--namespace", metavar="NAME", help="Namespace; cluster templates have none.")
]


def make_app(kind: str, verb: str) -> typer.Typer:
    """The verbs for one kind of template."""
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        help=f"Keep {NOUNS[kind]}s in $AGG_HOME, where run, plan and lint find them.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.command("create", help=f"Store the {kind}s of files; a name that exists is refused.")
    def create(
        files: Files,
        output: Output = "",
        strict: Strict = True,
        namespace: options.StoredNamespace = "",
        home: options.Home = "",
        config: options.Config = "",
    ) -> int:
        return _put(kind, files, output, (namespace, home, config), strict=strict, replace=False)

    @app.command("update", help=f"Replace stored {kind}s by those of files.")
    def update(
        files: Files,
        output: Output = "",
        strict: Strict = True,
        namespace: options.StoredNamespace = "",
        home: options.Home = "",
        config: options.Config = "",
    ) -> int:
        return _put(kind, files, output, (namespace, home, config), strict=strict, replace=True)

    @app.command("list", help=f"List stored {kind}s.")
    def list_(
        output: Output = "",
        all_namespaces: Annotated[
            bool, typer.Option("-A", "--all-namespaces", help="Of all namespaces, with a column for it.")
        ] = False,
        labels: Annotated[
            str, typer.Option("-l", "--selector", metavar="LABELS", help="Label selector, as app=web,!old.")
        ] = "",
        no_headers: Annotated[bool, typer.Option("--no-headers", help="Leave out the line of titles.")] = False,
        namespace: Namespace = "",
        home: options.Home = "",
        config: options.Config = "",
    ) -> int:
        _check_output(output)
        store, space = _open(namespace, home, config)
        matches = label_selector(labels)
        keys = store.keys(kind, None if all_namespaces else space)
        shown = [entry for entry in (Entry(store, key) for key in keys) if matches(entry.labels)]
        _list(kind, shown, output, all_namespaces=all_namespaces and kind == NAMESPACED, titles=not no_headers)
        return 0

    @app.command("get", help=f"Show stored {kind}s.")
    def get(
        names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of stored templates.")],
        output: Output = "",
        namespace: Namespace = "",
        home: options.Home = "",
        config: options.Config = "",
    ) -> int:
        _check_output(output)
        store, space = _open(namespace, home, config)
        _show([Entry(store, template_key(kind, space, name)) for name in names], output)
        return 0

    @app.command("delete", help=f"Remove stored {kind}s.")
    def delete(
        names: Annotated[
            list[str] | None,
            typer.Argument(metavar="[NAME...]", help="Names of stored templates.", show_default=False),
        ] = None,
        everything: Annotated[bool, typer.Option("--all", help="All of the namespace.")] = False,
        namespace: Namespace = "",
        home: options.Home = "",
        config: options.Config = "",
    ) -> int:
        if not names and not everything:
            raise UsageError("which templates? Name them", hint=f"agg {verb} delete NAME, or --all")
        store, space = _open(namespace, home, config)
        return _delete(kind, store, space, names or [], everything=everything)

    @app.command("lint", help=f"Say everything that is wrong with the {kind}s of files.")
    def lint_(
        files: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, globs, or - for stdin.")],
        output: Annotated[Form, typer.Option("-o", "--output", help="Form of the result.")] = Form.PRETTY,
        strict: Strict = True,
        no_color: options.NoColor = False,
        namespace: options.StoredNamespace = "",
        home: options.Home = "",
        config: options.Config = "",
    ) -> int:
        return lint(
            files, output, strict=strict, kinds=[kind], no_color=no_color, namespace=namespace, home=home, config=config
        )

    return app


class Entry:
    """A stored template, read on use."""

    def __init__(self, store: TemplateStore, key: Key) -> None:
        self.key = key
        self.created = store.created(key)
        self.loaded = _of_kind(store, key)

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.loaded.model.metadata.labels)

    @property
    def value(self) -> dict[str, Any]:
        """The document as it was given, with its namespace and the time of its creation."""
        metadata = dict(self.loaded.value.get("metadata") or {})
        if self.key.namespace:
            metadata["namespace"] = self.key.namespace
        metadata["creationTimestamp"] = rfc3339(self.created)
        return {**self.loaded.value, "metadata": metadata}

    @property
    def details(self) -> list[tuple[str, str]]:
        spec = self.loaded.model.spec
        parameters = (p.name if p.value is None else f"{p.name}={p.value}" for p in spec.arguments.parameters)
        return [
            ("Entrypoint", spec.entrypoint),
            ("Templates", ",".join(template.name for template in spec.templates)),
            ("Parameters", ",".join(parameters)),
        ]


def _of_kind(store: TemplateStore, key: Key) -> Loaded[Any]:
    source = store.read(key)
    bundle = decode_text(source, strict=False)
    for loaded in templates(bundle):
        if (loaded.kind, loaded.name) == (key.kind, key.name):
            return loaded
    raise AggError(f"{source.name} holds no {key.kind} {key.name!r}", hint="its text was changed: correct or remove it")


def _open(namespace: str, home: str, config: str) -> tuple[TemplateStore, str]:
    settings = settings_of(home, namespace, config)
    return TemplateStore(open_home(settings)), settings.text("namespace")


def _put(kind: str, files: list[str], output: str, where: tuple[str, str, str], *, strict: bool, replace: bool) -> int:
    """Nothing is stored unless all of it can be."""
    _check_output(output)
    settings = settings_of(where[1], where[0], where[2])
    store = TemplateStore(open_home(settings))
    given = read_given(kind, files, settings, strict=strict)
    for warning in given.warnings:
        sys.stderr.write(warning.render() + "\n")
    for key, _ in given.texts:
        if replace:
            store.created(key)
        elif store.has(key):
            raise exists(key)
    for key, text in given.texts:
        (store.update if replace else store.create)(key, text)
    _show([Entry(store, key) for key, _ in given.texts], output)
    return 0


def _delete(kind: str, store: TemplateStore, space: str, names: list[str], *, everything: bool) -> int:
    code = 0
    keys = [template_key(kind, space, name) for name in dict.fromkeys(names)]
    if everything:
        keys += [key for key in store.keys(kind, space) if key not in keys]
        if not keys:
            sys.stdout.write(f"No {NOUNS[kind]}s found\n")
    for key in keys:
        try:
            store.delete(key)
        except AggError as error:
            report(error, sys.stderr)
            code = code or error.exit_code
        else:
            sys.stdout.write(f"{kind} '{key.name}' deleted\n")
    return code


def _check_output(output: str) -> None:
    if output not in OUTPUTS:
        hint = nearest(output, OUTPUTS) or ", ".join(OUTPUTS[1:])
        raise UsageError(f"-o {output} is no form of output", hint=hint)


def _show(entries: list[Entry], output: str) -> None:
    if output == "json":
        values = [entry.value for entry in entries]
        sys.stdout.write(dump(values[0] if len(values) == 1 else values, output))
    elif output == "yaml":
        sys.stdout.write(to_yaml(entry.value for entry in entries))
    elif output == "name":
        sys.stdout.writelines(f"{entry.key.name}\n" for entry in entries)
    else:
        sys.stdout.write("\n".join(_header(entry, wide=output == "wide") for entry in entries))


def _header(entry: Entry, *, wide: bool) -> str:
    lines = [("Name", entry.key.name)]
    lines += [("Namespace", entry.key.namespace)] if entry.key.namespace else []
    lines.append(("Created", f"{rfc3339(entry.created)} ({short_duration(time.time() - entry.created)} ago)"))
    lines += entry.details if wide else []
    return "".join(f"{title + ':':<20} {one_line(value)}".rstrip() + "\n" for title, value in lines)


def _list(kind: str, entries: list[Entry], output: str, *, all_namespaces: bool, titles: bool) -> None:
    if output == "json":
        sys.stdout.write(dump([entry.value for entry in entries], output))
    elif output == "yaml":
        sys.stdout.write(to_yaml([[entry.value for entry in entries]]))
    elif output == "name":
        sys.stdout.writelines(f"{entry.key.name}\n" for entry in entries)
    elif not entries:
        sys.stdout.write(f"No {NOUNS[kind]}s found\n")
    else:
        wide = output == "wide"
        head = [*(["NAMESPACE"] if all_namespaces else []), "NAME"]
        head += ["AGE", "ENTRYPOINT", "TEMPLATES", "PARAMETERS"] if wide else []
        lines = [head] if titles else []
        for entry in entries:
            cells = [*([entry.key.namespace] if all_namespaces else []), entry.key.name]
            if wide:
                cells += [short_duration(time.time() - entry.created), *(value for _, value in entry.details)]
            lines.append([one_line(cell) for cell in cells])
        sys.stdout.writelines(f"{line}\n" for line in table(lines))


template_app = make_app(NAMESPACED, "template")
cluster_template_app = make_app(CLUSTER, "cluster-template")
