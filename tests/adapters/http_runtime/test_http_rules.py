"""Rules that the HTTP runtime takes from Go: proxies of the environment, redirects, and names of headers."""

import pytest

from aggregator.runtimes.http.condition import canonical
from aggregator.runtimes.http.exchange import Request, Response, TransportFailure
from aggregator.runtimes.http.proxies import EnvironmentProxies
from aggregator.runtimes.http.redirects import follow, redirects

PROXY = "http://proxy.corp:3128"


@pytest.mark.parametrize(
    ("rule", "host", "port", "direct"),
    [
        ("", "far.example", None, False),
        ("far.example", "far.example", None, True),
        ("far.example", "api.far.example", None, True),
        ("far.example", "notfar.example", None, False),
        (".far.example", "far.example", None, False),
        (".far.example", "api.far.example", None, True),
        ("*.far.example", "api.far.example", None, True),
        ("FAR.example", "far.example", None, True),
        ("a.b, far.example", "far.example", None, True),
        ("*", "far.example", None, True),
        ("far.example:8080", "far.example", 8080, True),
        ("far.example:8080", "far.example", None, False),
        ("far.example:80", "far.example", None, True),
        ("10.0.0.0/8", "10.1.2.3", None, True),
        ("10.0.0.0/8", "11.1.2.3", None, False),
        ("10.1.2.3", "10.1.2.3", None, True),
        ("fd00::/8", "fd00::1", None, True),
        ("nonsense/99", "10.1.2.3", None, False),
    ],
)
def test_no_proxy_names_hosts_with_their_subdomains_ports_addresses_and_networks(rule, host, port, direct):
    proxies = EnvironmentProxies({"HTTP_PROXY": PROXY, "NO_PROXY": rule})
    assert proxies.for_url("http", host, port) == ("" if direct else PROXY)
    assert proxies.for_url("http", host, port) == ("" if direct else PROXY), "and so a second time"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_loopback_never_goes_through_a_proxy(host):
    assert EnvironmentProxies({"HTTP_PROXY": PROXY}).for_url("http", host, None) == ""


def test_each_scheme_has_its_proxy_in_upper_or_lower_case_and_a_bare_host_is_http():
    proxies = EnvironmentProxies({"http_proxy": "a.corp:1", "HTTPS_PROXY": "socks5://b.corp:2"})
    assert proxies.for_url("http", "far.example", None) == "http://a.corp:1"
    assert proxies.for_url("https", "far.example", None) == "socks5://b.corp:2"
    assert not EnvironmentProxies({}).active


def test_in_a_cgi_script_http_proxy_is_a_header_of_the_client_and_not_heard():
    environ = {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}
    assert EnvironmentProxies(environ).for_url("http", "far.example", None) == ""


def hop(location, *, url="https://api.example/a/b?x=1", status=302, headers=(), method="GET"):
    response = Response(status, [("Location", location)], b"")
    return follow(Request(method, url, list(headers), b"body"), response, "api.example")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("c", "https://api.example/a/c"),
        ("/c?y=2", "https://api.example/c?y=2"),
        ("//other.example/c", "https://other.example/c"),
        ("http://other.example:81/", "http://other.example:81/"),
        ("https://me:secret@api.example/#part", "https://api.example/"),
    ],
)
def test_a_location_is_read_against_the_url_it_answers(location, url):
    assert hop(location).url == url


@pytest.mark.parametrize(
    ("location", "kept"), [("/c", True), ("https://sub.api.example/", True), ("https://x.example/", False)]
)
def test_authorization_and_cookies_go_to_the_same_host_and_below_it_only(location, kept):
    sent = hop(location, headers=[("authorization", "t"), ("Cookie", "c"), ("X-Other", "1")]).headers
    names = {name.lower() for name, _ in sent}
    assert ({"authorization", "cookie"} <= names) is kept
    assert "x-other" in names


def test_a_host_of_ones_own_is_kept_for_a_relative_location_only():
    headers = [("Host", "inner.example")]
    assert ("Host", "inner.example") in hop("/c", headers=headers).headers
    assert ("Host", "inner.example") not in hop("https://api.example/c", headers=headers).headers


def test_no_referer_goes_from_https_to_http_and_none_with_a_password():
    assert not any(name == "Referer" for name, _ in hop("http://api.example/").headers)
    assert ("Referer", "https://api.example/a/b?x=1") in hop("/c").headers


def test_headers_that_describe_a_body_go_with_the_body():
    headers = [("Content-Type", "text/plain")]
    assert hop("/c", headers=headers, method="POST").headers[0][0] == "Referer"
    assert ("Content-Type", "text/plain") in hop("/c", headers=headers, method="POST", status=307).headers


def test_a_redirect_to_another_scheme_fails():
    with pytest.raises(TransportFailure, match="unsupported protocol scheme"):
        hop("file:///etc/passwd")


def test_a_location_that_is_no_url_fails():
    with pytest.raises(TransportFailure, match="failed to parse Location"):
        hop("http://[half")


def test_a_redirect_without_a_host_fails():
    with pytest.raises(TransportFailure, match="no Host"):
        hop("http:///path")


@pytest.mark.parametrize("status", [300, 304, 305])
def test_other_statuses_of_the_family_redirect_nowhere(status):
    assert not redirects(Response(status, [("Location", "/c")], b""))


@pytest.mark.parametrize(
    ("name", "go"), [("content-type", "Content-Type"), ("X-REQUEST-ID", "X-Request-Id"), ("etag", "Etag")]
)
def test_header_maps_have_gos_canonical_names(name, go):
    assert canonical(name) == go
