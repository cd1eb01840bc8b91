"""What can't be reached or run from this machine: URLs, certificates, images, and values too large for a process."""

import re

import pytest

GET = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: get-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: url}]}
  templates:
    - name: main
      steps:
        - - name: fetch
            template: get
            arguments: {parameters: [{name: url, value: "{{workflow.parameters.url}}"}]}
    - name: get
      inputs: {parameters: [{name: url}]}
      http: {url: "{{inputs.parameters.url}}", timeoutSeconds: 5}
"""


def cause(answer):
    """The line that names the first cause: place, node, phase, message."""
    line = answer.err.splitlines()[-2]
    assert line.startswith("get.yaml:13:7: fetch: "), answer
    assert re.search(r"next: agg (get|logs) get-", answer.err.splitlines()[-1]), answer
    return line


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://nobody-has-this.invalid/x", ["nobody-has-this.invalid", "does not resolve"]),
        ("http://127.0.0.1:9/x", ["127.0.0.1:9", "connection refused"]),
        ("nonsense", ['"nonsense"', "http:// or https://"]),
        ("ftp://127.0.0.1/x", ['"ftp"', "http:// or https://"]),
        ("", ['""', "http:// or https://"]),
        ("http://a b/x", ["a b", "space"]),
        ("http://127.0.0.1:99999/", ["99999", "Port out of range"]),
    ],
)
def test_a_url_that_leads_nowhere(agg, url, told):
    agg.file("get.yaml", GET)
    answer = agg("run", "get.yaml", f"--url={url}")
    assert answer.code == 1, answer
    for words in told:
        assert words in cause(answer), answer


def test_a_certificate_that_nobody_trusts(agg, tls_server):
    url, _, certificate, _ = tls_server(b"hello")
    agg.file("get.yaml", GET)
    answer = agg("run", "get.yaml", "--url", url)
    assert answer.code == 1, answer
    line = cause(answer)
    assert url in line
    assert "certificate" in line
    assert "insecureSkipVerify" in line or "SSL_CERT_FILE" in line, "it says what would help"
    agg.file("ca.pem", certificate)
    trusted = agg("run", "get.yaml", "--url", url, env={"SSL_CERT_FILE": str(agg.folder / "ca.pem")})
    assert trusted.code == 0, trusted


def test_https_where_plain_http_is_spoken(agg, stub_server):
    url, _ = stub_server(lambda method, path: (200, {}, b"hello"))
    agg.file("get.yaml", GET)
    answer = agg("run", "get.yaml", "--url", url.replace("http:", "https:"))
    assert answer.code == 1, answer
    assert "TLS" in cause(answer) or "tls" in cause(answer)


def test_a_workflow_by_url(agg, stub_server):
    hello = GET.replace("entrypoint: main", "entrypoint: hi").replace(
        "    - name: get\n", "    - {name: hi, container: {image: alpine, command: ['true']}}\n    - name: get\n"
    )
    url, _ = stub_server(
        lambda method, path: (200, {}, hello.encode()) if path == "/wf.yaml" else (404, {}, b"not here")
    )
    assert agg("run", f"{url}/wf.yaml", "--url=x", "-o", "name").code == 0
    answer = agg("run", f"{url}/other.yaml")
    assert answer.code == 1, answer
    assert f"{url}/other.yaml" in answer.err
    assert "404" in answer.err or "Not Found" in answer.err
    answer = agg("run", "http://nobody-has-this.invalid/wf.yaml", "-o", "json")
    assert answer.code == 1, answer
    assert "nobody-has-this.invalid" in answer.err
    assert answer.json["status"]["phase"] == "Error"


IMAGE = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: image-}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: "example.com/team/thing:1.2", args: [x]}
"""


def test_an_image_without_a_rule_names_the_rule_to_add(agg):
    """The rule of the message, put into the settings, makes the file run."""
    agg.file("image.yaml", IMAGE)
    answer = agg("run", "image.yaml", "-o", "json")
    assert answer.code == 4, answer
    assert answer.json["status"]["phase"] == "Error"
    line = answer.err.splitlines()[-2]
    assert line.startswith("image.yaml:7:7: "), answer
    assert "example.com/team/thing:1.2" in line
    rule = re.search(r"(\[process\.images\.\S+\]) entrypoint = \[\"PROGRAM\"\]", line)
    assert rule, answer
    agg.file("agg.toml", f'{rule[1]}\nentrypoint = ["echo"]\n')
    answer = agg("run", "image.yaml", "--log", "--progress", "none")
    assert answer.code == 0, answer
    assert "x\n" in answer.out


def test_a_program_that_is_not_there(agg):
    agg.file("image.yaml", IMAGE.replace("args: [x]", "command: [no-such-program-here]"))
    answer = agg("run", "image.yaml")
    assert answer.code == 1, answer
    line = answer.err.splitlines()[-2]
    assert line.startswith("image.yaml:7:7: "), answer
    assert "no-such-program-here" in line
    assert "not" in line


def test_the_article_with_5000_items(agg, shared):
    """RESULTS would be more than the kernel takes: the message names it, its size, the limit, and the way out."""
    answer = agg("run", shared("article/filled.yaml"), "-p", "count=5000", "--sandbox", "-o", "name")
    assert answer.code == 1, answer
    line = answer.err.splitlines()[-2]
    assert re.search(r"RESULTS is \d{7} bytes .* at most 131071 bytes", line), answer
    assert "artifact" in line
    assert "filled.yaml:" in line
    assert "stored " not in answer.err
