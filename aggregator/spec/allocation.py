"""Pauses Python's cycle collector while a big tree is built: nothing in it is garbage, and looking costs a third of the time."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def building() -> Iterator[None]:
    """No collections inside; what was switched off before stays off."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
