"""Text that somebody forgot to fill in: an error where it can never be valid, a warning elsewhere."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aggregator.spec.checks.texts import OPEN, maps_below, path_of, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.spec.checks.findings import Place
    from aggregator.spec.checks.library import Located
    from aggregator.spec.checks.root import Root
    from aggregator.spec.models import Arguments

    # Place, name of the field, text, what is expected, and what a text there must match.
    Field = tuple[Place, str, str, str, re.Pattern[str] | None]

# The same rule as in aggregator/aws/names.py, which asks it again when a call is made.
PLACEHOLDER: Final = re.compile(
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|<[^<>]*>|\$\{?[A-Za-z_]\w*\}?|(?:YOUR|MY|your)[-_].*|x{3,}|X{3,}"
)
# What is no name that anybody would use: text like this bites wherever it stands.
PLAIN: Final = re.compile(
    r"<(?:your|my|insert|enter|fill)[^<>]*>|(?:YOUR|your)[-_].*|CHANGE_?ME|REPLACE_?ME|FILL_?ME_?IN", re.DOTALL
)
ARN: Final = re.compile(r"arn:aws[\w-]*:[\w-]*:(?P<region>[^:\s\"']*):(?P<account>[^:\s\"']*):[^\s\"']+")
BUCKET_URL: Final = re.compile(r"s3://(?P<bucket>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*|<[^<>]+>)(?=[/\s\"']|$)")
STORES: Final = ("s3", "gcs", "oss")
STORE_FIELDS: Final = {"bucket": "a bucket's name", "region": "a region like us-east-1", "roleARN": "an ARN"}
PLUGIN_FIELDS: Final = {
    "bucket": "a bucket's name",
    "region": "a region like us-east-1",
    "topicArn": "an ARN like arn:aws:sns:us-east-1:123456789012:NAME",
    "roleArn": "an ARN like arn:aws:iam::123456789012:role/NAME",
    "roleARN": "an ARN like arn:aws:iam::123456789012:role/NAME",
    "functionName": "a function's name or ARN",
    "queueUrl": "a queue's URL",
}
A_BUCKET: Final = re.compile(r"[A-Za-z0-9._-]+|arn:.+")
A_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d+|aws-[a-z-]*global")
AN_ARN: Final = re.compile(r"arn:[\w-]+:[\w-]+:[^:\s]*:[^:\s]*:\S+")
# What a text must match where AWS itself reads it. Other stores that speak its protocol have regions of their own.
AWS_SHAPES: Final = {
    "bucket": A_BUCKET,
    "region": A_REGION,
    "topicArn": AN_ARN,
    "roleArn": AN_ARN,
    "roleARN": AN_ARN,
    "functionName": re.compile(r"[\w$:.-]+"),
    "queueUrl": re.compile(r"https?://\S+"),
}
STORE_SHAPES: Final = {"bucket": A_BUCKET}
AWS_HOST: Final = "amazonaws.com"
REGION_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
AWS_PLUGINS: Final = "aws-"
FIELD_WORDS: Final = ("bucket", "region", "REGION", "ARN", "Arn", "queueUrl", "functionName")
VALUE_WORDS: Final = ("arn:aws", "s3://", "<", "YOUR", "your", "CHANGE", "REPLACE", "FILL")


def looks_like_placeholder(text: str) -> bool:
    """Whether a whole text is a placeholder, like `AWS_REGION`, `<bucket>` or `your-bucket`."""
    return bool(PLACEHOLDER.fullmatch(text.strip()))


def unfilled_arn(text: str) -> str:
    """The part of an ARN that is a placeholder, or an empty text."""
    found = ARN.fullmatch(text.strip())
    if found is None:
        return ""
    return next((part for part in (found["region"], found["account"]) if looks_like_placeholder(part)), "")


def check_placeholders(root: Root) -> None:
    """Regions, buckets and ARNs of a document, with the values that parameters bring into them."""
    flow = _Flow(root)
    for parameter in root.spec.arguments.parameters:
        place = _written(root, parameter.name)
        _check_arn(root, parameter.value or "", place, f"parameter {parameter.name!r}")
    for located in root.all.values():
        if located.place.path[-1] == "inline":
            continue
        source = located.place.loaded.document.source.text
        for place, key, text, expected, shape in _fields(located.place) if _holds(source, FIELD_WORDS) else ():
            for value, note in flow.values(located, text):
                if looks_like_placeholder(value) or unfilled_arn(value):
                    message = f"{key} is {value!r}, which looks like a placeholder{note}"
                    root.findings.error("placeholder", message, place, f"fill in {expected}")
                elif shape is not None and value and not shape.fullmatch(value):
                    message = f"{key} is {value!r}, which can never be {expected}{note}"
                    root.findings.error("never-valid", message, place, f"write {expected}")
        for place, text in _values(located.place) if _holds(source, VALUE_WORDS) else ():
            _check_arn(root, text, place, place.path[-1] if isinstance(place.path[-1], str) else "value")
            _check_text(root, text, place)


@lru_cache(maxsize=16)
def _holds(source: str, words: tuple[str, ...]) -> bool:
    """Whether a file has any of these words: most have none, and need not be searched."""
    return any(word in source for word in words)


def _check_arn(root: Root, text: str, place: Place, where: str) -> None:
    part = unfilled_arn(text)
    if part:
        message = f"{where} is {text!r}, which looks like a placeholder: {part!r} was not filled in"
        root.findings.error("placeholder", message, place, "an ARN looks like arn:aws:sns:us-east-1:123456789012:NAME")
    else:
        _check_text(root, text, place)


def _check_text(root: Root, text: str, place: Place) -> None:
    """Text that may be meant, but hardly is."""
    found = BUCKET_URL.search(text)
    arn = next((m for m in ARN.finditer(text) if any(map(looks_like_placeholder, m.group("region", "account")))), None)
    part = found[0] if found else arn[0] if arn else text if PLAIN.fullmatch(text.strip()) else ""
    if part and not unfilled_arn(text):
        shown = part if len(part) <= 80 else f"{part[:80]}…"
        root.findings.warn("placeholder", f"{shown!r} looks like a placeholder", place, "fill it in", part=part)


def _written(root: Root, name: str) -> Place:
    for holder in (root.place, root.from_reference.where if root.from_reference else None):
        written = holder.at("arguments", "parameters").value if holder else None
        for index, item in enumerate(written if isinstance(written, list) else ()):
            if holder and isinstance(item, dict) and item.get("name") == name:
                return holder.at("arguments", "parameters", index, "value")
    return root.place.at("arguments")


def _fields(place: Place) -> Iterator[Field]:
    """Fields that must hold a region, a bucket or an ARN."""
    for trail, container in maps_below(place.value):
        key = trail[1] if trail else ""
        store = key in STORES
        if store or (isinstance(key, str) and key.startswith(AWS_PLUGINS) and "plugin" in path_of(trail)):
            known = STORE_FIELDS if store else PLUGIN_FIELDS
            shapes = STORE_SHAPES if store and AWS_HOST not in str(container.get("endpoint")) else AWS_SHAPES
            for name, expected in known.items():
                text = container.get(name)
                if isinstance(text, str) and text:
                    yield place.at(*path_of(trail), name), f"{key}.{name}", text, expected, shapes.get(name)
        elif container.get("name") in REGION_VARIABLES and "env" in path_of(trail):
            text = container.get("value")
            if isinstance(text, str) and text:
                yield place.at(*path_of(trail), "value"), str(container["name"]), text, "a region like us-east-1", None


def _values(place: Place) -> Iterator[tuple[Place, str]]:
    """Values of parameters, variables and plugins, and what containers run."""
    for trail, container in maps_below(place.value):
        plugin = bool(trail) and "plugin" in path_of(trail)
        for key, text in container.items():
            if isinstance(text, str):
                if key in ("value", "default") or plugin:
                    yield place.at(*path_of(trail), key), text
            elif key in ("args", "command") and isinstance(text, list):
                for index, part in enumerate(text):
                    if isinstance(part, str):
                        yield place.at(*path_of(trail), key, index), part


class _Flow:
    """The values that arrive at a text which is one tag: those of the workflow's parameters, and of callers."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self._callers: dict[int, list[tuple[Located, Arguments]]] | None = None

    def values(self, located: Located, text: str) -> Iterator[tuple[str, str]]:
        """Texts that it may have when it runs, and how they come there, in words."""
        waiting = [(located, text, "")]
        seen: set[tuple[int, str]] = set()
        while waiting:
            where, written, note = waiting.pop()
            if OPEN not in written:
                yield written, note
                continue
            tags, _ = tags_of(written)
            key = tags[0].key if len(tags) == 1 and written.strip() == tags[0].written else ""
            if key.startswith("workflow.parameters."):
                name = key.removeprefix("workflow.parameters.")
                parameter = self.root.spec.arguments.parameter(name)
                if parameter is not None and parameter.value is not None and OPEN not in parameter.value:
                    yield parameter.value, f" (from parameter {name!r})"
            elif key.startswith("inputs.parameters."):
                name = key.removeprefix("inputs.parameters.")
                if (id(where), name) not in seen:
                    seen.add((id(where), name))
                    waiting.extend(self._inputs(where, name))

    def _inputs(self, located: Located, name: str) -> list[tuple[Located, str, str]]:
        """What callers give an input; what it declares itself, if none does."""
        given = []
        for caller, arguments in self._calls(located):
            argument = arguments.parameter(name)
            if argument is not None and argument.value is not None:
                given.append((caller, argument.value, f" (from argument {name!r})"))
        declared = located.template.inputs.parameter(name)
        text = "" if declared is None else declared.value or declared.default or ""
        return given if given or not text else [(located, text, f" (from input {name!r})")]

    def _calls(self, located: Located) -> list[tuple[Located, Arguments]]:
        if self._callers is None:
            self._callers = {}
            for caller in self.root.all.values():
                for call, place in caller.calls:
                    called = self.root.resolve(call, caller, place)
                    if called is not None:
                        self._callers.setdefault(id(called), []).append((caller, call.arguments))
        return self._callers.get(id(located), [])
