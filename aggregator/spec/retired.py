"""Fields of Argo v3 that v4 no longer has: what took their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from aggregator.spec import models

if TYPE_CHECKING:
    from collections.abc import Mapping


class Retired(Struct, frozen=True):
    """How a retired field is read: as `target` (an item of it where that is a list; None: dropped), or `inside` of it."""

    message: str
    target: str | None = None
    inside: str = ""


def _dropped(why: str) -> Retired:
    return Retired(f"was removed from Argo and is ignored: {why}")


def _moved(target: str, *, as_list: bool = False, inside: str = "") -> Retired:
    new = f"{target}.{inside}" if inside else target
    return Retired(f"was replaced by `{new}`" + (", a list" if as_list else ""), target, inside)


RETIRED: Mapping[type[Struct], Mapping[str, Retired]] = {
    models.WorkflowSpec: {
        "podPriority": _dropped("`podPriorityClassName` names a priority class instead"),
        "ttlSecondsAfterFinished": _moved("ttlStrategy", inside="secondsAfterCompletion"),
    },
    models.Template: {
        "priority": _dropped("`priorityClassName` names a priority class instead"),
        "template": _dropped("call templates from steps or dag"),
        "templateRef": _dropped("call templates from steps or dag"),
        "arguments": _dropped("a template declares `inputs`; arguments are given where it is called"),
        "resubmitPendingPods": _dropped("use `retryStrategy`"),
    },
    models.TemplateRef: {"runtimeResolution": _dropped("references are always resolved when they are reached")},
    models.Synchronization: {
        "mutex": _moved("mutexes", as_list=True),
        "semaphore": _moved("semaphores", as_list=True),
    },
    models.CronWorkflowSpec: {"schedule": _moved("schedules", as_list=True)},
    models.StopStrategy: {"condition": _moved("expression")},
}
