"""What belongs to pods as wholes: their budget of resources, and the sidecars of executor plugins."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.spec.checks.findings import Findings, Place

QUANTITY: Final = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:(?P<unit>[KMGTPE]i|[numkMGTPE])|[eE](?P<power>[+-]?\d{1,3}))?"
)
UNITS: Final = {
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    **{letter: Decimal(1000) ** -power for power, letter in enumerate("mun", start=1)},
}
NAMES: Final = ("cpu", "memory")
HUGE_PAGES: Final = "hugepages-"


def quantity(value: Any) -> Decimal | None:
    """The amount that a Kubernetes quantity like `500m` or `1Gi` stands for; None for what is none."""
    found = QUANTITY.fullmatch(str(value)) if isinstance(value, int | float | str) else None
    if found is None or isinstance(value, bool):
        return None
    amount = Decimal(found["number"]) * UNITS.get(found["unit"] or "", Decimal(1))
    return amount.scaleb(int(found["power"])) if found["power"] else amount


def check_pod_resources(findings: Findings, given: dict[str, Any] | None, place: Place, where: str) -> None:
    """The budget of all containers of a pod together: amounts of CPU and memory, requests within the limits."""
    if not given:
        return
    amounts: dict[tuple[str, str], Decimal] = {}
    for kind in ("limits", "requests"):
        listed = given.get(kind)
        for name, value in listed.items() if isinstance(listed, dict) else ():
            at, named = place.at(kind, name), f"{where}.podResources.{kind}.{name}"
            amount = quantity(value)
            if name not in NAMES and not name.startswith(HUGE_PAGES):
                message = f"{named}: a pod as a whole has no {name!r}, only cpu, memory and hugepages-SIZE"
                findings.error("pod-resources", message, at, findings.suggest(name, NAMES))
            elif amount is None:
                hint = "for example 500m, 2, 64Mi, 1Gi"
                findings.error("pod-resources", f"{named} {value!r} is no quantity", at, hint)
            elif amount < 0:
                findings.error("pod-resources", f"{named} {value!r} must not be negative", at)
            else:
                amounts[kind, name] = amount
    for (kind, name), amount in amounts.items():
        limit = amounts.get(("limits", name))
        if kind == "requests" and limit is not None and amount > limit:
            message = f"{where}.podResources.requests.{name} must not be above the limit"
            findings.error("pod-resources", message, place.at(kind, name))


def check_executor_plugins(findings: Findings, plugins: Sequence[Any], place: Place) -> None:
    """Each plugin is a sidecar that is called by its port, so its container has a name, an image and a port."""
    for index, plugin in enumerate(plugins):
        at = place.at(index)
        container: Any = plugin
        for key in ("spec", "sidecar", "container"):
            container = container.get(key) if isinstance(container, dict) else None
        for key in ("name", "image", "ports"):
            if not isinstance(container, dict) or not container.get(key):
                message = f"spec.executorPlugins[{index}].spec.sidecar.container.{key} is required"
                findings.error("executor-plugin", message, at.at("spec", "sidecar", "container"))
