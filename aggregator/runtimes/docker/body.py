"""The body of `create` for one container: what its spec in the template means in Docker's words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.runtimes.pod.patch import PATCHED
from aggregator.runtimes.process.environment import Place, check_size, expand, from_yaml, quantity
from aggregator.runtimes.process.refused import LeafRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Secrets
    from aggregator.runtimes.docker.workspace import Container
    from aggregator.runtimes.process.declared import Mount

_AWS_KEYS = frozenset(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"))
_SMALLEST_MEMORY = 6 << 20
"""Docker refuses less."""
_USUAL_CAPABILITIES = frozenset(
    [
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "SETGID",
        "SETUID",
        "SETPCAP",
        "NET_BIND_SERVICE",
        "NET_RAW",
        "SYS_CHROOT",
        "MKNOD",
        "AUDIT_WRITE",
        "SETFCAP",
    ]
)


@dataclass(frozen=True, slots=True)
class Common:
    """What all containers of a run have in common.

    `privileged` says whether a template may ask for the host's own powers, `init` whether the engine has a first process of its
    own: commands then are its children, as they are the children of Argo's executor, and their signals work as usual.
    """

    secrets: Secrets
    extra: Mapping[str, str]
    cpus: int
    privileged: bool
    init: bool = False


def create_body(
    common: Common,
    attempt: Attempt,
    container: Container,
    *,
    mounts: Sequence[Mount],
    network: str,
    script: str | None,
    environment: Mapping[str, str],
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """`script` is the path at which the container sees its source."""
    spec = container.spec
    own = from_yaml(Place(attempt, spec, common.secrets))
    own_keys = not _AWS_KEYS.isdisjoint(own)
    extra = {name: value for name, value in common.extra.items() if not (own_keys and name in _AWS_KEYS)}
    env = {**environment, **extra, **own}
    command = [expand(str(word), own) for word in spec.get("command") or []]
    args = [expand(str(word), own) for word in spec.get("args") or []]
    args += [script] if script is not None else []
    if any("\0" in word for word in (*command, *args)):
        raise LeafRefused("the command has an argument with a NUL byte, which no process can be given")
    check_size([*command, *args], env)
    pod = attempt.template.get(PATCHED) or {}
    context: dict[str, Any] = {}
    for level in (attempt.template, pod, spec):
        context |= level.get("securityContext") or {}
    body: dict[str, Any] = {
        "Image": str(spec.get("image") or ""),
        "Env": [f"{name}={value}" for name, value in env.items()],
        "Labels": dict(labels),
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": {
            "NetworkMode": network,
            "LogConfig": {"Type": "none"},  # we store what is printed ourselves, as it comes
            "Mounts": [_mount(mount) for mount in mounts],
            "Init": common.init,
            **_resources(spec.get("resources") or {}, common.cpus),
            **_security(context, container.name, allowed=common.privileged),
        },
    }
    if command:
        body["Entrypoint"] = command
    if args:
        body["Cmd"] = args
    if spec.get("workingDir"):
        body["WorkingDir"] = str(spec["workingDir"])
    if (user := context.get("runAsUser")) is not None:
        group = context.get("runAsGroup")
        body["User"] = str(user) if group is None else f"{user}:{group}"
    if not network.startswith("container:"):
        body["HostConfig"]["ExtraHosts"] = host_aliases(attempt)
    return body


def host_aliases(attempt: Attempt) -> list[str]:
    """`hostAliases` of the template, as NAME:ADDRESS."""
    pod = attempt.template.get(PATCHED) or {}
    rows = [*(attempt.template.get("hostAliases") or []), *(pod.get("hostAliases") or [])]
    return [f"{name}:{row.get('ip')}" for row in rows for name in row.get("hostnames") or []]


def _mount(mount: Mount) -> dict[str, Any]:
    return {"Type": "bind", "Source": str(mount.source), "Target": mount.path, "ReadOnly": mount.read_only}


def _resources(resources: Mapping[str, Any], cpus: int) -> dict[str, Any]:
    """Limits become hard ones, requests become weights."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    made: dict[str, Any] = {}
    if "cpu" in limits:
        made["NanoCpus"] = int(min(float(quantity(str(limits["cpu"]), "resources.limits.cpu")), cpus) * 1e9)
    if "cpu" in requests:
        made["CpuShares"] = max(2, math.ceil(quantity(str(requests["cpu"]), "resources.requests.cpu") * 1024))
    if "memory" in limits:
        memory = max(int(quantity(str(limits["memory"]), "resources.limits.memory")), _SMALLEST_MEMORY)
        made |= {"Memory": memory, "MemorySwap": memory}
    if "memory" in requests:
        wanted = max(int(quantity(str(requests["memory"]), "resources.requests.memory")), _SMALLEST_MEMORY)
        made["MemoryReservation"] = min(wanted, made.get("Memory", wanted))
    for name in limits:
        if str(name).endswith("/gpu"):
            driver = str(name).partition(".")[0]
            made["DeviceRequests"] = [
                {"Driver": driver, "Count": int(quantity(str(limits[name]), name)), "Capabilities": [["gpu"]]}
            ]
    return made


def _security(context: Mapping[str, Any], name: str, *, allowed: bool) -> dict[str, Any]:
    made: dict[str, Any] = {}
    capabilities = context.get("capabilities") or {}
    added = [str(word).removeprefix("CAP_") for word in capabilities.get("add") or []]
    beyond = [word for word in added if word not in _USUAL_CAPABILITIES]
    if (context.get("privileged") or beyond) and not allowed:
        what = "is privileged" if context.get("privileged") else f"adds the capability {beyond[0]}"
        raise LeafRefused(
            f"container {name!r} {what}, which would give it this machine",
            hint="allow it in the settings, for files that you trust: [docker] privileged = true",
        )
    if context.get("privileged"):
        made["Privileged"] = True
    if added:
        made["CapAdd"] = added
    if dropped := capabilities.get("drop"):
        made["CapDrop"] = [str(word).removeprefix("CAP_") for word in dropped]
    if context.get("readOnlyRootFilesystem"):
        made["ReadonlyRootfs"] = True
    if context.get("allowPrivilegeEscalation") is False:
        made["SecurityOpt"] = ["no-new-privileges"]
    groups = [*(context.get("supplementalGroups") or []), *([context["fsGroup"]] if "fsGroup" in context else [])]
    if groups:
        made["GroupAdd"] = [str(group) for group in groups]
    return made
