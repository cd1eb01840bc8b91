"""Argo's way with tags in the JSON text of a whole document, for the few cases where that shows.

A tag may reach from one field into another, keys are compared in their JSON form, and values go in as Go quotes them:
a control character then makes a text that is no JSON, which Argo refuses.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from aggregator.errors import LanguageError
from aggregator.lang.goformat import go_quote, json_string, json_text
from aggregator.lang.scope import MISSING, NestedEnv, Scope, Variables
from aggregator.lang.tagscan import BLANKS, OPEN, Policy, absent, missing, not_text, scan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.lang.context import Context

TRUE_BLANKS: Final = BLANKS + "\t\n\v\f\r\u2028\u2029"
BRACED: Final = re.compile(r"^\{\{(.*)\}\}$", re.DOTALL)


def replace(text: str, scope: Variables, ctx: Context, policy: Policy) -> str:
    """Replace the tags of a text as they stand, without asking whether it is JSON (cron `when`, config map names)."""
    pieces: list[str] = []
    at = 0
    for start, end in scan(text):
        pieces.append(text[at : start - 2])
        inside = text[start:end]
        if inside[:1] == "=":
            pieces.append(_expression(inside[1:], scope, ctx, policy, text=text, start=start + 1))
        else:
            pieces.append(_simple(inside, scope, policy, text, start))
        at = end + 2
    pieces.append(text[at:])
    return "".join(pieces)


def replace_document(text: str, scope: Variables, ctx: Context, policy: Policy) -> str:
    """Replace the tags of a JSON document; it must be JSON before and after."""
    if not _is_json(text):
        raise LanguageError("cannot fill in a document that is not JSON", text=text, end=len(text), kind="syntax")
    filled = replace(text, scope, ctx, policy)
    if not _is_json(filled):
        raise LanguageError(
            "the filled document is not JSON: a value holds a control character, or a tag took in a quote",
            text=text, end=len(text), kind="value", hint="strip colour codes and NUL characters from outputs",
        )  # fmt: skip
    return filled


def fill_field(text: str, scope: Variables, ctx: Context, policy: Policy) -> str:
    """One string, through its JSON form and back."""
    filled: str = json.loads(replace_document(json_string(text), scope, ctx, policy), strict=True)
    return filled


def fill_value(value: Any, scope: Variables, ctx: Context, policy: Policy) -> Any:
    """A JSON-like value, through its JSON text and back."""
    return json.loads(replace_document(_ordered_json(value), scope, ctx, policy))


def resolve_var(text: str, variables: Mapping[str, Any], ctx: Context) -> Any:
    """The value of a text that is one tag (`valueFrom.parameter`, `from`): a flat key, or an expression over them."""
    tag = text.strip(TRUE_BLANKS)
    tag = tag.removeprefix(OPEN).removesuffix("}}").strip(TRUE_BLANKS)
    if tag.startswith("="):
        from aggregator.lang.tagexpr import tag_expr  # noqa: PLC0415 - most documents have no expression

        expression = tag_expr(_unescaped(tag[1:]))
        if expression.expr is None:
            assert expression.error is not None
            raise LanguageError(f"unable to compile: {expression.error.message}", text=text, kind="syntax")
        return expression.expr.run(variables, ctx, functions="bare")
    if tag not in variables:
        raise missing(tag, Scope(variables), text, 0, len(text))
    return variables[tag]


def _unescaped(text: str) -> str:
    """The text without JSON's escapes, or as it is where it is not the inside of a JSON string."""
    try:
        inside: str = json.loads(f'"{text}"')
    except ValueError:
        return text
    return inside


def simple_tags(text: str) -> list[str]:
    """The simple tags of a text, as they are written between the braces."""
    return [text[start:end] for start, end in scan(text) if text[start : start + 1] != "="]


def expand(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys as nested maps, all at once."""
    return dict(NestedEnv(variables))


def _simple(tag: str, scope: Variables, policy: Policy, text: str, start: int) -> str:
    key = tag.strip(TRUE_BLANKS)
    end = start + len(tag)
    value = scope.get(key)
    if isinstance(value, str):
        return go_quote(value)[1:-1]
    if value is None:
        raise absent(key, text, start, end)
    if value is not MISSING:
        raise not_text(key, value, text, start, end)
    at = tag.rfind(OPEN)
    if at > 0:
        inner = scope.get(tag[at + 2 :])
        if inner is None:
            raise absent(tag[at + 2 :], text, start + at + 2, end)
        if isinstance(inner, str):
            return OPEN + tag[:at] + go_quote(inner)[1:-1]
    if policy.requires(key):
        raise missing(key, scope, text, start, end)
    return f"{{{{{tag}}}}}"


def _expression(tag: str, scope: Variables, ctx: Context, policy: Policy, *, text: str, start: int) -> str:
    try:
        source = json.loads(f'"{tag}"')
    except ValueError:
        raise LanguageError(
            "the expression is not the inside of a JSON string", text=text, start=start, end=start + len(tag),
            kind="syntax", hint="use single quotes inside of {{= }}",
        ) from None  # fmt: skip
    from aggregator.lang.tagexpr import tag_expr  # noqa: PLC0415 - most documents have no expression

    expression = tag_expr(source)
    try:
        filled = expression.fill(scope, ctx, policy, _written)
    except LanguageError as error:
        error.text, error.start, error.end = text, start, start + len(tag)
        raise
    return f"{{{{={tag}}}}}" if filled is None else filled


def _written(value: Any) -> str:
    """A value inside of a JSON string: JSON strings without their quotes, all else as quoted JSON text."""
    text = json_text(value)
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return go_quote(text)[1:-1]


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _ordered_json(value: Any) -> str:
    """JSON text with the keys in the order of the document."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_string(str(k))}:{_ordered_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_ordered_json, value)) + "]"
    return json_text(value)
