"""Verdicts of the HTTP runtime on answers from mocks: conditions, statuses, messages, secrets, and what can't be sent."""

import asyncio
import base64

import httpx
import pytest
import respx

from aggregator.runtimes.http.exchange import Response, TransportFailure

URL = "http://api.example/posts/1"


class Canned:
    """A transport of ours that answers every request alike."""

    keeps_limit = False

    def __init__(self, answer):
        self.answer = answer
        self.sent = []
        self.closed = False

    async def send(self, request):
        self.sent.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self):
        self.closed = True


def canned(status=200, body=b"{}", *headers):
    return Canned(Response(status, list(headers), body))


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_without_a_condition_2xx_succeeds(http, status):
    outcome = http.run(http.attempt(url=URL), transport=canned(status, b"body"))
    assert (outcome.phase, outcome.result, outcome.http_status) == ("Succeeded", "body", status)


@pytest.mark.parametrize("status", [199, 304, 400, 404, 500])
def test_without_a_condition_anything_else_fails_and_keeps_the_whole_body(http, status):
    body = b"x" * 5000
    outcome = http.run(http.attempt(url=URL), transport=canned(status, body))
    assert (outcome.phase, outcome.result, outcome.http_status) == ("Failed", body.decode(), status)
    assert outcome.message.startswith(f"received non-2xx response code: {status}")
    assert "x" * 200 + "… (5000 characters)" in outcome.message
    assert "x" * 201 not in outcome.message


@pytest.mark.parametrize(
    ("condition", "status", "phase"),
    [
        ("response.statusCode == 404", 404, "Succeeded"),
        ("response.statusCode == 200", 404, "Failed"),
        ('response.body contains "userId" && response.body contains "id"', 500, "Succeeded"),
        ('"gold" in response.headers["X-Kind"]', 200, "Succeeded"),
        ('request.method == "POST" && request.url endsWith "/posts/1" && request.body == "hi"', 200, "Succeeded"),
        ('request.headers["X-Mine"][0] == "1"', 200, "Succeeded"),
        ("len(request.bodyBytes) == 2", 200, "Succeeded"),
    ],
)
def test_a_condition_replaces_the_rule_of_2xx_and_sees_request_and_response(http, condition, status, phase):
    outcome = http.run(
        http.attempt(
            url=URL, method="POST", body="hi", headers=[{"name": "x-mine", "value": "1"}], successCondition=condition
        ),
        transport=canned(status, b'{"userId": 1, "id": 2}', ("x-kind", "silver"), ("x-kind", "gold")),
    )
    assert (outcome.phase, outcome.http_status) == (phase, status)
    assert outcome.result == '{"userId": 1, "id": 2}'
    if phase == "Failed":
        assert outcome.message == (
            f"successCondition '{condition}' evaluated false: {status} Not Found from POST {URL}, "
            'body: {"userId": 1, "id": 2}'
        )


@pytest.mark.parametrize("condition", ["response.statusCode ==", "response.nothing.here == 1", "response.statusCode"])
def test_a_condition_that_gives_no_true_or_false_fails_with_the_reason_and_the_body_recorded(http, condition):
    outcome = http.run(http.attempt(url=URL, successCondition=condition), transport=canned(200, b"body"))
    assert (outcome.phase, outcome.result) == ("Failed", "body")
    assert f"successCondition '{condition}' cannot be evaluated: " in outcome.message


def test_a_condition_that_fails_on_503_is_transient_but_one_that_fails_on_200_is_not(http):
    busy = http.run(http.attempt(url=URL, successCondition="response.statusCode == 200"), transport=canned(503))
    fine = http.run(http.attempt(url=URL, successCondition="response.statusCode == 503"), transport=canned(200))
    assert (busy.transient, fine.transient) == (True, False)


@pytest.mark.parametrize(
    ("status", "transient"),
    [
        (408, True),
        (425, True),
        (429, True),
        (500, True),
        (502, True),
        (503, True),
        (504, True),
        (501, False),
        (404, False),
    ],
)
def test_which_statuses_may_pass(http, status, transient):
    assert http.run(http.attempt(url=URL), transport=canned(status)).transient is transient
    assert http.run(http.attempt(url=URL), transport=canned(status), strict_argo=True).transient is False


@pytest.mark.parametrize(
    ("kind", "reason", "transient", "strict"),
    [
        ("reset", "", True, True),
        ("refused", "", True, True),
        ("timeout", "connecting took too long", True, True),
        ("closed", "", True, False),
        ("truncated", "", True, False),
        ("unreachable", "", True, False),
        ("dns", "", False, False),
        ("tls", "", False, False),
        ("proxy", "", False, False),
        ("decode", "", False, False),
        ("protocol", "", False, False),
        ("request", "", False, False),
        ("redirects", "stopped", False, False),
    ],
)
def test_which_transport_failures_may_pass_and_none_is_an_error(http, kind, reason, transient, strict):
    for strict_argo, expected in ((False, transient), (True, strict)):
        failure = TransportFailure(kind, reason)
        outcome = http.run(http.attempt(url=URL), transport=Canned(failure), strict_argo=strict_argo)
        assert (outcome.phase, outcome.transient, outcome.result) == ("Failed", expected, None)
        assert outcome.message.startswith(f'Get "{URL}": ')
        assert outcome.http_status is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120.0), ("0", 0.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None), ("-5", None), ("", None)],
)
def test_retry_after_is_seconds_or_a_date_and_a_date_gone_by_means_at_once(http, value, seconds):
    outcome = http.run(http.attempt(url=URL), transport=canned(429, b"", ("Retry-After", value)))
    assert outcome.retry_after == seconds


def test_the_node_is_never_told_to_be_running(http):
    sink = http.Sink()

    async def scenario():
        runtime = http.Runtime(secrets=http.Secrets(), transport=canned(), environ={})
        await runtime.run(http.attempt(url=URL), None, sink)
        await runtime.stop()

    asyncio.run(scenario())
    assert sink.told == []


def test_secrets_are_masked_in_messages_and_kept_whole_in_results(http):
    secrets = http.Secrets(api_key="k3y")
    rows = [{"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "api", "key": "key"}}}]
    outcome = http.run(
        http.attempt(url=f"{URL}?token=k3y", headers=rows), transport=canned(403, b"bad key k3y"), secrets=secrets
    )
    assert "k3y" not in outcome.message
    assert "token=***" in outcome.message
    assert outcome.result == "bad key k3y"


def test_a_missing_secret_fails_the_leaf_and_sends_nothing(http):
    transport = canned()
    rows = [{"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "api", "key": "key"}}}]
    outcome = http.run(http.attempt(url=URL, headers=rows), transport=transport)
    assert outcome.phase == "Failed"
    assert "secret 'api' has no key 'key'" in outcome.message
    assert transport.sent == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"url": "ftp://x/y"}, 'unsupported protocol scheme "ftp"'),
        ({"url": "posts/1"}, 'unsupported protocol scheme ""'),
        ({"url": ""}, 'unsupported protocol scheme ""'),
        ({"url": "http:///posts"}, "no Host in request URL"),
        ({"url": "http://x:99999/"}, "Port out of range"),
        ({"url": URL, "bodyFrom": {"bytes": "not base64!"}}, "bodyFrom.bytes is not base64"),
        ({"url": URL, "method": "BAD METHOD"}, 'invalid method "BAD METHOD"'),
        ({"url": URL, "headers": [{"name": "bad name", "value": "x"}]}, 'invalid header field name "bad name"'),
        ({"url": URL, "timeoutSeconds": "soon"}, "timeoutSeconds is 'soon'"),
        ({"url": URL, "headers": [{"name": "X", "value": "a\r\nY: b"}]}, 'invalid header field value for "X"'),
    ],
)
def test_what_cannot_be_sent_fails_the_leaf_with_the_reason(http, body, words):
    transport = canned()
    outcome = http.run(http.attempt(**body), transport=transport)
    assert (outcome.phase, outcome.transient) == ("Failed", False)
    assert words in outcome.message
    assert transport.sent == []


def test_a_secret_file_that_ends_in_a_line_break_is_sent_without_it(http):
    transport = canned()
    rows = [{"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "api", "key": "key"}}}]
    http.run(http.attempt(url=URL, headers=rows), transport=transport, secrets=http.Secrets(api_key="k3y\n"))
    assert ("X-Key", "k3y") in transport.sent[0].headers


def test_an_httpx_mock_transport_may_carry_the_requests(http):
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(200, json={"id": 1}, headers={"X-A": "b"})

    outcome = http.run(
        http.attempt(
            url=URL,
            method="PUT",
            bodyFrom={"bytes": base64.b64encode(b"raw").decode()},
            headers=[{"name": "Host", "value": "other.example"}],
            successCondition='response.headers["X-A"][0] == "b"',
        ),
        transport=httpx.MockTransport(answer),
    )
    assert outcome.phase == "Succeeded"
    assert (seen[0].method, seen[0].content, seen[0].headers["host"]) == ("PUT", b"raw", "other.example")
    assert seen[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx.ConnectError("[Errno -2] Name or service not known"), "does not resolve"),
        (httpx.ConnectError("All connection attempts failed"), "connection refused"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"), "TLS failure"),
        (httpx.ReadError("reset"), "connection reset by peer"),
        (httpx.ConnectTimeout("slow"), "i/o timeout"),
        (httpx.RemoteProtocolError("Server disconnected"), "closed the connection"),
        (httpx.ProxyError("407"), "the proxy for"),
        (httpx.DecodingError("bad"), "cannot be decoded"),
    ],
)
def test_httpx_errors_become_the_same_words(http, error, words):
    def fail(request):
        raise error

    outcome = http.run(http.attempt(url=URL), transport=httpx.MockTransport(fail))
    assert outcome.phase == "Failed"
    assert words in outcome.message


def test_respx_reaches_a_client_of_httpx(http):
    with respx.mock(using="httpx") as mock:
        route = mock.get(URL).respond(503, text="busy", headers={"Retry-After": "3"})
        outcome = http.run(http.attempt(url=URL), transport=httpx.AsyncClient())
        assert route.call_count == 1
    assert (outcome.http_status, outcome.retry_after) == (503, 3.0)


def test_stop_closes_the_transport(http):
    transport = canned()
    http.run(http.attempt(url=URL), transport=transport)
    assert transport.closed
