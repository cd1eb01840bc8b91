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
from aggregator.settings.options import OPTIONS, PREFIX, PerCore
from aggregator.settings.values import Layer, hide, read

DEFAULT = "default"
NOT_OPTIONS = ("AGG_SECRET_", "AGG_CORPUS", "AGG_CONFIG")
"""Environment names that mean something else: values of secrets, the tests' data, the file that `--config` would name."""
_TABLES = ("table", "images")


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
                value = read(OPTIONS[name], raw, layer, user_folder)
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


def _quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


__all__ = [
    "DEFAULT",
    "OPTIONS",
    "PREFIX",
    "Layer",
    "PerCore",
    "Setting",
    "Settings",
    "environment_layer",
    "hide",
    "resolve",
]
