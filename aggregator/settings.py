"""Settings: typed options that know where each value came from, merged from mappings that the caller has read.

Precedence, rising: defaults, `$AGG_HOME/config.toml`, `./agg.toml`, `--config FILE`, environment `AGG_*`, flags.
Nothing here reads a file or the environment: each of those arrives as a `Layer`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aggregator.errors import UsageError, nearest

DEFAULT = "default"
PREFIX = "AGG_"
NOT_OPTIONS = ("AGG_SECRET_", "AGG_CORPUS", "AGG_CONFIG")
"""Environment names that mean something else: values of secrets, the tests' data, the file that `--config` would name."""


@dataclass(frozen=True, slots=True)
class PerCore:
    """A default that grows with the machine."""

    times: int

    def __str__(self) -> str:
        return f"{self.times} times the number of cores"


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table below."""

    name: str
    type: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    minimum: float = 0

    @property
    def environment(self) -> str:
        """The name of the environment variable that sets it."""
        return PREFIX + self.name.upper().replace(".", "_")


OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option("home", "path", "", "folder of the journal, of runs and of locks; empty: the platform's state folder"),
        Option("namespace", "text", "default", "namespace of workflows that name none"),
        Option("strict", "flag", True, "unknown fields of a document are errors, not warnings"),
        Option("strict_argo", "flag", False, "follow Argo also where agg deliberately differs (docs/compatibility.md)"),
        Option(
            "argo_limits",
            "choice",
            "off",
            "what becomes of values that a cluster would cut or refuse (256 KiB, 1 MiB): nothing, a warning, or an error",
            ("off", "warn", "error"),
        ),
        Option("progress", "choice", "auto", "how a run is shown", ("auto", "tree", "plain", "none")),
        Option(
            "runtime",
            "choice",
            "auto",
            "how container, script and containerSet templates are run; auto: by an engine that answers, else as processes",
            ("auto", "process", "docker", "podman", "dry"),
        ),
        Option(
            "docker.network",
            "text",
            "",
            "network that containers join; empty: the engine's usual one, and this machine's (host) with the sandbox",
        ),
        Option(
            "docker.privileged", "flag", False, "let templates ask for privileged containers and further capabilities"
        ),
        Option("max_parallel", "integer", PerCore(4), "processes and containers at the same time", minimum=1),
        Option("http.concurrency", "integer", 64, "HTTP requests in flight at the same time", minimum=1),
        Option(
            "http.transport",
            "choice",
            "pool",
            "who sends HTTP requests: our pool, many times faster, or httpx, which also knows SOCKS proxies",
            ("pool", "httpx"),
        ),
        Option(
            "process.isolation",
            "choice",
            "auto",
            "private file systems for processes; auto: bubblewrap where it is installed and permitted",
            ("auto", "none", "bubblewrap"),
        ),
        Option("process.grace", "seconds", 30.0, "time between SIGTERM and SIGKILL"),
        Option(
            "process.images",
            "images",
            {},
            "how images are run on the host: patterns to {entrypoint, path, env}, added to the rules built in",
        ),
        Option("process.writable", "paths", (), "folders, beside HOME, that leaves may write to inside bubblewrap"),
        Option("process.host_folders", "paths", (), "folders whose contents hostPath volumes may show"),
        Option("secrets.folders", "paths", (), "folders that hold secrets as NAME/KEY files"),
        Option("secrets.env_file", "path", "", "file of NAME=VALUE lines that hold secrets"),
        Option(
            "artifacts.repository",
            "table",
            {},
            "where output artifacts go that name no store, as Argo's artifactRepository; empty: the run's folder",
        ),
        Option(
            "workflow_defaults",
            "table",
            {},
            "what every workflow gets that it does not say itself, as Argo's workflowDefaults: `metadata` and `spec`",
        ),
        Option(
            "plugins",
            "table",
            {},
            "executor plugins that run `plugin` templates: NAME to {address, token or tokenFile}",
        ),
        Option("kubernetes.kubectl", "text", "kubectl", "program that `resource` templates call; a name or a path"),
        Option("kubernetes.kubeconfig", "path", "", "its configuration; empty: KUBECONFIG, else ~/.kube/config"),
        Option("kubernetes.context", "text", "", "its context; empty: the current one"),
        Option("kubernetes.namespace", "text", "", "namespace of what it makes; empty: that of the run or the context"),
        Option(
            "kubernetes.interval", "seconds", 5.0, "time between two looks at an object whose conditions are awaited"
        ),
        Option("semaphores", "table", {}, "limits of semaphores, as CONFIGMAP/KEY = NUMBER; they win over ConfigMaps"),
        Option(
            "journal.synchronous",
            "choice",
            "normal",
            "normal: a run survives kill -9; full: also a power cut, at one disk flush for each batch",
            ("normal", "full"),
        ),
        Option("expressions.get_host_by_name", "flag", False, "let the function getHostByName ask the network"),
    )
}


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place says: nested tables or dotted names. `textual`: values are texts still to be parsed."""

    origin: str
    values: Mapping[str, Any]
    folder: str = ""
    """Relative paths are relative to this folder."""
    textual: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where a value came from, by option, where that can be said more exactly than `origin`."""


@dataclass(frozen=True, slots=True)
class Setting:
    value: Any
    origin: str
    entries: Mapping[str, str] = field(default_factory=dict)
    """For tables: where each entry came from."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The merged result. Every accessor takes an option's dotted name; an unknown one is a bug (KeyError)."""

    _settings: Mapping[str, Setting]
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Setting:
        return self._settings[name]

    def text(self, name: str) -> str:
        """Also of a choice or a path; empty where a path is not set."""
        return str(self._settings[name].value)

    def integer(self, name: str) -> int:
        return int(self._settings[name].value)

    def seconds(self, name: str) -> float:
        return float(self._settings[name].value)

    def flag(self, name: str) -> bool:
        return bool(self._settings[name].value)

    def paths(self, name: str) -> tuple[str, ...]:
        return tuple(self._settings[name].value)

    def table(self, name: str) -> dict[str, Any]:
        return dict(self._settings[name].value)

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """Name, value and origin of everything, tables entry by entry, with what looks like a secret hidden."""
        for name, setting in self._settings.items():
            if setting.entries:
                for key, origin in setting.entries.items():
                    yield f"{name}.{_quoted(key)}", hide(key, setting.value[key]), origin
            else:
                yield name, hide(name, setting.value), setting.origin


def resolve(layers: Iterable[Layer] = (), *, cores: int = 1, user_folder: str = "") -> Settings:
    """Merge layers, the strongest last. Every mistake is found before the error is raised."""
    merged: dict[str, Setting] = {}
    for name, option in OPTIONS.items():
        default = option.default.times * cores if isinstance(option.default, PerCore) else option.default
        merged[name] = Setting(default, DEFAULT)
    problems: list[str] = []
    warnings: list[str] = []
    for layer in layers:
        for name, raw in _flatten(layer, problems, warnings):
            origin = layer.origins.get(name, layer.origin)
            try:
                value = _parse(OPTIONS[name], raw, layer, user_folder)
            except ValueError as error:
                problems.append(f"{origin}: {name} {error}")
                continue
            merged[name] = _merge(merged[name], value, origin, table=OPTIONS[name].type in _TABLES)
    if problems:
        raise UsageError("\n".join(problems), hint="agg config --help; docs/settings.md lists every setting")
    return Settings(merged, tuple(warnings))


def environment_layer(environment: Mapping[str, str], folder: str = "") -> Layer:
    """The `AGG_*` variables; an empty one counts as unset. An unknown one only warns: another program may own it."""
    by_name = {option.environment: option.name for option in OPTIONS.values()}
    ours = {name: text for name, text in environment.items() if name.startswith(PREFIX) and text}
    values = {by_name.get(name, name): text for name, text in ours.items() if not name.startswith(NOT_OPTIONS)}
    origins = {by_name[name]: f"environment {name}" for name in ours if name in by_name}
    return Layer("environment", values, folder, textual=True, origins=origins)


def hide(name: str, value: Any) -> Any:
    """The value without what looks like a secret: by its name, or as the password of a URL."""
    if isinstance(value, Mapping):
        return {key: hide(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [hide(name, inner) for inner in value]
    if isinstance(value, str):
        last = name.rpartition(".")[2]
        if value and _SECRET_NAME.search(last):
            return "***"
        return _URL_PASSWORD.sub(r"\1***@", value)
    return value


_SECRET_NAME = re.compile(
    r"(?i)pass(word|wd|phrase)?$|token|secret$|secret_?(access_?)?key|api_?key|private_?key|credential"
)
_URL_PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^/\s:@]*:)[^/\s@]+@")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_TABLES = ("table", "images")
_IMAGE_KEYS = ("entrypoint", "path", "env")


def _flatten(layer: Layer, problems: list[str], warnings: list[str]) -> Iterator[tuple[str, Any]]:
    """The layer's values by option name; whatever is no option is told with the nearest name."""
    pending = list(layer.values.items())
    while pending:
        name, value = pending.pop(0)
        if name in OPTIONS:
            yield name, value
        elif isinstance(value, Mapping) and any(known.startswith(f"{name}.") for known in OPTIONS):
            pending[:0] = [(f"{name}.{key}", inner) for key, inner in value.items()]
        elif layer.textual and name.startswith(PREFIX):
            known = (option.environment for option in OPTIONS.values())
            hint = nearest(name, known)
            warnings.append(f"environment variable {name} is no setting of agg" + (f"; {hint}" if hint else ""))
        else:
            hint = nearest(name, OPTIONS)
            problems.append(f"{layer.origin}: there is no setting {name!r}" + (f"; {hint}" if hint else ""))


def _merge(before: Setting, value: Any, origin: str, *, table: bool) -> Setting:
    if not table:
        return Setting(value, origin)
    return Setting({**before.value, **value}, origin, {**before.entries, **dict.fromkeys(value, origin)})


def _parse(option: Option, raw: Any, layer: Layer, user_folder: str) -> Any:
    """The value in the option's type; ValueError says what was expected and what was seen."""
    seen = json.dumps(hide(option.name, raw), default=str, ensure_ascii=False)
    match option.type:
        case "text":
            if isinstance(raw, str):
                return raw
            raise ValueError(f"must be a text, not {seen}")
        case "choice":
            if raw in option.choices:
                return raw
            hint = nearest(str(raw), option.choices)
            raise ValueError(f"must be one of {', '.join(option.choices)}, not {seen}" + (f"; {hint}" if hint else ""))
        case "flag":
            value = _FLAGS.get(raw.strip().lower()) if layer.textual and isinstance(raw, str) else raw
            if isinstance(value, bool):
                return value
            raise ValueError(f"must be true or false, not {seen}")
        case "integer":
            return _integer(option, raw, seen, textual=layer.textual)
        case "seconds":
            return _seconds(raw, seen)
        case "path":
            if isinstance(raw, str):
                return _absolute(raw, layer.folder, user_folder)
            raise ValueError(f"must be a path, not {seen}")
        case "paths":
            parts = [part for part in raw.split(":") if part] if layer.textual and isinstance(raw, str) else raw
            if isinstance(parts, list) and all(isinstance(part, str) and part for part in parts):
                return tuple(_absolute(part, layer.folder, user_folder) for part in parts)
            raise ValueError(f"must be a list of paths, not {seen}")
        case _:
            return _table(option, raw, seen, layer, user_folder)


def _integer(option: Option, raw: Any, seen: str, *, textual: bool) -> int:
    if textual and isinstance(raw, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", raw.strip()):
        raw = int(raw)
    if not isinstance(raw, int) or isinstance(raw, bool):
        raise ValueError(f"must be a whole number, not {seen}")  # noqa: TRY004 - collected by `resolve`
    if raw < option.minimum:
        raise ValueError(f"must be at least {option.minimum}, not {raw}")
    return raw


def _seconds(raw: Any, seen: str) -> float:
    if isinstance(raw, (int, float)) and not isinstance(raw, bool) and 0 <= raw < float("inf"):
        return float(raw)
    text = raw.strip() if isinstance(raw, str) else ""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if text and not _DURATION.sub("", text):
        return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
    raise ValueError(f"must be seconds or a duration like 1m30s, not {seen}")


def _absolute(path: str, folder: str, user_folder: str) -> str:
    if path == "~" or path.startswith("~/"):
        return user_folder + path[1:]
    return path if not path or path.startswith("/") or not folder else f"{folder.rstrip('/')}/{path}"


def _table(option: Option, raw: Any, seen: str, layer: Layer, user_folder: str) -> dict[str, Any]:
    if layer.textual and isinstance(raw, str):
        try:
            raw = json.loads(raw)
        except ValueError as error:
            raise ValueError(f"must be a JSON object, not {seen} ({error})") from None
    if not isinstance(raw, Mapping):
        raise ValueError(f"must be a table, not {seen}")  # noqa: TRY004 - collected by `resolve`
    if option.type == "images":
        return {str(key): _image(str(key), row, layer.folder, user_folder) for key, row in raw.items()}
    return {str(key): value for key, value in raw.items()}


def _image(pattern: str, row: Any, folder: str, user_folder: str) -> dict[str, Any]:
    """`{entrypoint: [WORD…], path: [FOLDER…], env: {NAME: VALUE}}`; a single word or folder may stand alone."""
    if not isinstance(row, Mapping):
        raise ValueError(f"for {pattern!r} must be a table of {', '.join(_IMAGE_KEYS)}")  # noqa: TRY004 - collected
    for key in row:
        if key not in _IMAGE_KEYS:
            raise ValueError(f"for {pattern!r} has no key {key!r}: {nearest(key, _IMAGE_KEYS) or 'remove it'}")
    result: dict[str, Any] = {}
    for key in ("entrypoint", "path"):
        words = [row[key]] if isinstance(row.get(key), str) else row.get(key, [])
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"for {pattern!r}: {key} must be a list of texts")
        result[key] = words if key == "entrypoint" else [_absolute(word, folder, user_folder) for word in words]
    env = row.get("env", {})
    if not isinstance(env, Mapping) or not all(isinstance(value, str) for value in env.values()):
        raise ValueError(f"for {pattern!r}: env must be a table of texts")
    return {**result, "env": dict(env)}


def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
