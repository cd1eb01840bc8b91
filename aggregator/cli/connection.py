"""Flags by which Argo's CLI reaches a server or a cluster: there is none here, so they are taken, ignored and told once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

WITH_VALUE = frozenset(
    {
        "-s",
        "--argo-server",
        "-H",
        "--header",
        "--argo-base-href",
        "--token",
        "--instanceid",
        "--loglevel",
        "--log-format",
        "--gloglevel",
        "--kubeconfig",
        "--context",
        "--cluster",
        "--user",
        "--as",
        "--as-group",
        "--as-uid",
        "--certificate-authority",
        "--client-certificate",
        "--client-key",
        "--password",
        "--username",
        "--proxy-url",
        "--request-timeout",
        "--server",
        "--tls-server-name",
    }
)
WITHOUT_VALUE = frozenset(
    {
        "-e",
        "--secure",
        "-k",
        "--insecure-skip-verify",
        "--argo-http1",
        "-v",
        "--verbose",
        "--insecure-skip-tls-verify",
        "--disable-compression",
    }
)


def split_connection_flags(arguments: Sequence[str], own: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """The arguments without connection flags, and the flags' names; a command's `own` flags of the same name are its own."""
    kept: list[str] = []
    found: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        name, equals, _ = argument.partition("=")
        if argument == "--":
            kept += [argument, *waiting]
        elif name in own or name not in WITH_VALUE | WITHOUT_VALUE:
            kept.append(argument)
        else:
            found.append(name)
            if name in WITH_VALUE and not equals:
                next(waiting, None)
    return kept, found


def drop_connection_flags(arguments: Sequence[str], own: Collection[str] = ()) -> list[str]:
    """The arguments without connection flags; a warning on stderr names what was ignored."""
    kept, found = split_connection_flags(arguments, own)
    if found:
        sys.stderr.write(f"agg: warning: ignored {', '.join(dict.fromkeys(found))}: everything runs on this machine\n")
    return kept
