"""Timers: however many there are, each fires once, in order of time; a cancelled one never."""

import asyncio

from aggregator.drive.clock import SystemClock
from aggregator.drive.timers import Timers


class Hands:
    """A clock whose hands are moved by whoever sleeps longest-awaited."""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    async def sleep_until(self, at):
        await asyncio.sleep(0)
        self.time = max(self.time, at)


def fired(actions, clock=None):
    async def go():
        seen = []
        timers = Timers(clock or Hands(), seen.append)
        actions(timers)
        for _ in range(50):
            await asyncio.sleep(0)
        await timers.stop()
        return seen

    return asyncio.run(go())


def test_timers_fire_in_order_of_time():
    def set_three(timers):
        timers.set(1, 30)
        timers.set(2, 10)
        timers.set(3, 20)

    assert fired(set_three) == [2, 3, 1]


def test_a_cancelled_timer_never_fires():
    def set_two(timers):
        timers.set(1, 10)
        timers.set(2, 20)
        timers.cancel(1)

    assert fired(set_two) == [2]


def test_a_timer_whose_time_is_past_fires_at_once():
    assert fired(lambda timers: timers.set(7, -1)) == [7]


def test_stopping_forgets_all():
    async def go():
        seen = []
        timers = Timers(SystemClock(), seen.append)
        timers.set(1, SystemClock().now() + 3600)
        await timers.stop()
        await asyncio.sleep(0)
        return seen

    assert asyncio.run(go()) == []


def test_the_system_clock_does_not_wait_for_the_past():
    async def go():
        clock = SystemClock()
        before = clock.now()
        await clock.sleep_until(before - 100)
        return clock.now() >= before

    assert asyncio.run(go())
