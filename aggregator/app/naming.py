"""Names of runs: which ones can be, and the suffix of those that are generated."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

from aggregator.errors import Diagnostic, InvalidWorkflow, UsageError

if TYPE_CHECKING:
    from aggregator.app.prepare import Submission
    from aggregator.spec.bundle import Loaded

NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' alphabet for generated names: no vowels, so no words."""
NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._]*")
LONGEST_NAME = 63
LONGEST_PREFIX = 200
"""A longer `generateName` is cut, so that the name can be a file's. (Kubernetes cuts at 58, for the sake of labels.)"""


def check_name(name: str, submission: Submission, loaded: Loaded[Any]) -> None:
    """A name becomes part of file names and of keys in stores, and Kubernetes takes no other ones."""
    prefix = name == (submission.generate_name or loaded.model.metadata.generate_name)[:LONGEST_PREFIX]
    if not name or (
        NAME.fullmatch(name) and (len(name) <= LONGEST_NAME or prefix or name == loaded.model.metadata.name)
    ):
        return  # that the file's own name is too long is told with its other mistakes
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    problem = f"{shown!r} can't be the name of a run"
    if NAME.fullmatch(name):
        problem += f": it has {len(name)} characters, {LONGEST_NAME} are allowed"
    hint = "use letters, digits, '-' and '.', and begin with a letter or a digit"
    if submission.name or submission.generate_name:
        raise UsageError(f"{'--name' if submission.name else '--generate-name'}: {problem}", hint=hint)
    field_name = "name" if loaded.model.metadata.name else "generateName"
    raise InvalidWorkflow([Diagnostic("bad-name", problem, loaded.span("metadata", field_name), hint)])


def generated_suffix(length: int = 5) -> str:
    """Random letters and digits for a generated name."""
    source = random.SystemRandom()
    return "".join(source.choice(NAME_ALPHABET) for _ in range(length))
