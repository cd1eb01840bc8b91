"""Reads what settings are made of (files, environment, flags) and merges it; opens what the settings name."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.errors import NotFound, StoreError, UsageError
from aggregator.journal.home import Home, default_home, reason
from aggregator.settings import PREFIX, Layer, Settings, environment_layer, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.ports import Journal

PROJECT_FILE = "agg.toml"


def load_settings(
    flags: Mapping[str, tuple[Any, str]] | None = None,
    *,
    config: str = "",
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """All layers merged. `flags` maps options to (value, the flag's name); values may be texts; None means not given."""
    environment = os.environ if environment is None else environment
    here = str(folder or Path.cwd())
    given = {name: pair for name, pair in (flags or {}).items() if pair[0] is not None and pair[0] != ""}
    above = []
    project = Path(here) / PROJECT_FILE
    if project.is_file():
        above.append(read_layer(project, f"./{PROJECT_FILE}"))
    config = config or environment.get(f"{PREFIX}CONFIG", "")
    if config:
        path = Path(here) / Path(config).expanduser()
        if not path.is_file():
            raise UsageError(
                f"--config {config}: there is no such file", hint="it is a TOML file; see docs/settings.md"
            )
        above.append(read_layer(path, config))
    above.append(environment_layer(environment, here))
    values = {name: value for name, (value, _) in given.items()}
    origins = {name: f"flag {flag}" for name, (_, flag) in given.items()}
    above.append(Layer("flags", values, here, textual=True, origins=origins))

    user = str(Path.home())
    home = resolve(_home_only(above), user_folder=user)
    below = Home(Path(home.text("home")) if home.text("home") else default_home()).config_file
    layers = [*([_home_layer(below)] if _is_there(below) else []), *above]
    return resolve(layers, cores=os.cpu_count() or 1, user_folder=user)


def open_home(settings: Settings) -> Home:
    """The state folder; it may not exist yet."""
    named = settings.text("home")
    return Home(Path(named).absolute() if named else default_home())


def open_journal(settings: Settings, *, create: bool = True) -> Journal:
    """The journal of the state folder; without `create`, where there is none yet, an empty one in memory."""
    home = open_home(settings)
    if not create and not _is_there(home.database):
        from aggregator.journal.memory import MemoryJournal  # noqa: PLC0415 - only where nothing ever ran

        return MemoryJournal()
    from aggregator.journal.sqlite import SqliteJournal  # noqa: PLC0415 - `agg config` needs no SQLite

    return SqliteJournal(
        home.database, synchronous="full" if settings.text("journal.synchronous") == "full" else "normal"
    )


def read_layer(path: Path, origin: str) -> Layer:
    """A settings file as a layer; mistakes in its TOML are told with their line."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{origin} is not TOML: {error}", hint="docs/settings.md shows how settings are written"
        ) from error
    except OSError as error:
        raise NotFound(f"can't read the settings in {origin}: {reason(error)}") from error
    return Layer(origin, values, str(path.parent.absolute()))


def _home_layer(path: Path) -> Layer:
    layer = read_layer(path, str(path))
    if "home" in layer.values:
        raise UsageError(
            f"{path}: 'home' can't be set in the file that is found through it",
            hint="set AGG_HOME or give --home FOLDER",
        )
    return layer


def _is_there(path: Path) -> bool:
    """Whether the state folder has it; StoreError when this user may not even look."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StoreError(
            f"can't look into the state folder {path.parent}: {reason(error)}",
            hint="choose another folder with AGG_HOME=FOLDER or --home FOLDER, or change its owner or mode",
        ) from error
    return True


def _home_only(layers: list[Layer]) -> list[Layer]:
    """The same layers, but nothing of them other than `home`: the rest is checked when all layers are there."""
    return [
        Layer(
            layer.origin,
            {key: value for key, value in layer.values.items() if key == "home"},
            layer.folder,
            layer.textual,
        )
        for layer in layers
    ]
