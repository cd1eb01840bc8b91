"""Finding the program that a leaf's command names, as the leaf would see it, and saying what is wrong when it can't run."""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING

from aggregator.runtimes.pod.attempt import NotStarted
from aggregator.runtimes.process.images import rule_to_add

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_FOLDER = 'path = ["FOLDER"]'
_ABSOLUTE = re.compile(r"(?<![\w./~$}*-])/(?:[\w.+-]+/)*[\w.+-]+")


def resolve(
    argv: Sequence[str],
    *,
    image: str,
    path: str,
    cwd: str,
    programs: Mapping[str, tuple[str, ...]],
    host: Callable[[str], str],
) -> list[str]:
    """The command line with its program as an absolute path that exists; `host` maps the leaf's paths to the host's."""
    name = argv[0]
    if name.startswith("/"):
        if os.path.isfile(host(name)):
            _check(name, image, host)
            return [*argv]
        name = posixpath.basename(name)
    elif "/" in name:
        full = posixpath.join(cwd, name)
        if os.path.isfile(host(full)):
            _check(full, image, host)
            return [full, *argv[1:]]
        raise NotStarted(f"command {name!r} of image {image!r} is not a file in the working folder")
    if found := which(name, path, host):
        _check(found, image, host)
        return [found, *argv[1:]]
    if name in programs:
        substitute = programs[name]
        if substitute[0] != name:
            return resolve([*substitute, *argv[1:]], image=image, path=path, cwd=cwd, programs=programs, host=host)
    raise NotStarted(
        f"command {argv[0]!r} of image {image!r} was not found on this host (PATH {path}); install it, or say in the "
        f"settings where it is: {rule_to_add(image, _FOLDER)}"
    )


def stand_ins(texts: Sequence[str], folders: Sequence[str], host: Callable[[str], str]) -> dict[str, str]:
    """Absolute paths that a shell line names, that are not there, and whose last part the image's rule has in its folders."""
    found: dict[str, str] = {}
    for text in texts:
        for path in _ABSOLUTE.findall(text) if "/" in text else ():
            name = posixpath.basename(path)
            if (
                path not in found
                and not os.path.lexists(host(path))
                and (there := which(name, os.pathsep.join(folders), host))
            ):
                found[path] = there
    return found


def which(name: str, path: str, host: Callable[[str], str]) -> str | None:
    """The first executable file of that name on PATH; failing that, the first that is there at all."""
    if not name:
        return None
    there = None
    for folder in path.split(os.pathsep):
        if not folder.startswith("/"):
            continue
        candidate = posixpath.join(folder, name)
        place = host(candidate)
        if os.path.isfile(place):
            if os.access(place, os.X_OK):
                return candidate
            there = there or candidate
    return there


def _check(name: str, image: str, host: Callable[[str], str]) -> None:
    """Say what execve would say, but before bubblewrap turns it into its own words."""
    place = host(name)
    if not os.access(place, os.X_OK):
        raise NotStarted(
            f"command {name!r} of image {image!r} is not executable (permission denied); chmod +x it, or name its interpreter"
        )
    try:
        program = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        try:
            head = os.read(program, 256)
        finally:
            os.close(program)
    except OSError:
        return  # executable but not readable: the kernel decides
    if head.startswith(b"#!"):
        words = head[2:].split(b"\n")[0].split()
        interpreter = os.fsdecode(words[0]) if words else ""
        if not os.path.exists(host(interpreter) if interpreter.startswith("/") else interpreter):
            raise NotStarted(
                f"command {name!r} of image {image!r} wants the interpreter {interpreter!r}, which this host lacks"
            )
    elif not head.startswith(b"\x7fELF"):
        raise NotStarted(
            f"command {name!r} of image {image!r} is neither a program nor a script with a #! line (exec format error)"
        )
