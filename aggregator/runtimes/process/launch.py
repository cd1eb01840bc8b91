"""Starting one container of an attempt: its environment, its program, its isolation, its size."""

from __future__ import annotations

import errno
import functools
import os
import posixpath
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aggregator.errors import TransientError
from aggregator.runtimes.pod.attempt import NotStarted
from aggregator.runtimes.process.cgroups import Cgroups, find
from aggregator.runtimes.process.confine import Confined, limits_of
from aggregator.runtimes.process.declared import TEMPORARY
from aggregator.runtimes.process.environment import Inherited, Place, check_size, compose, expand, from_yaml
from aggregator.runtimes.process.private import PrivateTree
from aggregator.runtimes.process.programs import resolve, stand_ins, which
from aggregator.runtimes.process.refused import LeafRefused
from aggregator.runtimes.process.spawn import Child, Line, start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aggregator.engine.commands import Attempt
    from aggregator.ports import Secrets
    from aggregator.runtimes.process.images import Images
    from aggregator.runtimes.process.isolation import Bubblewrap
    from aggregator.runtimes.process.pump import Write
    from aggregator.runtimes.process.workspace import Container, Pod

_SCARCE = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
_STANDARD = ("/usr", "/bin", "/sbin", "/lib")


@functools.cache
def _cgroups() -> Cgroups | None:
    """Looked for once, when the first container with limits starts."""
    return find()


@dataclass(frozen=True, slots=True)
class Launcher:
    """What all containers of a run have in common."""

    images: Images
    environ: Inherited
    extra: Mapping[str, str]
    secrets: Secrets
    bubblewrap: Bubblewrap | None
    cgroups: Callable[[], Cgroups | None] = _cgroups
    programs: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """Where programs were found, by name, PATH and image, for leaves that see the host's own."""

    async def start(
        self, attempt: Attempt, pod: Pod, container: Container, write: tuple[Write | None, Write | None]
    ) -> Child:
        """The running child. NotStarted, LeafRefused and Unsupported say why there is none."""
        spec, tree = container.spec, container.tree
        image = str(spec.get("image") or "")
        rule = self.images.rule(image)
        own = from_yaml(Place(attempt, spec, self.secrets))
        env = compose(own, environ=self.environ, path=rule.path, image_env=rule.env, extra=self.extra)
        env.setdefault("ARGO_CONTAINER_NAME", container.name)
        env.setdefault("ARGO_NODE_ID", attempt.node_id)
        env["ARGO_PROGRESS_FILE"] = pod.progress_of(container)
        mark = f"ARGO_PROGRESS_FILE={env['ARGO_PROGRESS_FILE']}"
        working_dir = tree.working_dir()
        if isinstance(tree, PrivateTree):
            tree.need(needed(self.environ, env["PATH"]))
        command = [expand(str(word), own) for word in spec.get("command") or []]
        args = [expand(str(word), own) for word in spec.get("args") or []]
        if container.script is not None:
            script = tree.folder / "script"
            script.write_bytes(container.script.encode("utf-8", "surrogateescape"))
            script.chmod(0o700)
            args = [*args, str(script)]
        host = tree.program_path
        line = self.images.arguments(image, command, args, lambda name: which(name, env["PATH"], host) is not None)
        if any("\0" in word for word in line):
            raise LeafRefused("the command has an argument with a NUL byte, which no process can be given")
        known = (line[0], env["PATH"], image)
        there = self.programs.get(known) if tree.sees_programs_of(env["PATH"]) else None
        if there is not None and os.access(there, os.X_OK):
            line = [there, *line[1:]]
        else:
            found = resolve(line, image=image, path=env["PATH"], cwd=working_dir, programs=rule.programs, host=host)
            if "/" not in line[0] and found[1:] == line[1:]:
                self.programs[known] = found[0]
            line = found
        if isinstance(tree, PrivateTree) and rule.path:
            texts = [*line[1:], container.script or ""]
            tree.stand_in(stand_ins(texts, rule.path, host))
        if isinstance(tree, PrivateTree) and self.bubblewrap is not None:
            line, cwd = self.bubblewrap.command(tree.mounts(), working_dir, line), str(tree.folder)
        else:
            cwd = working_dir
        limits = limits_of(container.name, spec)
        confined = Confined(limits, self.cgroups()) if limits is not None else None
        if confined is not None and confined.group is not None:
            line = confined.group.join(line)
        check_size(line, env)
        streams = container.streams()
        wanted = Line(
            argv=line,
            env=env,
            cwd=cwd,
            streams=(f"{pod.folder}/{streams[0]}", f"{pod.folder}/{streams[1]}"),
            write=write,
            wrapped=self.bubblewrap,
            mark=mark,
            confined=confined,
        )
        try:
            return await start(wanted)
        except FileNotFoundError as error:
            raise NotStarted(
                f"command {line[0]!r} of image {image!r} could not be started: {error.strerror}: {error.filename}"
            ) from None
        except PermissionError as error:
            raise NotStarted(
                f"command {line[0]!r} of image {image!r} may not be run: {error.strerror}: {error.filename}"
            ) from None
        except OSError as error:
            if error.errno in _SCARCE:
                raise TransientError(f"no process could be started: {error.strerror}") from None
            raise NotStarted(f"command {line[0]!r} of image {image!r} could not be started: {error.strerror}") from None


def needed(environ: Inherited, path: str) -> tuple[str, ...]:
    """What a leaf must see of the host even where its own files hide it: programs, our interpreter, certificates, HOME."""
    return (*_of_path(path), *_interpreter(), *environ.files, environ.whole.get("HOME", ""))


@functools.lru_cache(maxsize=64)
def _of_path(path: str) -> tuple[str, ...]:
    """Folders of PATH outside the system's, with the tree around them when they are the `bin` of one."""
    found: list[str] = []
    for folder in path.split(os.pathsep):
        if not folder.startswith("/") or folder.startswith(_STANDARD):
            continue
        around = posixpath.dirname(folder)
        whole = posixpath.basename(folder) == "bin" and around.count("/") > 1 and around not in TEMPORARY
        found += _with_target(around if whole else folder)
    return tuple(found)


@functools.cache
def _interpreter() -> tuple[str, ...]:
    found: Sequence[str] = (sys.prefix, sys.base_prefix, sys.exec_prefix)
    return tuple(dict.fromkeys(p for prefix in found if not prefix.startswith(_STANDARD) for p in _with_target(prefix)))


def _with_target(path: str) -> tuple[str, ...]:
    target = os.path.realpath(path)
    return (path,) if target == path else (path, target)
