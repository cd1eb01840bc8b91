"""What the git driver checks out, from repositories on this machine: by path, by file://, by http with and without a password."""

import base64
import http.server
import os
import shutil
import subprocess
import threading

import pytest

from aggregator.artifacts import make_driver
from aggregator.artifacts.git import GitDriver
from aggregator.errors import NotFound, StoreError, TransientError, Unsupported
from aggregator.secrets.store import SecretStore


def git(folder, *words):
    names = {"NAME": "a", "EMAIL": "a@b.c"}
    environ = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in names.items()}
    command = ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", "-C", folder, *words]
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder, name, text):
    (folder / name).write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", text)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A bare repository of three commits, a tag, a branch, a submodule on it, and a commit that no branch reaches."""
    folder = tmp_path_factory.mktemp("repositories")
    inner, work = folder / "inner", folder / "work"
    for each in (inner, work):
        each.mkdir()
        git(each, "init", "-q")
    commit(inner, "inner.txt", "inner")
    names = {"one": commit(work, "file", "one")}
    git(work, "tag", "v1")
    names["two"] = commit(work, "file", "two")
    git(work, "checkout", "-q", "-b", "feature/x")
    git(work, "submodule", "add", "-q", str(inner), "sub")
    names["feature"] = commit(work, "file", "feature")
    git(work, "checkout", "-q", "main")
    names["three"] = commit(work, "file", "three")
    git(work, "checkout", "-q", "--detach")
    names["hidden"] = commit(work, "file", "hidden")
    git(work, "update-ref", "refs/changes/7", "HEAD")
    git(work, "checkout", "-q", "main")
    bare = folder / "bare.git"
    git(folder, "clone", "-q", "--mirror", str(work), str(bare))
    git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(bare, "config", "http.receivepack", "false")
    return bare, names


@pytest.fixture
def driver():
    return make_driver("git", secrets=SecretStore(environ={}), clients=None, root=None)


def depth_of(folder):
    return int(git(folder, "rev-list", "--count", "HEAD"))


def test_without_a_revision_the_default_branch_is_checked_out_with_its_history(driver, repository, tmp_path):
    for number, url in enumerate((str(repository[0]), repository[0].as_uri())):
        driver.load({"repo": url}, tmp_path / f"target{number}")
        assert (tmp_path / f"target{number}" / "file").read_text() == "three"
        assert depth_of(tmp_path / f"target{number}") == 3
    assert sorted(os.listdir(tmp_path)) == ["target0", "target1"]


@pytest.mark.parametrize("revision", ["v1", "feature/x", "origin/feature/x", "two", "short", "refs/tags/v1", "HEAD~1"])
def test_a_revision_is_a_branch_a_tag_a_commit_or_what_names_one(driver, repository, tmp_path, revision):
    bare, names = repository
    asked = {"two": names["two"], "short": names["two"][:10]}.get(revision, revision)
    text = {"v1": "one", "refs/tags/v1": "one", "two": "two", "short": "two", "HEAD~1": "two"}.get(revision, "feature")
    driver.load({"repo": bare.as_uri(), "revision": asked}, tmp_path / "target")
    assert (tmp_path / "target" / "file").read_text() == text


def test_a_depth_leaves_history_out_but_not_branches(driver, repository, tmp_path):
    bare, names = repository
    driver.load({"repo": bare.as_uri(), "depth": 1}, tmp_path / "a")
    assert depth_of(tmp_path / "a") == 1
    driver.load({"repo": bare.as_uri(), "depth": 1, "revision": "feature/x"}, tmp_path / "b")
    assert (tmp_path / "b" / "file").read_text() == "feature"
    driver.load({"repo": bare.as_uri(), "depth": 1, "revision": names["one"]}, tmp_path / "c")
    assert (tmp_path / "c" / "file").read_text() == "one"


def test_a_single_branch_is_all_that_is_cloned(driver, repository, tmp_path):
    bare, _ = repository
    driver.load({"repo": bare.as_uri(), "singleBranch": True, "branch": "feature/x"}, tmp_path / "target")
    assert (tmp_path / "target" / "file").read_text() == "feature"
    assert git(tmp_path / "target", "branch", "-r", "--format=%(refname:short)").split() == ["origin/feature/x"]
    with pytest.raises(StoreError, match="absent") as caught:
        driver.load({"repo": bare.as_uri(), "singleBranch": True, "branch": "absent"}, tmp_path / "none")
    assert "branch" in caught.value.hint


def test_refspecs_bring_what_no_branch_reaches(driver, repository, tmp_path):
    bare, names = repository
    location = {"repo": bare.as_uri(), "fetch": ["refs/changes/7:refs/changes/7"], "revision": names["hidden"]}
    driver.load(location, tmp_path / "target")
    assert (tmp_path / "target" / "file").read_text() == "hidden"


def test_submodules_come_along_unless_they_are_disabled(driver, repository, tmp_path):
    bare, _ = repository
    location = {"repo": bare.as_uri(), "revision": "feature/x"}
    driver.load(location, tmp_path / "with")
    assert (tmp_path / "with" / "sub" / "inner.txt").read_text() == "inner"
    assert git(tmp_path / "with" / "sub", "status", "--porcelain") == ""
    driver.load({**location, "disableSubmodules": True}, tmp_path / "without")
    assert os.listdir(tmp_path / "without" / "sub") == []


@pytest.mark.parametrize(
    ("location", "kind", "words"),
    [
        ({"revision": "nowhere"}, StoreError, "no revision 'nowhere'"),
        ({"revision": "nowhere", "depth": 1}, StoreError, "within its depth"),
        ({"repo": "/nonexistent/r.git"}, NotFound, "no such repository"),
        ({"repo": "--upload-pack=touch /tmp/x"}, StoreError, "is no repository"),
        ({"repo": "ext::sh -c true"}, StoreError, "not allowed"),
        ({"repo": ""}, StoreError, "no repo"),
        ({"repo": "http://user:secret@127.0.0.1:1/x"}, TransientError, r"http://127\.0\.0\.1:1/x"),
        ({"usernameSecret": {"name": "s"}}, StoreError, "usernameSecret must name a secret"),
    ],
)
def test_what_cannot_be_cloned_says_why_and_leaves_nothing(driver, repository, tmp_path, location, kind, words):
    with pytest.raises(kind, match=words) as caught:
        driver.load({"repo": repository[0].as_uri(), **location}, tmp_path / "in" / "target")
    assert "secret@" not in str(caught.value)
    assert not (tmp_path / "in").exists() or os.listdir(tmp_path / "in") == []


def test_git_is_for_inputs_only(driver, tmp_path):
    for call in (
        lambda: driver.save(tmp_path, {"repo": "r"}),
        lambda: driver.open({"repo": "r"}),
        lambda: driver.list({"repo": "r"}),
    ):
        with pytest.raises(StoreError):
            call()
    driver.delete({"repo": "r"})


def test_without_the_program_the_error_says_what_to_install(driver, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(Unsupported, match="git") as caught:
        driver.load({"repo": "https://example.invalid/r.git"}, tmp_path / "target")
    assert "install" in caught.value.hint


# --- http


class Backend(http.server.BaseHTTPRequestHandler):
    """git http-backend behind a password."""

    root = ""
    accepted = None
    status = 200

    def answer(self):
        if self.status != 200:
            self.send_error(self.status)
            return
        if self.accepted and self.headers.get("Authorization") != self.accepted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environ = {
            "GIT_PROJECT_ROOT": self.root, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "PATH": os.environ["PATH"],
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        }  # fmt: skip
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environ["CONTENT_LENGTH"] = str(len(body))
        told = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, check=False).stdout
        head, _, content = told.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().splitlines()]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        self.send_response(status)
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *args):
        pass


@pytest.fixture
def served(repository, clean_aws):
    servers = []

    def start(**fields):
        handler = type("Handler", (Backend,), {"root": str(repository[0].parent), **fields})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/bare.git"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_by_http(driver, served, repository, tmp_path):
    url = served()
    driver.load({"repo": url, "depth": 1}, tmp_path / "target")
    assert (tmp_path / "target" / "file").read_text() == "three"
    assert depth_of(tmp_path / "target") == 1
    driver.load({"repo": url, "revision": repository[1]["hidden"]}, tmp_path / "hidden")
    assert (tmp_path / "hidden" / "file").read_text() == "hidden"
    with pytest.raises(NotFound, match="no such repository"):
        driver.load({"repo": url.replace("bare", "absent")}, tmp_path / "none")


def test_a_token_of_secrets_is_sent_to_its_host_and_stays_out_of_the_checkout(served, tmp_path):
    token = "s3cr\"e't $x"
    accepted = "Basic " + base64.b64encode(f"bot:{token}".encode()).decode()
    driver = GitDriver(
        SecretStore(environ={}, extra={("s", "u"): "bot", ("s", "p"): f"{token}\n", ("s", "w"): "wrong"})
    )
    url = served(accepted=accepted)
    user = {"usernameSecret": {"name": "s", "key": "u"}}
    driver.load({"repo": url, **user, "passwordSecret": {"name": "s", "key": "p"}}, tmp_path / "target")
    assert (tmp_path / "target" / "file").read_text() == "three"
    assert token not in (tmp_path / "target" / ".git" / "config").read_text()
    for refused in ({}, {**user, "passwordSecret": {"name": "s", "key": "w"}}):
        with pytest.raises(StoreError, match="credentials are not accepted") as caught:
            driver.load({"repo": url, **refused}, tmp_path / "none")
        assert not isinstance(caught.value, TransientError)
        assert "wrong" not in str(caught.value)


def test_a_server_that_is_busy_is_asked_again_later(driver, served, tmp_path):
    with pytest.raises(TransientError, match="503"):
        driver.load({"repo": served(status=503)}, tmp_path / "target")


# --- ssh


@pytest.fixture
def ssh(monkeypatch, tmp_path, repository):
    """A stand-in for ssh that keeps its words and the key it was given, and runs what is asked for here."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "ssh"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$@" > {tmp_path}/words\n'
        f'while [ "$1" != git@host ]; do [ "$1" = -i ] && cp -p "$2" {tmp_path}/key; shift; done\n'
        'shift; eval "$*"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path


def test_by_ssh_the_key_is_a_file_for_us_only_and_the_host_has_to_be_known(ssh, repository, tmp_path):
    driver = GitDriver(SecretStore(environ={}, extra={("s", "k"): "PRIVATE KEY"}))
    location = {"repo": f"git@host:{repository[0]}", "sshPrivateKeySecret": {"name": "s", "key": "k"}}
    driver.load(location, tmp_path / "target")
    assert (tmp_path / "target" / "file").read_text() == "three"
    words = (ssh / "words").read_text()
    assert "StrictHostKeyChecking=yes" in words
    assert "IdentitiesOnly=yes" in words
    assert (ssh / "key").read_text() == "PRIVATE KEY\n"
    assert (ssh / "key").stat().st_mode & 0o777 == 0o600
    assert not os.path.exists(words.split("-i ")[1].split()[0])
    driver.load({**location, "insecureIgnoreHostKey": True}, tmp_path / "second")
    assert "StrictHostKeyChecking=no" in (ssh / "words").read_text()


@pytest.mark.parametrize(
    ("told", "words", "hint"),
    [
        ("Host key verification failed.", "key is not known", "insecureIgnoreHostKey"),
        ("git@host: Permission denied (publickey).", "credentials are not accepted", "sshPrivateKeySecret"),
    ],
)
def test_what_ssh_refuses(ssh, driver, repository, tmp_path, told, words, hint):
    (ssh / "bin" / "ssh").write_text(f"#!/bin/sh\necho '{told}' >&2\nexit 255\n")
    with pytest.raises(StoreError, match=words) as caught:
        driver.load({"repo": f"git@host:{repository[0]}"}, tmp_path / "target")
    assert hint in caught.value.hint
