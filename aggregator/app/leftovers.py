"""What runs that were killed have left behind: their processes, their working folders, and folders that no run knows."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.journal.liveness import standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aggregator.ports import Journal, RunRow

MARK = "ARGO_PROGRESS_FILE="
"""In the environment of every leaf: a path below its run's folder."""
LOGS = frozenset({"stdout", "stderr"})
YOUNG_SECONDS = 600.0
"""A folder without a run that was made lately may belong to one that is just beginning."""
OLD_SECONDS = 86400.0
GRACE = 5.0
TEMPORARY = ("agg-ca-", "agg-cert-", "agg-krb-")


@dataclass(slots=True)
class Leftovers:
    """What was found."""

    processes: list[tuple[int, str]] = field(default_factory=list)
    """Process id, and the run that it belonged to."""
    folders: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def find(journal: Journal, runs: Path, temporary: Path) -> Leftovers:
    """Look for all of it; nothing is touched."""
    found = Leftovers()
    rows = journal.runs()
    dead = [row for row in rows if row.folder and standing(row) == "gone"]
    found.processes = list(_processes(dead))
    for row in dead:
        found.folders += _working(Path(row.folder))
    known = {Path(row.folder).name for row in rows if row.folder}
    found.folders += _older(runs, lambda name: name not in known, YOUNG_SECONDS)
    found.folders += _older(temporary, lambda name: name.startswith(TEMPORARY), OLD_SECONDS)
    return found


def remove(found: Leftovers) -> None:
    """End and remove what was found; what resists is in `problems`."""
    for pid, _ in found.processes:
        _signal(pid, signal.SIGTERM)
    limit = time.monotonic() + GRACE
    left = [pid for pid, _ in found.processes]
    while left and time.monotonic() < limit:
        time.sleep(0.05)
        left = [pid for pid in left if _is_there(pid)]
    for pid in left:
        _signal(pid, signal.SIGKILL)
    for path in found.folders:
        try:
            if path.is_dir() and not path.is_symlink():
                _open_up(path)
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as problem:
            found.problems.append(f"can't remove {path}: {(problem.strerror or str(problem)).lower()}")


def _processes(dead: Iterable[RunRow]) -> Iterator[tuple[int, str]]:
    """Living processes whose environment names the folder of a dead run."""
    marks = {f"{MARK}{Path(row.folder).resolve()}/".encode(): row.name for row in dead}
    marks |= {f"{MARK}{row.folder}/".encode(): row.name for row in dead}
    if not marks:
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = b"\0" + (entry / "environ").read_bytes()
        except OSError:
            continue  # it has ended, or is another user's
        for mark, name in marks.items():
            if b"\0" + mark in environment:
                yield int(entry.name), name
                break


def _working(folder: Path) -> Iterator[Path]:
    """What stands in the folders of a dead run's attempts beside what they printed, and stores that were never finished."""
    attempts = folder / "attempts"
    for attempt in _entries(attempts):
        for entry in _entries(attempt):
            if not (entry.name in LOGS or entry.name.endswith((".stdout", ".stderr"))):
                yield entry
    artifacts = folder / "artifacts"
    if artifacts.is_dir():
        yield from (path for path in artifacts.rglob(".*.part"))


def _older(folder: Path, ours: object, seconds: float) -> Iterator[Path]:
    assert callable(ours)
    for entry in _entries(folder):
        with suppress(OSError):
            told = entry.lstat()
            if ours(entry.name) and told.st_uid == os.geteuid() and time.time() - told.st_mtime > seconds:
                yield entry


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _open_up(folder: Path) -> None:
    """Folders that a leaf made unreadable can be removed, too."""
    for path, folders, _ in os.walk(folder):
        for name in folders:
            inner = Path(path, name)
            if not inner.is_symlink():
                inner.chmod(0o700)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except OSError:
        return False
    return state not in (b"Z", b"X")
