"""Sprig's random texts, ids and bytes, all drawn from the run's seed."""

from __future__ import annotations

import base64
import string
import uuid
from typing import TYPE_CHECKING, Final

from aggregator.errors import LanguageError
from aggregator.lang.sprig.signature import INT, STRING, Family, bounded_list, bounded_text

if TYPE_CHECKING:
    from aggregator.lang.context import Context

FAMILY = Family("Random values")
PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))


def drawn(ctx: Context, count: int, characters: str, name: str) -> str:
    """That many random characters, none where the count is below zero."""
    bounded_list(ctx, count, name)
    return "".join(ctx.random.choice(characters) for _ in range(count))


@FAMILY.add("randAlphaNum", INT, uses_context=True)
def rand_alpha_num(ctx: Context, count: int) -> str:
    """Random letters and digits: `len(sprig.randAlphaNum(8))` is 8."""
    return drawn(ctx, count, string.ascii_letters + string.digits, "randAlphaNum")


@FAMILY.add("randAlpha", INT, uses_context=True)
def rand_alpha(ctx: Context, count: int) -> str:
    """Random letters: `len(sprig.randAlpha(8))` is 8."""
    return drawn(ctx, count, string.ascii_letters, "randAlpha")


@FAMILY.add("randNumeric", INT, uses_context=True)
def rand_numeric(ctx: Context, count: int) -> str:
    """Random digits: `len(sprig.randNumeric(8))` is 8."""
    return drawn(ctx, count, string.digits, "randNumeric")


@FAMILY.add("randAscii", INT, uses_context=True)
def rand_ascii(ctx: Context, count: int) -> str:
    """Random printable ASCII characters: `len(sprig.randAscii(8))` is 8."""
    return drawn(ctx, count, PRINTABLE, "randAscii")


@FAMILY.add("randBytes", INT, uses_context=True)
def rand_bytes(ctx: Context, count: int) -> str:
    """Random bytes in base64: `len(sprig.randBytes(24))` is 32."""
    if count < 0:
        raise LanguageError(f"sprig.randBytes: the count is negative ({count})")
    bounded_text(ctx, 2 * count, "randBytes")
    return base64.b64encode(ctx.random.randbytes(count)).decode()


@FAMILY.add("shuffle", STRING, uses_context=True)
def shuffle(ctx: Context, text: str) -> str:
    """The characters in random order: `len(sprig.shuffle("hello"))` is 5."""
    characters = list(text)
    ctx.random.shuffle(characters)
    return "".join(characters)


@FAMILY.add("uuidv4", uses_context=True)
def uuidv4(ctx: Context) -> str:
    """A random id of version 4: `len(sprig.uuidv4())` is 36."""
    return str(uuid.UUID(int=ctx.random.getrandbits(128), version=4))


@FAMILY.add("getHostByName", STRING, uses_context=True)
def get_host_by_name(ctx: Context, name: str) -> str:
    """An address of a host, where the settings allow to ask: `sprig.getHostByName("localhost")`."""

    def ask() -> str:
        if ctx.lookup_host is None:
            raise LanguageError(
                f"sprig.getHostByName: looking up {name[:80]!r} is not allowed",
                hint="the setting expressions.get_host_by_name allows it; see docs/settings.md",
            )
        return ctx.lookup_host(name)

    # The answer stays with the run: a replay must not ask the network again, and may get another one.
    return str(ctx.keep(f"sprig.getHostByName:{name}", ask))
