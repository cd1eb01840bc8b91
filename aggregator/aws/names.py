"""Names in AWS: ARNs, and which endpoint host names mean AWS itself."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from aggregator.errors import StoreError

REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d+")
_PLACEHOLDER = re.compile(
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|<[^<>]*>|\$\{?[A-Za-z_]\w*\}?|(?:YOUR|MY|your)[-_].*|x{3,}|X{3,}"
)
_AWS_HOST = re.compile(
    r"(?P<service>[a-z0-9-]+?)(?P<fips>-fips)?(?P<accelerate>-accelerate)?(?P<dual>\.dualstack)?"
    r"(?:[.-](?P<region>[a-z]{2}(?:-[a-z]+)+-\d+|external-1|global))?"
    r"\.(?:amazonaws\.com(?:\.cn)?|(?P<api>api\.aws))"
)
_QUEUE_HOST = re.compile(r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d+)\.queue\.amazonaws\.com(?:\.cn)?")


class Arn(NamedTuple):
    text: str
    partition: str
    service: str
    region: str
    account: str
    resource: str


class AwsHost(NamedTuple):
    """What a host name of AWS itself says: `s3.dualstack.eu-west-1.amazonaws.com`."""

    region: str
    dualstack: bool
    fips: bool
    accelerate: bool


def looks_like_placeholder(text: str) -> bool:
    """Text that someone forgot to fill in: `AWS_REGION`, `<bucket>`, `your-bucket`."""
    return bool(_PLACEHOLDER.fullmatch(text.strip()))


def parse_arn(text: str, *, service: str, field: str) -> Arn:
    """The parts of an ARN of `service`; StoreError says what is wrong with any other text."""
    parts = text.split(":", 5)
    example = f"arn:aws:{service}:us-east-1:123456789012:NAME"
    if looks_like_placeholder(text) or any(looks_like_placeholder(part) for part in parts[3:5]):
        raise StoreError(f"{field} is {text!r}, which looks like a placeholder", hint=f"fill in an ARN like {example}")
    if len(parts) != 6 or parts[0] != "arn" or not parts[5]:
        raise StoreError(f"{field} is {text!r}, which is no ARN", hint=f"an ARN looks like {example}")
    arn = Arn(text, *parts[1:])
    if arn.service != service:
        raise StoreError(
            f"{field} is {text!r}, an ARN of {arn.service!r}, not of {service!r}", hint=f"expected {example}"
        )
    if not REGION.fullmatch(arn.region):
        raise StoreError(f"{field} is {text!r}, whose region {arn.region!r} is none", hint=f"expected {example}")
    return arn


def host_of(endpoint: str) -> tuple[str, str]:
    """Scheme (empty when the text has none) and host with port of an endpoint as people write it."""
    text = endpoint.strip().rstrip("/")
    parts = urlsplit(text if "://" in text else f"//{text}")
    return parts.scheme, parts.netloc


def aws_host(endpoint: str) -> AwsHost | None:
    """What the endpoint says when it means AWS itself; None for every other host, VPC endpoints among them."""
    _, netloc = host_of(endpoint)
    name, _, port = netloc.lower().partition(":")
    if port not in {"", "443", "80"}:
        return None
    queue = _QUEUE_HOST.fullmatch(name)
    if queue:
        return AwsHost(queue["region"], dualstack=False, fips=False, accelerate=False)
    found = _AWS_HOST.fullmatch(name)
    if not found:
        return None
    region = found["region"] or ""
    return AwsHost(
        "us-east-1" if region in {"external-1", "global"} else region,
        dualstack=bool(found["dual"] or found["api"]),
        fips=bool(found["fips"]),
        accelerate=bool(found["accelerate"]),
    )
