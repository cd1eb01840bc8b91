"""Volumes of a pod as folders of the host: what each `volumeMounts` entry of a container shows."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.errors import NotFound, Unsupported
from aggregator.lang.goformat.quoting import go_quote
from aggregator.runtimes.pod.patch import PATCHED
from aggregator.runtimes.process.declared import Mount, below, normal
from aggregator.runtimes.process.environment import Place, field_value, pod_metadata
from aggregator.runtimes.process.refused import LeafRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Secrets

    _Files: TypeAlias = dict[str, tuple[str, Any]]
    """Text and mode by path; None is the volume's usual mode."""


@dataclass(slots=True)
class Volumes:
    """The volumes that an attempt's pod may mount; each is made when it is first mounted.

    `claims` is the folder under which persistent volume claims lie, by namespace and name, `own_claims` that of those which the
    run makes itself; `host_folders` are the folders of the host that hostPath volumes may show.
    """

    attempt: Attempt
    secrets: Secrets
    folder: Path
    claims: Path | None = None
    host_folders: Sequence[str] = ()
    own_claims: Path | None = None
    _made: dict[str, Path] = field(default_factory=dict)
    _read_only: set[str] = field(default_factory=set)

    def mounts(self, wanted: Sequence[Mapping[str, Any]]) -> list[Mount]:
        """The mounts of one container."""
        found = []
        for mount in wanted:
            name = str(mount.get("name", ""))
            source, volume = self._source(name), None
            if sub := str(mount.get("subPath") or ""):
                volume, source = source.resolve(), _below(source, sub, name)
            path = normal(str(mount.get("mountPath", "")), f"mountPath of volume {name!r}")
            found.append(Mount(path, source, bool(mount.get("readOnly")) or name in self._read_only, volume))
        return found

    def _source(self, name: str) -> Path:
        if name not in self._made:
            # A template's own volume hides the workflow's of the same name.
            known = {
                str(v.get("name")): v for v in [*self.attempt.volumes, *(self.attempt.template.get("volumes") or [])]
            }
            if name not in known:
                raise LeafRefused(
                    f"volumeMounts names volume {name!r}, but the workflow has " + (", ".join(sorted(known)) or "none")
                )
            self._made[name] = self._make(name, known[name])
        return self._made[name]

    def _make(self, name: str, volume: Mapping[str, Any]) -> Path:
        kind = next((key for key in volume if key != "name"), "emptyDir")
        body: Mapping[str, Any] = volume.get(kind) or {}
        if kind == "hostPath":
            return self._host_path(name, str(body.get("path", "")), str(body.get("type") or ""))
        if kind == "persistentVolumeClaim":
            return self._claim(str(body.get("claimName", "")))
        fill = _FILLS.get(kind)
        if kind != "emptyDir" and fill is None:
            raise Unsupported(
                f"volume {name!r} is of kind {kind}, which this host can't mount",
                hint="use emptyDir, configMap, secret, projected, downwardAPI, hostPath or a persistentVolumeClaim",
            )
        folder = self.folder / name
        folder.mkdir(parents=True)
        if fill:
            self._read_only.add(name)
        usual = _mode(body.get("defaultMode", 0o644), name)
        for path, (text, mode) in (fill(self, body) if fill else {}).items():
            relative = posixpath.normpath(path)
            if relative.startswith(("/", "..")):
                raise LeafRefused(f"path {path!r} leaves volume {name!r}")
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode("utf-8", "surrogateescape"))
            target.chmod((usual if mode is None else _mode(mode, name)) | self._of_group())
        return folder

    def _of_group(self) -> int:
        """A pod with an fsGroup may read its volumes by that group; files here can't be given to one, so that all may."""
        contexts = (
            level.get("securityContext") or {}
            for level in (self.attempt.template, self.attempt.template.get(PATCHED) or {})
        )
        return 0o444 if any("fsGroup" in context for context in contexts) else 0

    def _host_path(self, name: str, path: str, kind: str) -> Path:
        clean = normal(path, f"hostPath of volume {name!r}")
        if not any(below(clean, folder.rstrip("/") or "/") for folder in self.host_folders):
            raise LeafRefused(
                f"volume {name!r} is the host's own {clean}, which is in none of the allowed folders "
                f"({', '.join(self.host_folders) or 'none are'})",
                hint=f'allow it in the settings: [process] host_folders = ["{clean}"]',
            )
        place = Path(clean)
        if kind == "DirectoryOrCreate":
            place.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            raise LeafRefused(f"volume {name!r}: the host has no {clean}")
        return place

    def _claim(self, claim: str) -> Path:
        if self.claims is None or not claim or "/" in claim or claim.startswith("."):
            raise LeafRefused(f"persistentVolumeClaim {claim!r} has no folder on this host")
        # A claim that the run makes from its volumeClaimTemplates carries the run's name.
        own = self.own_claims if claim.startswith(f"{self.attempt.workflow}-") else None
        place = (own or self.claims) / self.attempt.namespace / claim
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _config_map(self, body: Mapping[str, Any]) -> _Files:
        return self._keys("ConfigMap", str(body.get("name", "")), body, self.secrets.config_map)

    def _secret(self, body: Mapping[str, Any]) -> _Files:
        return self._keys(
            "Secret", str(body.get("secretName") or body.get("name") or ""), body, self.secrets.secret_keys
        )

    def _keys(self, kind: str, name: str, body: Mapping[str, Any], read: Callable[[str], Mapping[str, str]]) -> _Files:
        try:
            keys = read(name)
        except NotFound as error:
            if body.get("optional"):
                return {}
            raise LeafRefused(f"a volume needs {kind} {name!r}: {error.message}", hint=error.hint) from None
        if not body.get("items"):
            return {key: (text, None) for key, text in keys.items()}
        found: _Files = {}
        for item in body["items"]:
            key = str(item.get("key", ""))
            if key in keys:
                found[str(item.get("path") or key)] = (keys[key], item.get("mode"))
            elif not body.get("optional"):
                raise LeafRefused(
                    f"a volume needs key {key!r} of {kind} {name!r}, which has {', '.join(sorted(keys)) or 'no keys'}"
                )
        return found

    def _downward(self, body: Mapping[str, Any]) -> _Files:
        found: _Files = {}
        for item in body.get("items") or []:
            # A container's resources are asked for by its name; the main one has what the template says.
            place = Place(self.attempt, self.attempt.template.get("container") or {}, self.secrets)
            path = (item.get("fieldRef") or {}).get("fieldPath")
            if path in ("metadata.labels", "metadata.annotations"):
                rows = pod_metadata(self.attempt, path.removeprefix("metadata."))
                text = "\n".join(f"{key}={go_quote(value)}" for key, value in sorted(rows.items()))
            else:
                text = field_value(place, item, "downwardAPI")
            found[str(item.get("path", ""))] = (text, item.get("mode"))
        return found

    def _projected(self, body: Mapping[str, Any]) -> _Files:
        found: _Files = {}
        for source in body.get("sources") or []:
            for key, inner in source.items():
                if key not in _FILLS:
                    raise Unsupported(f"a projected volume has a source of kind {key}, which this host can't make")
                found |= _FILLS[key](self, inner or {})
        return found


def _below(volume: Path, sub: str, name: str) -> Path:
    """The part of a volume that a subPath names: made where it is missing, never one that a link leads out of the volume to."""
    relative = posixpath.normpath(sub)
    top = volume.resolve()
    source = (top / relative).resolve()
    if relative.startswith(("/", "..")) or not source.is_relative_to(top):
        raise LeafRefused(f"subPath {sub!r} of volume {name!r} leaves the volume")
    if not source.exists():
        source.mkdir(parents=True)
    return source


def _mode(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 0o777:
        raise LeafRefused(f"volume {name!r}: mode {value!r} is not between 0 and 0777 (511)")
    return value


_FILLS: dict[str, Callable[[Volumes, Mapping[str, Any]], _Files]] = {
    "configMap": Volumes._config_map,  # noqa: SLF001 - the table belongs to the class
    "secret": Volumes._secret,  # noqa: SLF001 - as above
    "downwardAPI": Volumes._downward,  # noqa: SLF001 - as above
    "projected": Volumes._projected,  # noqa: SLF001 - as above
}
