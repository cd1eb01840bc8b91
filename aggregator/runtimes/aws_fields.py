"""Fields of the aws plugins: what the YAML may write, which limits AWS sets, and words for what is wrong."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from aggregator.aws.access import ACCESS_FIELDS, Access, access_of
from aggregator.errors import NotFound, StoreError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.ports import Secrets

SUBJECT_LIMIT = 100
T = TypeVar("T")


class Refused(StoreError):  # noqa: N818 - like NotFound and Unsupported
    """The template makes no sense, so the service was not called."""


def fields_of(fields: Any, plugin: str, own: set[str]) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise Refused(f"plugin.{plugin} must be a mapping, not {type(fields).__name__}")
    known = own | ACCESS_FIELDS
    for name in fields:
        if name not in known:
            raise Refused(
                f"plugin.{plugin} has no field {name!r}",
                hint=nearest(str(name), known) or f"it has {', '.join(sorted(own))}",
            )
    return {name: value for name, value in fields.items() if value is not None}


def needed(fields: Mapping[str, Any], name: str, plugin: str) -> str:
    value = text_of(fields, name)
    if not value:
        raise Refused(f"plugin.{plugin} needs {name!r}")
    return value


def text_of(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise Refused(f"{name} must be a text, not {type(value).__name__}", hint="put the value in quotes")
    return value.strip() if name != "subject" else value


def message_of(fields: Mapping[str, Any], name: str, plugin: str) -> str:
    """A message as it is, or as JSON when the YAML holds a structure."""
    value = fields.get(name)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if value is None or not text:
        raise Refused(f"plugin.{plugin} needs {name!r}: an empty one can't be sent")
    return text


def json_of(value: Any) -> str:
    """JSON of a value; a text that is JSON already stays as it is."""
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            return json.dumps(value, ensure_ascii=False)
        return value
    return json.dumps(value, ensure_ascii=False)


def check_subject(subject: str) -> None:
    problem = ""
    if len(subject) > SUBJECT_LIMIT:
        problem = f"has {len(subject)} characters; SNS takes {SUBJECT_LIMIT} at most"
    elif not subject.isascii():
        problem = "has characters beyond ASCII, which SNS does not take"
    elif not subject.isprintable():
        problem = "has line breaks or control characters, which SNS does not take"
    elif subject[0].isspace():
        problem = "begins with a space, which SNS does not take"
    if problem:
        raise Refused(
            f"subject {subject[:120]!r} {problem}", hint="shorten or simplify it; the message has room for the rest"
        )


def attributes_of(given: Any) -> dict[str, dict[str, Any]]:
    """Attributes in AWS's shape, from plain values or from `{dataType, stringValue | binaryValue}`."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Refused(f"messageAttributes must be a mapping, not {type(given).__name__}")
    return {str(name): _attribute(str(name), value) for name, value in given.items() if value is not None}


def _attribute(name: str, value: Any) -> dict[str, Any]:
    if not re.fullmatch(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)", name) or name.lower().startswith(
        ("aws.", "amazon.")
    ):
        raise Refused(f"messageAttributes: {name!r} can't be a name", hint="use letters, digits, '_', '-' and '.'")
    if isinstance(value, dict):
        fields = {str(field)[:1].lower() + str(field)[1:]: inner for field, inner in value.items()}
        kind = str(fields.get("dataType") or "String")
        if "binaryValue" in fields:
            try:
                return {"DataType": kind, "BinaryValue": base64.b64decode(str(fields["binaryValue"]), validate=True)}
            except ValueError as exc:
                raise Refused(f"messageAttributes.{name}.binaryValue is not base64: {exc}") from exc
        text = fields.get("stringValue")
        if not isinstance(text, str):
            text = None if text is None else json.dumps(text)
        made = {"DataType": kind, "StringValue": text or ""}
    elif isinstance(value, bool):
        made = {"DataType": "String", "StringValue": json.dumps(value)}
    elif isinstance(value, (int, float)):
        made = {"DataType": "Number", "StringValue": json.dumps(value)}
    elif isinstance(value, list):
        made = {"DataType": "String.Array", "StringValue": json.dumps(value, ensure_ascii=False)}
    else:
        made = {"DataType": "String", "StringValue": str(value)}
    if not made["StringValue"]:
        raise Refused(f"messageAttributes.{name} is empty, which AWS does not take", hint="leave the attribute out")
    return made


def add_fifo(request: dict[str, Any], fields: Mapping[str, Any], target: str) -> None:
    for field, name in (("messageGroupId", "MessageGroupId"), ("messageDeduplicationId", "MessageDeduplicationId")):
        text = text_of(fields, field)
        if text:
            request[name] = text
    if target.endswith(".fifo") and "MessageGroupId" not in request:
        raise Refused(f"{target} is a FIFO target and needs `messageGroupId`")


def check_size(service: str, what: str, message: str, attributes: Mapping[str, Any], limit: int, hint: str) -> None:
    size = len(message.encode())
    for name, value in attributes.items():
        content = value.get("BinaryValue", value.get("StringValue", ""))
        size += len(name) + len(value["DataType"]) + len(content if isinstance(content, bytes) else content.encode())
    if size > limit:
        extra = " with its attributes" if attributes else ""
        raise Refused(f"the {what}{extra} has {size} bytes; {service} takes {limit} at most", hint=hint)


def seconds_of(value: Any) -> int:
    try:
        seconds = int(value)
    except (TypeError, ValueError):
        seconds = -1
    if not 0 <= seconds <= 900:
        raise Refused(f"delaySeconds is {value!r}; SQS takes 0 to 900")
    return seconds


def access_for(fields: Mapping[str, Any], secrets: Secrets, *, region: str, endpoint: str = "") -> Access:
    return refusing(lambda: access_of(fields, secrets, region=region, endpoint=endpoint))


def refusing(call: Callable[[], T]) -> T:
    """What the checks of names and fields refuse is the template's fault."""
    try:
        return call()
    except NotFound:
        raise
    except StoreError as exc:
        raise Refused(exc.message, hint=exc.hint) from exc
