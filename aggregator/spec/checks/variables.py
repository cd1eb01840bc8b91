"""Variables: which names tags and expressions can use at a place, and what is said about the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.expr import parse as parse_expression
from aggregator.spec.checks.findings import Place
from aggregator.spec.checks.texts import tagged_texts, tags_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.lang.expr import Expr
    from aggregator.spec.checks.root import Root
    from aggregator.spec.models import Template

    # What is wrong with a reference to an output of a step or task, or an empty text.
    Lookup = Callable[[str], str]

# Other tags are left alone: templates of other languages may hold any text.
PREFIXES: Final = ("item.", "steps.", "inputs.", "outputs.", "pod.", "workflow.", "tasks.")
POD_KINDS: Final = frozenset({"container", "container_set", "script", "resource", "data"})
WITH_RESULT: Final = frozenset({"container", "script", "data", "http", "plugin"})
ALWAYS_REPORTED: Final = frozenset({"id", "startedAt", "finishedAt", "hostNodeName", "status"})
ANY_ITEM: Final = frozenset({"item", "item.*"})


def input_keys(template: Template) -> frozenset[str]:
    """`inputs.…` variables of a template."""
    inputs = template.inputs
    keys = {f"inputs.parameters.{p.name}" for p in inputs.parameters}
    keys.add("inputs.parameters")
    for artifact in inputs.artifacts:
        keys.add(f"inputs.artifacts.{artifact.name}")
        keys.add(f"inputs.artifacts.{artifact.name}.path")
    return frozenset(keys)


def output_keys(template: Template, *, looped: bool, listed: bool) -> frozenset[str]:
    """What may follow `steps.NAME.` where a template is called.

    `looped`: by any loop. `listed`: by one over items, whose parameters are also there as one list.
    """
    kind = template.kind
    keys = set(ALWAYS_REPORTED)
    if template.daemon:
        keys.add("ip")
    main = template.container_set is not None and any(c.name == "main" for c in template.container_set.containers)
    if kind in WITH_RESULT or main:
        keys |= {"outputs.result", "exitCode"}
    if looped:
        keys.add("outputs.result")
    keys.update(f"outputs.parameters.{p.name}" for p in template.outputs.parameters)
    keys.update(f"outputs.artifacts.{a.name}" for a in template.outputs.artifacts)
    if listed:
        keys.add("outputs.parameters")
    return frozenset(keys)


class Scope:
    """The variables at one place of a template."""

    __slots__ = ("calls", "inputs", "items", "kind", "root")

    def __init__(self, root: Root, inputs: frozenset[str], kind: str) -> None:
        self.root = root
        self.inputs = inputs
        self.kind = kind
        self.items: frozenset[str] = frozenset()
        # "steps" or "tasks", and what looks a reference up.
        self.calls: tuple[str, Lookup] | None = None

    def inside(self, *, items: frozenset[str] | None = None, calls: tuple[str, Lookup] | None = None) -> Scope:
        """The same place, with items of a loop or with outputs."""
        scope = Scope(self.root, self.inputs, self.kind)
        scope.items = self.items if items is None else items
        scope.calls = self.calls if calls is None else calls
        return scope

    def of_inline(self, template: Template) -> Scope:
        """Inside an inline template: its own inputs beside what is around it."""
        scope = self.inside()
        scope.inputs = self.inputs | input_keys(template)
        scope.kind = template.kind
        return scope

    def problem(self, key: str) -> str:
        """Why a variable does not exist here; an empty text when it does, or when nobody knows."""
        root, _, rest = key.partition(".")
        known = True
        if root == "item":
            known = key in self.items or ("item.*" in self.items)
        elif root == "inputs":
            known = key in self.inputs
        elif root == "pod":
            known = self.kind in POD_KINDS and key == "pod.name"
        elif root == "workflow":
            known = self.root.knows(key)
        elif root in ("steps", "tasks"):
            if rest == "name":
                return ""
            if self.calls is None or self.calls[0] != root:
                return f"there are no {root} that it could mean"
            return self.calls[1](rest)
        return "" if known else "there is no such variable here"

    def near(self, key: str) -> str:
        """A hint: the nearest variable."""
        root = key.partition(".")[0]
        known = {"inputs": self.inputs, "item": self.items, "workflow": self.root.global_keys}.get(root, ())
        if key in ("workflow.status", "workflow.failures"):
            return "only a workflow with onExit or hooks knows it"
        return self.root.findings.suggest(key, [name for name in known if not name.endswith("*")])


def check_texts(scope: Scope, value: Any, place: Place, where: str, *, severity: str = "error") -> None:
    """Every tag of every text below a value."""
    for path, text in tagged_texts(value):
        check_text(scope, text, place.at(*path), where, severity=severity)


def check_text(scope: Scope, text: str, place: Place, where: str, *, severity: str = "error") -> None:
    findings = scope.root.findings
    tags, closed = tags_of(text)
    for tag in tags:
        expression = tag.expression
        if expression is not None:
            if expression.error is not None:
                message = f"{where}: {expression.error.message}"
                hint = expression.error.hint or "Argo leaves such a tag as it is; here the node would end in Error"
                # Argo takes such a document, and so does lint; a run is spared what is bound to fail.
                add = findings.error if scope.root.runs else findings.warn
                add("expression-syntax", message, place, hint, part=tag.text[1:])
            else:
                assert expression.expr is not None
                check_paths(scope, expression.expr, place, where)
            continue
        if tag.is_spaced_expression:
            findings.warn(
                "spaced-expression", f"{where}: {tag.written} is no expression, because a blank stands before '='",
                place, f"write {{{{{tag.text.lstrip()}}}}}", part=tag.text,
            )  # fmt: skip
        if tag.key.startswith(PREFIXES):
            problem = scope.problem(tag.key)
            if problem:
                name = tag.written if "{{" not in tag.text else f"{{{{{tag.key}}}}}"
                message = f"{where} failed to resolve {name}{_argument(place)}: {problem}"
                add = findings.error if severity == "error" else findings.warn
                add("unknown-variable", message, place, scope.near(tag.key), part=tag.text)
        elif tag.key == "item" and not scope.items:
            findings.warn("item-outside-loop", f"{where}: {{{{item}}}} stands outside of a loop", place, part=tag.text)
    if not closed:
        findings.warn("unclosed-tag", f"{where}: a tag begins with '{{{{' and is not closed by '}}}}'", place)


def _argument(place: Place) -> str:
    """Which argument the text belongs to, in words."""
    path = place.path
    if "arguments" not in path or len(path) < 3 or path[-3] not in ("parameters", "artifacts"):
        return ""
    name = Place(place.loaded, (*path[:-1], "name")).value
    return f" for {str(path[-3])[:-1]} '{name}'" if isinstance(name, str) else ""


CHECKED_ROOTS: Final = frozenset({"inputs", "steps", "tasks", "item", "workflow"})
# What expressions may name as a whole, with whatever is below it.
WHOLE: Final = frozenset(
    {"inputs", "inputs.parameters", "inputs.artifacts", "steps", "tasks", "item", "workflow"}
    | {f"workflow.{part}" for part in ("parameters", "labels", "annotations", "outputs", "outputs.parameters")}
    | {"workflow.outputs.artifacts"}
)


def check_paths(scope: Scope, expression: Expr, place: Place, where: str) -> None:
    """Variables of an expression. Argo looks at none of them, so what is wrong is a warning."""
    for path in expression.paths:
        if path.guarded or path.parts[0] not in CHECKED_ROOTS or path.text in WHOLE:
            continue
        if path.parts[0] == "item" and scope.items:
            continue
        if path.parts[0] in ("steps", "tasks") and len(path.parts) < 4 and path.parts[2:] in ((), ("outputs",)):
            continue
        problem = scope.problem(path.text)
        if problem and not _inside_known(scope, path.parts):
            message = f"{where}: the expression mentions {path.text}: {problem}"
            hint = scope.near(path.text) or "it cannot be evaluated; guard what may be absent with `??`"
            scope.root.findings.warn("expression-variable", message, place, hint, part=expression.text)


def _inside_known(scope: Scope, parts: tuple[str, ...]) -> bool:
    """Whether a shorter path is a variable: its value may have members or methods."""
    shorter = (".".join(parts[:end]) for end in range(2, len(parts)))
    return any(path not in WHOLE and not scope.problem(path) for path in shorter)


def check_expression(scope: Scope | None, root: Root, text: str, place: Place, where: str) -> None:
    """A field that holds an expression without braces."""
    if not text or "{{" in text:
        return
    try:
        expression = parse_expression(text)
    except LanguageError as error:
        root.findings.warn("expression-syntax", f"{where}: {error.message}", place, error.hint)
        return
    if scope is not None:
        check_paths(scope, expression, place, where)
