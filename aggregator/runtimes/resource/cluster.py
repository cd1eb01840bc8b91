"""Which cluster kubectl talks to, by the settings and the places where kubectl itself looks; or why there is none."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Cluster:
    """How kubectl is called."""

    kubectl: str
    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    """Empty: the run's namespace, or that of the context for runs in `default`."""

    def flags(self, namespace: str) -> list[str]:
        """The flags that say where, for a run in this namespace."""
        found = [f"--kubeconfig={self.kubeconfig}"] if self.kubeconfig else []
        if self.context:
            found.append(f"--context={self.context}")
        wanted = self.namespace or (namespace if namespace != "default" else "")
        return [*found, f"--namespace={wanted}"] if wanted else found


def find_cluster(
    environ: Mapping[str, str],
    *,
    kubectl: str = "kubectl",
    kubeconfig: str = "",
    context: str = "",
    namespace: str = "",
) -> Cluster | str:
    """The cluster; or, in words, what is missing for there to be one."""
    program = shutil.which(kubectl, path=environ.get("PATH"))
    if program is None:
        return f"{kubectl!r} is not on PATH" if "/" not in kubectl else f"{kubectl} is no program"
    if kubeconfig:
        if not Path(kubeconfig).is_file():
            return f"the setting kubernetes.kubeconfig names {kubeconfig}, which is no file"
        return Cluster(program, kubeconfig, context, namespace)
    named = [Path(part) for part in environ.get("KUBECONFIG", "").split(":") if part]
    usual = Path(environ.get("HOME") or "/nowhere", ".kube", "config")
    if any(path.is_file() for path in named or [usual]) or environ.get("KUBERNETES_SERVICE_HOST"):
        return Cluster(program, "", context, namespace)
    looked = environ["KUBECONFIG"] if named else str(usual)
    return f"kubectl has no configuration: there is no {looked}"
