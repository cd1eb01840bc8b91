"""A known secret, given in every way there is and used wherever one can be: it is shown nowhere, and kept as it was printed."""

import base64
import json
import stat
import urllib.parse

import pytest

SECRET = 'p&s/w0rd "with+ümlaut\\and<more>=?'
"""Holds what base64, URLs and JSON each write differently."""

USES = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: uses-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: url}]}
  templates:
    - name: main
      steps:
        - - {name: script, template: script}
          - {name: request, template: request}
          - {name: store, template: store}
          - {name: fails, template: fails, continueOn: {failed: true}}
        - - name: again
            template: again
            arguments: {parameters: [{name: text, value: "{{steps.script.outputs.result}} {{steps.request.outputs.result}}"}]}
    - name: script
      outputs: {parameters: [{name: token, valueFrom: {path: /tmp/token}}]}
      script:
        image: python:3.12
        command: [python]
        env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: vault, key: token}}}]
        source: |
          import base64, json, os, sys, urllib.parse
          token = os.environ["TOKEN"]
          for text in (token, base64.b64encode(token.encode()).decode(), urllib.parse.quote(token, safe=""), json.dumps(token)):
              print("printed", text, flush=True)
              print("told", text, file=sys.stderr, flush=True)
          for letter in token:
              sys.stdout.write(letter)
              sys.stdout.flush()
          open("/tmp/token", "w").write(token)
    - name: request
      http:
        url: "{{workflow.parameters.url}}/echo"
        headers: [{name: X-Token, valueFrom: {secretKeyRef: {name: vault, key: encoded}}}]
        successCondition: response.statusCode == 200
    - name: store
      outputs:
        artifacts:
          - name: stored
            path: /tmp/stored
            archive: {none: {}}
            s3:
              bucket: deals
              key: stored.txt
              region: us-east-1
              accessKeySecret: {name: vault, key: access}
              secretKeySecret: {name: vault, key: token}
      container: {image: alpine, command: [sh, -c], args: ['echo stored > /tmp/stored']}
    - name: fails
      container:
        image: alpine
        command: [sh, -c, 'echo "can not log in with $TOKEN" >&2; exit 1']
        env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: vault, key: token}}}]
    - name: again
      inputs: {parameters: [{name: text}]}
      container: {image: alpine, command: [cat], args: [/dev/null, "-"], env: [{name: T, value: "{{inputs.parameters.text}}"}]}
"""
VALUES = {"token": SECRET, "encoded": base64.b64encode(SECRET.encode()).decode(), "access": "AKIAIOSFODNN7EXAMPLE"}


def document():
    return json.dumps(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "vault"}, "stringData": VALUES}, ensure_ascii=False
    )


def in_a_folder(agg):
    folder = agg.folder / "secrets" / "vault"
    folder.mkdir(parents=True)
    for key, value in VALUES.items():
        (folder / key).write_text(value + "\n")
    agg.file("agg.toml", f'[secrets]\nfolders = ["{agg.folder}/secrets"]\n')
    return [], {}


def in_an_env_file(agg):
    lines = [f"AGG_SECRET_VAULT_{key.upper()}='{value}'" for key, value in VALUES.items()]
    agg.file("secrets.env", "\n".join(lines) + "\n")
    agg.file("agg.toml", '[secrets]\nenv_file = "secrets.env"\n')
    return [], {}


def in_the_environment(agg):
    return [], {f"AGG_SECRET_VAULT_{key.upper()}": value for key, value in VALUES.items()}


def in_the_file(agg):
    agg.file("uses.yaml", f"{USES}---\n{document()}\n")
    return [], {}


def beside_the_file(agg):
    agg.file("vault.yaml", document())
    return ["--with", "vault.yaml"], {}


def forms(value):
    """Every way in which the secret could be read from a text."""
    raw = value.encode()
    quoted = [urllib.parse.quote(value, safe=""), urllib.parse.quote(value), urllib.parse.quote_plus(value)]
    dumped = [json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]]
    twice = [json.dumps(text)[1:-1] for text in dumped]
    return {value, base64.b64encode(raw).decode(), raw.hex(), *quoted, *dumped, *twice}


FORMS = forms(SECRET) | forms(VALUES["encoded"])


def leaks(text):
    return [form for form in FORMS if form in text]


@pytest.fixture
def echo(stub_server):
    """Answers every request with its own header, as a debugging service does."""
    seen = []

    def answers(method, path):
        header = seen[-1][2].get("X-Token", "") if seen else ""
        told = base64.b64decode(header).decode() if header else ""
        return 200, {"Content-Type": "text/plain"}, f"you sent {header}, that is {json.dumps(told)}".encode()

    url, requests = stub_server(answers)
    seen = requests
    return url, requests


WAYS = [in_a_folder, in_an_env_file, in_the_environment, in_the_file, beside_the_file]


@pytest.mark.parametrize("given", WAYS, ids=lambda way: way.__name__)
def test_a_secret_is_shown_nowhere_and_kept_where_a_leaf_printed_it(agg, cloud, echo, given):
    url, requests = echo
    agg.file("uses.yaml", USES)
    arguments, env = given(agg)
    env = env | {"AWS_ENDPOINT_URL": cloud.endpoint}
    answer = agg("run", "uses.yaml", "-p", f"url={url}", "--log", *arguments, env=env)
    assert answer.code == 0, answer
    (sent,) = [headers["X-Token"] for method, path, headers, _ in requests if path == "/echo"]
    assert sent == VALUES["encoded"], "the other side is sent the secret itself"
    assert "***" in answer.out
    assert leaks(answer.out + answer.err) == []
    for reading in (["get", "@latest", "-o", "json"], ["logs", "@latest"]):
        told = agg(*reading)
        assert told.code == 0, told
        assert "***" in told.out
        assert leaks(told.out + told.err) == [], reading
    nothing_in_the_journal(agg)
    (printed,) = agg.home.glob("runs/uses-*/attempts/*script*/stdout")
    expected = (SECRET, VALUES["encoded"], urllib.parse.quote(SECRET, safe=""), json.dumps(SECRET))
    assert printed.read_text() == "".join(f"printed {form}\n" for form in expected) + SECRET
    assert stat.S_IMODE(printed.stat().st_mode) == 0o600
    assert stat.S_IMODE(printed.parent.stat().st_mode) == 0o700


def nothing_in_the_journal(agg):
    files = list(agg.home.glob("agg.db*"))
    assert files
    for path in files:
        found = path.read_bytes()
        assert [form for form in FORMS if form.encode() in found] == [], f"{path.name} holds the secret"


def test_no_form_of_output_shows_it(agg, cloud, echo):
    url, _ = echo
    in_the_file(agg)
    env = {"AWS_ENDPOINT_URL": cloud.endpoint}
    answer = agg("run", "uses.yaml", "-p", f"url={url}", "--log", "-o", "json", "--name", "first", env=env)
    assert answer.code == 0, answer
    assert leaks(answer.out + answer.err) == []
    readings = [
        ["get", "first", *form] for form in ([], ["-o", "yaml"], ["-o", "short"], ["-o", "wide"], ["-o", "name"])
    ]
    readings += [
        ["logs", "first", "--timestamps"],
        ["explain", "first"],
        ["explain", "first", "-o", "json"],
        ["watch", "first"],
        ["list"],
        ["list", "-o", "json"],
        ["run", "uses.yaml", "-p", "url=x", "--dry-run"],
    ]
    for reading in readings:
        told = agg(*reading)
        assert told.code == 0, told
        assert leaks(told.out + told.err) == [], reading
    assert leaks(agg("get", "first", "-o", "json").out) == []
    nodes = answer.json["status"]["nodes"].values()
    (script,) = [node for node in nodes if node["displayName"] == "script"]
    assert script["outputs"]["parameters"] == [{"name": "token", "value": "***", "valueFrom": {"path": "/tmp/token"}}]


def test_an_error_does_not_quote_it(agg):
    """The secret as a part of a URL that does not resolve, and of a key that a store refuses."""
    agg.file("vault.yaml", document())
    agg.file(
        "leaky.yaml",
        """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: leaky-}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {name: read, template: read}
        - - {name: get, template: get, arguments: {parameters: [{name: token, value: "{{steps.read.outputs.result}}"}]}}
    - name: read
      container:
        image: alpine
        command: [sh, -c, 'printf %s "$TOKEN"']
        env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: vault, key: encoded}}}]
    - name: get
      inputs: {parameters: [{name: token}]}
      http: {url: "http://no-such-host.invalid/{{inputs.parameters.token}}", timeoutSeconds: 5}
""",
    )
    answer = agg("run", "leaky.yaml", "--with", "vault.yaml", "-o", "json")
    assert answer.code == 1, answer
    assert "no-such-host.invalid/***" in answer.err
    assert leaks(answer.out + answer.err) == []
    assert leaks(agg("list", "-o", "json").out) == []
    nothing_in_the_journal(agg)


def test_a_secret_that_is_not_there(agg):
    """The node is an Error at once: which secret and key, where it was looked for, and how to give it."""
    only_script = USES.replace("entrypoint: main", "entrypoint: script")
    agg.file("uses.yaml", only_script.replace("{name: vault, key: token}", "{name: valut, key: token}"))
    agg.file("vault.yaml", document())
    answer = agg("run", "uses.yaml", "-p", "url=x", "--with", "vault.yaml", "--progress", "none")
    assert answer.code == 1, answer
    first = answer.err.splitlines()[-2]
    assert first.startswith("uses.yaml:"), answer
    for words in ("'valut'", "AGG_SECRET_VALUT_TOKEN", "did you mean 'vault'?"):
        assert words in first, answer
    agg.file("uses.yaml", only_script.replace("{name: vault, key: token}", "{name: vault, key: tokn}"))
    answer = agg("run", "uses.yaml", "-p", "url=x", "--with", "vault.yaml", "--progress", "none")
    assert answer.code == 1, answer
    first = answer.err.splitlines()[-2]
    for words in ("secret 'vault' has no key 'tokn'", "its keys: access, encoded, token", "did you mean 'token'?"):
        assert words in first, answer


def test_a_key_file_that_is_lost_is_told_and_nothing_is_shown(agg):
    agg.file("vault.yaml", document())
    agg.file("uses.yaml", USES.replace("entrypoint: main", "entrypoint: script"))
    answer = agg("run", "uses.yaml", "-p", "url=x", "--with", "vault.yaml", "--name", "kept", "-o", "name")
    assert answer.code == 0, answer
    (agg.home / "mask.key").unlink()
    for reading in (["get", "kept"], ["get", "kept", "-o", "json"], ["logs", "kept"]):
        told = agg(*reading)
        assert told.code == 1, told
        assert "mask.key" in told.err
        assert leaks(told.out + told.err) == []


def test_a_config_map_that_is_not_there(agg):
    agg.file(
        "config.yaml",
        """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: config-}
spec:
  entrypoint: main
  templates:
    - name: main
      container:
        image: alpine
        command: [sh, -c, 'echo "$LEVEL"']
        env: [{name: LEVEL, valueFrom: {configMapKeyRef: {name: settings, key: level}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: setings}
data: {level: high}
""",
    )
    answer = agg("run", "config.yaml")
    assert answer.code == 1, answer
    first = answer.err.splitlines()[-2]
    assert first.startswith("config.yaml:7:7: "), answer
    assert "'settings'" in first
    assert "did you mean 'setings'?" in first
