"""artifactGC: artifacts go away with the end of their run, or with its deletion; what can't be deleted is told."""

import json

import boto3
import pytest

TEXT = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: it}
spec:
  entrypoint: main
  artifactGC: {strategy: WORKFLOW, forceFinalizerRemoval: FORCE}
  templates:
  - name: main
    steps: [[{name: make, template: make}]]
    outputs:
      artifacts:
      - {name: handed-on, from: "{{steps.make.outputs.artifacts.never}}"}
  - name: make
    script: {image: bash, command: [bash], source: "echo x > /tmp/x; exit CODE"}
    outputs:
      artifacts:
      - {name: usual, path: /tmp/x, s3: {key: usual}}
      - {name: completion, path: /tmp/x, s3: {key: completion}, artifactGC: {strategy: OnWorkflowCompletion}}
      - {name: deletion, path: /tmp/x, s3: {key: deletion}, artifactGC: {strategy: OnWorkflowDeletion}}
      - {name: never, path: /tmp/x, s3: {key: never}, artifactGC: {strategy: Never}}
"""


def text(workflow="Never", *, force=False, code=0):
    return TEXT.replace("WORKFLOW", workflow).replace("FORCE", str(force).lower()).replace("CODE", str(code))


@pytest.fixture
def store(aws, agg):
    """A bucket that is the default repository; answers with the keys in it."""
    client = boto3.client(
        "s3", endpoint_url=aws, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )
    client.create_bucket(Bucket="pile")
    agg.environment |= {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_ENDPOINT_URL": aws,
        "AGG_RUNTIME": "process",
        "AGG_ARTIFACTS_REPOSITORY": json.dumps({"s3": {"bucket": "pile", "region": "us-east-1"}}),
    }
    keys = lambda: {o["Key"] for o in client.list_objects_v2(Bucket="pile").get("Contents", ())}  # noqa: E731
    keys.client = client
    return keys


def artifacts(agg, name):
    nodes = json.loads(agg("get", "it", "-o", "json").out)["status"]["nodes"].values()
    node = next(n for n in nodes if n["displayName"] == name)
    return {a["name"]: a.get("deleted", False) for a in node["outputs"]["artifacts"]}


@pytest.mark.parametrize(
    ("workflow", "after_end", "after_deletion"),
    [
        ("Never", {"usual", "deletion", "never"}, {"usual", "never"}),
        ("OnWorkflowCompletion", {"deletion", "never"}, {"never"}),
        ("OnWorkflowDeletion", {"usual", "deletion", "never"}, {"never"}),
        ("", {"usual", "deletion", "never"}, {"usual", "never"}),
    ],
)
def test_an_artifacts_own_strategy_wins_over_the_workflows(agg, store, workflow, after_end, after_deletion):
    """Also where an enclosing template hands the artifact on as its own output."""
    answer = agg("run", agg.file("w.yaml", text(workflow)))
    assert answer.code == 0, answer
    assert store() == after_end
    assert artifacts(agg, "make") == {
        name: name not in after_end for name in ("usual", "completion", "deletion", "never")
    }
    assert artifacts(agg, "it") == {"handed-on": False}
    assert agg("delete", "it").code == 0
    assert store() == after_deletion


def test_artifacts_of_a_failed_run_go_too(agg, store):
    assert agg("run", agg.file("w.yaml", text("OnWorkflowCompletion", code=1))).code == 1
    assert store() == {"deletion", "never"}


def test_archived_logs_follow_the_workflows_strategy(agg, store):
    more = text("OnWorkflowCompletion").replace("  templates:\n", "  archiveLogs: true\n  templates:\n", 1)
    assert agg("run", agg.file("w.yaml", more)).code == 0
    assert store() == {"deletion", "never"}
    assert artifacts(agg, "make")["main-logs"] is True


def test_what_cannot_be_deleted_at_the_end_is_a_condition_and_tried_again_with_the_deletion(agg, store):
    """The run keeps its phase; its status and standard error tell what is left."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from urllib.request import Request, urlopen

    target = agg.environment["AWS_ENDPOINT_URL"]
    broken = threading.Event()
    broken.set()

    class Handler(BaseHTTPRequestHandler):
        """Passes everything on, but refuses to delete while it is broken."""

        def answer(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            deleting = self.command == "DELETE" or (self.command == "POST" and "delete" in self.path)
            if deleting and broken.is_set():
                status, data = 403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
            else:
                headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
                request = Request(target + self.path, body or None, headers, method=self.command)
                try:
                    with urlopen(request, timeout=30) as found:
                        status, data = found.status, found.read()
                except OSError as problem:
                    status, data = getattr(problem, "code", 500), b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815 - the library's names

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        agg.environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_port}"
        answer = agg("run", agg.file("w.yaml", text("OnWorkflowCompletion")), "-o", "json")
        assert answer.code == 0, answer
        assert "could not be deleted" in answer.err
        kinds = [c["type"] for c in answer.json["status"]["conditions"]]
        assert "ArtifactGCError" in kinds
        assert artifacts(agg, "make")["usual"] is False
        refused = agg("delete", "it")
        assert refused.code == 1
        assert "workflow 'it' is kept" in refused.err
        assert "agg delete --force it" in refused.err
        broken.clear()
        assert agg("delete", "it").code == 0
        assert store() == {"never"}
        broken.set()
        assert agg("run", agg.file("v.yaml", text("OnWorkflowDeletion", force=True))).code == 0
        forced = agg("delete", "it")
        assert forced.code == 0
        assert "could not be deleted" in forced.err
        assert agg("run", "w.yaml").code == 0
        assert agg("delete", "--force", "it").code == 0
    finally:
        server.shutdown()
        server.server_close()


def test_artifacts_in_the_runs_own_folder_are_deleted_as_well(agg):
    plain = text("OnWorkflowCompletion")
    assert agg("run", agg.file("w.yaml", plain), env={"AGG_RUNTIME": "process"}).code == 0
    (folder,) = (agg.home / "runs").iterdir()
    assert sorted(p.name for p in (folder / "artifacts").iterdir()) == ["deletion", "never"]
