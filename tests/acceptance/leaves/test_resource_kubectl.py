"""Resource templates by kubectl, played by a stand-in that keeps what it is asked."""

import os
import signal
import time

import pytest
import yaml

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "my-pod", "namespace": "blue"}}


def workflow(resource, **more):
    """A file with one resource template; `more` are the template's other fields."""
    return yaml.safe_dump(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": "it"},
            "spec": {"entrypoint": "main", "templates": [{"name": "main", "resource": resource, **more}]},
        }
    )


MANIFEST = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: my-pod\n"


def pod(phase, **more):
    return {"out": {**POD, "status": {"phase": phase}, **more}}


def root(answer):
    return next(iter(answer.json["status"]["nodes"].values()))


def parameters(node):
    return {p["name"]: p.get("value") for p in node["outputs"]["parameters"]}


def test_create_hands_the_manifest_over_and_ends_at_once_without_conditions(agg, kubectl):
    kubectl.answers(create=[pod("Pending")])
    answer = agg(
        "run", agg.file("w.yaml", workflow({"action": "create", "manifest": MANIFEST})), "-o", "json", env=kubectl.env
    )
    assert answer.code == 0, answer
    (call,) = kubectl.calls
    assert call["words"][0].startswith("--kubeconfig=")
    assert kubectl.words[0][0] == "create"
    assert kubectl.words[0][-2:] == ["-o", "json"]
    assert call["files"]["-f"] == MANIFEST


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ({"action": "get", "flags": ["pods", "my-pod"]}, ["get", "pods", "my-pod", "-o", "json"]),
        ({"action": "apply", "flags": ["--server-side"]}, ["apply", "--server-side", "-f", "FILE", "-o", "json"]),
        ({"action": "replace"}, ["replace", "-f", "FILE", "-o", "json"]),
        ({"action": "delete"}, ["delete", "--ignore-not-found", "-f", "FILE", "-o", "name"]),
        (
            {"action": "delete", "manifest": "", "flags": ["configmap", "--selector", "a=b"]},
            ["delete", "--ignore-not-found", "configmap", "--selector", "a=b", "-o", "name"],
        ),
        (
            {"action": "patch"},
            ["patch", "--type", "strategic", "--patch-file", "FILE", "-f", "FILE", "-o", "json"],
        ),
        (
            {"action": "patch", "mergeStrategy": "json", "flags": ["pod", "my-pod"]},
            ["patch", "--type", "json", "--patch-file", "FILE", "pod", "my-pod", "-o", "json"],
        ),
    ],
)
def test_each_action_has_its_words(agg, kubectl, resource, words):
    kubectl.answers(**{resource["action"]: [pod("Running")]})
    if resource["action"] != "get":
        resource = {"manifest": MANIFEST, **resource}
    answer = agg("run", agg.file("w.yaml", workflow(resource)), env=kubectl.env)
    assert answer.code == 0, answer
    assert ["FILE" if word.endswith("manifest.yaml") else word for word in kubectl.words[0]] == words


def test_the_settings_name_context_and_namespace(agg, kubectl):
    kubectl.answers(get=[pod("Running")])
    text = workflow({"action": "get", "flags": ["pods", "my-pod"]})
    env = {**kubectl.env, "AGG_KUBERNETES_CONTEXT": "kind-a", "AGG_KUBERNETES_NAMESPACE": "green"}
    assert agg("run", agg.file("w.yaml", text), env=env).code == 0
    assert kubectl.calls[0]["words"][1:3] == ["--context=kind-a", "--namespace=green"]
    assert agg("run", "w.yaml", "--name", "b", "-n", "red", env=kubectl.env).code == 0
    assert kubectl.calls[1]["words"][1] == "--namespace=red"


def test_success_is_waited_for_and_outputs_are_read_from_the_object(agg, kubectl):
    """The object is asked for until the successCondition holds; outputs come from it by jsonPath and jqFilter."""
    kubectl.answers(create=[pod("Pending")], get=[pod("Running"), pod("Running"), pod("Succeeded", x=[1, 2])])
    resource = {
        "action": "create",
        "manifest": MANIFEST,
        "successCondition": "status.phase == Succeeded",
        "failureCondition": "status.phase in (Failed, Error)",
    }
    outputs = {
        "parameters": [
            {"name": "name", "valueFrom": {"jsonPath": "{.metadata.name}"}},
            {"name": "phase", "valueFrom": {"jqFilter": ".status.phase"}},
            {"name": "none", "valueFrom": {"jsonPath": "{.metadata.uid}", "default": "unknown"}},
        ]
    }
    answer = agg("run", agg.file("w.yaml", workflow(resource, outputs=outputs)), "-o", "json", env=kubectl.env)
    assert answer.code == 0, answer
    assert [words[0] for words in kubectl.words] == ["create", "get", "get", "get"]
    assert kubectl.words[1][1:3] == ["Pod/my-pod", "--namespace=blue"]
    assert parameters(root(answer)) == {"name": "my-pod", "phase": "Succeeded", "none": "unknown"}


def test_the_failure_condition_is_looked_at_first(agg, kubectl):
    kubectl.answers(create=[pod("Failed")])
    resource = {
        "action": "create",
        "manifest": MANIFEST,
        "successCondition": "metadata.name == my-pod",
        "failureCondition": "status.phase == Failed",
    }
    answer = agg("run", agg.file("w.yaml", workflow(resource)), "-o", "json", env=kubectl.env)
    assert answer.code == 1
    assert root(answer)["phase"] == "Failed"
    assert root(answer)["message"] == "failure condition 'status.phase == Failed' evaluated true"


def test_what_kubectl_refuses_is_a_failure_with_its_words(agg, kubectl):
    """The node is Failed with exit code 64, as Argo's executor ends; a retryStrategy sees that."""
    refusal = {"code": 1, "err": "Error from server (Forbidden): pods is forbidden\n"}
    kubectl.answers(create=[refusal, pod("Running")])
    retry = {"limit": 2, "expression": "lastRetry.exitCode == '64'"}
    text = workflow({"action": "create", "manifest": MANIFEST}, retryStrategy=retry)
    answer = agg("run", agg.file("w.yaml", text), "-o", "json", env=kubectl.env)
    assert answer.code == 0, answer
    first = next(n for n in answer.json["status"]["nodes"].values() if n["displayName"] == "it(0)")
    assert first["phase"] == "Failed"
    assert first["message"] == "kubectl create: Error from server (Forbidden): pods is forbidden"
    assert agg("logs", "it").out.splitlines()[0].endswith("Error from server (Forbidden): pods is forbidden")


def test_a_server_that_is_away_for_a_moment_is_asked_again_and_an_object_that_is_gone_is_a_failure(agg, kubectl):
    away = {"code": 1, "err": "Unable to connect to the server: dial tcp: i/o timeout"}
    gone = {"code": 1, "err": 'Error from server (NotFound): pods "my-pod" not found'}
    kubectl.answers(create=[pod("Pending")], get=[away, pod("Running"), gone])
    resource = {"action": "create", "manifest": MANIFEST, "successCondition": "status.phase == Succeeded"}
    answer = agg("run", agg.file("w.yaml", workflow(resource)), "-o", "json", env=kubectl.env)
    assert answer.code == 1
    assert root(answer)["message"].startswith("kubectl get: Error from server (NotFound)")
    assert len(kubectl.calls) == 4


def test_a_manifest_may_come_from_an_artifact(agg, kubectl):
    kubectl.answers(create=[pod("Running")])
    inputs = {"artifacts": [{"name": "m", "path": "/tmp/m.yaml", "raw": {"data": MANIFEST}}]}
    text = workflow({"action": "create", "manifestFrom": {"artifact": {"name": "m"}}}, inputs=inputs)
    assert agg("run", agg.file("w.yaml", text), env=kubectl.env).code == 0
    assert kubectl.calls[0]["files"]["-f"] == MANIFEST
    wrong = workflow({"action": "create", "manifestFrom": {"artifact": {"name": "other"}}}, inputs=inputs)
    answer = agg("run", agg.file("w.yaml", wrong), "--name", "b", "-o", "json", env=kubectl.env)
    assert answer.code != 0
    assert "'other'" in answer.err


def test_what_is_owned_by_the_run_is_marked(agg, kubectl):
    """The cluster does not know the run: an owner reference would have it collect the object at once."""
    kubectl.answers(create=[pod("Running")])
    resource = {"action": "create", "manifest": MANIFEST, "setOwnerReference": True}
    answer = agg("run", agg.file("w.yaml", workflow(resource)), "-o", "json", env=kubectl.env)
    metadata = yaml.safe_load(kubectl.calls[0]["files"]["-f"])["metadata"]
    assert metadata["labels"] == {"workflows.argoproj.io/workflow": "it"}
    assert metadata["annotations"] == {"agg.dev/owner-uid": answer.json["metadata"]["uid"]}
    assert "ownerReferences" not in metadata


def test_a_condition_that_is_no_selector_is_an_error_before_kubectl_is_called(agg, kubectl):
    resource = {"action": "create", "manifest": MANIFEST, "successCondition": "a == b && c"}
    answer = agg("run", agg.file("w.yaml", workflow(resource)), "-o", "json", env=kubectl.env)
    assert answer.code in (1, 3), answer
    assert "conditions are joined by commas" in answer.err
    assert not kubectl.calls


def test_a_deadline_ends_kubectl_too(agg, kubectl):
    kubectl.answers(create=[{"hang": True}])
    resource = {"action": "create", "manifest": MANIFEST}
    text = workflow(resource, activeDeadlineSeconds=1)
    answer = agg("run", agg.file("w.yaml", text), "-o", "json", env=kubectl.env)
    assert answer.code == 1
    assert "deadline" in root(answer)["message"]
    assert_gone(kubectl.calls[0]["pid"])


def test_ctrl_c_ends_kubectl_too(agg, kubectl):
    kubectl.answers(create=[{"hang": True}])
    process = agg.start(
        "run", agg.file("w.yaml", workflow({"action": "create", "manifest": MANIFEST})), env=kubectl.env
    )
    while not kubectl.calls:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert_gone(kubectl.calls[0]["pid"])


def assert_gone(pid):
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_archived_logs_hold_what_kubectl_said(agg, kubectl):
    kubectl.answers(create=[{**pod("Running"), "err": "Warning: deprecated\n"}])
    text = yaml.safe_load(workflow({"action": "create", "manifest": MANIFEST}))
    text["spec"]["archiveLogs"] = True
    answer = agg("run", agg.file("w.yaml", yaml.safe_dump(text)), "-o", "json", env=kubectl.env)
    assert [a["name"] for a in root(answer)["outputs"]["artifacts"]] == ["main-logs"]


REACHED = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: it}
spec:
  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: first, template: say}
      - {name: second, template: pod, dependencies: [first]}
  - name: say
    script: {image: bash, command: [bash], source: "touch FOLDER/ran"}
  - name: pod
    resource: {action: create, manifest: "kind: Pod"}
"""


def test_without_a_cluster_it_is_refused_before_anything_runs(agg, tmp_path):
    """Exit code 4, the place of the template, and what is missing; no run is kept."""
    text = REACHED.replace("FOLDER", str(tmp_path))
    answer = agg("run", agg.file("w.yaml", text), env={"HOME": str(tmp_path), "KUBECONFIG": ""})
    assert answer.code == 4
    assert "error[refused-field]: template 'pod': resource templates need a cluster" in answer.err
    assert "w.yaml:16:" in answer.err
    assert "nothing was run" in answer.err
    assert not (tmp_path / "ran").exists()
    assert "No workflows" in agg("list").out
    none = agg("run", "w.yaml", env={"AGG_KUBERNETES_KUBECTL": "no-such-program"})
    assert none.code == 4
    assert "'no-such-program' is not on PATH" in none.err


def test_a_resource_template_that_nothing_reaches_is_no_reason_to_refuse(agg, tmp_path):
    text = REACHED.replace("FOLDER", str(tmp_path)).replace(
        "      - {name: second, template: pod, dependencies: [first]}\n", ""
    )
    assert agg("run", agg.file("w.yaml", text), env={"HOME": str(tmp_path), "KUBECONFIG": ""}).code == 0


def test_plans_and_dry_runs_touch_nothing(agg, kubectl):
    text = workflow({"action": "create", "manifest": MANIFEST})
    assert agg("run", agg.file("w.yaml", text), "--runtime", "dry", env=kubectl.env).code == 0
    assert agg("plan", "w.yaml", env=kubectl.env).code == 0
    assert not kubectl.calls
