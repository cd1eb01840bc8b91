"""The containers of an attempt's pod as its template writes them: main ones, init containers, sidecars, and what each mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aggregator.errors import Unsupported
from aggregator.runtimes.pod.attempt import MAIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aggregator.engine.commands import Attempt


class Part(NamedTuple):
    """One container: `mounts` are all its volumeMounts, `script` the source that its command is given."""

    name: str
    spec: Mapping[str, Any]
    mounts: Sequence[Mapping[str, Any]]
    script: str | None = None


class Parts(NamedTuple):
    main: list[Part]
    first: list[Part]
    beside: list[Part]


def parts(attempt: Attempt) -> Parts:
    """Unsupported where the template is none of a pod."""
    template = attempt.template
    body: Mapping[str, Any] = template.get(attempt.kind) or {}
    common = list(template.get("volumeMounts") or [])
    script: str | None = None
    if attempt.kind == "containerSet":
        common += body.get("volumeMounts") or []
        specs = [(str(spec.get("name") or MAIN), spec) for spec in body.get("containers") or []]
    elif attempt.kind in ("container", "script"):
        specs = [(MAIN, body)]
        script = str(body.get("source") or "") if attempt.kind == "script" else None
    else:
        specs = []
    if not specs:
        raise Unsupported(f"no container runs {attempt.kind} templates")
    of_main = [*common, *(specs[0][1].get("volumeMounts") or [])]

    def made(name: str, spec: Mapping[str, Any], shared: Sequence[Mapping[str, Any]], source: str | None) -> Part:
        mounts = [*shared, *(spec.get("volumeMounts") or [])]
        if spec.get("mirrorVolumeMounts"):
            mounts += [mount for mount in of_main if mount not in mounts]
        return Part(name, spec, mounts, source)

    def named(key: str, usual: str) -> list[Part]:
        rows = enumerate(template.get(key) or [])
        return [made(str(spec.get("name") or f"{usual}-{number}"), spec, (), None) for number, spec in rows]

    return Parts(
        main=[made(name, spec, common, script) for name, spec in specs],
        first=named("initContainers", "init"),
        beside=named("sidecars", "sidecar"),
    )
