"""Argo's own verdicts on documents and files, and its example files: ours are the same, but for those listed with a reason."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aggregator.settings import Layer, resolve
from aggregator.source import Source
from aggregator.spec.bundle import Bundle
from aggregator.spec.checks import check_documents
from aggregator.spec.decode import decode_text
from aggregator.spec.defaults import workflow_defaults

CORPUS = Path(os.environ.get("AGG_CORPUS") or Path(__file__).parents[3] / "shared" / "argo")

# Example file -> why it does not lint clean.
NOT_CLEAN = {
    "k8s-patch-json-workflow.yaml": "the key `annotations` stands twice in one mapping, which is refused when strict",
}


# Case -> words of upstream's message that ours lacks, and why.
OTHER_WORDS = {
    "validate/TestNestedTemplateRefWithError": (
        "templates.main",
        "ours is told once, where it is, and not again for each call of that template",
    ),
}


def read(name):
    path = CORPUS / name
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"the corpus is missing: {path}")
        pytest.skip("the recorded cases are not beside this repository; AGG_CORPUS names their folder")
    return json.loads(path.read_text(encoding="utf-8"))


def documents(bundle):
    return [*bundle.workflows, *bundle.workflow_templates, *bundle.cluster_workflow_templates, *bundle.cron_workflows]


def text_of(case):
    text = case.get("yaml_normalized") or case["yaml"]
    if re.search(r'(?m)^"?kind"?:|"kind"', text):
        return text
    return f"apiVersion: argoproj.io/v1alpha1\nkind: {case.get('yaml_kind') or 'Workflow'}\n{text.lstrip()}"


def errors_of(case):
    """The errors of a case, as `agg lint --no-strict` finds them; --submit where upstream validates a submission."""
    options = case.get("options") or {}
    main = decode_text(Source("main.yaml", text_of(case)), strict=False)
    everything = Bundle()
    everything.merge(main)
    for number, template in enumerate(case.get("templates") or []):
        text = template["yaml"] if isinstance(template, dict) else template
        everything.merge(decode_text(Source(f"template-{number}.yaml", text), strict=False))
    submitted = bool(options.get("submit")) or (not options.get("lint") and case.get("kind") == "Workflow")
    given = yaml.safe_load(options["workflow_defaults"]) if options.get("workflow_defaults") else {}
    defaults = workflow_defaults(resolve([Layer("the case", {"workflow_defaults": given})]))
    found = [
        *main.diagnostics,
        *check_documents(everything, documents(main), submitted=submitted, defaults=defaults),
    ]
    return [d for d in found if d.severity == "error"]


def test_verdicts():
    wrong = []
    for case in read("validate.json"):
        errors = errors_of(case)
        if bool(errors) != (case["expect"] == "error"):
            wrong.append((case["id"], case["expect"], [d.message for d in errors]))
    assert wrong == []


def test_messages_name_the_same_thing():
    """Where upstream asserts words, every name and path in them stands in one of our errors too."""
    missing = []
    for case in read("validate.json"):
        wanted = case.get("error_contains")
        if not wanted:
            continue
        said = " ".join(d.message for d in errors_of(case)).lower()
        words = re.findall(r"'([^']+)'|\"([^\"]+)\"|\{\{([^}]+)\}\}|(templates\.[\w-]+)", wanted)
        missing += [
            (case["id"], word, said)
            for found in words
            for word in found
            if word and word.lower() not in said and word not in OTHER_WORDS.get(case["id"], ())
        ]
    assert missing == []


def test_whole_files(tmp_path):
    wrong = []
    for case in read("validate_cli.json"):
        folder = tmp_path / re.sub(r"\W+", "-", case["id"])
        folder.mkdir()
        for name, text in case["files"].items():
            (folder / name).write_text(text)
        command = [sys.executable, "-m", "aggregator", "lint"]
        argv = case["argv"]
        if case["command"] == "cron lint":
            argv = ["--kinds", "cronwf", *argv]
        elif case["command"] == "template lint":
            argv = ["--kinds", "wftmpl", *argv]
        if not case["offline"]:
            # Upstream finds what is referred to in the cluster.
            others = [name for name in case["files"] if name not in argv and "." not in argv]
            argv = [*argv, *(part for name in others for part in ("--with", name))]
        if not case["strict"]:
            argv = [*argv, "--no-strict"]
        done = subprocess.run(
            [*command, *argv], cwd=folder, input=case["stdin"] or "", capture_output=True, text=True, timeout=60,
            env={**os.environ, "NO_COLOR": "1", "AGG_HOME": str(tmp_path / "home")},
        )  # fmt: skip
        said = [part for part in case["output_contains"] if part not in done.stdout]
        if done.returncode != (0 if case["expect"] == "ok" else 1) or said:
            wrong.append((case["id"], case["expect"], done.returncode, said, done.stdout, done.stderr))
    assert wrong == []


def test_example_files_are_clean():
    folder = CORPUS / "examples"
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml", ".json"))
    if not files:
        if os.environ.get("CI"):
            pytest.fail(f"no example files under {folder}")
        pytest.skip(f"no example files under {folder}")
    everything, bundles = Bundle(), {}
    for path in files:
        name = str(path.relative_to(folder))
        bundles[name] = decode_text(Source(name, path.read_text(encoding="utf-8")))
        everything.merge(bundles[name])
    assert len(files) >= 217
    wrong = {}
    for name, bundle in bundles.items():
        found = [*bundle.diagnostics, *check_documents(everything, documents(bundle))]
        errors = [d.render(excerpt=False) for d in found if d.severity == "error"]
        if errors:
            wrong[name] = errors
    assert {name: errors for name, errors in wrong.items() if name not in NOT_CLEAN} == {}
    assert set(NOT_CLEAN) <= set(wrong), "an example that is clean by now stands in the list"
