"""Looks up hosts for the function getHostByName, where the settings let expressions ask the network."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from aggregator.errors import LanguageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.settings import Settings

ALLOWED = "expressions.get_host_by_name"


def host_lookup(settings: Settings) -> Callable[[str], str] | None:
    """The lookup that expressions may use; None where the settings keep them off the network."""
    return address_of if settings.flag(ALLOWED) else None


def address_of(name: str) -> str:
    """The first address of a host."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LanguageError(f"sprig.getHostByName: {name[:80]!r} can't be looked up: {reason}") from None
    return str(found[0][4][0])
