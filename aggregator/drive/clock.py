"""The real clock."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Unix seconds that never go back, even when the machine's clock is set."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        return time.monotonic() + self._offset

    async def sleep_until(self, at: float) -> None:
        """Until then, or at once when it is past."""
        await asyncio.sleep(max(0.0, at - self.now()))
