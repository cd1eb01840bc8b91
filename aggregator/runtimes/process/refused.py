"""The one exception inside this runtime that becomes an Error outcome: the leaf asks for what can't be given to it."""

from __future__ import annotations

from aggregator.errors import AggError


class LeafRefused(AggError):  # noqa: N818 - what happened, not a kind of error of ours
    """The attempt can't start as the YAML says; the message, advice included, becomes the outcome's."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
