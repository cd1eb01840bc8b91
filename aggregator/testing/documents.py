"""The documents that a test runs: read when they are wanted, and forgotten while a big run needs the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.spec.bundle import Bundle
from aggregator.spec.decode import decode_text

if TYPE_CHECKING:
    from aggregator.source import Source


class Documents:
    """One file's documents (`source`), shared by the tests that name it, or those written into a test (`bundle`)."""

    __slots__ = ("_bundle", "_source", "_users")

    def __init__(self, source: Source | None = None, bundle: Bundle | None = None) -> None:
        self._source = source
        self._bundle = bundle
        self._users = 0

    def use(self) -> Documents:
        """Count one more test that will run them."""
        self._users += 1
        return self

    def leave(self) -> None:
        """One test less; after the last one they are forgotten. Who wants them all the same has them read again."""
        self._users -= 1
        if self._users <= 0 and self._source is not None:
            self._bundle = None

    @property
    def bundle(self) -> Bundle:
        """The documents, and what is wrong with them."""
        if self._bundle is None:
            self._bundle = Bundle() if self._source is None else decode_text(self._source)
        return self._bundle
