"""The one exception inside this runtime that becomes an Error outcome: the leaf asks for what can't be given to it."""

from __future__ import annotations

from aggregator.errors import AggError


class LeafRefused(AggError):  # noqa: N818 - what happened, not a kind of error of ours
    """The attempt can't start as the YAML says; its message and hint become the outcome's."""

    def outcome_text(self) -> str:
        """Message and advice in one text."""
        return f"{self.message}. {self.hint[:1].upper()}{self.hint[1:]}" if self.hint else self.message
