"""Adds the stored templates of `$AGG_HOME` that documents refer to; templates of the files given go before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.cli.settings_sources import load_settings, open_home
from aggregator.errors import AggError
from aggregator.journal.templates import CLUSTER, NAMESPACED, Key, TemplateStore, template_key
from aggregator.spec.bundle import Bundle, Loaded
from aggregator.spec.checks import WORKFLOW_KINDS
from aggregator.spec.decode import decode_text
from aggregator.spec.yaml import read_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from aggregator.settings import Settings

FROM_KINDS = {
    "workflowtemplate": NAMESPACED,
    "wftmpl": NAMESPACED,
    "clusterworkflowtemplate": CLUSTER,
    "cwft": CLUSTER,
}
"""Kinds in `--from KIND/NAME` whose documents can be stored."""


def settings_of(home: str, namespace: str = "", config: str = "") -> Settings:
    """The settings of a command with these flags."""
    return load_settings({"home": (home, "--home"), "namespace": (namespace, "--namespace")}, config=config)


def add_stored(given: Bundle, settings: Settings, source: str = "") -> Bundle:
    """The stored templates that documents refer to and that are not among them, with those that these refer to in turn.

    `source` is the document of `--from`. A store may be large, and each run keeps its templates: so only what is used.
    """
    store = TemplateStore(open_home(settings))
    found = Bundle()
    if not store.empty():
        Search(store, settings.text("namespace"), given, found).run(source)
    return found


class Search:
    """One walk along the references."""

    def __init__(self, store: TemplateStore, namespace: str, given: Bundle, found: Bundle) -> None:
        self._store = store
        self._namespace = namespace
        self._given = given
        self._found = found
        self._known = {(loaded.kind, loaded.name) for loaded in templates(given)}
        self._missing: list[Key] = []

    def run(self, source: str) -> None:
        kind, _, name = source.partition("/")
        if kind in FROM_KINDS:
            self._want(FROM_KINDS[kind], name, self._namespace)
        for loaded in documents(self._given):
            self._follow(loaded, loaded.model.metadata.namespace or self._namespace)
        if self._missing:
            self._search_loose_files()

    def _follow(self, loaded: Loaded[Any], namespace: str) -> None:
        for kind, name in references(loaded.value):
            self._want(kind, name, namespace)

    def _want(self, kind: str, name: str, namespace: str) -> None:
        if (kind, name) in self._known:
            return
        if "{{" in name:  # only the run can tell which one it is
            for key in self._store.keys(kind, None if kind == CLUSTER else namespace):
                self._want(kind, key.name, namespace)
            return
        try:
            key = template_key(kind, namespace, name)
        except AggError:
            return  # no file can have that name; that it is unknown is told with its place
        if not self._store.has(key):
            self._missing.append(key)
            return
        self._known.add((kind, name))
        self._take(decode_text(self._store.read(key), strict=False), namespace)

    def _take(self, bundle: Bundle, namespace: str) -> None:
        self._found.merge(bundle)
        for loaded in templates(bundle):
            self._known.add((loaded.kind, loaded.name))
        for loaded in templates(bundle):
            self._follow(loaded, namespace)

    def _search_loose_files(self) -> None:
        """What is missing may be in a file of another name, which somebody put there by hand.

        If it is not, everything is taken, so that the error can name what is nearest. Mistakes in files that nobody
        asked for are not told.
        """
        spaces = dict.fromkeys(key.namespace or self._namespace for key in self._missing)
        others = [bundle for space in spaces for path in self._store.loose_files(space) for bundle in _readable(path)]
        done = 0
        while done < len(self._missing):  # what is found may miss something in its turn
            key = self._missing[done]
            done += 1
            hit = next((b for b in others if any((t.kind, t.name) == (key.kind, key.name) for t in templates(b))), None)
            if hit is not None and (key.kind, key.name) not in self._known:
                self._take(hit, key.namespace or self._namespace)
        if any((key.kind, key.name) not in self._known for key in self._missing):
            for bundle in others:
                bundle.diagnostics = []
                self._found.merge(bundle)


def _readable(path: Path) -> Iterator[Bundle]:
    try:
        yield decode_text(read_source(str(path), path.read_bytes()), strict=False)
    except (OSError, AggError):
        return


def templates(bundle: Bundle) -> list[Loaded[Any]]:
    """The documents that others can refer to."""
    return [*bundle.workflow_templates, *bundle.cluster_workflow_templates]


def documents(bundle: Bundle) -> list[Loaded[Any]]:
    """The documents that can refer to others."""
    every: list[Loaded[Any]] = [*bundle.workflows, *bundle.cron_workflows, *templates(bundle)]
    return [loaded for loaded in every if loaded.kind in WORKFLOW_KINDS]


def references(value: Any) -> Iterable[tuple[str, str]]:
    """Kind and name of every templateRef and workflowTemplateRef in a document."""
    found: dict[tuple[str, str], None] = {}
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            for key, inner in item.items():
                if key in ("templateRef", "workflowTemplateRef") and isinstance(inner, dict) and inner.get("name"):
                    found[CLUSTER if inner.get("clusterScope") is True else NAMESPACED, str(inner["name"])] = None
            waiting.extend(item.values())
    return found
