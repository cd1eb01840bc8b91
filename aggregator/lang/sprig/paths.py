"""Sprig's path functions, for slashes only; the os twins are the same on Linux."""

from __future__ import annotations

from aggregator.lang.sprig.signature import STRING, Family

FAMILY = Family("Paths")


def clean_path(path: str) -> str:
    """The shortest path that means the same: no doubled slashes, no `.`, no `..` that can be resolved."""
    rooted = path.startswith("/")
    kept: list[str] = []
    for part in path.split("/"):
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part == ".." and rooted:
            continue
        elif part not in ("", "."):
            kept.append(part)
    return ("/" if rooted else "") + "/".join(kept) or "."


@FAMILY.add("base osBase", STRING)
def base(path: str) -> str:
    """The last part: `sprig.base("foo/bar.txt")` is "bar.txt"."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


@FAMILY.add("dir osDir", STRING)
def parent(path: str) -> str:
    """All but the last part: `sprig.dir("foo/bar/baz")` is "foo/bar"."""
    head, slash, _ = path.rpartition("/")
    return clean_path(head + slash)


@FAMILY.add("clean osClean", STRING)
def clean(path: str) -> str:
    """The path without detours: `sprig.clean("/foo/../bar")` is "/bar"."""
    return clean_path(path)


@FAMILY.add("ext osExt", STRING)
def ext(path: str) -> str:
    """The ending with its dot: `sprig.ext("a.txt")` is ".txt"."""
    last = path.rpartition("/")[2]
    return "." + last.rpartition(".")[2] if "." in last else ""


@FAMILY.add("isAbs osIsAbs", STRING)
def is_absolute(path: str) -> bool:
    """Whether the path starts at the root: `sprig.isAbs("/a")` is true."""
    return path.startswith("/")
