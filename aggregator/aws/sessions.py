"""boto3 sessions and clients: which credentials, endpoint, region and transport settings a call gets."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.loaders import create_loader

from aggregator.aws.errors import Call, is_local, translate
from aggregator.aws.names import aws_host, host_of
from aggregator.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aggregator.aws.access import Access
    from aggregator.aws.clients import AwsClients

POOL = 64
_METHODS = {
    "env": "the environment",
    "shared-credentials-file": "~/.aws/credentials",
    "config-file": "~/.aws/config",
    "assume-role": "a profile's role",
    "assume-role-with-web-identity": "web identity",
    "sso": "SSO",
    "container-role": "the container's role",
    "iam-role": "the instance role",
    "custom-process": "credential_process",
    "login": "`aws login`",
}
_SERVICE_NAMES = {"s3": "S3", "sns": "SNS", "sqs": "SQS", "sts": "STS", "lambda": "Lambda"}
_VIRTUAL_ONLY = (".aliyuncs.com",)
"""Stores that are not AWS but still want the bucket in the host name."""


_loader = cache(create_loader)


def _core() -> botocore.session.Session:
    """A session of its own that shares the service descriptions: they are what makes a client slow to make."""
    core = botocore.session.Session()
    core.register_component("data_loader", _loader())
    return core


class AwsClient:
    """A boto3 client (`api`) with what errors need to tell: region, endpoint and who we are."""

    def __init__(self, service: str, api: Any, credentials: Any, origin: str, owner: AwsClients) -> None:
        self.service = service
        self.api = api
        self.region: str = api.meta.region_name
        self.endpoint: str = api.meta.endpoint_url
        self._credentials = credentials
        self._origin = origin
        self._owner = owner
        self._learnt: object = None

    @contextmanager
    def calling(self, doing: str, hints: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The API within; whatever it raises comes out as an error of ours. `doing` goes on after "can't"."""
        call = Call(
            _SERVICE_NAMES.get(self.service, self.service), doing, self.region, self._shown_endpoint(), self.who, hints
        )
        try:
            self._learn()
            yield self.api
        except Exception as exc:
            error = translate(exc, call)
            if error is exc or is_local(exc):
                raise  # a full disk is no error of AWS's
            raise error from exc

    def who(self) -> str:
        """As whom we call, without calling: the access key's last letters and where the keys came from."""
        if self._learnt is None:
            return self._origin
        key = getattr(self._learnt, "access_key", "") or ""
        return f"access key ...{key[-4:]} of {self._origin}" if key else self._origin

    def _learn(self) -> None:
        """Tell the masker the keys in use; they change while a run goes on, when a role's are renewed."""
        if self._credentials is None:
            return
        frozen = self._credentials.get_frozen_credentials()
        if frozen != self._learnt:
            for value in (frozen.secret_key, frozen.token):
                if value:
                    self._owner.learn(value)
            self._learnt = frozen

    def _shown_endpoint(self) -> str:
        return "" if aws_host(self.endpoint) else self.endpoint


class _Role(CredentialProvider):
    """boto3's chain of one: keys of a role that STS hands out and renews."""

    METHOD = "role"

    def __init__(self, sts: AwsClient, role_arn: str) -> None:
        super().__init__()
        self._sts = sts
        self._role_arn = role_arn

    def load(self) -> Any:
        return DeferredRefreshableCredentials(refresh_using=self._fetch, method=self.METHOD)

    def _fetch(self) -> dict[str, str]:
        with self._sts.calling(f"assume the role {self._role_arn}") as api:
            answer = api.assume_role(RoleArn=self._role_arn, RoleSessionName="agg-workflows")["Credentials"]
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
            "expiry_time": answer["Expiration"].isoformat(),
        }


class Sessions:
    """Makes clients; not thread-safe, AwsClients holds the lock."""

    def __init__(self, owner: AwsClients) -> None:
        self._owner = owner
        self._default: boto3.Session | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def connect(self, service: str, access: Access, read_timeout: float) -> AwsClient:
        """A client for this access."""
        call = Call(_SERVICE_NAMES.get(service, service), "sign in to AWS")
        try:
            return self._connect(service, access, read_timeout)
        except Exception as exc:
            error = translate(exc, call)
            if error is exc:
                raise
            raise error from exc

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _connect(self, service: str, access: Access, read_timeout: float) -> AwsClient:
        host = aws_host(access.endpoint) if access.endpoint else None
        endpoint = self._endpoint(access)
        session, origin = self._session(access, sandbox=endpoint == self._owner.endpoint != "")
        region = self._region(access, session)
        elsewhere = bool(endpoint) or bool(self._environment_endpoint(service))
        if not region and not elsewhere and service != "s3":
            raise StoreError(
                f"{_SERVICE_NAMES.get(service, service)}: no region is known", hint="set `region`, or AWS_REGION"
            )
        options: dict[str, Any] = {}
        if host:
            options |= {"use_dualstack_endpoint": host.dualstack or None, "use_fips_endpoint": host.fips or None}
        style = self._addressing(access, endpoint or self._environment_endpoint(service))
        if endpoint and endpoint == self._owner.endpoint:
            options["proxies"] = {}  # the sandbox is on this machine, whatever HTTP_PROXY says
        config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},  # the driver retries, in one place
            connect_timeout=self._owner.connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=POOL,
            tcp_keepalive=True,
            s3={
                "addressing_style": style,
                "use_accelerate_endpoint": bool(host and host.accelerate),
                # The signature covers Content-MD5, and that the body: a SHA-256 beside it would cost half as much again.
                "payload_signing_enabled": False,
            },
            # Uploads carry Content-MD5, which every S3 store checks; not all of them know the newer trailers.
            request_checksum_calculation="when_required",
            user_agent_extra="agg-workflows",
            **options,
        )
        api = session.client(
            service,  # type: ignore[call-overload]  # the stubs list each service by its own overload
            region_name=region or "us-east-1",
            endpoint_url=endpoint or None,
            use_ssl=not access.insecure,
            verify=self._certificates(access),
            config=config,
        )
        return AwsClient(service, api, session.get_credentials(), origin or self._method(session), self._owner)

    def _endpoint(self, access: Access) -> str:
        """A host that is not AWS wins over everything; for AWS itself, the sandbox's, else none is forced."""
        if not access.endpoint or aws_host(access.endpoint):
            return self._owner.endpoint
        scheme, netloc = host_of(access.endpoint)
        return f"{scheme or ('http' if access.insecure else 'https')}://{netloc}"

    def _environment_endpoint(self, service: str) -> str:
        environ = self._owner.environ
        if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
            return ""
        return environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or environ.get("AWS_ENDPOINT_URL") or ""

    def _addressing(self, access: Access, endpoint: str) -> Literal["auto", "path", "virtual"]:
        if access.addressing_style:
            return access.addressing_style
        if not endpoint or aws_host(endpoint):
            return "auto"
        name = host_of(endpoint)[1].partition(":")[0]
        return "virtual" if name.endswith(_VIRTUAL_ONLY) else "path"

    def _region(self, access: Access, session: boto3.Session) -> str:
        host = aws_host(access.endpoint) if access.endpoint else None
        environ = self._owner.environ
        return (
            access.region
            or (host.region if host else "")
            or environ.get("AWS_REGION")
            or environ.get("AWS_DEFAULT_REGION")
            or session.region_name
            or self._owner.region
            or ("us-east-1" if self._owner.endpoint else "")
        )

    def _session(self, access: Access, *, sandbox: bool) -> tuple[boto3.Session, str]:
        """The session and where its keys come from; an empty word means boto3 knows."""
        if access.role_arn:
            base = replace(access, role_arn="", endpoint="", insecure=False, certificates="")
            sts = self.connect("sts", base, self._owner.read_timeout)
            core = _core()
            core.register_component("credential_provider", CredentialResolver([_Role(sts, access.role_arn)]))
            return boto3.Session(botocore_session=core), f"role {access.role_arn}"
        if access.access_key:
            keys = (access.access_key, access.secret_key, access.session_token or None)
            return boto3.Session(*keys, botocore_session=_core()), access.origin or "the YAML"
        if sandbox:
            return boto3.Session(*self._owner.sandbox_keys, botocore_session=_core()), "the sandbox"
        if self._default is None:
            self._default = boto3.Session(botocore_session=_core())
        return self._default, ""

    def _method(self, session: boto3.Session) -> str:
        credentials = session.get_credentials()
        return _METHODS.get(credentials.method, credentials.method) if credentials else ""

    def _certificates(self, access: Access) -> str | None:
        """boto3 wants the bundle in a file; it is public, but lies in a folder of our own and goes away with us."""
        if not access.certificates:
            return None
        if "-----BEGIN CERTIFICATE-----" not in access.certificates:
            raise StoreError("caSecret holds no PEM certificate", hint="it must begin with -----BEGIN CERTIFICATE-----")
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="agg-ca-")
        with tempfile.NamedTemporaryFile("w", dir=self._folder.name, suffix=".pem", delete=False) as bundle:
            bundle.write(access.certificates)
        return str(Path(bundle.name))
