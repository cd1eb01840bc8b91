"""The raw, http and artifactory drivers: what they send, what answers mean, and that a short answer is no artifact."""

import base64
import json
import os
import threading
from urllib.parse import parse_qs

import pytest

from aggregator.artifacts import DRIVERS, make_driver
from aggregator.artifacts.http import ArtifactoryDriver, HttpDriver
from aggregator.errors import NotFound, StoreError, TransientError, Unsupported
from aggregator.secrets.store import SecretStore


def named(key):
    return {"name": "s", "key": key}


@pytest.fixture
def http(clean_aws):
    made = HttpDriver(SecretStore(environ={}, extra={("s", "user"): "me\n", ("s", "password"): "pä:ss\n"}))
    yield made
    made.close()


def test_a_url_is_loaded_with_its_headers(http, stub_server, tmp_path):
    url, seen = stub_server(lambda method, path: (200, {"Content-Encoding": "gzip"}, b"\x1f\x8braw bytes"))
    location = {
        "url": f"{url}/x?a=b",
        "headers": [{"name": "Accept", "value": "text/x"}, {"name": "X-Two", "value": "2"}],
    }
    http.load(location, tmp_path / "in" / "target")
    assert (tmp_path / "in" / "target").read_bytes() == b"\x1f\x8braw bytes"
    method, path, headers, _ = seen[0]
    assert (method, path, headers["Accept"], headers["X-Two"]) == ("GET", "/x?a=b", "text/x", "2")
    assert "Authorization" not in headers
    with http.open(location) as stream:
        assert stream.read() == b"\x1f\x8braw bytes"


def test_a_file_is_stored_by_put(http, stub_server, tmp_path):
    url, seen = stub_server(lambda method, path: (201, {}, b""))
    for data in (b"some content", b""):
        (tmp_path / "source").write_bytes(data)
        location = {
            "url": f"{url}/up",
            "auth": {"basicAuth": {"usernameSecret": named("user"), "passwordSecret": named("password")}},
        }
        http.save(tmp_path / "source", location)
        method, path, headers, body = seen[-1]
        assert (method, path, body, headers["Content-Length"]) == ("PUT", "/up", data, str(len(data)))
        assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == "me:pä:ss"


def test_artifactory_is_http_with_a_name_and_a_password(stub_server, clean_aws, tmp_path):
    url, seen = stub_server(lambda method, path: (200, {}, b"x"))
    driver = ArtifactoryDriver(SecretStore(environ={}, extra={("s", "user"): "me", ("s", "password"): "pw-long"}))
    driver.load({"url": url, "usernameSecret": named("user"), "passwordSecret": named("password")}, tmp_path / "t")
    assert seen[0][2]["Authorization"] == f"Basic {base64.b64encode(b'me:pw-long').decode()}"
    driver.load({"url": url}, tmp_path / "t")
    assert "Authorization" not in seen[1][2]
    driver.close()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, NotFound, "HTTP 404"),
        (410, NotFound, "HTTP 410"),
        (401, StoreError, "HTTP 401"),
        (403, StoreError, "HTTP 403"),
        (418, StoreError, "HTTP 418"),
        (429, TransientError, "HTTP 429"),
        (503, TransientError, "HTTP 503"),
    ],
)
def test_answers_that_refuse(http, stub_server, tmp_path, status, kind, words):
    url, seen = stub_server(lambda method, path: (status, {"Retry-After": "4"}, b"no"))
    (tmp_path / "source").write_bytes(b"x")
    for call in (
        lambda: http.load({"url": url}, tmp_path / "in" / "t"),
        lambda: http.save(tmp_path / "source", {"url": url}),
        lambda: http.open({"url": url}),
    ):
        with pytest.raises(kind, match=words) as caught:
            call()
        assert type(caught.value) is kind
        assert kind is not TransientError or caught.value.retry_after == 4
    assert len(seen) == 3
    assert not (tmp_path / "in" / "t").exists()


def test_an_answer_that_breaks_off_is_no_artifact(http, stub_server, tmp_path):
    url, _ = stub_server(lambda method, path: (200, {"Content-Length": "100"}, b"short"))
    with pytest.raises(TransientError, match="broke off"):
        http.load({"url": url}, tmp_path / "in" / "t")
    assert os.listdir(tmp_path / "in") == []
    with pytest.raises(TransientError, match="broke off"), http.open({"url": url}) as stream:
        stream.read()


def test_redirects_are_followed_but_credentials_stay_at_home(http, stub_server, tmp_path):
    other, seen = stub_server(lambda method, path: (200, {}, b"there"))
    other = other.replace("127.0.0.1", "localhost")
    url, _ = stub_server(lambda method, path: (302, {"Location": f"{other}/moved"}, b""))
    auth = {"basicAuth": {"usernameSecret": named("user"), "passwordSecret": named("password")}}
    http.load({"url": url, "auth": auth}, tmp_path / "t")
    assert (tmp_path / "t").read_bytes() == b"there"
    assert "Authorization" not in seen[0][2]


def test_nobody_listens_or_nobody_answers(stub_server, clean_aws, tmp_path):
    gate = threading.Event()

    def stall(method, path):
        gate.wait(20)
        return 200, {}, b""

    url, _ = stub_server(stall)
    driver = HttpDriver(SecretStore(environ={}), read_timeout=0.2)
    for address in (url, "http://127.0.0.1:9/x"):
        with pytest.raises(TransientError, match="the connection failed"):
            driver.load({"url": address}, tmp_path / "t")
    gate.set()
    driver.close()


def test_a_proxy_of_the_environment_is_used(http, stub_server, tmp_path, monkeypatch):
    proxy, seen = stub_server(lambda method, path: (200, {}, b"by proxy"))
    monkeypatch.setenv("http_proxy", proxy)
    http.load({"url": "http://artifacts.example/x"}, tmp_path / "t")
    assert seen[0][1] == "http://artifacts.example/x"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    url, direct = stub_server(lambda method, path: (200, {}, b"direct"))
    http.load({"url": f"{url}/y"}, tmp_path / "t")
    assert direct[0][1] == "/y"


# --- OAuth2


def oauth_driver(token_url):
    values = {("s", "id"): "client", ("s", "secret"): "client-secret", ("s", "url"): token_url}
    return HttpDriver(SecretStore(environ={}, extra=values))


OAUTH = {
    "oauth2": {
        "clientIDSecret": named("id"),
        "clientSecretSecret": named("secret"),
        "tokenURLSecret": named("url"),
        "scopes": ["read", "write"],
        "endpointParams": [{"key": "audience", "value": "us"}],
    }
}


def test_oauth2_by_client_credentials_keeps_its_token(clean_aws, stub_server, tmp_path):
    token = json.dumps({"access_token": "the-token", "expires_in": 3600}).encode()
    token_url, asked = stub_server(lambda method, path: (200, {}, token))
    url, seen = stub_server(lambda method, path: (200, {}, b"x"))
    driver = oauth_driver(token_url)
    for _ in range(2):
        driver.load({"url": url, "auth": OAUTH}, tmp_path / "t")
    driver.close()
    assert [each[2]["Authorization"] for each in seen] == ["Bearer the-token"] * 2
    ((method, _, headers, body),) = asked
    assert method == "POST"
    assert headers["Authorization"] == f"Basic {base64.b64encode(b'client:client-secret').decode()}"
    assert parse_qs(body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["read write"],
        "audience": ["us"],
    }


def test_oauth2_servers_that_read_the_form_only(clean_aws, stub_server, tmp_path):
    answers = iter([(401, {}, b"{}"), (200, {}, b'{"access_token": "t"}')])
    token_url, asked = stub_server(lambda method, path: next(answers))
    url, _ = stub_server(lambda method, path: (200, {}, b"x"))
    driver = oauth_driver(token_url)
    driver.load({"url": url, "auth": OAUTH}, tmp_path / "t")
    driver.close()
    assert parse_qs(asked[1][3].decode())["client_secret"] == ["client-secret"]


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (403, b'{"error": "invalid_client"}', StoreError, "invalid_client"),
        (200, b"<html>", StoreError, "gave no access token"),
        (200, b"{}", StoreError, "gave no access token"),
        (503, b"", TransientError, "503"),
    ],
)
def test_oauth2_that_fails(clean_aws, stub_server, tmp_path, status, body, kind, words):
    token_url, _ = stub_server(lambda method, path: (status, {}, body))
    driver = oauth_driver(token_url)
    with pytest.raises(kind, match=words):
        driver.load({"url": "http://127.0.0.1:9", "auth": OAUTH}, tmp_path / "t")
    driver.close()


# --- TLS


def test_a_client_certificate(tls_server, clean_aws, tmp_path, monkeypatch):
    url, both, pem, private = tls_server(b"secure", want_certificate=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(both))
    driver = HttpDriver(
        SecretStore(environ={}, extra={("s", "cert"): pem, ("s", "key"): private, ("s", "bad"): "nothing"})
    )
    auth = {"clientCert": {"clientCertSecret": named("cert"), "clientKeySecret": named("key")}}
    driver.load({"url": url, "auth": auth}, tmp_path / "t")
    assert (tmp_path / "t").read_bytes() == b"secure"
    with pytest.raises(StoreError, match="no certificate with its key"):
        driver.load(
            {"url": url, "auth": {"clientCert": {**auth["clientCert"], "clientKeySecret": named("bad")}}},
            tmp_path / "t",
        )
    driver.close()


def test_a_certificate_nobody_trusts(tls_server, http, tmp_path):
    with pytest.raises(StoreError, match="TLS") as caught:
        http.load({"url": tls_server(b"")[0]}, tmp_path / "t")
    assert not isinstance(caught.value, TransientError)
    assert "SSL_CERT_FILE" in caught.value.hint


# --- what makes no sense


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ({}, "has no url"),
        ({"url": "ftp://x/y"}, "is no http or https URL"),
        ({"url": "http:///y"}, "is no http or https URL"),
        ({"url": "http://x", "auth": {"basicAuth": {"usernameSecret": {"name": "s"}}}}, "auth needs usernameSecret"),
        ({"url": "http://x", "auth": {"basicAuth": {"a": 1}, "oauth2": {"a": 1}}}, "names both"),
    ],
)
def test_locations_that_make_no_sense(http, tmp_path, location, words):
    with pytest.raises(StoreError, match=words):
        http.load(location, tmp_path / "t")


def test_what_http_cannot_do_says_so(http, tmp_path):
    with pytest.raises(StoreError, match="can't store the folder"):
        http.save(tmp_path, {"url": "http://127.0.0.1:9"})
    with pytest.raises(StoreError, match="can't be listed"):
        http.list({"url": "http://127.0.0.1:9"})
    with pytest.raises(StoreError, match="not deleted"):
        http.delete({"url": "http://127.0.0.1:9"})


# --- raw, and the table of drivers


def test_raw_data_is_the_artifact(tmp_path):
    raw = make_driver("raw", secrets=SecretStore(environ={}), clients=lambda: None, root=tmp_path)
    raw.load({"data": "ü\n"}, tmp_path / "in" / "t")
    assert (tmp_path / "in" / "t").read_text() == "ü\n"
    assert raw.open({"data": ""}).read() == b""
    for call in (lambda: raw.save(tmp_path, {}), lambda: raw.list({}), lambda: raw.load({"data": 5}, tmp_path / "t")):
        with pytest.raises(StoreError, match="raw"):
            call()
    raw.delete({"data": "x"})


def test_every_driver_of_the_table_can_be_made(tmp_path, clean_aws):
    from aggregator.aws.clients import AwsClients

    for key in DRIVERS:
        driver = make_driver(key, secrets=SecretStore(environ={}), clients=AwsClients, root=tmp_path)
        assert callable(driver.load)


def test_an_unknown_driver_names_the_known(tmp_path):
    with pytest.raises(Unsupported, match="'webdav'") as caught:
        make_driver("webdav", secrets=SecretStore(environ={}), clients=lambda: None, root=tmp_path)
    assert "s3" in caught.value.hint


def test_a_local_path_has_to_be_absolute(tmp_path):
    local = make_driver("local", secrets=SecretStore(environ={}), clients=lambda: None, root=tmp_path / "root")
    (tmp_path / "f").write_text("x")
    local.load({"path": str(tmp_path / "f")}, tmp_path / "t")
    assert (tmp_path / "t").read_text() == "x"
    assert local.list({"path": str(tmp_path / "f")}) == [str(tmp_path / "f")]
    with pytest.raises(StoreError, match="not absolute"):
        local.load({"path": "f"}, tmp_path / "t")
    with pytest.raises(StoreError, match="would leave"):
        local.load({"key": "../f"}, tmp_path / "t")
