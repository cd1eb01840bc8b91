"""Finds what a run names of the outside world: buckets, topics, queues and secrets, in all its documents' strings."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"

_TAG = re.compile(r"\{\{\s*(workflow|inputs)\.parameters\.([A-Za-z0-9_-]+)\s*\}\}")
_ARN = re.compile(r"arn:aws[a-z-]*:(sns|sqs|lambda|s3):([a-z0-9-]*):(\d{12})?:([A-Za-z0-9._:/-]+)")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
_QUEUE_URL = re.compile(
    r"https?://(?:sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?|([a-z0-9-]+)\.queue\.amazonaws\.com)/(\d{12})/"
    r"([A-Za-z0-9_-]{1,80}(?:\.fifo)?)"
)
_S3_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?![a-z0-9.-])")
_BUCKET_LINE = re.compile(r"^\s*bucket:\s*[\"']?([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])[\"']?\s*$", re.MULTILINE)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SECRET_ROLES = {
    "accessKeySecret": "access key",
    "secretKeySecret": "secret key",
    "sessionTokenSecret": "session token",
    "secretKeyRef": "",
}
_AWS_NAMES = {
    "AWS_ACCESS_KEY_ID": "access key",
    "AWS_SECRET_ACCESS_KEY": "secret key",
    "AWS_SESSION_TOKEN": "session token",
}


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """A topic or queue by the parts of its ARN."""

    account: str
    region: str
    name: str


@dataclass(slots=True)
class Named:
    account: str = DEFAULT_ACCOUNT
    buckets: dict[str, str] = field(default_factory=dict)
    """Region by bucket."""
    topics: set[Resource] = field(default_factory=set)
    queues: set[Resource] = field(default_factory=set)
    secrets: dict[tuple[str, str], str] = field(default_factory=dict)
    """Role (`access key`, `secret key`, `session token` or nothing) by name and key; only those no document provides."""

    @property
    def region(self) -> str:
        """The region that the run's topics, queues or buckets name most often."""
        regions = Counter([row.region for row in (*self.topics, *self.queues)] + list(self.buckets.values()))
        return min(regions, key=lambda name: (-regions[name], name)) if regions else DEFAULT_REGION


def scan(documents: Iterable[Mapping[str, Any]], parameters: Mapping[str, str]) -> Named:
    """What the documents name once `{{workflow.parameters.*}}` and, as far as it is plain text, inputs are filled in."""
    documents = list(documents)
    values = _Values(documents, parameters)
    named = Named()
    accounts: Counter[str] = Counter()
    provided = {pair for document in documents for pair in _provided(document)}
    for document in documents:
        for path, value in _walk(document, ()):
            if isinstance(value, str):
                for text in values.fill(value):
                    _read_text(text, named, accounts)
            elif isinstance(value, dict):
                _read_bucket(path, value, values, named)
                _read_secret(path, value, named, provided)
    for text in parameters.values():
        _read_text(text, named, accounts)
    if accounts:
        named.account = min(accounts, key=lambda account: (-accounts[account], account))
    return named


class _Values:
    """The plain text that tags stand for: parameters of the workflow, and every value an input of that name is given."""

    def __init__(self, documents: list[Mapping[str, Any]], parameters: Mapping[str, str]) -> None:
        self._workflow: dict[str, str] = {}
        self._inputs: dict[str, set[str]] = {}
        for document in documents:
            for path, value in _walk(document, ()):
                if path[-1:] != ("parameters",) or not isinstance(value, list):
                    continue
                for row in value:
                    if isinstance(row, dict) and isinstance(
                        text := row.get("value", row.get("default")), str | int | float
                    ):
                        self._inputs.setdefault(str(row.get("name")), set()).add(str(text))
                        if path[-3:] == ("spec", "arguments", "parameters"):
                            self._workflow.setdefault(str(row.get("name")), str(text))
        self._workflow.update(parameters)

    def fill(self, text: str, depth: int = 3) -> set[str]:
        """Every text that this one may become; tags that are not plain stay as they are."""
        found = _TAG.search(text)
        if found is None or depth == 0:
            return {text}
        if found[1] == "workflow":
            choices = {self._workflow[found[2]]} if found[2] in self._workflow else set()
        else:
            choices = self._inputs.get(found[2], set())
        filled = set()
        for choice in sorted(choices)[:100]:
            filled |= self.fill(text[: found.start()] + choice + text[found.end() :], depth - 1)
        return filled or {text}


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, (*path, str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, path if isinstance(inner, list) else (*path, ""))


def _read_text(text: str, named: Named, accounts: Counter[str]) -> None:
    if "arn:" in text:
        for service, region, account, rest in _ARN.findall(text):
            if account:
                accounts[account] += 1
            name = _NAME.match(rest)
            if service == "s3":
                _add_bucket(named, rest.split("/")[0], region)
            elif name and region and account and service in ("sns", "sqs"):
                (named.topics if service == "sns" else named.queues).add(Resource(account, region, name[0]))
    if "amazonaws.com" in text:
        for first, second, account, name in _QUEUE_URL.findall(text):
            accounts[account] += 1
            named.queues.add(Resource(account, first or second, name))
    if "s3://" in text:
        for bucket in _S3_URL.findall(text):
            _add_bucket(named, bucket, "")
    if "bucket:" in text:
        for bucket in _BUCKET_LINE.findall(text):  # repositories are YAML inside a ConfigMap
            _add_bucket(named, bucket, "")


def _read_bucket(path: tuple[str, ...], value: Mapping[str, Any], values: _Values, named: Named) -> None:
    if path[-1:] != ("s3",) or not isinstance(value.get("bucket"), str):
        return
    regions = values.fill(str(value.get("region") or ""))
    for bucket in values.fill(value["bucket"]):
        _add_bucket(named, bucket, min(regions))


def _add_bucket(named: Named, bucket: str, region: str) -> None:
    if _BUCKET.fullmatch(bucket) and not named.buckets.get(bucket):
        named.buckets[bucket] = region if re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region) else ""


def _read_secret(path: tuple[str, ...], value: Mapping[str, Any], named: Named, provided: set[tuple[str, str]]) -> None:
    reference = value.get("valueFrom")
    if isinstance(reference, dict) and isinstance(inner := reference.get("secretKeyRef"), dict):
        _add_secret(inner, _AWS_NAMES.get(str(value.get("name")), ""), named, provided)
    elif path and path[-1] in _SECRET_ROLES:
        _add_secret(value, _SECRET_ROLES[path[-1]], named, provided)


def _add_secret(reference: Mapping[str, Any], role: str, named: Named, provided: set[tuple[str, str]]) -> None:
    pair = (str(reference.get("name") or ""), str(reference.get("key") or ""))
    if all(pair) and pair not in provided and not named.secrets.get(pair):
        named.secrets[pair] = role


def _provided(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if document.get("kind") != "Secret":
        return
    name = str((document.get("metadata") or {}).get("name") or "")
    for key, value in (document.get("data") or {}).items():
        try:
            base64.b64decode(str(value), validate=True)
        except binascii.Error:
            continue  # no value that anyone can use
        yield name, str(key)
    for key in document.get("stringData") or {}:
        yield name, str(key)
