"""Workflows that a resource template creates are runs of this machine: in the journal, waited for, ended with their parent."""

import json
import signal
import time

import yaml

PROCESS = {"AGG_RUNTIME": "process"}
CONDITIONS = {"successCondition": "status.phase == Succeeded", "failureCondition": "status.phase in (Failed, Error)"}


def child(source, name="kid", **spec):
    """A Workflow with one script."""
    script = {"name": "main", "script": {"image": "bash", "command": ["bash"], "source": source}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {"entrypoint": "main", "templates": [script], **spec},
    }


def parent(manifest, *rest, outputs=None, documents=(), **resource):
    """A Workflow whose first step creates `manifest`; `rest` are the templates of more steps, one after the other."""
    text = manifest if isinstance(manifest, str) else yaml.safe_dump(manifest)
    create = {"name": "create", "resource": {"action": "create", "manifest": text, **resource}}
    if outputs:
        create["outputs"] = {"parameters": outputs}
    steps = [[{"name": template["name"], "template": template["name"]}] for template in (create, *rest)]
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "parent"},
        "spec": {"entrypoint": "main", "templates": [{"name": "main", "steps": steps}, create, *rest]},
    }
    return yaml.safe_dump_all([document, *documents])


def runs(agg):
    return {run["metadata"]["name"]: run for run in json.loads(agg("list", "-o", "json").out)}


def node(answer, name):
    return next(n for n in answer.json["status"]["nodes"].values() if n["displayName"] == name)


def test_a_created_workflow_is_a_run_that_is_waited_for_and_its_status_gives_the_outputs(agg):
    made = child("echo -n 42 > /tmp/out; echo hi")
    made["spec"]["templates"][0]["outputs"] = {
        "parameters": [{"name": "word", "globalName": "answer", "valueFrom": {"path": "/tmp/out"}}]
    }
    outputs = [
        {"name": "name", "valueFrom": {"jsonPath": "{.metadata.name}"}},
        {"name": "phase", "valueFrom": {"jqFilter": ".status.phase"}},
        {"name": "answer", "valueFrom": {"jqFilter": ".status.outputs.parameters[0].value"}},
    ]
    answer = agg("run", agg.file("w.yaml", parent(made, outputs=outputs, **CONDITIONS)), "-o", "json", env=PROCESS)
    assert answer.code == 0, answer
    values = {p["name"]: p["value"] for p in node(answer, "create")["outputs"]["parameters"]}
    assert values == {"name": "kid", "phase": "Succeeded", "answer": "42"}
    kept = runs(agg)
    assert kept["kid"]["metadata"]["labels"]["agg.dev/parent"] == "parent"
    assert agg("logs", "kid").out.strip().endswith("hi")


def test_a_child_that_fails_fails_its_template(agg):
    text = parent(child("exit 3"), **CONDITIONS)
    answer = agg("run", agg.file("w.yaml", text), "-o", "json", env=PROCESS)
    assert answer.code == 1
    assert node(answer, "create")["message"] == "failure condition 'status.phase in (Failed, Error)' evaluated true"
    lenient = parent(child("exit 3", name="kid2"), successCondition="status.phase == Succeeded")
    other = agg("run", agg.file("v.yaml", lenient), "--name", "p2", "-o", "json", env=PROCESS)
    assert other.code == 1
    assert "'kid2' has ended (Failed), and its conditions are not met" in node(other, "create")["message"]


def test_it_may_refer_to_templates_of_the_parents_file_and_of_the_store(agg):
    """A workflowTemplateRef of the child is resolved as the parent's own would be, with arguments of the manifest."""
    stored = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "kept"},
        "spec": {
            "entrypoint": "main",
            "arguments": {"parameters": [{"name": "word", "value": "nothing"}]},
            "templates": [
                {
                    "name": "main",
                    "script": {
                        "image": "bash",
                        "command": ["bash"],
                        "source": "echo said {{workflow.parameters.word}}",
                    },
                }
            ],
        },
    }
    made = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "kid-"},
        "spec": {
            "workflowTemplateRef": {"name": "kept"},
            "arguments": {"parameters": [{"name": "word", "value": "hello"}]},
        },
    }
    answer = agg("run", agg.file("w.yaml", parent(made, documents=[stored], **CONDITIONS)), env=PROCESS)
    assert answer.code == 0, answer
    (name,) = [name for name in runs(agg) if name.startswith("kid-")]
    assert "said hello" in agg("logs", name).out
    assert agg("template", "create", agg.file("t.yaml", yaml.safe_dump(stored))).code == 0
    made["metadata"] = {"name": "second"}
    again = agg("run", agg.file("v.yaml", parent(made, **CONDITIONS)), "--name", "b", env=PROCESS)
    assert again.code == 0, again
    assert "said hello" in agg("logs", "second").out


def test_a_template_that_is_nowhere_fails_with_its_name(agg):
    made = child("true")
    made["spec"] = {"workflowTemplateRef": {"name": "nowhere"}}
    answer = agg("run", agg.file("w.yaml", parent(made, **CONDITIONS)), "-o", "json", env=PROCESS)
    assert answer.code == 1
    assert 'workflowtemplate "nowhere" not found' in node(answer, "create")["message"]
    assert list(runs(agg)) == ["parent"]


def test_without_conditions_the_step_ends_at_once_and_the_run_waits_at_its_end(agg, tmp_path):
    """A later step sees the child still running; the command ends when both have ended."""
    done = tmp_path / "done"
    look = {
        "name": "look",
        "script": {"image": "bash", "command": ["bash"], "source": f"test ! -e {done}; touch {tmp_path}/looked"},
    }
    made = child(f"while [ ! -e {tmp_path}/looked ]; do sleep 0.05; done; touch {done}")
    env = {**PROCESS, "AGG_PROCESS_ISOLATION": "none"}
    answer = agg("run", agg.file("w.yaml", parent(made, look)), env=env)
    assert answer.code == 0, answer
    assert done.exists()
    assert runs(agg)["kid"]["status"]["phase"] == "Succeeded"
    assert "waiting for workflows that this one created: kid" in answer.err or done.exists()


def test_another_template_waits_for_it_by_get(agg):
    get = {
        "name": "wait",
        "resource": {
            "action": "get",
            "manifest": yaml.safe_dump(
                {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "kid"}}
            ),
            **CONDITIONS,
        },
    }
    answer = agg("run", agg.file("w.yaml", parent(child("sleep 0.3"), get)), "-o", "json", env=PROCESS)
    assert answer.code == 0, answer
    assert node(answer, "wait")["phase"] == "Succeeded"
    get["resource"]["manifest"] = get["resource"]["manifest"].replace("kid", "nobody")
    text = parent(child("true", name="kid2"), get)
    missing = agg("run", agg.file("v.yaml", text), "--name", "p2", "-o", "json", env={**PROCESS, "PATH": "/nowhere"})
    assert missing.code == 1
    assert node(missing, "wait")["message"] == 'workflows.argoproj.io "nobody" not found'


def test_a_name_that_is_taken_is_a_failure(agg):
    assert agg("run", agg.file("k.yaml", yaml.safe_dump(child("true"))), env=PROCESS).code == 0
    answer = agg("run", agg.file("w.yaml", parent(child("true"), **CONDITIONS)), "-o", "json", env=PROCESS)
    assert answer.code == 1
    assert "'kid' already exists" in node(answer, "create")["message"]


def test_an_owned_child_is_deleted_with_its_owner_and_another_is_not(agg):
    owned = parent(child("true", name="owned"), setOwnerReference=True, **CONDITIONS)
    assert agg("run", agg.file("w.yaml", owned), env=PROCESS).code == 0
    (owner,) = json.loads(agg("get", "owned", "-o", "json").out)["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("Workflow", "parent")
    free = parent(child("true", name="free"), **CONDITIONS)
    assert agg("run", agg.file("v.yaml", free), "--name", "p2", env=PROCESS).code == 0
    assert agg("delete", "parent", "p2").code == 0
    assert list(runs(agg)) == ["free"]


def test_ctrl_c_stops_the_child_and_its_exit_handler_runs(agg, tmp_path):
    ready, handled = tmp_path / "ready", tmp_path / "handled"
    made = child(f"touch {ready}; sleep 600", onExit="bye")
    made["spec"]["templates"].append(
        {"name": "bye", "script": {"image": "bash", "command": ["bash"], "source": f"touch {handled}"}}
    )
    env = {**PROCESS, "AGG_PROCESS_ISOLATION": "none"}
    process = agg.start("run", agg.file("w.yaml", parent(made, **CONDITIONS)), env=env)
    while not ready.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert handled.exists()
    assert runs(agg)["kid"]["status"]["phase"] == "Failed"


def test_a_workflow_that_creates_itself_comes_to_an_end(agg):
    """The manifest of each child is its own document again; after some levels it is refused."""
    template = {
        "name": "main",
        "resource": {"action": "create", **CONDITIONS},
    }
    inner = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "self-"},
        "spec": {"workflowTemplateRef": {"name": "self"}},
    }
    template["resource"]["manifest"] = yaml.safe_dump(inner)
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "self"},
        "spec": {"entrypoint": "main", "templates": [template]},
    }
    answer = agg("run", agg.file("w.yaml", yaml.safe_dump(document)), env=PROCESS)
    assert answer.code == 1
    kept = runs(agg)
    assert len(kept) == 21
    assert {run["status"]["phase"] for run in kept.values()} == {"Failed"}


def test_secrets_of_a_child_are_masked_in_both(agg):
    made = child("echo $KEY")
    made["spec"]["templates"][0]["script"]["env"] = [
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    ]
    made["spec"]["templates"][0]["script"]["source"] = "echo -n $KEY > /tmp/out; echo $KEY"
    made["spec"]["templates"][0]["outputs"] = {
        "parameters": [{"name": "word", "globalName": "word", "valueFrom": {"path": "/tmp/out"}}]
    }
    outputs = [{"name": "word", "valueFrom": {"jqFilter": ".status.outputs.parameters[0].value"}}]
    env = {**PROCESS, "AGG_SECRET_S_K": "opensesame-123"}
    answer = agg("run", agg.file("w.yaml", parent(made, outputs=outputs, **CONDITIONS)), "-o", "json", env=env)
    assert answer.code == 0, answer
    for text in (answer.out, answer.err, agg("logs", "kid").out, agg("get", "parent", "-o", "json").out):
        assert "opensesame-123" not in text
    assert "***" in agg("logs", "kid").out
    assert b"opensesame-123" not in (agg.home / "agg.db").read_bytes()
