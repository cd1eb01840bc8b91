"""The sandbox's AWS: moto's server in a process of its own, with the buckets, topics and queues that a run names.

Besides AWS's API it answers `GET /agg-sandbox/report`: what was stored and published, without taking anything away.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

REPORT = "/agg-sandbox/report"
_COPIES = "agg-sandbox-"
"""Queues whose name starts so hold copies of a topic's messages."""


class Application:
    """moto's application, in which every caller belongs to the account that the run's ARNs name."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == REPORT:
            body = json.dumps(report()).encode()
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return [body]
        environ.setdefault("HTTP_X_MOTO_ACCOUNT_ID", self._account)
        answer: Iterable[bytes] = self._moto(environ, start_response)
        return answer


def create(settings: dict[str, Any]) -> None:
    """Make what the run names; each topic gets a queue that keeps a copy of its messages."""
    for bucket in settings["buckets"]:
        get_backend("s3")[settings["account"]]["aws"].create_bucket(bucket["name"], bucket["region"])
    for queue in settings["queues"]:
        _queue(queue["account"], queue["region"], queue["name"])
    for topic in settings["topics"]:
        sns = get_backend("sns")[topic["account"]][topic["region"]]
        fifo = topic["name"].endswith(".fifo")
        made = sns.create_topic(topic["name"], {"FifoTopic": "true"} if fifo else None)
        copies = _queue(topic["account"], topic["region"], f"{_COPIES}{topic['name']}"[-80:])
        sns.subscribe(made.arn, copies, "sqs")


def _queue(account: str, region: str, name: str) -> str:
    attributes: dict[str, Any] = (
        {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if name.endswith(".fifo") else {}
    )
    made = get_backend("sqs")[account][region].create_queue(name, region=region, **attributes)
    arn: str = made.queue_arn
    return arn


def report() -> dict[str, list[dict[str, Any]]]:
    """Objects in order of bucket and key; messages of topics and of queues in the order in which they came."""
    objects, published, queued = [], [], []
    for s3 in _backends("s3"):
        for bucket in s3.buckets.values():
            objects += [{"bucket": bucket.name, "key": key, "size": held.size} for key, held in bucket.keys.items()]
    for sns in _backends("sns"):
        for arn, topic in sns.topics.items():
            published += [
                {"topic": arn, "subject": subject or "", "message": message, "attributes": _plain(attributes)}
                for _, message, subject, attributes, *_ in topic.sent_notifications
            ]
    for sqs in _backends("sqs"):
        for name, queue in sqs.queues.items():
            if not name.startswith(_COPIES):
                queued += [{"queue": queue.queue_arn, "message": held.body} for held in queue._messages]  # noqa: SLF001 - `messages` hides those that someone is reading
    objects.sort(key=lambda row: (row["bucket"], row["key"]))
    return {"objects": objects, "published": published, "queued": queued}


def _backends(service: Any) -> Iterator[Any]:
    """The backends of all accounts and regions."""
    for _, regions in sorted(get_backend(service).items()):
        yield from regions.values()


def _plain(attributes: dict[str, Any] | None) -> dict[str, str]:
    found = {}
    for name, value in (attributes or {}).items():
        held = value.get("Value", value.get("StringValue")) if isinstance(value, dict) else value
        found[str(name)] = held.decode(errors="replace") if isinstance(held, bytes) else str(held)
    return found


def serve(settings: dict[str, Any]) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    default_user_config["lambda"] = {"use_docker": False}
    server = make_server(
        "127.0.0.1", 0, Application(settings["account"]), threaded=True, request_handler=MotoRequestHandler
    )
    create(settings)
    sys.stdout.write(json.dumps({"port": server.port}) + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__sandbox__":
    serve(globals()["SETTINGS"])
