"""Reads the documents that a command line names: files, folders, globs, `-` and URLs."""

from __future__ import annotations

import glob
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.errors import NotFound, UsageError
from aggregator.spec.yaml import read_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aggregator.source import Source

SUFFIXES = (".yaml", ".yml", ".json")
TESTS = ".aggtest"
URL_PREFIXES = ("http://", "https://")
URL_TIMEOUT = 30.0


def read_sources(names: Iterable[str]) -> list[Source]:
    """Every text that the names stand for, each once, in their order; a folder gives its YAML and JSON files."""
    return [read_file(found) for found in expand_names(names)]


def expand_names(names: Iterable[str]) -> list[str]:
    """The single files that the names stand for, each once, in their order."""
    return list(dict.fromkeys(found for name in names for found in _expand(name)))


def _expand(name: str) -> Iterator[str]:
    if name == "-" or name.startswith(URL_PREFIXES):
        yield name
        return
    path = Path(name)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file() and not _is_test(p))
        if not files:
            raise NotFound(f"{name}: the folder holds no .yaml, .yml or .json file")
        yield from map(str, files)
    elif not path.exists() and glob.has_magic(name):
        matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - the pattern may be absolute
        if not matches:
            raise NotFound(f"{name}: no file matches")
        yield from (match for match in matches if Path(match).is_file())
    else:
        yield name


def _is_test(path: Path) -> bool:
    """Whether a file holds tests of a workflow, which are no documents of Argo's."""
    return path.stem.endswith(TESTS)


def read_file(name: str) -> Source:
    """The text of one file, of standard input (`-`) or of a URL."""
    if name == "-":
        return read_source("<stdin>", sys.stdin.buffer.read())
    if name.startswith(URL_PREFIXES):
        return read_source(name, _fetch(name))
    try:
        return read_source(name, Path(name).read_bytes())
    except FileNotFoundError:
        raise NotFound(f"{name}: no such file") from None
    except IsADirectoryError:
        raise UsageError(f"{name} is a folder, a file was expected") from None
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from error


def _fetch(url: str) -> bytes:
    # The standard library will do, and keeps HTTP clients out of commands that never fetch.
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.error import URLError  # noqa: PLC0415
    from urllib.request import urlopen  # noqa: PLC0415

    try:
        with urlopen(url, timeout=URL_TIMEOUT) as answer:  # noqa: S310 - only http and https reach this line
            data: bytes = answer.read()
    except URLError as error:
        raise NotFound(f"{url}: {error.reason}") from error
    except (OSError, HTTPException) as error:
        raise NotFound(f"{url}: {error}") from error
    return data
