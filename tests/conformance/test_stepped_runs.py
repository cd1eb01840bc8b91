"""Recorded whole runs whose steps are more than submitting and waiting: each step is an `agg` process of its own.

The tool beside the repository drives the cases that only submit and wait (test_tool.py runs it). Here are the others: people
answer suspended nodes, stop, terminate, delete, submit from templates, submit again; and the cases to which upstream gives no
end phase, which must end, with a tree that is whole.
"""

import json
import os
import re
import shlex
from pathlib import Path

import pytest

CORPUS = Path(os.environ.get("AGG_CORPUS") or Path(__file__).parents[3] / "shared" / "argo")

# Case id -> why ours differs.
KNOWN: dict[str, str] = dict.fromkeys(
    (
        "e2e/PodCleanupSuite/TestOnWorkflowCompletion",
        "e2e/PodCleanupSuite/TestOnWorkflowCompletionLabelMatch",
        "e2e/PodCleanupSuite/TestOnWorkflowCompletionLabelNotMatch",
    ),
    "its container exits with 1, so that the run is Failed; the case's Succeeded is inferred, upstream looks at the pod only",
)

PLAIN = {"submit", "wait", "create-workflow-templates", "create-cluster-workflow-templates", "CreateConfigMap"}
PLAIN |= {"DeleteConfigMap"}
SUBMITS = {"submit", "submit-from-workflowtemplate"}
ENDS = {
    "ToBeSucceeded": {"Succeeded"},
    "ToBeFailed": {"Failed"},
    "ToBeErrored": {"Error"},
    "ToBeDone": {"Succeeded", "Failed", "Error"},
    "ToBeCompleted": {"Succeeded", "Failed", "Error"},
}
SECONDS = {"Millisecond": 0.001, "Second": 1, "Minute": 60, "Hour": 3600}


def cases():
    path = CORPUS / "run.json"
    if not path.exists():
        return [pytest.param(None, id="corpus")]
    found = json.loads(path.read_text(encoding="utf-8"))
    return [pytest.param(c, id=c["id"]) for c in found if c["runnable_locally"] == "yes" and not driven_by_the_tool(c)]


def driven_by_the_tool(case):
    expected = case.get("expect_phase") or case.get("expect_phase_in")
    return bool(case.get("yaml") and expected and not case.get("cron") and all(s["do"] in PLAIN for s in case["steps"]))


@pytest.mark.parametrize("case", cases())
def test_case(case, stage, tool, corpus):
    assert corpus
    if case["id"] in KNOWN:
        pytest.xfail(KNOWN[case["id"]])
    Play(case, stage(case, "process")).play(tool)


class Play:
    """Plays the steps of one case on its stage."""

    def __init__(self, case, stage):
        self.case, self.stage = case, stage
        self.renamed = False
        self.expects = case.get("expect_phase") or case.get("expect_phase_in")
        self.namespace = [
            a for s in case["steps"] for a in s.get("args") or () if s["do"] == "cli" and a.startswith("--namespace=")
        ]

    def play(self, tool):
        if not any(s["do"] in SUBMITS or s.get("args", [""])[0] == "submit" for s in self.case["steps"]):
            pytest.skip("nothing is submitted: the case goes on from where another one ended")
        for step in self.case["steps"]:
            if step["do"] == "cli":
                self.needs(step["args"][0])
        for step in self.case["steps"]:
            getattr(self, "do_" + step["do"].replace("-", "_"), self.unknown)(step)
        final = self.stage.end()
        if self.renamed:  # --name stands in for what generateName would have made
            final["metadata"].pop("generateName", None)
        wrong = tool.check_status(self.case, final)
        for document in self.stage.documents[:-1]:
            wrong += tool.check_tree(document)
        assert not wrong, "\n".join(wrong)

    def unknown(self, step):
        pytest.skip(f"a step that only upstream's cluster can take: {step['do']}")

    def needs(self, command):
        if command == "submit":
            return
        code, _, err = self.stage.agg(command, "--help")
        if code:
            pytest.skip(f"agg has no command {command!r} yet: {err.splitlines()[:1]}")

    # ------------------------------------------------------------------ submitting

    def submit(self, *arguments):
        self.stage.start(*arguments, *self.namespace)

    def do_submit(self, step):
        loaded = getattr(self, "loaded", None) or "main.yaml"
        self.submit(loaded, *self.stage.beside)

    def do_load_workflow(self, step):
        path = self.stage.folder / f"loaded-{len(self.stage.runs)}.yaml"
        path.write_text(step["yaml"])
        self.loaded = path

    def do_create_workflow_templates(self, step):
        self._store("WorkflowTemplate", "template")

    def do_create_cluster_workflow_templates(self, step):
        self._store("ClusterWorkflowTemplate", "cluster-template")

    def _store(self, kind, command):
        """Stored for good, as upstream does it; a case's templates may be of both kinds."""
        for number, template in enumerate(self.case["templates"]):
            if template["kind"] == kind:
                path = self.stage.folder / f"{command}-{number}.yaml"
                path.write_text(of_kind(kind, template["yaml"]))
                code, _, err = self.stage.agg(command, "create", path, "--no-strict", *self.namespace)
                assert code == 0, err

    def do_submit_from_workflowtemplate(self, step):
        name = re.search(r"(?m)^  name: *(\S+)", self.case["templates"][0]["yaml"]).group(1)
        self.submit("--from", f"workflowtemplate/{name}")

    def do_CreateConfigMap(self, step):  # noqa: N802 - named by the step
        pass  # lies beside the document, as does every ConfigMap of a case

    do_DeleteConfigMap = do_RemoveFinalizers = do_CreateConfigMap  # noqa: N815

    # ------------------------------------------------------------------ waiting

    def do_wait(self, step):
        for what in step.get("for") or ():
            if what.startswith("timeout"):
                continue
            if what in ENDS:
                self.stage.until(self.stage.ended, what)
                phase = self.stage.end()["status"]["phase"]
                # Where upstream gives no end, the case ends by chance, or waits for what never comes.
                assert phase in ENDS[what] or not self.expects, f"the run is {phase}, {what} was awaited"
                continue
            holds = condition(what)
            if holds is None:
                pytest.skip(f"waits for what only upstream's test suite can tell: {what}")
            met = self.stage.until(lambda holds=holds: holds(self.stage.status()) or self.stage.ended(), what)
            assert met, what

    def do_WaitForPod(self, step):  # noqa: N802
        self.stage.until(self.stage.ended, "the end; what becomes of a pod, no machine without pods can show")

    def do_sleep(self, step):
        pass  # upstream waits for its controller; here every command is done when it returns

    # ------------------------------------------------------------------ people

    def do_shutdown(self, step):
        code, _, err = self.stage.agg({"Stop": "stop", "Terminate": "terminate"}[step["strategy"]], self.stage.name)
        assert code == 0, err

    def do_DeleteWorkflow(self, step):  # noqa: N802
        self.stage.end()
        if self.stage.name in self.stage.names():  # what was refused before anything ran is not kept
            code, _, err = self.stage.agg("delete", self.stage.name)
            assert code == 0, err

    def do_WaitForWorkflowDeletion(self, step):  # noqa: N802
        code, _, _ = self.stage.agg("get", self.stage.name)
        assert code != 0, "the run is still there"

    def do_cli(self, step):
        command, *arguments = [self.stage.name if a == "workflowName" else a for a in step["args"]]
        fails = re.search(r"(?:require|assert)\.(?:Error|EqualError)\(|ErrorOutput", step["expect"]) is not None
        if command == "submit":
            self.renamed = "--name" in arguments
            self.submit(*self._given(arguments))
            return
        code, out, err = self.stage.agg(command, *arguments)
        assert (code != 0) == fails, f"agg {shlex.join(step['args'])} ended with {code}: {out}{err}"

    def _given(self, arguments):
        """Arguments of a submission: files are the case's own, and texts that stand for files become files."""
        given = []
        for before, argument in zip(["", *arguments], arguments, strict=False):
            if before in ("--parameter-file", "-f"):
                path = self.stage.folder / "parameters.yaml"
                path.write_text(argument)
                given.append(str(path))
            elif argument.endswith((".yaml", ".yml", ".json")) and not before.startswith("-"):
                given.append("main.yaml")
            else:
                given.append(argument)
        if "--from" not in given and "main.yaml" not in given:
            given = ["main.yaml", *given]
        return [*given, *self.stage.beside]


def of_kind(kind, text):
    """The document under the kind that upstream reads it as, whatever kind it gives itself, if any."""
    head = re.sub(r"(?m)^(kind|apiVersion):.*\n", "", text)
    return f"apiVersion: argoproj.io/v1alpha1\nkind: {kind}\n{head}"


def condition(text):
    """What is waited for as a test of a status; None where the words are of no known form."""
    plain = {
        "suspended": suspended,
        "ToStart": lambda s: s.get("phase") in ("Pending", "Running", "Succeeded", "Failed", "Error"),
        "ToBeRunning": lambda s: s.get("phase") == "Running",
        "ToBePending": lambda s: s.get("phase") == "Pending",
        "ToHaveRunningPod": lambda s: any(n["type"] == "Pod" and n["phase"] == "Running" for n in nodes(s)),
        "ToHaveFailedPod": lambda s: any(n["type"] == "Pod" and n["phase"] == "Failed" for n in nodes(s)),
        "ToBeWaitingOnAMutex": waiting,
        "ToBeWaitingOnASemaphore": waiting,
    }
    if text in plain or text.startswith(("ToHavePhase ", "fixtures.WorkflowCompletionOkay")):
        return plain.get(text, lambda s: True)
    if "AnyActiveSuspendNode()" in text:
        return suspended
    if "ArtifactGCStatus" in text:
        return lambda s: s.get("phase") in ENDS["ToBeDone"]
    wanted = re.findall(r"wf\.Status\.Phase == wfv1\.Workflow(\w+)", text)
    names = dict(re.findall(r'(\w+) := wf\.Status\.Nodes\.FindByDisplayName\("([^"]+)"\)', text))
    phases = [(names.get(v), p) for v, p in re.findall(r"(\w+)\.Phase == wfv1\.Node(\w+)", text)]
    if not wanted and not phases:
        return None

    def holds(status):
        there = {n["displayName"]: n["phase"] for n in nodes(status)}
        return all(status.get("phase") == w for w in wanted) and all(there.get(n) == p for n, p in phases)

    return holds


def nodes(status):
    return list((status.get("nodes") or {}).values())


def suspended(status):
    return any(n["type"] == "Suspend" and n["phase"] == "Running" for n in nodes(status))


def waiting(status):
    return bool(status.get("synchronization")) or status.get("phase") == "Pending"
