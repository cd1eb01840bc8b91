"""Stored templates: one file each under `$AGG_HOME`, found by kind, namespace and name."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.errors import AggError, NotFound, StoreError, UsageError, nearest
from aggregator.journal.home import private_folder, reason
from aggregator.spec.yaml import read_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.journal.home import Home
    from aggregator.source import Source

NAMESPACED, CLUSTER = "WorkflowTemplate", "ClusterWorkflowTemplate"
LONGEST_NAME, LONGEST_NAMESPACE = 253, 63
SUFFIX = ".yaml"
LOOSE_SUFFIXES = (".yaml", ".yml", ".json")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Key:
    """What a stored template is known by. Cluster templates have no namespace."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f" in namespace {self.namespace!r}" if self.kind == NAMESPACED else ""
        return f"{self.kind} {self.name!r}{where}"


def template_key(kind: str, namespace: str, name: str) -> Key:
    """A key whose parts can be names of files, as Kubernetes wants names anyway."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise UsageError(
            f"{name[:LONGEST_NAME]!r} can't be the name of a {kind}",
            hint="use lower-case letters, digits, '-' and '.'; begin and end with a letter or a digit",
        )
    if kind == CLUSTER:
        return Key(kind, "", name)
    return Key(kind, checked_namespace(namespace), name)


def checked_namespace(namespace: str) -> str:
    """The same text, if it can be a namespace."""
    if not _NAMESPACE.fullmatch(namespace) or len(namespace) > LONGEST_NAMESPACE:
        raise UsageError(
            f"{namespace[:LONGEST_NAME]!r} can't be a namespace",
            hint=f"use at most {LONGEST_NAMESPACE} lower-case letters, digits and '-'",
        )
    return namespace


class TemplateStore:
    """The templates of one home. A file holds a document's text just as it was given."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def path(self, key: Key) -> Path:
        return self._folder(key.kind, key.namespace) / f"{key.name}{SUFFIX}"

    def has(self, key: Key) -> bool:
        return self.path(key).is_file()

    def keys(self, kind: str, namespace: str | None = None) -> list[Key]:
        """All that are stored, sorted by namespace and name; without a namespace, those of all."""
        if kind == CLUSTER:
            return [Key(kind, "", path.stem) for path in _files(self._home.cluster_templates, (SUFFIX,))]
        spaces = [namespace] if namespace is not None else _folders(self._home.templates)
        folders = [(space, self._folder(kind, space)) for space in spaces]
        return [Key(kind, space, path.stem) for space, folder in folders for path in _files(folder, (SUFFIX,))]

    def read(self, key: Key) -> Source:
        """The text, named after its file."""
        path = self.path(key)
        try:
            return read_source(str(path), path.read_bytes())
        except FileNotFoundError:
            raise self._missing(key) from None
        except OSError as error:
            raise StoreError(f"can't read {path}: {reason(error)}") from error

    def created(self, key: Key) -> float:
        """When it was created, in Unix seconds; `update` keeps that time."""
        try:
            return self.path(key).stat().st_mtime
        except OSError:
            raise self._missing(key) from None

    def create(self, key: Key, text: str) -> None:
        """Store a new one. Of two processes that create the same name, one is refused."""
        target = self.path(key)
        with _written(self._prepared(key), text) as fresh:
            try:
                os.link(fresh, target)
            except FileExistsError:
                raise exists(key) from None
            except OSError:  # a file system without hard links
                if target.exists():
                    raise exists(key) from None
                fresh.replace(target)

    def update(self, key: Key, text: str) -> None:
        """Replace one that is there: readers see the old text or the new one, never a part."""
        created = self.created(key)
        with _written(self._prepared(key), text) as fresh:
            os.utime(fresh, (created, created))
            fresh.replace(self.path(key))

    def delete(self, key: Key) -> None:
        """Forget one; its namespace's folder goes with the last."""
        path = self.path(key)
        try:
            path.unlink()
        except FileNotFoundError:
            raise self._missing(key) from None
        except OSError as error:
            raise StoreError(f"can't remove {path}: {reason(error)}") from error
        with suppress(OSError):  # it is not empty
            path.parent.rmdir()

    def loose_files(self, namespace: str) -> Iterator[Path]:
        """Every document's file that may concern a namespace, also files that somebody put there under other names."""
        for folder in (self._folder(NAMESPACED, namespace), self._home.templates, self._home.cluster_templates):
            yield from _files(folder, LOOSE_SUFFIXES)

    def empty(self) -> bool:
        return not self._home.templates.is_dir() and not self._home.cluster_templates.is_dir()

    def _folder(self, kind: str, namespace: str) -> Path:
        return self._home.cluster_templates if kind == CLUSTER else self._home.templates / checked_namespace(namespace)

    def _prepared(self, key: Key) -> Path:
        folder = self._folder(key.kind, key.namespace)
        for path in (self._home.path, folder.parent, folder):
            private_folder(path)
        return folder

    def _missing(self, key: Key) -> NotFound:
        elsewhere = [k for k in self.keys(key.kind) if k.name == key.name]
        known = [k.name for k in self.keys(key.kind, key.namespace)]
        hint = (
            f"there is one in namespace {elsewhere[0].namespace!r}: give -n" if elsewhere else nearest(key.name, known)
        )
        verb = "template" if key.kind == NAMESPACED else "cluster-template"
        return NotFound(f"no {key} is stored", hint=hint or f"agg {verb} list shows what there is")


def exists(key: Key) -> AggError:
    verb = "template" if key.kind == NAMESPACED else "cluster-template"
    return AggError(f"{key} exists already", hint=f"agg {verb} update replaces it")


@contextmanager
def _written(folder: Path, text: str) -> Iterator[Path]:
    """A complete file beside its place, mode 0600; it is gone afterwards, unless it was renamed."""
    path = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
        path = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        yield path
    except OSError as error:
        raise StoreError(f"can't write into {folder}: {reason(error)}") from error
    finally:
        if path is not None:
            path.unlink(missing_ok=True)


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    try:
        found = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(f"can't list {folder}: {reason(error)}") from error
    return [path for path in found if path.suffix in suffixes and not path.name.startswith(".") and path.is_file()]


def _folders(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and _NAMESPACE.fullmatch(path.name))
