"""Templates: texts and trees with `{{key}}` and `{{=expression}}` tags, parsed once and filled many times.

Values go into parsed strings, not into JSON text, so no value can break the document that it lands in. Tags that
reach across fields of a document are the one thing that needs the text; `tagdoc` has it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError, LimitExceeded, shortened
from aggregator.lang import tagdoc
from aggregator.lang.goformat import json_string
from aggregator.lang.scope import MISSING, NestedEnv, Scope, Variables
from aggregator.lang.tagscan import (
    BLANKS,
    CALL,
    CLOSE,
    LAST,
    LENIENT,
    OPEN,
    PREFIX_STRICT,
    STRICT,
    Policy,
    absent,
    missing,
    not_text,
    scan,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.lang.context import Context
    from aggregator.lang.tagexpr import TagExpr

__all__ = [
    "CALL",
    "LAST",
    "LENIENT",
    "MISSING",
    "PREFIX_STRICT",
    "STRICT",
    "NestedEnv",
    "Policy",
    "Scope",
    "Template",
    "Tree",
    "Variables",
    "fill_tree",
    "parse",
    "parse_tree",
]

MAX_FILLED: Final = 64_000_000
MAX_DEPTH: Final = 200
FEW_TAGS: Final = 16
LONGEST_KEPT: Final = 20_000
NO_PIECES: Final[list[str]] = []
# What JSON writes differently: only a tag with one of these has a key that differs from its text.
ESCAPED: Final = frozenset('"\\<>&\u2028\u2029') | {chr(i) for i in range(32)}


class Tag:
    """A simple tag: its text, its key, and for `{{a-{{b}}` the part before the inner tag and the inner key."""

    __slots__ = ("end", "inner", "key", "outer", "start", "text")

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.start = start
        self.end = start + len(text)
        self.key = tag_key(text)
        at = text.rfind(OPEN)
        self.outer = text[:at] if at > 0 else ""
        self.inner = _escaped(text[at + 2 :]) if at > 0 else ""


def _escaped(text: str) -> str:
    return text if ESCAPED.isdisjoint(text) else json_string(text)[1:-1]


def _expression(text: str) -> TagExpr:
    """The expression of a tag; the language is loaded with the first one."""
    from aggregator.lang.tagexpr import tag_expr  # noqa: PLC0415 - most workflows have no expression

    return tag_expr(text)


def tag_key(text: str) -> str:
    """The key of a simple tag: what is left of its JSON form when blanks around it are taken off."""
    return _escaped(text).strip(BLANKS)


class Template:
    """A text cut at its tags. Parsing never fails: a mistake is kept in `error` and raised when it is filled."""

    __slots__ = ("_broken", "_keys", "_pieces", "_tags", "error", "expressions", "keys", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._broken: LanguageError | None = None
        self.error: LanguageError | None = None
        self.expressions: tuple[TagExpr, ...] = ()
        self.keys: tuple[str, ...] = ()
        self._keys: tuple[str, ...] | None = ()
        self._tags: Sequence[Tag | tuple[TagExpr, int]] = ()
        self._pieces: list[str] = NO_PIECES
        if OPEN not in text and len(text) <= LONGEST_KEPT:
            return
        # Literals at even places, and the tags (or their expressions) between them.
        pieces: list[str] = []
        tags: list[Tag | tuple[TagExpr, int]] = []
        at = 0
        try:
            for start, end in scan(text):
                pieces += (text[at : start - 2], "")
                inside = text[start:end]
                tags.append((_expression(inside[1:]), start + 1) if inside[:1] == "=" else Tag(inside, start))
                at = end + 2
        except LanguageError as error:
            self._broken = error.with_traceback(None)
        pieces.append(text[at:])
        self._pieces = pieces
        self._tags = tags
        simple = [tag.key for tag in tags if isinstance(tag, Tag)]
        self.keys = tuple(dict.fromkeys(simple))
        self.expressions = tuple(tag[0] for tag in tags if isinstance(tag, tuple))
        plain = len(simple) == len(tags) <= FEW_TAGS and not self._broken
        self._keys = tuple(simple) if plain and not any(isinstance(tag, Tag) and tag.outer for tag in tags) else None
        wrong = (self._placed(e.error, self._start(e)) for e in self.expressions if e.error)
        self.error = self._broken or next(wrong, None)

    def _start(self, expression: TagExpr) -> int:
        return next(tag[1] for tag in self._tags if isinstance(tag, tuple) and tag[0] is expression)

    @property
    def is_literal(self) -> bool:
        """Whether there is nothing to fill in."""
        return not self._tags and self.error is None

    @property
    def single_key(self) -> str | None:
        """The key, where the whole text is exactly one simple tag."""
        if len(self._tags) == 1 and self._pieces[0] == self._pieces[2] == "" and isinstance(self._tags[0], Tag):
            return None if self._tags[0].outer else self._tags[0].key
        return None

    @property
    def paths(self) -> tuple[str, ...]:
        """Every variable that is mentioned: the keys, and the paths that expressions need."""
        return tuple(dict.fromkeys((*self.keys, *(path for e in self.expressions for path in e.paths))))

    def fill(self, scope: Variables, ctx: Context, policy: Policy = STRICT) -> str:
        """The text with its tags replaced; a LanguageError tells what could not be resolved.

        Its `kind` is `name` for a missing variable, `absent` for an optional output that was never written, `syntax`
        for a text that can never be filled, else `type`, `value` or `limit`.
        """
        if self._keys is not None:
            if not self._keys:
                return self.text
            pieces = self._pieces.copy()
            get = scope.get
            at = 1
            for key in self._keys:
                value = get(key)
                pieces[at] = value if type(value) is str else self._resolve(self._tags[at >> 1], scope, ctx, policy)
                at += 2
            return "".join(pieces)
        if self._broken is not None:
            from aggregator.lang.tagexpr import fresh  # noqa: PLC0415 - only for texts that are wrong

            raise fresh(self._broken)
        pieces = self._pieces.copy()
        size = 0
        for i, tag in enumerate(self._tags):
            text = pieces[2 * i + 1] = self._resolve(tag, scope, ctx, policy)
            if ctx.complete and isinstance(tag, Tag) and tag.outer and pieces[2 * i + 2].startswith(CLOSE):
                whole = scope.get(tag_key(text[2:])) if text != f"{{{{{tag.text}}}}}" else MISSING
                if isinstance(whole, str):
                    text = pieces[2 * i + 1] = whole
                    pieces[2 * i + 2] = pieces[2 * i + 2].removeprefix(CLOSE)
            size += len(text)
            if size > MAX_FILLED:
                raise LimitExceeded("filled text", f"the filled text is longer than {MAX_FILLED:,} characters")
        return "".join(pieces)

    def _resolve(self, tag: Tag | tuple[TagExpr, int], scope: Variables, ctx: Context, policy: Policy) -> str:
        if not isinstance(tag, Tag):
            expression, start = tag
            try:
                filled = expression.fill(scope, ctx, policy)
            except LanguageError as error:
                raise self._placed(error, start) from None
            return f"{{{{={expression.text}}}}}" if filled is None else filled
        value = scope.get(tag.key)
        if isinstance(value, str):
            return value
        if value is None:
            raise absent(tag.key, self.text, tag.start, tag.end)
        if value is not MISSING:
            raise not_text(tag.key, value, self.text, tag.start, tag.end)
        if tag.outer:
            inner = scope.get(tag.inner)
            if inner is None:
                raise absent(tag.inner, self.text, tag.start + len(tag.outer) + 2, tag.end)
            if isinstance(inner, str):
                return f"{{{{{tag.outer}{inner}"
        if policy.requires(tag.key):
            raise missing(tag.key, scope, self.text, tag.start, tag.end)
        return f"{{{{{tag.text}}}}}"

    def _placed(self, error: LanguageError, start: int) -> LanguageError:
        """The error of an expression, at its place in this text."""
        if isinstance(error, LimitExceeded):
            return LimitExceeded(error.limit, error.message, text=self.text, start=start + error.start)
        return LanguageError(
            f"failed to evaluate expression {{{{={shortened(error.text.strip(), SHOWN)}}}}}: {error.message}",
            text=self.text, start=start + error.start, end=start + error.end, kind=error.kind, hint=error.hint,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"Template({self.text!r})"


SHOWN: Final = 120


def parse(text: str) -> Template:
    """The template of a text; short ones with tags are kept, so the same text is parsed once."""
    return _kept(text) if OPEN in text and len(text) <= LONGEST_KEPT else Template(text)


@lru_cache(maxsize=8192)
def _kept(text: str) -> Template:
    return Template(text)


class Tree:
    """A JSON-like value with templates in it. Parts without tags are shared by all fillings: never change them."""

    __slots__ = ("_document", "_parts", "_template", "keys", "static", "value")

    def __init__(self, value: Any, depth: int = 0) -> None:
        if depth > MAX_DEPTH:
            raise LimitExceeded("template depth", f"the value is nested more than {MAX_DEPTH} levels deep")
        self.value = value
        self.static = True
        self.keys: frozenset[str] = frozenset()
        self._document = False
        self._template: Template | None = None
        # (key or index, template of the key if that has tags, what is below it), for the parts that have tags.
        self._parts: list[tuple[Any, Template | None, Tree]] = []
        if isinstance(value, str):
            if OPEN in value:
                self._template = parse(value)
                self.keys = frozenset(self._template.paths)
                self.static = False
                self._document = _reaches_out(self._template)
        elif isinstance(value, (dict, list)):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, inner in items:
                self._add(key, Tree(inner, depth + 1))

    def _add(self, key: Any, below: Tree) -> None:
        name = parse(key) if isinstance(key, str) and OPEN in key else None
        if below.static and name is None:
            return
        self.static = False
        self.keys |= below.keys | frozenset(name.paths if name else ())
        self._document |= below._document or (name is not None and _reaches_out(name))
        self._parts.append((key, name, below))

    def fill(self, scope: Variables, ctx: Context, policy: Policy = STRICT) -> Any:
        """The value with all tags replaced; the original is not changed."""
        if self.static:
            return self.value
        if self._document:
            return tagdoc.fill_value(self.value, scope, ctx, policy)
        return self.fill_parts(scope, ctx, policy)

    def fill_parts(self, scope: Variables, ctx: Context, policy: Policy) -> Any:
        """The same, string by string."""
        if self.static:
            return self.value
        if self._template is not None:
            return self._template.fill(scope, ctx, policy)
        out: Any = self.value.copy()
        renamed: dict[Any, str] = {}
        for key, name, below in self._parts:
            out[key] = below.fill_parts(scope, ctx, policy)
            if name is not None:
                renamed[key] = name.fill(scope, ctx, policy)
        return {renamed.get(key, key): value for key, value in out.items()} if renamed else out


def _reaches_out(template: Template) -> bool:
    """Whether a tag opens here and is not closed, so that another field may close it."""
    return template.error is not None and template.text.rfind(OPEN) > template.text.rfind("}}")


def parse_tree(value: Any) -> Tree:
    """Find all templates of a JSON-like value (dict, list, text, and anything else as it is)."""
    return Tree(value)


def fill_tree(value: Any, scope: Variables, ctx: Context, policy: Policy = STRICT) -> Any:
    """Parse and fill in one go, for a value that is filled once."""
    return parse_tree(value).fill(scope, ctx, policy)
