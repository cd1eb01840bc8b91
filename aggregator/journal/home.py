"""Where things lie under `$AGG_HOME`: the journal, settings, locks and each run's folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregator.errors import StoreError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


VALUES_FILE = "masked"
"""In a run's folder: the secrets that the run was handed, encrypted; not there when it was handed none."""


def default_home() -> Path:
    """The platform's folder for state, where the user names none."""
    from platformdirs import user_state_path  # noqa: PLC0415 - only asked for when nobody said a folder

    return user_state_path("agg")


@dataclass(frozen=True, slots=True)
class Home:
    """The layout of one `$AGG_HOME`. Properties only name paths; `ensure` and `create_run_folder` make them, mode 0700."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "agg.db"

    @property
    def config_file(self) -> Path:
        return self.path / "config.toml"

    @property
    def locks(self) -> Path:
        return self.path / "locks"

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def templates(self) -> Path:
        return self.path / "templates"

    @property
    def cluster_templates(self) -> Path:
        return self.path / "cluster-templates"

    @property
    def crashes(self) -> Path:
        return self.path / "crashes"

    def ensure(self) -> Home:
        """Create the folder where it is missing; say so plainly when it can't be written."""
        private_folder(self.path)
        return self

    def run_folder(self, name: str, uid: str) -> Path:
        """`runs/NAME-UID8`: readable, and unique also when a deleted run's name is used again."""
        return self.runs / f"{name[:100]}-{uid[:8]}"

    def create_run_folder(self, name: str, uid: str) -> Path:
        private_folder(self.path)
        private_folder(self.runs)
        return private_folder(self.run_folder(name, uid))


def private_folder(path: Path) -> Path:
    """A folder that only its owner can enter, or an error that says what stands in the way."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise UsageError(f"{path} is a file, but must be a folder", hint=_CHOOSE) from error
    except NotADirectoryError as error:
        raise UsageError(f"{path} can't be a folder: a part of its path is a file", hint=_CHOOSE) from error
    except OSError as error:
        raise StoreError(f"can't create the folder {path}: {reason(error)}", hint=_CHOOSE) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise StoreError(f"the folder {path} is not writable for {_whoami()}", hint=_CHOOSE)
    return path


def reason(error: OSError) -> str:
    """The system's own words, without Python's numbers."""
    return (error.strerror or str(error)).lower()


def _whoami() -> str:
    return f"user id {os.geteuid()}" if hasattr(os, "geteuid") else "this user"


_CHOOSE = "choose another folder with AGG_HOME=FOLDER or --home FOLDER, or change its owner or mode"
