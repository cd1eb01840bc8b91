"""The aws plugins: what their fields mean, which limits hold, and the one call that each makes."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregator.aws.names import aws_host, host_of, looks_like_placeholder, parse_arn
from aggregator.runtimes.aws_fields import (
    Refused,
    access_for,
    add_fifo,
    attributes_of,
    check_size,
    check_subject,
    fields_of,
    json_of,
    message_of,
    needed,
    refusing,
    seconds_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.aws.clients import AwsClients
    from aggregator.ports import Secrets

KIB = 1024
SNS_LIMIT = 256 * KIB
SQS_LIMIT = 1024 * KIB
LAMBDA_LIMIT = 6 * KIB * KIB
LAMBDA_TIMEOUT = 905.0
"""A function may run for 15 minutes before it answers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said: `result` is `outputs.result`, `failure` the reason why the leaf failed although it answered."""

    result: str
    failure: str = ""
    log: str = ""


def sns(fields: Any, clients: AwsClients, secrets: Secrets) -> Answer:
    """Publish one message to a topic."""
    checked = fields_of(
        fields,
        "aws-sns",
        {
            "topicArn",
            "subject",
            "message",
            "messageAttributes",
            "messageStructure",
            "messageGroupId",
            "messageDeduplicationId",
        },
    )
    topic = needed(checked, "topicArn", "aws-sns")
    arn = refusing(lambda: parse_arn(topic, service="sns", field="topicArn"))
    message = message_of(checked, "message", "aws-sns")
    request: dict[str, Any] = {"TopicArn": topic, "Message": message}
    subject = text_of(checked, "subject")
    if subject:
        check_subject(subject)
        request["Subject"] = subject
    if checked.get("messageStructure"):
        request["MessageStructure"] = text_of(checked, "messageStructure")
    attributes = attributes_of(checked.get("messageAttributes"))
    if attributes:
        request["MessageAttributes"] = attributes
    add_fifo(request, checked, topic)
    check_size("SNS", "message", message, attributes, SNS_LIMIT, "store the data as an artifact and send its URL")
    access = access_for(checked, secrets, region=arn.region)
    if access.region != arn.region and not access.endpoint:
        raise Refused(
            f"region is {access.region!r}, but the topic {topic} is in {arn.region!r}", hint="leave `region` out"
        )
    hints = {
        "NotFound": f"create the topic {topic}, or correct `topicArn`",
        "AuthorizationError": f"allow sns:Publish on {topic}",
    }
    with clients.client("sns", access).calling(f"publish to {topic}", hints) as api:
        return Answer(_answer(api.publish(**request)))


def sqs(fields: Any, clients: AwsClients, secrets: Secrets) -> Answer:
    """Send one message to a queue."""
    checked = fields_of(
        fields,
        "aws-sqs",
        {"queueUrl", "message", "messageAttributes", "delaySeconds", "messageGroupId", "messageDeduplicationId"},
    )
    url = needed(checked, "queueUrl", "aws-sqs")
    scheme, netloc = host_of(url)
    host = aws_host(netloc)
    if looks_like_placeholder(url) or scheme not in {"http", "https"} or url.count("/") < 3:
        what = "looks like a placeholder" if looks_like_placeholder(url) else "is no URL of a queue"
        raise Refused(
            f"queueUrl is {url!r}, which {what}",
            hint="it looks like https://sqs.us-east-1.amazonaws.com/123456789012/NAME",
        )
    message = message_of(checked, "message", "aws-sqs")
    request: dict[str, Any] = {"QueueUrl": url, "MessageBody": message}
    attributes = attributes_of(checked.get("messageAttributes"))
    if len(attributes) > 10:
        raise Refused(f"messageAttributes has {len(attributes)} entries; SQS takes 10 at most")
    if attributes:
        request["MessageAttributes"] = attributes
    delay = checked.get("delaySeconds")
    if delay not in (None, ""):
        request["DelaySeconds"] = seconds_of(delay)
    add_fifo(request, checked, url)
    check_size("SQS", "message", message, attributes, SQS_LIMIT, "store the data as an artifact and send its URL")
    # A queue that is not AWS's tells by its URL where it is called.
    access = access_for(
        checked, secrets, region=host.region if host else "", endpoint="" if host else f"{scheme}://{netloc}"
    )
    hints = dict.fromkeys(_NO_QUEUE, f"create the queue {url}, or correct `queueUrl`")
    with clients.client("sqs", access).calling(f"send to {url}", hints) as api:
        return Answer(_answer(api.send_message(**request)))


def call_lambda(fields: Any, clients: AwsClients, secrets: Secrets) -> Answer:
    """Invoke a function; its payload is the result. A function that failed or answered no JSON fails the leaf."""
    checked = fields_of(
        fields, "aws-lambda", {"functionName", "payload", "qualifier", "invocationType", "logType", "clientContext"}
    )
    function = needed(checked, "functionName", "aws-lambda")
    region = ""
    if looks_like_placeholder(function):
        raise Refused(f"functionName is {function!r}, which looks like a placeholder", hint="fill in a name or an ARN")
    if function.startswith("arn:"):
        region = refusing(lambda: parse_arn(function, service="lambda", field="functionName")).region
    kind = text_of(checked, "invocationType") or "RequestResponse"
    if kind not in {"RequestResponse", "Event", "DryRun"}:
        raise Refused(f"invocationType {kind!r} is none", hint="use RequestResponse, Event or DryRun")
    payload = json_of(checked.get("payload", {}))
    if len(payload.encode()) > LAMBDA_LIMIT:
        raise Refused(f"payload has {len(payload.encode())} bytes; Lambda takes {LAMBDA_LIMIT} at most")
    request: dict[str, Any] = {"FunctionName": function, "InvocationType": kind, "Payload": payload.encode()}
    for field, name in (("qualifier", "Qualifier"), ("logType", "LogType")):
        if checked.get(field):
            request[name] = text_of(checked, field)
    if checked.get("clientContext"):
        request["ClientContext"] = base64.b64encode(json_of(checked["clientContext"]).encode()).decode()
    access = access_for(checked, secrets, region=region)
    hints = {"ResourceNotFoundException": f"create the function {function}, or correct `functionName` and `region`"}
    client = clients.client("lambda", access, read_timeout=LAMBDA_TIMEOUT)
    with client.calling(f"invoke {function}", hints) as api:
        response = api.invoke(**request)
        answered: bytes = response["Payload"].read() if response.get("Payload") is not None else b""
    log = base64.b64decode(response.get("LogResult") or "").decode("utf-8", "replace")
    return _invoked(function, kind, response, answered.decode("utf-8", "replace"), log)


_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
PLUGINS: dict[str, Callable[[Any, Any, Any], Answer]] = {"aws-sns": sns, "aws-sqs": sqs, "aws-lambda": call_lambda}


def _invoked(function: str, kind: str, response: Mapping[str, Any], text: str, log: str) -> Answer:
    error = response.get("FunctionError")
    if error:
        return Answer(text, f"Lambda: {function} failed ({error}){_why(text)}", log)
    if kind != "RequestResponse":
        return Answer(json.dumps({"StatusCode": response.get("StatusCode")}), log=log)
    try:
        json.loads(text)
    except ValueError:
        shown = f"{text[:200]!r}" + (f" and {len(text) - 200} characters more" if len(text) > 200 else "")
        what = f"{shown}, which is no JSON payload" if text else "without a payload"
        return Answer(text, f"Lambda: {function} answered {what}", log)
    return Answer(text, log=log)


def _why(text: str) -> str:
    """What a failed function told of its error."""
    try:
        told = json.loads(text)
    except ValueError:
        return f": {text[:500]}" if text else ""
    if not isinstance(told, dict):
        return f": {text[:500]}"
    parts = [str(told[field]) for field in ("errorType", "errorMessage") if told.get(field)]
    return f": {': '.join(parts)}" if parts else f": {text[:500]}"


def _answer(response: Mapping[str, Any]) -> str:
    return json.dumps({name: value for name, value in response.items() if name != "ResponseMetadata"})
