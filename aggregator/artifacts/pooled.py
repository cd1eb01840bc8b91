"""Calls in a pool of threads, some ahead at a time: all of them, or the first error."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def run_all(pool: ThreadPoolExecutor, calls: Iterable[Callable[[], Any]], *, ahead: int) -> list[Any]:
    """Run the calls in the pool, `ahead` of them at a time; after the first error nothing new begins, and it is raised."""
    running: set[Future[Any]] = set()
    order: list[Future[Any]] = []
    try:
        for call in calls:
            if len(running) >= ahead:
                done, running = wait(running, return_when="FIRST_COMPLETED")
                for each in done:
                    each.result()
            future = pool.submit(call)
            order.append(future)
            running.add(future)
        done, _ = wait(running, return_when=FIRST_EXCEPTION)
        for each in done:
            each.result()
        return [each.result() for each in order]
    finally:
        for each in order:
            each.cancel()
        wait(order)


def bound(call: Callable[[Any], Any], argument: Any) -> Callable[[], Any]:
    """The call with its argument, for later."""
    return lambda: call(argument)
