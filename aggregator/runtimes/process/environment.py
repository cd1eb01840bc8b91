"""The environment of a leaf: what it inherits from ours, what its image's rule adds, and what the YAML sets."""

from __future__ import annotations

import math
import os
import re
import resource
import socket
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from aggregator.errors import NotFound
from aggregator.runtimes.process.quantities import parse_quantity
from aggregator.runtimes.process.refused import LeafRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Secrets

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAX_STRING = 128 * 1024
"""Linux's MAX_ARG_STRLEN: one argument or `NAME=value`, its closing NUL included."""

_CA = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_PASSED = frozenset(("PATH", "HOME", "LANG", "LANGUAGE", "TZ", *_CA, *_PROXIES, *(name.lower() for name in _PROXIES)))
_AWS_KEYS = frozenset(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"))
_AWS_FILES = ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE")
FILES = (*_CA, *_AWS_FILES, "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
"""Variables of ours whose values are files that a leaf may need."""
_REFERENCE = re.compile(r"\$(\$|\([^)]*\))")
_SUBSCRIPT = re.compile(r"^metadata\.(labels|annotations)\['([^']+)'\]$")


@dataclass(frozen=True, slots=True)
class Place:
    """Who asks: the attempt and its container, for field references and messages."""

    attempt: Attempt
    container: Mapping[str, Any]
    secrets: Secrets


class Inherited:
    """What leaves get of our own environment, with our AWS settings and credentials and without."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        passed = {name: value for name, value in environ.items() if name in _PASSED or name.startswith("LC_")}
        self.without_aws = {"PATH": DEFAULT_PATH} | passed
        self.whole = {name: value for name, value in environ.items() if name.startswith("AWS_")} | self.without_aws
        self.files = tuple(value for name in FILES if (value := environ.get(name, "")).startswith("/"))


def compose(
    set_by_yaml: Mapping[str, str],
    *,
    environ: Inherited,
    path: Sequence[str],
    image_env: Mapping[str, str],
    extra: Mapping[str, str],
) -> dict[str, str]:
    """All layers in their order. A leaf that brings its own AWS keys sees neither our credentials nor our `~/.aws`."""
    own_keys = not _AWS_KEYS.isdisjoint(set_by_yaml)
    env = dict(environ.without_aws if own_keys else environ.whole)
    if path:
        env["PATH"] = os.pathsep.join((*path, env["PATH"]))
    if own_keys:
        env |= dict.fromkeys(_AWS_FILES, "/dev/null")
    env |= {name: value for name, value in extra.items() if not (own_keys and name in _AWS_KEYS)}
    env |= image_env
    env |= set_by_yaml
    return env


def from_yaml(place: Place) -> dict[str, str]:
    """`envFrom`, then `env` in order; a value may name those before it as `$(NAME)`."""
    env: dict[str, str] = {}
    for source in place.container.get("envFrom") or []:
        prefix = source.get("prefix") or ""
        env |= {prefix + key: value for key, value in _all_keys(place, source).items()}
    for item in place.container.get("env") or []:
        name = str(item.get("name", ""))
        if not name or "=" in name or "\0" in name:
            raise LeafRefused(f"environment variable {name!r} of container image is no name that a process can have")
        if item.get("valueFrom"):
            value = _value_from(place, name, item["valueFrom"])
            if value is None:
                continue
        else:
            raw = item.get("value")
            value = expand("" if raw is None else str(raw), env)
        if "\0" in value:
            raise LeafRefused(f"the value of environment variable {name} has a NUL byte, which no process can be given")
        env[name] = value
    return env


def expand(text: str, env: Mapping[str, str]) -> str:
    """Kubernetes' `$(NAME)`: replaced when known, left as it is when not; `$$` is one dollar sign."""

    def replace(match: re.Match[str]) -> str:
        token = match.group(1)
        return "$" if token == "$" else env.get(token[1:-1], match.group(0))  # noqa: S105 - a dollar sign

    return _REFERENCE.sub(replace, text) if "$" in text else text


def check_size(argv: Sequence[str], env: Mapping[str, str]) -> None:
    """Refuse what the kernel would: a single string or the whole that is too long for execve."""
    advice = "hand it over as an artifact instead (an input artifact with raw: {data: ...} becomes a file, of any size)"
    if (sum(map(len, argv)) + sum(map(len, env)) + sum(map(len, env.values()))) * 4 < MAX_STRING // 2:
        return  # a character is at most four bytes
    total = 0
    largest = (0, "")
    for number, argument in enumerate(argv):
        size = len(os.fsencode(argument)) + 1
        if size > MAX_STRING:
            raise LeafRefused(
                f"argument {number} of the command is {size - 1} bytes long, but Linux passes at most {MAX_STRING - 1} bytes "
                f"in one argument (MAX_ARG_STRLEN)",
                hint=advice,
            )
        total += size + 8
        largest = max(largest, (size, f"argument {number}"))
    for name, value in env.items():
        size = len(os.fsencode(name)) + len(os.fsencode(value)) + 2
        if size > MAX_STRING:
            raise LeafRefused(
                f"environment variable {name} is {size - 1} bytes long with its name, but Linux passes at most "
                f"{MAX_STRING - 1} bytes in one variable (MAX_ARG_STRLEN)",
                hint=advice,
            )
        total += size + 8
        largest = max(largest, (size, f"variable {name}"))
    limit = total_limit()
    if total > limit:
        raise LeafRefused(
            f"arguments and environment together are {total} bytes, but Linux passes at most {limit} to a process (ARG_MAX); "
            f"the largest is {largest[1]} with {largest[0] - 1} bytes",
            hint=advice,
        )


def total_limit() -> int:
    """A quarter of the stack limit, at most 6 MiB, less what the kernel keeps for the program's own name."""
    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    quarter = 6 << 20 if soft == resource.RLIM_INFINITY else min(soft // 4, 6 << 20)
    return max(quarter, 128 << 10) - 8192


def _all_keys(place: Place, source: Mapping[str, Any]) -> Mapping[str, str]:
    reference = source.get("secretRef") or source.get("configMapRef") or {}
    name = str(reference.get("name", ""))
    try:
        return place.secrets.secret_keys(name) if source.get("secretRef") else place.secrets.config_map(name)
    except NotFound as error:
        if reference.get("optional"):
            return {}
        kind = "secretRef" if source.get("secretRef") else "configMapRef"
        raise LeafRefused(f"envFrom.{kind} {name!r}: {error.message}", hint=error.hint) from None


def _value_from(place: Place, variable: str, source: Mapping[str, Any]) -> str | None:
    """The value that a `valueFrom` names; None when it is optional and nowhere."""
    if reference := source.get("secretKeyRef"):
        name, key = str(reference.get("name", "")), str(reference.get("key", ""))
        try:
            return place.secrets.secret(name, key)
        except NotFound as error:
            if reference.get("optional"):
                return None
            raise LeafRefused(
                f"environment variable {variable} needs key {key!r} of Secret {name!r}: {error.message}",
                hint=error.hint,
            ) from None
    if reference := source.get("configMapKeyRef"):
        name, key = str(reference.get("name", "")), str(reference.get("key", ""))
        try:
            keys = place.secrets.config_map(name)
        except NotFound as error:
            if reference.get("optional"):
                return None
            raise LeafRefused(
                f"environment variable {variable} needs key {key!r} of ConfigMap {name!r}: {error.message}",
                hint=error.hint,
            ) from None
        if key in keys:
            return keys[key]
        if reference.get("optional"):
            return None
        raise LeafRefused(
            f"environment variable {variable} needs key {key!r} of ConfigMap {name!r}, which has "
            + (", ".join(sorted(keys)) or "no keys")
        )
    return field_value(place, source, f"environment variable {variable}")


def field_value(place: Place, source: Mapping[str, Any], where: str) -> str:
    """`fieldRef` or `resourceFieldRef`: what a pod may ask about itself."""
    if reference := source.get("fieldRef"):
        return _field(place.attempt, where, str(reference.get("fieldPath", "")))
    if reference := source.get("resourceFieldRef"):
        return _resource(place.container, where, reference)
    raise LeafRefused(f"{where}: valueFrom has none of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef")


def pod_metadata(attempt: Attempt, kind: str) -> dict[str, str]:
    """The `labels` or `annotations` of the pod: Argo's own, and what the template adds."""
    fixed = (
        {"workflows.argoproj.io/workflow": attempt.workflow, "workflows.argoproj.io/completed": "false"}
        if kind == "labels"
        else {"workflows.argoproj.io/node-id": attempt.node_id, "workflows.argoproj.io/node-name": attempt.name}
    )
    added = (attempt.template.get("metadata") or {}).get(kind) or {}
    return {**fixed, **{str(key): str(value) for key, value in added.items()}}


def _field(attempt: Attempt, where: str, path: str) -> str:
    """The downward API: what a pod would know of itself."""
    known = {
        "metadata.name": attempt.pod_name,
        "metadata.namespace": attempt.namespace,
        "metadata.uid": attempt.node_id,
        "spec.nodeName": socket.gethostname(),
        "spec.serviceAccountName": attempt.service_account or "default",
        "status.hostIP": "127.0.0.1",
        "status.podIP": "127.0.0.1",
        "status.podIPs": "127.0.0.1",
    }
    if path in known:
        return known[path]
    if match := _SUBSCRIPT.match(path):
        return pod_metadata(attempt, match[1]).get(match[2], "")
    raise LeafRefused(
        f"{where}: fieldPath {path!r} is none of {', '.join(sorted(known))}, "
        "metadata.labels['KEY'], metadata.annotations['KEY']"
    )


def _resource(container: Mapping[str, Any], where: str, reference: Mapping[str, Any]) -> str:
    """A request or limit of the container, in units of `divisor`; without a limit, what this host has."""
    path = str(reference.get("resource", ""))
    group, _, name = path.partition(".")
    if group not in ("limits", "requests") or not name:
        raise LeafRefused(f"{where}: resource {path!r} is not limits.NAME or requests.NAME")
    resources = container.get("resources") or {}
    text = (resources.get(group) or {}).get(name)
    if text is None and group == "requests":
        text = (resources.get("limits") or {}).get(name, "0")
    amount = quantity(str(text), where) if text is not None else _of_host(name)
    divisor = str(reference.get("divisor") or "1")
    return str(math.ceil(amount / (quantity(divisor, where) or 1)))


def quantity(text: str, where: str) -> Fraction:
    """A Kubernetes quantity: `500m`, `1.5Gi`, `2e3`."""
    number = parse_quantity(text)
    if number is None:
        raise LeafRefused(f"{where}: {text!r} is no quantity (as in 500m, 2, 64Mi, 1Gi)")
    return number


def _of_host(name: str) -> Fraction:
    if name == "cpu":
        return Fraction(os.cpu_count() or 1)
    if name == "memory":
        return Fraction(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return Fraction(0)
