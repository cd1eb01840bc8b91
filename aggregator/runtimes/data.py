"""Runs `data` templates: lists the keys of an artifact's location and transforms the list by expressions."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any, ClassVar

from aggregator.engine.events import Outcome
from aggregator.engine.locations import location_of, merged_location, place_key
from aggregator.errors import LanguageError, NotFound, StoreError
from aggregator.lang import expr
from aggregator.lang.context import Context
from aggregator.lang.goformat import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aggregator.engine.commands import Attempt
    from aggregator.ports import ArtifactDriver, Sink, Workspace


class DataRuntime:
    """Implements ports.Runtime. `driver_of` gives the artifact driver of a YAML key.

    The result is the JSON text of what the last expression gives. Each sees the list, later what the one before it gave, as
    `data`.
    """

    name: ClassVar[str] = "data"
    staged: ClassVar[bool] = False

    def __init__(self, *, driver_of: Callable[[str], ArtifactDriver]) -> None:
        self._driver_of = driver_of

    async def open(self, attempt: Attempt, folder: Path) -> Workspace:
        raise NotImplementedError(f"data templates have no files: {attempt.name} in {folder}")

    async def close(self, workspace: Workspace) -> None:
        raise NotImplementedError(f"data templates have no files: {workspace}")

    async def stop(self) -> None:
        """Nothing is kept: drivers belong to the app."""

    async def run(self, attempt: Attempt, _workspace: Workspace | None, sink: Sink) -> Outcome:
        body = attempt.template.get("data") or {}
        artifact = (body.get("source") or {}).get("artifactPaths")
        if artifact is None:
            return Outcome(phase="Error", message="data.source has no artifactPaths, so there is nothing to list")
        sink.started()
        try:
            key, location = place_of(artifact, attempt.artifact_location)
            value: Any = await asyncio.to_thread(self._listed, key, location)
            value = transformed(value, body.get("transformation") or (), attempt)
            result = json_text(value, html_escape=False)
        except LanguageError as problem:
            return Outcome(phase="Error", message=problem.message)
        except (NotFound, StoreError) as problem:
            name = artifact.get("name") or "artifactPaths"
            told = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
            return Outcome(phase="Error", message=f"can't list {name!r}: {told}")
        return Outcome(phase="Succeeded", exit_code=0, result=result)

    def _listed(self, key: str, location: Mapping[str, Any]) -> list[str]:
        return self._driver_of(key).list(location)


def place_of(artifact: Mapping[str, Any], default: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The driver's key and the location to list: the artifact's own, or all of the default repository."""
    found = merged_location(artifact, default)
    if found is not None:
        key, location = found
        # A location without a key of its own means all that is there, not what the repository would name a new artifact.
        own = location_of(artifact)
        last = place_key(key, location)
        if key not in ("http", "artifactory") and own is not None and not own[1].get(last):
            location.pop(last, None)
        return key, location
    fallback = location_of(default)
    if fallback is None:
        return "local", {}
    key, whole = fallback
    return key, {name: value for name, value in whole.items() if name != place_key(key, whole)}


def transformed(data: Any, steps: Any, attempt: Attempt) -> Any:
    """What the expressions make of the list; LanguageError names the one that failed."""
    seeded = random.Random(f"{attempt.uid}/{attempt.name}")  # noqa: S311 - expressions want repeatable numbers, not secrets
    context = Context(now=time.time_ns(), random=seeded, keep=lambda _key, make: make())
    for number, step in enumerate(steps):
        text = str(step.get("expression") or "")
        try:
            data = expr.parse(text).run({"data": data}, context, functions="argo")
        except LanguageError as problem:
            raise LanguageError(f"transformation[{number}] {text!r}: {problem.message}", text=text) from None
    return data
