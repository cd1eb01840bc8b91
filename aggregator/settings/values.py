"""What a place says, read in the types of the options; and values as they may be shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aggregator.errors import nearest

if TYPE_CHECKING:
    from aggregator.settings.options import Option


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
_IMAGE_KEYS = ("entrypoint", "path", "env")


def read(option: Option, raw: Any, layer: Layer, user_folder: str) -> Any:
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
