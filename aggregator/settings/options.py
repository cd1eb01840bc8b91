"""The table of options: name, type, default, and what each is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PREFIX = "AGG_"


@dataclass(frozen=True, slots=True)
class PerCore:
    """A default that grows with the machine."""

    times: int

    def __str__(self) -> str:
        return f"{self.times} times the number of cores"


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table below."""

    name: str
    type: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    minimum: float = 0

    @property
    def environment(self) -> str:
        """The name of the environment variable that sets it."""
        return PREFIX + self.name.upper().replace(".", "_")


OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option("home", "path", "", "folder of the journal, of runs and of locks; empty: the platform's state folder"),
        Option("namespace", "text", "default", "namespace of workflows that name none"),
        Option("strict", "flag", True, "unknown fields of a document are errors, not warnings"),
        Option("strict_argo", "flag", False, "follow Argo also where agg deliberately differs (docs/compatibility.md)"),
        Option(
            "argo_limits",
            "choice",
            "off",
            "what becomes of values that a cluster would cut or refuse (256 KiB, 1 MiB): nothing, a warning, or an error",
            ("off", "warn", "error"),
        ),
        Option("progress", "choice", "auto", "how a run is shown", ("auto", "tree", "plain", "none")),
        Option(
            "runtime",
            "choice",
            "auto",
            "how container, script and containerSet templates are run; auto: by an engine that answers, else as processes",
            ("auto", "process", "docker", "podman", "dry"),
        ),
        Option(
            "docker.network",
            "text",
            "",
            "network that containers join; empty: the engine's usual one, and this machine's (host) with the sandbox",
        ),
        Option(
            "docker.privileged", "flag", False, "let templates ask for privileged containers and further capabilities"
        ),
        Option("max_parallel", "integer", PerCore(4), "processes and containers at the same time", minimum=1),
        Option("http.concurrency", "integer", 64, "HTTP requests in flight at the same time", minimum=1),
        Option(
            "http.transport",
            "choice",
            "pool",
            "who sends HTTP requests: our pool, many times faster, or httpx, which also knows SOCKS proxies",
            ("pool", "httpx"),
        ),
        Option(
            "process.isolation",
            "choice",
            "auto",
            "private file systems for processes; auto: bubblewrap where it is installed and permitted",
            ("auto", "none", "bubblewrap"),
        ),
        Option("process.grace", "seconds", 30.0, "time between SIGTERM and SIGKILL"),
        Option(
            "process.images",
            "images",
            {},
            "how images are run on the host: patterns to {entrypoint, path, env}, added to the rules built in",
        ),
        Option("process.writable", "paths", (), "folders, beside HOME, that leaves may write to inside bubblewrap"),
        Option("process.host_folders", "paths", (), "folders whose contents hostPath volumes may show"),
        Option("secrets.folders", "paths", (), "folders that hold secrets as NAME/KEY files"),
        Option("secrets.env_file", "path", "", "file of NAME=VALUE lines that hold secrets"),
        Option(
            "artifacts.repository",
            "table",
            {},
            "where output artifacts go that name no store, as Argo's artifactRepository; empty: the run's folder",
        ),
        Option(
            "workflow_defaults",
            "table",
            {},
            "what every workflow gets that it does not say itself, as Argo's workflowDefaults: `metadata` and `spec`",
        ),
        Option(
            "plugins",
            "table",
            {},
            "executor plugins that run `plugin` templates: NAME to {address, token or tokenFile}",
        ),
        Option("kubernetes.kubectl", "text", "kubectl", "program that `resource` templates call; a name or a path"),
        Option("kubernetes.kubeconfig", "path", "", "its configuration; empty: KUBECONFIG, else ~/.kube/config"),
        Option("kubernetes.context", "text", "", "its context; empty: the current one"),
        Option("kubernetes.namespace", "text", "", "namespace of what it makes; empty: that of the run or the context"),
        Option(
            "kubernetes.interval", "seconds", 5.0, "time between two looks at an object whose conditions are awaited"
        ),
        Option("semaphores", "table", {}, "limits of semaphores, as CONFIGMAP/KEY = NUMBER; they win over ConfigMaps"),
        Option(
            "journal.synchronous",
            "choice",
            "normal",
            "normal: a run survives kill -9; full: also a power cut, at one disk flush for each batch",
            ("normal", "full"),
        ),
        Option("expressions.get_host_by_name", "flag", False, "let the function getHostByName ask the network"),
    )
}
