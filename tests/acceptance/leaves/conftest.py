"""A stand-in for kubectl that keeps its calls, and a server that answers as an executor plugin does."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

KUBECTL = """#!{python}
import json, os, pathlib, sys
folder = pathlib.Path({folder!r})
words = sys.argv[1:]
answers = json.loads((folder / "answers.json").read_text())
calls = folder / "calls.jsonl"
seen = [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
call = {{"words": words, "files": {{}}, "kubeconfig": os.environ.get("KUBECONFIG", ""), "pid": os.getpid()}}
for flag, path in zip(words, words[1:]):
    if flag in ("-f", "--patch-file"):
        call["files"][flag] = pathlib.Path(path).read_text()
with calls.open("a") as file:
    file.write(json.dumps(call) + "\\n")
verb = next(word for word in words if not word.startswith("-"))
rows = answers.get(verb, [{{}}])
turn = sum(verb in one["words"] for one in seen)
row = rows[min(turn, len(rows) - 1)]
if row.get("hang"):
    import time
    time.sleep(600)
if "out" in row:
    out = row["out"]
    sys.stdout.write(out if isinstance(out, str) else json.dumps(out))
sys.stderr.write(row.get("err", ""))
sys.exit(row.get("code", 0))
"""


class Kubectl:
    """`answers[verb]` is a list of {out, err, code, hang}; the last one is repeated."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        program = folder / "kubectl"
        program.write_text(KUBECTL.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)
        (folder / "config").write_text("apiVersion: v1\nkind: Config\n")
        self.env = {
            "AGG_KUBERNETES_KUBECTL": str(program),
            "AGG_KUBERNETES_KUBECONFIG": str(folder / "config"),
            "AGG_KUBERNETES_INTERVAL": "20ms",
        }
        self.answers()

    def answers(self, **rows):
        (self.folder / "answers.json").write_text(json.dumps(rows))

    @property
    def calls(self):
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def words(self):
        """The words of each call behind the flags that say where."""
        return [[w for w in c["words"] if not w.startswith(("--kubeconfig", "--context"))] for c in self.calls]


@pytest.fixture
def kubectl(tmp_path):
    return Kubectl(tmp_path / "kubectl")


@pytest.fixture
def plugin_server():
    """Start a plugin: `answer(request)` gives the reply, or (status, text); what it was sent is in `seen`."""
    servers = []

    def start(answer):
        seen = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                seen.append((self.path, dict(self.headers), request))
                reply = answer(request)
                status, text = reply if isinstance(reply, tuple) else (200, json.dumps(reply))
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
