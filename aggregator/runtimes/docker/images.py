"""Images of a run: each is looked for once, and pulled as its policy says, with progress told to whoever watches."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.runtimes.docker.client import EngineRefused
from aggregator.runtimes.docker.engine import split_tag
from aggregator.runtimes.process.refused import LeafRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.runtimes.docker.engine import Engine

_TELL_SECONDS = 5.0
"""How often the progress of a pull is told."""
_HUB = "https://index.docker.io/v1/"


class Images:
    """What the engine has, as this run sees it: an image that was found, or could not be had, stays so for the run."""

    def __init__(self, engine: Engine, environ: Mapping[str, str], notice: Callable[[str], None]) -> None:
        self._engine = engine
        self._environ = environ
        self._notice = notice
        self._looked_for: dict[tuple[str, str], asyncio.Task[str]] = {}

    async def missing(self, image: str, policy: str) -> str:
        """Why the image can't be used; empty when it is there now."""
        if policy not in ("Always", "IfNotPresent", "Never"):
            policy = usual_policy(image)
        key = (image, policy)
        if key not in self._looked_for:
            self._looked_for[key] = asyncio.ensure_future(self._look_for(image, policy))
        task = self._looked_for[key]
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._looked_for.pop(key, None)  # the engine was away: the next attempt may ask again
            raise

    async def need(self, image: str, policy: str) -> None:
        """LeafRefused when the image can't be had."""
        if why := await self.missing(image, policy):
            raise LeafRefused(why)

    async def close(self) -> None:
        """Give up pulls that still run."""
        for task in self._looked_for.values():
            task.cancel()
        await asyncio.gather(*self._looked_for.values(), return_exceptions=True)

    async def _look_for(self, image: str, policy: str) -> str:
        if not image:
            return "the template names no image, which a container needs; name one, or use --runtime process"
        if policy != "Always" and await self._engine.has_image(image):
            return ""
        where = self._engine.describe()
        if policy == "Never":
            return f"image {image!r} is not on {where}, and imagePullPolicy is Never; {self._engine.kind} pull {image}"
        why = await self._pull(image)
        if not why:
            return ""
        if policy == "Always" and await self._engine.has_image(image):
            # Kubernetes would refuse; on one machine, without a way to the registry, the image that is there will do.
            self._notice(f"image {image} could not be pulled ({why}); the one that is there is used")
            return ""
        return (
            f"image {image!r} is not on {where} and could not be pulled: {why}; see `{self._engine.kind} pull {image}`"
        )

    async def _pull(self, image: str) -> str:
        """Why it failed; empty when it is there."""
        began = told = time.monotonic()
        sizes: dict[str, tuple[int, int]] = {}
        said = False
        try:
            async for report in self._engine.pull(image, credentials(image, self._environ)):
                detail = report.get("progressDetail") or {}
                if detail.get("total"):
                    sizes[str(report.get("id"))] = int(detail.get("current") or 0), int(detail["total"])
                if sizes and not said:
                    said = True
                    self._notice(f"pulling image {image}")
                if sizes and time.monotonic() - told > _TELL_SECONDS:
                    told = time.monotonic()
                    done, whole = (sum(part[n] for part in sizes.values()) for n in (0, 1))
                    self._notice(f"pulling image {image}: {done >> 20} of {whole >> 20} MiB")
        except EngineRefused as refused:
            return refused.message
        if said:
            self._notice(f"pulled image {image} in {time.monotonic() - began:.0f} s")
        return ""


def usual_policy(image: str) -> str:
    """Kubernetes' default: Always for `latest` and for no tag, else IfNotPresent."""
    return "Always" if "@" not in image and split_tag(image)[1] == "latest" else "IfNotPresent"


def credentials(image: str, environ: Mapping[str, str]) -> dict[str, str] | None:
    """What `docker login` has kept for the image's registry in the user's config.json."""
    first, slash, _ = image.partition("/")
    registry = first if (slash and any(sign in first for sign in ".:")) or first == "localhost" else _HUB
    folder = environ.get("DOCKER_CONFIG") or f"{environ.get('HOME', '')}/.docker"
    try:
        kept: dict[str, Any] = json.loads(Path(folder, "config.json").read_text(encoding="utf-8")).get("auths") or {}
    except (OSError, ValueError):
        return None
    entry = kept.get(registry) or kept.get(f"https://{registry}")
    if not entry:
        return None
    user, _, password = base64.b64decode(entry.get("auth") or "").decode(errors="replace").partition(":")
    found = {"username": entry.get("username") or user, "password": entry.get("password") or password}
    if entry.get("identitytoken"):
        found["identitytoken"] = entry["identitytoken"]
    return {**found, "serveraddress": registry}
