"""Volumes of a pod as folders of the host: what each `volumeMounts` entry of a container shows."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.errors import NotFound, Unsupported
from aggregator.runtimes.process.declared import Mount, below, normal
from aggregator.runtimes.process.environment import Place, field_value
from aggregator.runtimes.process.refused import LeafRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Secrets


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

    def mounts(self, wanted: Sequence[Mapping[str, Any]]) -> list[Mount]:
        """The mounts of one container."""
        found = []
        for mount in wanted:
            name = str(mount.get("name", ""))
            source = self._source(name)
            if sub := str(mount.get("subPath") or ""):
                relative = posixpath.normpath(sub)
                if relative.startswith(("/", "..")):
                    raise LeafRefused(f"subPath {sub!r} of volume {name!r} leaves the volume")
                source /= relative
                if not source.exists():
                    source.mkdir(parents=True)
            path = normal(str(mount.get("mountPath", "")), f"mountPath of volume {name!r}")
            found.append(Mount(path, source, bool(mount.get("readOnly"))))
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
        for path, text in (fill(self, body) if fill else {}).items():
            relative = posixpath.normpath(path)
            if relative.startswith(("/", "..")):
                raise LeafRefused(f"path {path!r} leaves volume {name!r}")
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode("utf-8", "surrogateescape"))
        return folder

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

    def _config_map(self, body: Mapping[str, Any]) -> dict[str, str]:
        return self._keys("ConfigMap", str(body.get("name", "")), body, self.secrets.config_map)

    def _secret(self, body: Mapping[str, Any]) -> dict[str, str]:
        return self._keys(
            "Secret", str(body.get("secretName") or body.get("name") or ""), body, self.secrets.secret_keys
        )

    def _keys(
        self, kind: str, name: str, body: Mapping[str, Any], read: Callable[[str], Mapping[str, str]]
    ) -> dict[str, str]:
        try:
            keys = read(name)
        except NotFound as error:
            if body.get("optional"):
                return {}
            raise LeafRefused(f"a volume needs {kind} {name!r}: {error.message}", hint=error.hint) from None
        if not body.get("items"):
            return dict(keys)
        found = {}
        for item in body["items"]:
            key = str(item.get("key", ""))
            if key in keys:
                found[str(item.get("path") or key)] = keys[key]
            elif not body.get("optional"):
                raise LeafRefused(
                    f"a volume needs key {key!r} of {kind} {name!r}, which has {', '.join(sorted(keys)) or 'no keys'}"
                )
        return found

    def _downward(self, body: Mapping[str, Any]) -> dict[str, str]:
        place = Place(self.attempt, self.attempt.template.get("container") or {}, self.secrets)
        return {str(item.get("path", "")): field_value(place, item, "downwardAPI") for item in body.get("items") or []}

    def _projected(self, body: Mapping[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for source in body.get("sources") or []:
            for key, inner in source.items():
                if key not in _FILLS:
                    raise Unsupported(f"a projected volume has a source of kind {key}, which this host can't make")
                found |= _FILLS[key](self, inner or {})
        return found


_FILLS: dict[str, Callable[[Volumes, Mapping[str, Any]], dict[str, str]]] = {
    "configMap": Volumes._config_map,  # noqa: SLF001 - the table belongs to the class
    "secret": Volumes._secret,  # noqa: SLF001 - as above
    "downwardAPI": Volumes._downward,  # noqa: SLF001 - as above
    "projected": Volumes._projected,  # noqa: SLF001 - as above
}
