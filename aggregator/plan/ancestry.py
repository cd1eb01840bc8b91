"""Which tasks of a DAG come before which, mostly told by two numbers and without walking the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.plan.program import Task


class Ancestry:
    """Every task hangs below the first one that it needs: in that tree a task's descendants are a range of numbers.

    So what comes before it by first needs alone is seen at once, also at the end of a chain of 100,000. For the rest the needs
    are walked, but only as far back as the task that is asked for can be.
    """

    __slots__ = ("_end", "_level", "_place", "_tasks")

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        order = _in_order(tasks)
        count = len(tasks)
        level = self._level = [0] * count
        """How many tasks the longest way to a task has; those of a cycle never run and are left at 0."""
        size = [1] * count
        for number in order:
            level[number] = max((level[need] + 1 for need in tasks[number].needs), default=0)
        for number in reversed(order):
            if tasks[number].needs:
                size[tasks[number].needs[0]] += size[number]
        place = self._place = [0] * count
        end = self._end = [0] * count
        free = [0] * count
        roots = 1
        for number in order:
            if tasks[number].needs:
                above = tasks[number].needs[0]
                place[number] = free[above]
                free[above] += size[number]
            else:
                place[number] = roots
                roots += size[number]
            end[number] = place[number] + size[number]
            free[number] = place[number] + 1

    def comes_before(self, first: int, second: int) -> bool:
        """Whether `second` needs `first`, directly or by way of others."""
        place, end, level = self._place, self._end, self._level
        low, high, least = place[first], end[first], level[first]
        todo = [second]
        seen = {second}
        for number in todo:
            if number != second and low <= place[number] < high:
                return True
            for need in self._tasks[number].needs:
                if need == first:
                    return True
                if level[need] > least and need not in seen:
                    seen.add(need)
                    todo.append(need)
        return False


def _in_order(tasks: Sequence[Task]) -> list[int]:
    """The tasks, each after all that it needs."""
    left = [len(task.needs) for task in tasks]
    order = [number for number, needs in enumerate(left) if not needs]
    for number in order:
        for following in tasks[number].feeds:
            left[following] -= 1
            if not left[following]:
                order.append(following)
    return order
