"""The setting `workflow_defaults`: what every workflow gets that it does not say itself, as Argo's controller gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aggregator.errors import UsageError
from aggregator.source import Source
from aggregator.spec.decode import API_VERSION, decode_text

if TYPE_CHECKING:
    from aggregator.settings import Settings
    from aggregator.spec.models import Workflow

SETTING = "workflow_defaults"
PARTS = ("metadata", "spec")


def workflow_defaults(settings: Settings) -> Workflow | None:
    """The defaults as a workflow; None where there are none. UsageError says all that is wrong with them."""
    given = settings.table(SETTING)
    if not given:
        return None
    problems = [f"{SETTING} has no part {key!r}" for key in given if key not in PARTS]
    document = {"apiVersion": API_VERSION, "kind": "Workflow", **{key: given[key] for key in PARTS if key in given}}
    try:
        text = msgspec.json.encode(document).decode()
    except (TypeError, ValueError) as error:
        raise UsageError(f"{SETTING} can't be read: {error}") from error
    bundle = decode_text(Source(f"setting {SETTING}", text))
    problems += [f"{SETTING}: {d.message}" + (f"; {d.hint}" if d.hint else "") for d in bundle.errors]
    if problems:
        raise UsageError("\n".join(problems), hint="it holds `metadata` and `spec` of a Workflow; see docs/settings.md")
    return bundle.workflows[0].model
