"""The embedded world of a run: sample posts and AWS on 127.0.0.1, filled with what the run names."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import urllib.parse
import urllib.request
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from aggregator.errors import UsageError
from aggregator.sandbox.child import Child
from aggregator.sandbox.scan import DEFAULT_REGION, Named, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

POSTS_HOST = "jsonplaceholder.typicode.com"
ACCESS_KEY = "SANDBOXACCESSKEYID"
SECRET_KEY = "sandbox-secret-access-key"  # noqa: S105 - opens nothing but the sandbox
SESSION_TOKEN = "sandbox-session-token"  # noqa: S105
_SERVICES = ("S3", "SNS", "SQS", "STS", "LAMBDA")
# moto serves objects to those who sign; nobody checks the signature.
_SIGNED = {"Authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20200101/us-east-1/s3/aws4_request"}


class Stored(NamedTuple):
    """An object in a bucket of the sandbox."""

    bucket: str
    key: str
    size: int


class Published(NamedTuple):
    """A message that a topic of the sandbox was sent."""

    topic: str
    subject: str
    message: str
    attributes: dict[str, str]


class Queued(NamedTuple):
    """A message that waits in a queue of the sandbox."""

    queue: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    objects: list[Stored]
    messages: list[Published]
    queued: list[Queued]


class World:
    """Started for the length of a run; two of them never meet. Blocking: an event loop calls it in a thread."""

    def __init__(self, named: Named, posts: Child | None, aws: Child | None) -> None:
        self._children = [child for child in (posts, aws) if child is not None]
        try:
            self.posts_endpoint = posts.wait_ready() if posts else ""
            self.aws_endpoint = aws.wait_ready() if aws else ""
        except BaseException:
            self.stop()
            raise
        self.named = named
        self.routes = _routes(self.posts_endpoint, self.aws_endpoint)
        self.env = _environment(self.aws_endpoint, named.region or DEFAULT_REGION) if aws else {}
        self.secrets = {pair: _secret(pair, role) for pair, role in named.secrets.items()}

    @classmethod
    def start(
        cls,
        *,
        workflow: Mapping[str, Any],
        parameters: Mapping[str, str],
        supporting: Sequence[Mapping[str, Any]] = (),
        posts: bool = True,
        aws: bool = True,
        faults: float = 0.0,
        fault_limit: int = 2,
        stall_seconds: float = 10.0,
        seed: int = 0,
        notice: Callable[[str], None] = lambda _text: None,
    ) -> World:
        """Start the servers and create what the documents name. UsageError when moto is not installed."""
        if aws:
            require_moto()
        if not 0.0 <= faults <= 1.0:
            raise UsageError(f"the share of faults is {faults}, not between 0 and 1", hint="for example 0.2")
        named = scan([workflow, *supporting], parameters)
        faulty = {"rate": faults, "seed": seed, "limit": fault_limit, "stall_seconds": stall_seconds}
        # Both start at once; -I and -S spare the posts API the search for packages that it does not use.
        posts_child = Child("posts.py", faulty, ("-I", "-S"), os.environ) if posts else None
        try:
            aws_child = Child("aws_server.py", _wanted(named), ("-P", "-W", "ignore"), _clean()) if aws else None
        except BaseException:
            if posts_child is not None:
                posts_child.stop()
            raise
        world = cls(named, posts_child, aws_child)
        notice(world.describe())
        return world

    @property
    def config(self) -> dict[str, Any]:
        """What was made, for those who want to show it."""
        return {
            "posts": self.posts_endpoint,
            "aws": self.aws_endpoint,
            "account": self.named.account,
            "region": self.named.region or DEFAULT_REGION,
            "buckets": sorted(self.named.buckets),
            "topics": [f"arn:aws:sns:{row.region}:{row.account}:{row.name}" for row in sorted(self.named.topics)],
            "queues": [f"arn:aws:sqs:{row.region}:{row.account}:{row.name}" for row in sorted(self.named.queues)],
        }

    def describe(self) -> str:
        """One line: what stands in for what."""
        parts = []
        if self.posts_endpoint:
            parts.append(f"{POSTS_HOST} at {self.posts_endpoint}")
        if self.aws_endpoint:
            made = [("bucket", self.named.buckets), ("topic", self.named.topics), ("queue", self.named.queues)]
            counts = ", ".join(f"{len(rows)} {word}{'s' * (len(rows) != 1)}" for word, rows in made if rows)
            parts.append(f"AWS at {self.aws_endpoint} (account {self.named.account}{', ' + counts if counts else ''})")
        return f"sandbox: {'; '.join(parts)}"

    def report(self) -> Report:
        """What was stored and published so far."""
        if not self.aws_endpoint:
            return Report([], [], [])
        with _open(f"{self.aws_endpoint}/agg-sandbox/report") as answer:
            found = json.load(answer)
        return Report(
            [Stored(**row) for row in found["objects"]],
            [Published(**row) for row in found["published"]],
            [Queued(**row) for row in found["queued"]],
        )

    def keep(self, folder: Path) -> Report:
        """Download objects to `sandbox/s3/<bucket>/<key>` and messages to `sandbox/sns/<topic>.jsonl` under `folder`."""
        report = self.report()
        for stored in report.objects:
            target = _inside(folder / "sandbox" / "s3" / stored.bucket, stored.key)
            target.parent.mkdir(parents=True, exist_ok=True)
            path = urllib.parse.quote(f"/{stored.bucket}/{stored.key}")
            with _open(self.aws_endpoint + path, _SIGNED) as answer, target.open("wb") as file:
                shutil.copyfileobj(answer, file)
        for kind, rows in (("sns", report.messages), ("sqs", report.queued)):
            for row in rows:
                target = folder / "sandbox" / kind / f"{row[0].rpartition(':')[2]}.jsonl"
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(row._asdict(), ensure_ascii=False) + "\n")
        return report

    def stop(self) -> None:
        for child in self._children:
            child.stop()


def require_moto() -> None:
    """UsageError with the line that installs it when the sandbox's AWS is missing."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        raise UsageError(
            "the sandbox needs moto's server for S3, SNS and SQS, which is not installed",
            hint="pip install 'agg-workflows[sandbox]'",
        )


def _wanted(named: Named) -> dict[str, Any]:
    return {
        "account": named.account,
        "buckets": [
            {"name": name, "region": region or DEFAULT_REGION} for name, region in sorted(named.buckets.items())
        ],
        "topics": [asdict(row) for row in sorted(named.topics)],
        "queues": [asdict(row) for row in sorted(named.queues)],
    }


def _clean() -> dict[str, str]:
    """Our environment without what would change moto: its own settings and the user's AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_", "AGG_"))}


def _routes(posts: str, aws: str) -> dict[str, str]:
    routes = {POSTS_HOST: posts} if posts else {}
    if aws:
        routes |= {"*.amazonaws.com": aws, "*.amazonaws.com.cn": aws}
    return routes


def _environment(endpoint: str, region: str) -> dict[str, str]:
    direct = {
        name: ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
        for name in ("NO_PROXY", "no_proxy")
    }
    return {
        "AWS_ENDPOINT_URL": endpoint,
        **{f"AWS_ENDPOINT_URL_{service}": endpoint for service in _SERVICES},
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        **direct,
    }


def _secret(pair: tuple[str, str], role: str) -> str:
    roles = {"access key": ACCESS_KEY, "secret key": SECRET_KEY, "session token": SESSION_TOKEN}
    return roles.get(role) or f"sandbox-{pair[0]}-{pair[1]}"


def _open(url: str, headers: Mapping[str, str] | None = None) -> Any:
    # An opener of its own: the environment's proxies are not for 127.0.0.1.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(urllib.request.Request(url, headers=dict(headers or {})), timeout=60)  # noqa: S310 - our server


def _inside(folder: Path, key: str) -> Path:
    """A path for the key that stays inside the folder, whatever the key is."""
    safe = [_file_name(part) for part in key.split("/") if part]
    path = folder.joinpath(*(safe or ["%2F"]))
    # A key may be another one's folder as well; a file cannot.
    while path.is_dir():
        path = path.with_name(f"{path.name}%")
    for parent in path.parents:
        if parent == folder:
            break
        if parent.is_file():
            return folder / "%2F".join(safe)
    return path


def _file_name(part: str) -> str:
    """The part itself, except where a file system would read something else into it or refuse it."""
    if part in (".", "..") or "\0" in part:
        return part.replace(".", "%2E").replace("\0", "%00")
    return part if len(part.encode()) <= 255 else f"{part[:50]}%{hashlib.sha256(part.encode()).hexdigest()[:16]}"
