"""Files of an attempt: input artifacts are laid out before it runs, outputs are collected after."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.engine.locations import LOCATION_KEYS, location_of, merged_location, place_key
from aggregator.errors import AggError, NotFound, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.engine.commands import Attempt
    from aggregator.ports import ArtifactDriver, Workspace


class Unpacker:
    """How archives are packed and unpacked; `aggregator.artifacts.archive` handed in by the app."""

    pack: Callable[[Path, Path, Mapping[str, Any]], Path]
    unpack: Callable[..., None]


class CollectError(Exception):
    """An output that the attempt promised and did not deliver; the node is Error."""


class Stage:
    """Moves artifacts for one attempt. Blocking: the driver calls it in a thread, with retries around each store call."""

    def __init__(
        self,
        attempt: Attempt,
        workspace: Workspace,
        drivers: Callable[[str], ArtifactDriver],
        archive: Any,
        patiently: Callable[[Callable[[], None]], None],
    ) -> None:
        self.attempt = attempt
        self.workspace = workspace
        self.drivers = drivers
        self.archive = archive
        self.patiently = patiently

    # ------------------------------------------------------------------ inputs

    def load_inputs(self) -> None:
        """Every input artifact that has a path; StoreError names the artifact that can't be had."""
        for artifact in (self.attempt.template.get("inputs") or {}).get("artifacts") or ():
            if artifact.get("path"):
                self._load(artifact)

    def _load(self, artifact: Mapping[str, Any]) -> None:
        name = artifact["name"]
        target = self.workspace.host_path(artifact["path"])
        found = merged_location(artifact, self.attempt.artifact_location)
        if found is None:
            if artifact.get("optional"):
                return
            raise StoreError(f"input artifact {name!r} has no location")
        key, location = found
        try:
            driver = self.drivers(key)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".agg-stage-") as scratch:
                fetched = Path(scratch) / "artifact"
                self.patiently(lambda: driver.load(location, fetched))
                if key in ("raw", "git"):
                    _move(fetched, target)
                else:
                    unpacked = Path(scratch) / "unpacked"
                    self.archive.unpack(fetched, unpacked, artifact.get("archive") or {})
                    _move(unpacked, target)
        except NotFound as problem:
            if artifact.get("optional"):
                return
            raise StoreError(f"input artifact {name!r}: {problem.message}", hint=problem.hint) from None
        except AggError as problem:
            raise StoreError(f"input artifact {name!r}: {problem.message}", hint=problem.hint) from None
        self.archive.set_modes(target, artifact.get("mode"), recurse=bool(artifact.get("recurseMode")))

    # ------------------------------------------------------------------ outputs

    def collect_parameters(self) -> dict[str, str]:
        """Output parameters read from their paths: one trailing newline off; the default where the file is missing."""
        made = {}
        for parameter in (self.attempt.template.get("outputs") or {}).get("parameters") or ():
            source = parameter.get("valueFrom") or {}
            path = source.get("path")
            if not path:
                if source.get("default") is not None and "value" not in parameter:
                    made[parameter["name"]] = str(source["default"])
                continue
            try:
                text = self.workspace.host_path(path).read_text(encoding="utf-8", errors="replace")
            except OSError as problem:
                if source.get("default") is None:
                    raise CollectError(
                        f"output parameter {parameter['name']!r}: cannot read {path}: {_reason(problem)}"
                    ) from None
                text = str(source["default"])
            made[parameter["name"]] = text.removesuffix("\n")
        return made

    def save_artifacts(self) -> list[dict[str, Any]]:
        """Output artifacts stored where they or the defaults say; what was stored, in Argo's shape."""
        made = []
        for artifact in (self.attempt.template.get("outputs") or {}).get("artifacts") or ():
            saved = self._save(artifact)
            if saved is not None:
                made.append(saved)
        return made

    def save_log(self, folder: Path) -> dict[str, Any]:
        """archiveLogs: what the main container printed, its errors last, as the artifact `main-logs`; it may be empty."""
        with tempfile.TemporaryDirectory(dir=folder, prefix=".agg-log-") as scratch:
            log = Path(scratch) / "main.log"
            with log.open("wb") as whole:
                for name in ("stdout", "stderr"):
                    if (folder / name).is_file():
                        with (folder / name).open("rb") as part:
                            shutil.copyfileobj(part, whole, 1 << 20)
            return self._store({"name": "main-logs", "archive": {"none": {}}}, log, "main.log")

    def _save(self, artifact: Mapping[str, Any]) -> dict[str, Any] | None:
        path = artifact.get("path")
        if not path:
            return dict(artifact)
        source = self.workspace.host_path(path)
        if not source.exists():
            if artifact.get("optional"):
                return None
            raise CollectError(f"output artifact {artifact['name']!r}: {path} does not exist")
        archive = artifact.get("archive") or {}
        with tempfile.TemporaryDirectory(dir=source.parent, prefix=".agg-pack-") as scratch:
            packed = self.archive.pack(source, Path(scratch), archive)
            name = self.archive.packed_name(artifact["name"], path, archive)
            return self._store(artifact, packed, name)

    def _store(self, artifact: Mapping[str, Any], source: Path, file_name: str) -> dict[str, Any]:
        name = artifact["name"]
        default = self.attempt.artifact_location
        found = merged_location(artifact, default)
        if found is None:
            fallback = location_of(default)
            if fallback is None:
                found = "local", {"key": f"{self.attempt.workflow}/{self.attempt.pod_name}/{file_name}"}
            else:
                key, location = fallback
                last = place_key(key, location)
                folder = str(location.get(last) or "").rstrip("/")
                found = key, {**location, last: f"{folder}/{file_name}" if folder else file_name}
        key, location = found
        try:
            driver = self.drivers(key)
            self.patiently(lambda: driver.save(source, location))
        except AggError as problem:
            raise StoreError(f"output artifact {name!r}: {problem.message}", hint=problem.hint) from None
        kept = {k: v for k, v in artifact.items() if k not in LOCATION_KEYS}
        return {**kept, key: location}


def _move(source: Path, target: Path) -> None:
    """Put what was fetched in its place; an existing directory there is filled, anything else replaced."""
    if target.is_dir() and not target.is_symlink():
        if source.is_dir():
            for inner in source.iterdir():
                _move(inner, target / inner.name)
            return
        try:
            target.rmdir()
        except OSError:
            # It may be the root of a mounted volume: what is in it is not ours to remove.
            raise StoreError(
                f"the artifact is a file, but its path {target.name!r} is a folder that is not empty"
            ) from None
    shutil.move(source, target)


def _reason(problem: OSError) -> str:
    return (problem.strerror or str(problem)).lower()
