"""AWS errors in our words: what was missing, refused, expired or only busy, where, as whom, and what to do about it.

Three classes come out: NotFound for a key that does not exist, TransientError for what may pass (throttling, 5xx, broken
connections), StoreError for the rest. This file imports botocore: who imports it is about to call AWS.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from botocore import exceptions as b
from urllib3.exceptions import HTTPError

from aggregator.errors import AggError, NotFound, StoreError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _codes(words: str) -> frozenset[str]:
    return frozenset(words.split())


THROTTLED = _codes("""
    Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException
    TooManyRequestsException TooManyRequests ProvisionedThroughputExceededException
    TransactionInProgressException RequestLimitExceeded BandwidthLimitExceeded SlowDown Slowdown SlowDownRead
    SlowDownWrite ReduceYourRate EC2ThrottledException KMSThrottlingException KMSThrottling
    CallerRateLimitExceeded RequestThrottledByOperator
""")
PASSING = _codes("""
    RequestTimeout RequestTimeoutException PriorRequestNotComplete InternalError InternalFailure
    InternalServerError ServiceUnavailable ServiceUnavailableException ServiceException ServerBusy
    OperationAborted BadDigest IncompleteBody XAmzContentSHA256Mismatch XAmzContentChecksumMismatch
""")
_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 509})
_NO_KEY = frozenset({"NoSuchKey", "NoSuchVersion"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"})
_BAD_KEYS = _codes("""
    InvalidAccessKeyId InvalidClientTokenId UnrecognizedClientException InvalidToken AuthFailure
    SignatureDoesNotMatch InvalidSignatureException MissingAuthenticationToken NotSignedUp
    InvalidIdentityToken
""")
_DENIED = _codes("""
    AccessDenied AccessDeniedException Forbidden 403 AllAccessDisabled AuthorizationError
    AuthorizationErrorException UnauthorizedOperation KMSAccessDeniedException KMSAccessDenied AccountProblem
""")
_SKEWED = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"})
_WRONG_REGION = _codes("""
    PermanentRedirect TemporaryRedirect AuthorizationHeaderMalformed IllegalLocationConstraintException
    IncorrectEndpoint 301 307
""")
_MISSING = {
    "NoSuchBucket": "the bucket does not exist",
    "NotFound": "it does not exist",
    "NotFoundException": "it does not exist",
    "404": "it does not exist",
    "ResourceNotFoundException": "it does not exist",
    "ResourceNotFound": "it does not exist",
    "QueueDoesNotExist": "the queue does not exist",
    "AWS.SimpleQueueService.NonExistentQueue": "the queue does not exist",
    "NoSuchUpload": "the multipart upload was removed in mid-way",
}
_LOGIN_AGAIN = "renew them: `aws sso login`, a new session token, or keys that do not expire"
CHAIN = (
    "environment (AWS_ACCESS_KEY_ID), web identity (AWS_WEB_IDENTITY_TOKEN_FILE), profile and SSO (AWS_PROFILE, ~/.aws), "
    "container role (AWS_CONTAINER_CREDENTIALS_*), instance role (EC2 metadata)"
)
"""What boto3's default chain tries, in words."""


@dataclass(frozen=True, slots=True)
class Call:
    """What was being done when it failed; `who` is asked only then."""

    service: str
    doing: str
    region: str = ""
    endpoint: str = ""
    who: Callable[[], str] | None = None
    hints: Mapping[str, str] | None = None
    """A better hint by error code, from the caller that knows the YAML field."""

    def place(self) -> str:
        parts = [f"region {self.region}" if self.region else "", f"endpoint {self.endpoint}" if self.endpoint else ""]
        who = self.who() if self.who else ""
        if who:
            parts.append(f"as {who}")
        said = ", ".join(part for part in parts if part)
        return f" ({said})" if said else ""


def translate(exc: BaseException, call: Call) -> AggError:
    """The error of ours that says what `exc`, raised by boto3 or its transport, means."""
    if isinstance(exc, AggError):
        return exc
    if isinstance(exc, b.ClientError):
        return _answered(exc, call)
    start = f"{call.service}: can't {call.doing}"
    credentials = _credentials(exc, start)
    if credentials is not None:
        return credentials
    text = _told(exc)
    if isinstance(exc, b.SSLError):
        return StoreError(
            f"{start}: the TLS connection failed: {text}{call.place()}",
            hint="if the endpoint has a certificate of its own, name it by `caSecret` or AWS_CA_BUNDLE; "
            "plain http needs `insecure: true`",
        )
    if isinstance(exc, b.EndpointConnectionError) and _unresolvable(text):
        return StoreError(
            f"{start}: the endpoint's name does not resolve: {text}{call.place()}",
            hint="check `endpoint`, `region` and the network",
        )
    if isinstance(exc, (b.FlexibleChecksumError, b.ChecksumError)):
        return TransientError(f"{start}: the data arrived damaged (its checksum is wrong): {text}{call.place()}")
    if isinstance(exc, (b.HTTPClientError, b.ConnectionError, b.IncompleteReadError)) or _broken(exc):
        return TransientError(f"{start}: the connection failed: {text}{call.place()}")
    if isinstance(exc, b.NoRegionError):
        return StoreError(f"{start}: no region is known", hint="set `region`, or AWS_REGION in the environment")
    if isinstance(exc, (b.ParamValidationError, b.InvalidRegionError, b.BotoCoreError)):
        return StoreError(f"{start}: {text}{call.place()}")
    return StoreError(f"{start}: {type(exc).__name__}: {text}{call.place()}")


def _broken(exc: BaseException) -> bool:
    """A transport error that botocore let through as it was."""
    return isinstance(exc, (HTTPError, ConnectionError, TimeoutError))


def _told(exc: BaseException) -> str:
    """The exception's words; botocore keeps the reason of a failed connection to itself."""
    text = " ".join(str(exc).split()) or type(exc).__name__
    reason = " ".join(str(getattr(exc, "kwargs", {}).get("error") or "").split())
    return text if reason in text else f"{text}: {reason}"


def is_local(exc: BaseException) -> bool:
    """An error of this machine's files, which has a number; a broken connection is none."""
    remote = (ConnectionError, TimeoutError, ssl.SSLError, b.BotoCoreError, HTTPError)
    return isinstance(exc, OSError) and exc.errno is not None and not isinstance(exc, remote)


def _unresolvable(text: str) -> bool:
    """The name is unknown for good; a resolver that is only busy says `Temporary failure`."""
    return "Name or service not known" in text or "nodename nor servname" in text or "No address associated" in text


def _credentials(exc: BaseException, start: str) -> AggError | None:
    if isinstance(exc, b.NoCredentialsError):
        return StoreError(
            f"{start}: no AWS credentials were found; tried in this order: {CHAIN}",
            hint="export AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name secrets in the YAML, "
            "or try it without AWS by --sandbox",
        )
    if isinstance(exc, b.PartialCredentialsError):
        return StoreError(
            f"{start}: the AWS credentials are incomplete: {exc}", hint="set both the access key and its secret key"
        )
    if isinstance(exc, (b.UnauthorizedSSOTokenError, b.SSOTokenLoadError, b.TokenRetrievalError, b.SSOError)):
        return StoreError(
            f"{start}: the SSO session is over or was never begun: {exc}", hint="run `aws sso login` first"
        )
    if isinstance(exc, b.ProfileNotFound):
        return StoreError(
            f"{start}: {exc}", hint="check AWS_PROFILE; `aws configure list-profiles` shows those there are"
        )
    if isinstance(
        exc,
        (b.CredentialRetrievalError, b.MetadataRetrievalError, b.RefreshWithMFAUnsupportedError, b.InvalidConfigError),
    ):
        return StoreError(f"{start}: AWS credentials could not be fetched: {exc}", hint=f"the chain is: {CHAIN}")
    return None


def code_of(exc: BaseException) -> tuple[str, int]:
    """Error code and HTTP status of an answer that refused, or ("", 0)."""
    response: Any = getattr(exc, "response", None)
    if not isinstance(response, dict):
        return "", 0
    code = str(response.get("Error", {}).get("Code", ""))
    return code, int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) or 0)


def _answered(exc: Any, call: Call) -> AggError:
    code, status = code_of(exc)
    headers: Mapping[str, str] = exc.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    said = " ".join(str(exc.response.get("Error", {}).get("Message", "")).split())
    service = "STS" if exc.operation_name.startswith("AssumeRole") else call.service
    start = f"{service}: can't {call.doing}"
    tail = f"{code} {said}".strip() if said and said != code else code
    place = call.place()
    hint = (call.hints or {}).get(code, "")
    if code in THROTTLED or code in PASSING or status in _STATUSES:
        return TransientError(f"{start}: {tail or status}{place}", hint=hint, retry_after=_retry_after(headers))
    if code in _NO_KEY:
        return NotFound(f"{start}: there is no such object ({tail}){place}", hint=hint)
    if code in {"PreconditionFailed", "412", "ConditionalRequestConflict"}:
        return TransientError(f"{start}: it was changed meanwhile ({tail}){place}", hint=hint)
    if code in _SKEWED or ("Signature" in code and ("expired" in said or "not yet current" in said)):
        theirs = exc.response.get("Error", {}).get("ServerTime") or headers.get("date", "")
        return StoreError(
            f"{start}: this machine's clock is wrong, so the request was refused ({tail})"
            + (f"; AWS says it is {theirs}" if theirs else ""),
            hint="set the clock (chrony, timedatectl set-ntp true) and run again",
        )
    if code in _EXPIRED:
        return StoreError(f"{start}: the credentials have expired ({tail}){place}", hint=hint or _LOGIN_AGAIN)
    if code in _BAD_KEYS:
        return StoreError(
            f"{start}: the credentials are not accepted ({tail}){place}",
            hint=hint or "check access key, secret key and session token",
        )
    if code in _DENIED or status == 403:
        what = f"{exc.operation_name} is not allowed" if exc.operation_name else "it is not allowed"
        return StoreError(
            f"{start}: {what} ({tail}){place}",
            hint=hint or "check the policies of the user or role, and those of the target",
        )
    if code in _WRONG_REGION or (status in {301, 307} and service == "S3"):
        right = headers.get("x-amz-bucket-region") or exc.response.get("Error", {}).get("Region", "")
        return StoreError(
            f"{start}: that is the wrong region ({tail}){place}",
            hint=f"set `region: {right}`" if right else "set the region of the target",
        )
    if code in _MISSING or status == 404:
        return StoreError(
            f"{start}: {_MISSING.get(code, 'it does not exist')} ({tail}){place}",
            hint=hint or "check its name, region and account",
        )
    return StoreError(f"{start}: {tail or f'HTTP {status}'}{place}", hint=hint)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the answer asks for; a date is measured against the answer's own."""
    asked = headers.get("retry-after", "").strip()
    if not asked:
        return None
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(asked) - parsedate_to_datetime(headers["date"])).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
