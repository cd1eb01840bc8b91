"""What all journals do alike with run rows: their JSON, and the errors about names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aggregator.errors import NotFound, UsageError, nearest
from aggregator.ports import RunRow

if TYPE_CHECKING:
    from collections.abc import Iterable

LATEST = "@latest"

encode_row = msgspec.json.Encoder().encode
decode_row = msgspec.json.Decoder(RunRow).decode


def name_taken(name: str, namespace: str) -> UsageError:
    return UsageError(
        f"a workflow named {name!r} already exists in namespace {namespace!r}",
        hint=f"choose another --name, use --generate-name, or delete it: agg delete {name}",
    )


def no_such_run(name: str, names: Iterable[str]) -> NotFound:
    """`names` are the runs that do exist, newest first."""
    if name == LATEST:
        return NotFound("there is no run yet, so @latest names nothing", hint="start one: agg run FILE")
    known = list(names)
    return NotFound(
        f"workflow {name!r} not found",
        hint=nearest(name, known) or ("agg list shows what there is" if known else "no run is kept here yet"),
    )


def no_such_uid(uid: str) -> NotFound:
    return NotFound(f"no run has the uid {uid!r}", hint="it may have been deleted; agg list shows what there is")
