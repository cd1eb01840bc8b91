"""What a document means once compiled: templates, tasks, loops and hooks with their texts parsed, found by small integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

if TYPE_CHECKING:
    from aggregator.errors import LanguageError
    from aggregator.lang import tags
    from aggregator.lang.depends import Depends
    from aggregator.lang.tags import Tree
    from aggregator.plan.ancestry import Ancestry

Json = Any
Path = tuple[str | int, ...]

LEAF_KINDS = ("container", "containerSet", "script", "resource", "data", "http", "plugin", "suspend")


class Holder(Struct, eq=False):
    """Where templates live: the workflow itself, or a (Cluster)WorkflowTemplate; names inside are looked up here."""

    scope: str
    """Argo's templateScope: `local/WORKFLOW`, `namespaced/NAME` or `cluster/NAME`."""
    raw: dict[str, dict[str, Any]]
    """Templates as written, by name, defaults merged."""
    paths: dict[str, Path]
    compiled: dict[str, Template] = field(default_factory=dict)


class TemplateRef(Struct, eq=False):
    """What a step or task calls: a name in its holder, a template elsewhere, or one written in place."""

    name: str = ""
    ref: dict[str, Any] | None = None
    inline: dict[str, Any] | None = None
    tags: Tree | None = None
    """Name, reference and inline template as a tree to fill, where one of them holds tags."""
    compiled: Template | None = None


class Loop(Struct, eq=False):
    """One of withItems, withParam, withSequence, with its text parsed."""

    form: str
    tree: Tree


class Argument(Struct, eq=False):
    """One parameter or artifact that a call hands over: a parameter's text when it has one, an artifact's tree."""

    name: str
    value: tags.Template | None
    raw: dict[str, Any]
    tree: Tree | None


class Arguments(Struct, eq=False):
    """What a call hands over."""

    parameters: dict[str, Argument] = field(default_factory=dict)
    artifacts: dict[str, Argument] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not self.parameters and not self.artifacts


class Hook(Struct, eq=False):
    """A life-cycle hook: `exit`, or one with an expression that starts it when first true."""

    name: str
    expression: str
    call: TemplateRef
    arguments: Arguments
    path: Path


class Task(Struct, eq=False):
    """One step or DAG task."""

    name: str
    number: int
    call: TemplateRef
    when: tags.Template | None
    arguments: Arguments
    loop: Loop | None
    continue_failed: bool
    continue_error: bool
    hooks: tuple[Hook, ...]
    path: Path
    depends: Depends | None = None
    problem: LanguageError | None = None
    """Why `depends` can't be read."""
    needs: tuple[int, ...] = ()
    """Numbers of the tasks that `depends` names."""
    feeds: list[int] = field(default_factory=list)
    """Numbers of the tasks that name this one."""

    @property
    def exit_hook(self) -> Hook | None:
        return next((h for h in self.hooks if h.name == "exit"), None)


class Retry(Struct, eq=False):
    """A retryStrategy; its numbers may be tags, filled when the wrapper starts."""

    tree: Tree
    path: Path
    read: Any = None
    """The engine's reading of it, once made, where it has no tags."""


class Template(Struct, eq=False):
    """One template. Leaves keep their whole body as a tree to fill per attempt; composites their tasks."""

    name: str
    kind: str
    holder: Holder
    raw: dict[str, Any]
    path: Path
    rules: Tree
    """The fields around the body: inputs, outputs, timeouts, synchronization, memoize, annotations."""
    body: Tree
    """For a leaf: all that one attempt needs, in Argo's shape."""
    retry: Retry | None
    parallelism: int | None
    fail_fast: bool
    daemon: bool
    groups: tuple[tuple[Task, ...], ...] = ()
    tasks: tuple[Task, ...] = ()
    by_name: dict[str, int] = field(default_factory=dict)
    target: str = ""
    ancestry: Ancestry | None = None
    """Which task comes before which, once someone has asked."""
    tagged_graph: bool = False
    """`depends`, `dependencies` or `target` hold tags: the graph is drawn anew for each node, with its inputs."""
    mounts: bool = False
    """Something in it may mount volumes."""
    output_paths: dict[str, str] = field(default_factory=dict)
    """Variables that tell where declared outputs are to be written: `outputs.artifacts.X.path`, `outputs.parameters.X.path`."""
    wanted_results: frozenset[str] = frozenset()
    """Names of steps or tasks whose outputs.result something in this template refers to."""

    @property
    def leaf(self) -> bool:
        return self.kind not in ("steps", "dag")


class Program(Struct, eq=False):
    """A workflow ready to run."""

    spec: dict[str, Any]
    metadata: dict[str, Any]
    local: Holder
    entrypoint: TemplateRef
    arguments: Arguments
    hooks: tuple[Hook, ...]
    exit: Hook | None
    others: dict[str, Holder]
    """Other holders by scope text."""
    parallelism: int | None
    default_retry: dict[str, Any] | None
