"""Access: as whom, where and how a service is called, read from the fields that the YAML writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aggregator.aws.names import REGION, aws_host, looks_like_placeholder
from aggregator.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.ports import Secrets

ACCESS_FIELDS = frozenset(
    {
        "accessKeySecret",
        "addressingStyle",
        "caSecret",
        "endpoint",
        "insecure",
        "region",
        "roleARN",
        "secretKeySecret",
        "sessionTokenSecret",
        "useSDKCreds",
    }
)
"""The fields that `access_of` reads; the same in an S3 artifact and in an aws plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Hashable, so that one client serves all that call alike. Empty fields mean: as the environment has it."""

    region: str = ""
    endpoint: str = ""
    insecure: bool = False
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    origin: str = ""
    """Where the keys came from, in words."""
    role_arn: str = ""
    certificates: str = field(default="", repr=False)
    """A PEM bundle to trust instead of the usual one."""
    addressing_style: Literal["", "path", "virtual"] = ""


def access_of(fields: Mapping[str, Any], secrets: Secrets, *, region: str = "", endpoint: str = "") -> Access:
    """Read the access fields of an S3 artifact or an aws plugin; `region` and `endpoint` hold where the YAML says none.

    Keys come from secrets when the YAML names them, and from boto3's default chain otherwise.
    """
    region = _text(fields, "region") or region
    endpoint = _text(fields, "endpoint") or endpoint
    if looks_like_placeholder(region):
        raise StoreError(
            f"region is {region!r}, which looks like a placeholder", hint="fill in a region like us-east-1"
        )
    if region and not REGION.fullmatch(region) and (not endpoint or aws_host(endpoint)):
        raise StoreError(f"region {region!r} is no AWS region", hint="a region looks like us-east-1")
    access_key = _secret(fields, "accessKeySecret", secrets)
    secret_key = _secret(fields, "secretKeySecret", secrets)
    session_token = _secret(fields, "sessionTokenSecret", secrets)
    if bool(access_key) != bool(secret_key):
        there, absent = ("accessKeySecret", "secretKeySecret") if access_key else ("secretKeySecret", "accessKeySecret")
        raise StoreError(
            f"{there} is given without {absent}", hint="give both, or neither to use boto3's default chain"
        )
    if session_token and not access_key:
        raise StoreError("sessionTokenSecret is given without keys", hint="add accessKeySecret and secretKeySecret")
    origin = ""
    if access_key:
        reference = fields["accessKeySecret"]
        origin = f"secret {reference.get('name')!r} key {reference.get('key')!r}"
    return Access(
        region=region,
        endpoint=endpoint,
        insecure=bool(fields.get("insecure")),
        access_key=access_key.strip(),
        secret_key=secret_key.strip(),
        session_token=session_token.strip(),
        origin=origin,
        role_arn=_text(fields, "roleARN"),
        certificates=_secret(fields, "caSecret", secrets),
        addressing_style=_addressing(_text(fields, "addressingStyle")),
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise StoreError(f"{name} must be a text, not {type(value).__name__}")
    return (value or "").strip()


def _secret(fields: Mapping[str, Any], name: str, secrets: Secrets) -> str:
    reference = fields.get(name)
    if not reference:
        return ""
    if not isinstance(reference, dict) or not reference.get("name") or not reference.get("key"):
        raise StoreError(f"{name} must name a secret: {{name: ..., key: ...}}")
    return secrets.secret(str(reference["name"]), str(reference["key"]))


def _addressing(style: str) -> Literal["", "path", "virtual"]:
    known: dict[str, Literal["", "path", "virtual"]] = {
        "": "",
        "auto": "",
        "autodetect": "",
        "path": "path",
        "virtual": "virtual",
        "virtual-hosted": "virtual",
    }
    try:
        return known[style.lower().replace("virtualhosted", "virtual-hosted").removesuffix("style")]
    except KeyError:
        raise StoreError(
            f"addressingStyle {style!r} is none", hint="use path, virtual-hosted, or leave it out"
        ) from None
