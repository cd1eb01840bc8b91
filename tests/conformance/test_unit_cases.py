"""Argo's own engine cases, driven through the machine in virtual time: same nodes, phases, messages and edges.

A case says what people and pods do (`operate` lets the engine do all it can, `pods` ends attempts) and what must hold then.
Where upstream starts from a stored status, the run starts afresh and each leaf ends as that status says.
"""

import json
import os
from pathlib import Path

import pytest
import yaml as pyyaml

from aggregator.app.prepare import Submission, prepare, replace_struct
from aggregator.engine.commands import LockWish, TakeLocks
from aggregator.engine.control import matching
from aggregator.engine.events import (
    LeafProgressed,
    Outcome,
    Resumed,
    StopRequested,
    SuspendRequested,
)
from aggregator.engine.status import failed_object, workflow_object
from aggregator.journal.memory_locks import MemoryLocks
from aggregator.source import Source
from aggregator.spec.decode import decode_text
from aggregator.spec.merge import apply_workflow_defaults
from aggregator.testing.virtual import Answer, Script, VirtualRun

CORPUS = Path(os.environ.get("AGG_CORPUS") or Path(__file__).parents[3] / "shared" / "argo")

# Case id -> why ours differs.
KNOWN: dict[str, str] = {
    "unit/TestExpandStepGroupWithParam": "the document calls a template that it lacks; upstream only expands the loop",
    "unit/TestTerminateDAGWithMaxDurationLimitExpiredAndMoreAttempts": (
        "upstream looks at an attempt's end years later; here the decision falls when it ends, so that the reason is"
        " another one (the next attempt would come too late)"
    ),
}

EXECUTED = {"Pod", "HTTP", "Plugin"}
OVER = {"Succeeded", "Failed", "Error"}


def load(name):
    path = CORPUS / name
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"the corpus is missing: {path}")
        pytest.skip("the recorded cases are not beside this repository; AGG_CORPUS names their folder")
    return json.loads(path.read_text(encoding="utf-8"))


def cases():
    path = CORPUS / "unit.json"
    if not path.exists():
        return [pytest.param(None, id="corpus")]
    found = json.loads(path.read_text(encoding="utf-8"))
    return [pytest.param(c, id=c["id"]) for c in found if c["kind"] == "workflow" and c["machine_checkable"]]


@pytest.mark.parametrize("case", cases())
def test_case(case):
    if case is None:
        load("unit.json")
    if case["id"] in KNOWN:
        pytest.xfail(KNOWN[case["id"]])
    Player(case).play()


class Player:
    """Plays one case. `run` is None where the document is refused before anything runs."""

    def __init__(self, case):
        self.case = case
        self.locks = MemoryLocks()
        self.stored = {n["name"]: n for n in (case.get("resume_from") or {}).get("nodes") or ()}
        self.deleted = False
        self.driven = any(s["do"] == "pods" for s in case["steps"])
        self.document = self.run = None
        self.others = {}
        self.prepared = self.prepare()
        if self.prepared.problems:
            p = self.prepared
            self.document = failed_object(p.workflow, p.name, p.uid, 0.0, p.problem_phase, p.problem_message)
        else:
            self.run = self.submit()
            if self.stored:
                self.operate({})

    # ------------------------------------------------------------------ the documents

    def prepare(self):
        case = self.case
        text = case["yaml_without_status"] or case["yaml"]
        if not any(line.startswith(("kind:", '"kind"', "'kind'")) or '"kind"' in line for line in text.splitlines()):
            text = f"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n{text.lstrip()}"
        main = decode_text(Source("main.yaml", text), strict=False)
        for loaded in main.workflows:
            if not loaded.model.metadata.name and not loaded.model.metadata.generate_name:
                loaded.model.metadata.name = "wf"
        supporting = decode_text(Source("none.yaml", "kind: List\napiVersion: v1\nitems: []"), strict=False)
        for template in case.get("templates") or ():
            supporting.merge(decode_text(Source("template.yaml", template["yaml"]), strict=False))
        self.set_defaults(main)
        self.restore_template(main, supporting)
        parameters = [(k, str(v)) for k, v in (case.get("set_arguments") or {}).items()]
        return prepare(main, supporting, Submission(parameters=parameters))

    def set_defaults(self, main):
        """The defaults that upstream's controller has in its settings."""
        text = self.case.get("workflow_defaults")
        if text:
            head = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: defaults}\n"
            defaults = decode_text(Source("defaults.yaml", head + text), strict=False).workflows[0].model.spec
            loaded = main.workflows[0]
            spec = apply_workflow_defaults(loaded.model.spec, defaults)
            main.workflows[0] = replace_struct(loaded, model=replace_struct(loaded.model, spec=spec))

    def restore_template(self, main, supporting):
        """A stored status brings the WorkflowTemplate that the run was made from."""
        reference = main.workflows[0].model.spec.workflow_template_ref
        stored = (pyyaml.safe_load(self.case["yaml"]).get("status") or {}).get("storedWorkflowTemplateSpec")
        if reference is None or not stored or any(t.name == reference.name for t in supporting.workflow_templates):
            return
        stored.pop("workflowTemplateRef", None)
        document = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "WorkflowTemplate",
            "metadata": {"name": reference.name},
            "spec": stored,
        }
        supporting.merge(decode_text(Source("stored.yaml", json.dumps(document)), strict=False))

    def submit(self, name=None):
        prepared = self.prepared
        maps = [
            {"metadata": {"name": n, "labels": m.get("labels", {})}, "data": m.get("data", m)}
            for n, m in (self.case.get("configmaps") or {}).items()
        ]
        options = {}
        if (self.case.get("settings") or {}).get("maxRecursionDepth"):
            options["max_depth"] = self.case["settings"]["maxRecursionDepth"]
        script = Script(
            name=name or prepared.name,
            templates=prepared.templates,
            config_maps=[*prepared.config_maps, *maps],
            options=options,
        )
        return VirtualRun(prepared.workflow, self.answer, script, locks=self.locks)

    def answer(self, attempt):
        """What the stored status, or the simulation, says of this attempt; otherwise a step of the case will say it."""
        told = None if self.driven else (self.case.get("sim") or {}).get(attempt.display_name)
        stored = self.stored.get(attempt.name) or {}
        phase = stored.get("phase") or (told or "").split(" ")[0]
        if phase == "Running" and not self.driven:
            # Upstream's stored status shows a pod that is not there.
            return Answer(Outcome(phase="Error", message="pod deleted"), starts=None)
        if phase not in OVER:
            return None
        outcome = Outcome(
            phase=phase,
            message=stored.get("message") or "",
            exit_code=int(stored["exitCode"]) if stored.get("exitCode") else None,
            result=stored.get("result"),
            parameters={k: str(v) for k, v in (stored.get("output_parameters") or {}).items()},
            artifacts=[{"name": n, "s3": {"key": n}} for n in stored.get("output_artifacts") or ()],
        )
        return Answer(outcome)

    # ------------------------------------------------------------------ the steps

    def play(self):
        for step in self.case["steps"]:
            getattr(self, step["do"].replace("-", "_"))(step)

    def of(self, step):
        name = step.get("workflow")
        return self.others[name] if name else self.run

    def operate(self, step):
        run = self.of(step)
        if run is not None:
            run.settle()
            # What upstream's stored status has behind it (waits for another attempt) is not waited for here.
            while self.stored and run.due is not None and self._behind(run):
                run.advance(run.due - run.now)

    def _behind(self, run):
        """Whether the stored status shows an attempt that is still to come here."""
        made = {n.name for n in run.machine.nodes}
        return any(n not in made and s.get("phase") in OVER for n, s in self.stored.items())

    def pods(self, step):
        if self.run is None:
            return
        for number, attempt in list(self.run.held.items()):
            if step.get("only") not in (None, attempt.display_name, attempt.name):
                continue
            if step["phase"] == "Running":
                self.run.begin(number)
                progress = (
                    (attempt.template.get("metadata") or {})
                    .get("annotations", {})
                    .get("workflows.argoproj.io/progress")
                )
                if progress:
                    self.run.post(LeafProgressed(self.run.now, number, progress))
            elif step["phase"] in OVER:
                outputs = step.get("outputs") or {}
                given = outputs.get(attempt.display_name) or outputs.get("*") or {}
                told = (self.case.get("sim") or {}).get(attempt.display_name) or ""
                made = told.partition("with output artifact ")[2].strip("`")
                outcome = Outcome(
                    phase=step["phase"],
                    message=step.get("message") or "",
                    exit_code=step.get("exit_code"),
                    parameters=given,
                    result=given.get("result"),
                    artifacts=[{"name": made, "s3": {"key": made}}] if made else [],
                )
                self.run.finish(number, outcome)

    def delete_pods(self, step):
        self.deleted = True
        for number in list(self.run.held):
            self.run.finish(number, Outcome(phase="Error", message="pod deleted"))

    def suspend(self, step):
        if not self.run.journal:
            # Before anything ran: the workflow is submitted suspended.
            self.prepared.workflow["spec"]["suspend"] = True
            self.run = self.submit()
            return
        self.run.post(SuspendRequested(self.run.now))

    def resume(self, step):
        found = matching(self.run.machine, step["selector"])
        if step.get("expect_error"):
            assert not found
            return
        self.run.post(Resumed(self.run.now, step["selector"]))
        self.run.settle()

    def shutdown(self, step):
        run = self.of(step)
        run.post(StopRequested(run.now, step["strategy"]))

    stop = shutdown

    def sleep(self, step):
        self.run.advance(step["seconds"])

    def lock_held_elsewhere(self, step):
        key = f"{self.prepared.namespace}/{step['lock']}"
        self.locks.take(TakeLocks(-1, "other/run", [LockWish(key, 1)], 0, 0.0))

    def submit_copy(self, step):
        self.others[step["as"]] = self.submit(name=step["as"])

    def finish_workflow(self, step):
        while self.run.held:
            for number in list(self.run.held):
                self.run.finish(number, Outcome(phase=step["phase"]))
            self.run.settle()

    # ------------------------------------------------------------------ the checks

    def expect(self, step):
        run = self.of(step)
        document = workflow_object(run.machine) if run is not None else self.document
        wrong = [w for check in step["checks"] for w in self.check(check, document, run)]
        assert not wrong, "\n".join([*wrong, tree(document)])

    def check(self, check, document, run):
        status = document["status"]
        nodes = list((status.get("nodes") or {}).values())
        keys = {k: v for k, v in check.items() if k not in ("on", "select", "basis", "exists")}
        on = check["on"]
        if on == "workflow":
            return [m for k, v in keys.items() if (m := self.check_one(status, k, v, run))]
        if on == "pods":
            count = 0 if self.deleted or run is None else len([a for a in run.attempts if self.answer(a) is None])
            return [] if count == check["count"] else [f"{check['count']} pods expected, there are {count}"]
        if on == "global":
            value = run.machine.globals.get(check["name"])
            return [] if check["value_contains"] in str(value) else [f"{check['name']} is {value!r}"]
        if on == "any_message":
            texts = [status.get("message", ""), *(n.get("message", "") for n in nodes)]
            return [] if any(check["contains"] in t for t in texts) else [f"{check['contains']!r} in none of {texts}"]
        if on == "cache":
            entry = run.cache.look_up(check["configmap"], check["key"], run.now) or {}
            kept = {p["name"]: p["value"] for p in (entry.get("outputs") or {}).get("parameters", ())}
            return [] if kept == check["outputs"] else [f"the cache holds {entry}"]
        if on == "sync":
            holders = list(self.locks.holding)
            ids = {n["id"]: n["displayName"] for n in nodes}
            if "holding" in check:
                return [] if len(holders) == check["holding"] else [f"holders are {holders}"]
            names = [ids.get(h.rpartition("/")[2]) for h in holders]
            return [] if check["holder"] in names else [f"holders are {names}"]
        if on in ("spec", "template"):
            top = run.machine.spec if on == "spec" else self.template(run, check["index"])
            value = dig(top, check["path"])
            if check["value"] is None:
                return [] if value in (None, {}) else [f"{check['path']} is {value!r}"]
            text = isinstance(check["value"], str)
            return [] if (str(value) if text else value) == check["value"] else [f"{check['path']} is {value!r}"]
        return self.check_nodes(check, keys, nodes, document, run)

    def check_nodes(self, check, keys, nodes, document, run):
        found = [n for n in nodes if selected(n, check.get("select") or {}, document)]
        if check.get("exists") is False:
            return [f"{check['select']} should not be there"] if found else []
        if not found:
            return [] if check["on"] == "all_nodes" else [f"no node {check.get('select')}"]
        results = [[m for k, v in keys.items() if (m := self.check_one(n, k, v, run))] for n in found]
        if check["on"] == "all_nodes":
            return [f"{n['displayName']}: {m}" for n, ms in zip(found, results, strict=True) for m in ms]
        if check["on"] == "node":
            return [f"{found[0]['displayName']}: {m}" for m in results[0]]
        return [f"none fits: {results}"] if all(results) else []

    def template(self, run, index):
        raw = run.machine.program.spec["templates"][index]
        held = [a.template for a in run.attempts if a.template_name == raw["name"]]
        return held[0] if held else raw

    def check_one(self, thing, key, want, run):
        got = self.value(thing, key, run)
        if key == "message_contains":
            return None if all(w in got for w in ([want] if isinstance(want, str) else want)) else f"message is {got!r}"
        if key.endswith("_not"):
            return f"{key[:-4]} is {got!r}" if got == want else None
        if key.endswith(("_by_index", "_parameters")):
            ok = all(
                (got.get(i) if isinstance(got, dict) else dict(enumerate(got)).get(int(i))) == v
                for i, v in want.items()
            )
            return None if ok else f"{key}: expected {want!r}, got {got!r}"
        return None if got == want else f"{key}: expected {want!r}, got {got!r}"

    def value(self, thing, key, run):
        side, _, rest = key.partition("_")
        if side in ("input", "output") and rest.startswith("parameter"):
            listed = (thing.get(f"{side}s") or {}).get("parameters") or []
            return {
                "parameter_count": len(listed),
                "parameters": {p["name"]: p.get("value") for p in listed},
                "parameters_by_index": [p.get("value") for p in listed],
                "parameter_names_by_index": [p["name"] for p in listed],
            }[rest]
        flags = thing.get("nodeFlag") or {}
        return {
            "phase": thing.get("phase"),
            "phase_not": thing.get("phase"),
            "type": thing.get("type"),
            "message": thing.get("message", ""),
            "message_contains": thing.get("message", ""),
            "progress": thing.get("progress"),
            "node_count": len(thing.get("nodes") or ()),
            "children_count": len(thing.get("children") or ()),
            "hooked": flags.get("hooked", False),
            "node_flag": thing.get("nodeFlag"),
            "template_scope": thing.get("templateScope"),
            "memo_hit": (thing.get("memoizationStatus") or {}).get("hit"),
            "suspended": bool(run and (run.machine.suspended or run.machine.suspensions)),
        }[key]


def selected(node, select, document):
    root = document["metadata"]["name"]
    for key, want in select.items():
        name = want.replace("{{workflow.name}}", root) if isinstance(want, str) else want
        if key == "root":
            ok = (node["name"] == root) == want
        elif key.endswith("Prefix"):
            ok = node.get(key.removesuffix("Prefix"), "").startswith(name)
        elif key == "nameContains":
            ok = name in node["name"]
        elif key == "nameSuffix":
            ok = node["name"].endswith(name)
        else:
            ok = node.get(key) == name
        if not ok:
            return False
    return True


def dig(value, path):
    for part in path.replace("[", ".[").split("."):
        if value is None:
            return None
        value = value[int(part[1:-1])] if part.startswith("[") else value.get(part)
    return value


def tree(document):
    status = document["status"]
    lines = [f"{status.get('phase')}: {status.get('message', '')}"]
    nodes = (status.get("nodes") or {}).values()
    return "\n".join([*lines, *(f"  {n['name']} {n['type']} {n['phase']} {n.get('message', '')}" for n in nodes)])
