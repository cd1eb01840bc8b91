"""`agg lint`: exit codes, five forms, files beside, kinds, and that it loads nothing that it does not need."""

import json
import os
import subprocess
import sys

import pytest

GOOD = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: good-}
spec:
  entrypoint: main
  templates:
  - name: main
    container: {image: alpine, command: [date]}
"""
BAD = GOOD.replace("entrypoint: main", "entrypoint: mein")
WARNED = GOOD + "  - {name: idle, suspend: {}}\n"
STORED = """apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: stored}
spec:
  templates:
  - {name: echo, container: {image: alpine, command: [date]}}
"""
CALLS = GOOD.replace(
    "container: {image: alpine, command: [date]}", "steps: [[{name: a, templateRef: {name: stored, template: echo}}]]"
)


@pytest.fixture
def lint(tmp_path):
    for name, text in (("good", GOOD), ("bad", BAD), ("warned", WARNED), ("calls", CALLS), ("stored", STORED)):
        (tmp_path / f"{name}.yaml").write_text(text)

    def run(*arguments, stdin=None, env=None):
        command = [sys.executable, "-m", "aggregator", "lint", *arguments]
        environment = {**os.environ, "NO_COLOR": "1", "AGG_HOME": str(tmp_path / "home"), **(env or {})}
        environment.pop("FORCE_COLOR", None)
        return subprocess.run(
            command, cwd=tmp_path, input=stdin, capture_output=True, text=True, timeout=60, env=environment
        )

    run.folder = tmp_path
    return run


def test_a_clean_file_is_exit_0(lint):
    done = lint("good.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "✔ no linting errors found! 1 document checked.\n"


def test_an_error_is_exit_1_with_its_place_line_and_hint(lint):
    done = lint("bad.yaml", "good.yaml")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "bad.yaml:5:15: error[unknown-template]: spec.entrypoint template name 'mein' undefined",
        "    5 |   entrypoint: mein",
        "                      ^^^^",
        "  hint: did you mean 'main'?",
        "",
        "✖ 1 linting errors found! 2 documents checked.",
    ]


def test_a_warning_leaves_exit_0(lint):
    done = lint("warned.yaml", "-o", "simple")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "warned.yaml:9:12: warning[unused-template]: template 'idle' is not used",
        "✔ no linting errors found! 1 warning. 1 document checked.",
    ]


def test_json_has_every_field_of_a_finding(lint):
    done = lint("bad.yaml", "-o", "json")
    shown = json.loads(done.stdout)
    assert (shown["errors"], shown["warnings"]) == (1, 0)
    assert shown["documents"] == [{"file": "bad.yaml", "kind": "Workflow", "name": ""}]
    assert shown["diagnostics"][0] == {
        "file": "bad.yaml", "line": 5, "column": 15, "endLine": 5, "endColumn": 19, "severity": "error",
        "code": "unknown-template", "message": "spec.entrypoint template name 'mein' undefined",
        "hint": "did you mean 'main'?", "notes": [],
    }  # fmt: skip


def test_sarif_names_rules_and_places(lint):
    shown = json.loads(lint("bad.yaml", "-o", "sarif").stdout)
    (run,) = shown["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    result = run["results"][0]
    assert shown["version"] == "2.1.0"
    assert rules[result["ruleIndex"]] == result["ruleId"] == "unknown-template"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "bad.yaml"
    assert place["region"]["startLine"] == 5


def test_github_makes_annotations(lint):
    done = lint("bad.yaml", "-o", "github")
    assert done.stdout.splitlines()[0] == (
        "::error file=bad.yaml,line=5,col=15,title=unknown-template::spec.entrypoint template name 'mein' undefined"
        "%0Adid you mean 'main'?"
    )


def test_nothing_to_lint_is_an_error(lint):
    (lint.folder / "empty.yaml").write_text("# nothing\n")
    (lint.folder / "service.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: s}\n")
    assert lint("empty.yaml").returncode == 1
    done = lint("service.yaml")
    assert (done.returncode, "nothing to lint" in done.stdout) == (1, True)
    assert lint("good.yaml", "--kinds", "cronwf").returncode == 1


def test_references_are_looked_up_in_all_files_and_beside(lint):
    assert lint("calls.yaml").returncode == 1
    assert lint("calls.yaml", "stored.yaml").returncode == 0
    assert lint("stored.yaml", "calls.yaml").returncode == 0
    assert lint("calls.yaml", "--with", "stored.yaml").returncode == 0
    assert lint("calls.yaml", "--with", ".").returncode == 0
    assert lint("calls.yaml", "--ignore-missing").returncode == 0
    assert lint("calls.yaml", "-", stdin=STORED).returncode == 0


def test_templates_of_the_state_folder_are_known(lint):
    kept = lint.folder / "home" / "templates"
    kept.mkdir(parents=True)
    (kept / "stored.yaml").write_text(STORED)
    assert lint("calls.yaml").returncode == 0
    assert lint("calls.yaml", "--home", "elsewhere").returncode == 1


def test_submission_asks_for_values(lint):
    (lint.folder / "w.yaml").write_text(
        GOOD.replace("  entrypoint", "  arguments: {parameters: [{name: p}]}\n  entrypoint")
    )
    assert lint("w.yaml").returncode == 0
    assert lint("w.yaml", "--submit").returncode == 1


def test_unknown_fields_are_errors_unless_not_strict(lint):
    (lint.folder / "w.yaml").write_text(GOOD.replace("entrypoint:", "entrypoints: x\n  entrypoint:"))
    done = lint("w.yaml")
    assert (done.returncode, 'unknown field "spec.entrypoints"' in done.stdout) == (1, True)
    assert lint("w.yaml", "--no-strict").returncode == 0


def test_kinds_leave_out_the_others_with_all_that_is_wrong_with_them(lint):
    (lint.folder / "both.yaml").write_text(
        GOOD + "---\n" + STORED.replace("templates:", "entrypoints: x\n  templates:")
    )
    assert lint("both.yaml").returncode == 1
    for kind in ("wf", "workflows", "Workflow", "cronwf,wf"):
        assert lint("both.yaml", "--kinds", kind).returncode == 0, kind
    done = lint("both.yaml", "--kinds", "workflws")
    assert (done.returncode, "did you mean 'workflow'?" in done.stderr) == (2, True)


def test_files_that_cannot_be_read_are_findings_like_others(lint):
    (lint.folder / "latin.yaml").write_bytes(b"a: \xff\n")
    done = lint("latin.yaml", "gone.yaml", "bad.yaml", "-o", "simple")
    assert done.returncode == 1
    codes = [line.partition("[")[2].partition("]")[0] for line in done.stdout.splitlines()[:-1]]
    assert codes == ["unknown-template", "unreadable", "yaml-encoding"]


def test_it_never_touches_the_network(lint):
    done = lint("https://127.0.0.1:9/x.yaml")
    assert (done.returncode, "never touches the network" in done.stderr) == (2, True)
    assert lint("good.yaml", "--with", "http://127.0.0.1:9/x.yaml").returncode == 2
    assert lint("good.yaml", "--offline").returncode == 0


def test_it_loads_no_adapter():
    script = (
        "import sys; from aggregator.cli import main\n"
        "main(['lint', '-', '-o', 'json'])\n"
        "wanted = {'boto3', 'botocore', 'httpx', 'aiohttp', 'pyreqwest', 'asyncio', 'sqlite3', 'rich'}\n"
        "print(sorted(wanted & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], input=GOOD, capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "[]"


def test_colours_are_for_terminals_only(lint):
    assert "\x1b" not in lint("bad.yaml").stdout


def test_a_comment_silences_a_warning(lint):
    (lint.folder / "w.yaml").write_text(
        WARNED.replace("- {name: idle", "# agg: ignore[unused-template]\n  - {name: idle")
    )
    assert lint("w.yaml").stdout == "✔ no linting errors found! 1 document checked.\n"


def test_a_run_of_a_file_with_placeholders_is_refused_with_their_places(tmp_path):
    text = GOOD + "    outputs: {artifacts: [{name: o, path: /o, s3: {bucket: S3_BUCKET_NAME, key: k}}]}\n"
    (tmp_path / "w.yaml").write_text(text)
    command = [sys.executable, "-m", "aggregator", "run", "w.yaml"]
    env = {**os.environ, "AGG_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 3
    assert (
        "w.yaml:9:60: error[placeholder]: s3.bucket is 'S3_BUCKET_NAME', which looks like a placeholder" in done.stderr
    )


def test_a_run_of_a_file_with_a_refused_field_is_exit_4(tmp_path):
    (tmp_path / "w.yaml").write_text(GOOD + "    archiveLocation: {plugin: {name: p, key: k}}\n")
    command = [sys.executable, "-m", "aggregator", "run", "w.yaml"]
    env = {**os.environ, "AGG_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, env=env)
    assert (done.returncode, "refused-field" in done.stderr) == (4, True)


def test_the_bundled_workflow_has_no_opinion_against_it(tmp_path):
    from pathlib import Path

    path = Path(__file__).parents[2] / "configs" / "dynamic-deal-aggregator.yaml"
    command = [sys.executable, "-m", "aggregator", "lint", str(path), "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    shown = json.loads(done.stdout)
    assert {d["code"] for d in shown["diagnostics"]} <= {"ignored-field", "later-field"}


def test_the_settings_may_fill_what_is_missing(lint):
    (lint.folder / "bare.yaml").write_text(GOOD.replace("  entrypoint: main\n", ""))
    assert lint("bare.yaml").returncode == 1
    (lint.folder / "agg.toml").write_text('[workflow_defaults.spec]\nentrypoint = "main"\n')
    assert lint("bare.yaml").returncode == 0
    (lint.folder / "agg.toml").write_text('[workflow_defaults.spec]\nentrypiont = "main"\n')
    done = lint("bare.yaml")
    assert done.returncode == 2
    assert "did you mean" in done.stderr


def test_names_that_stand_for_no_file_do_not_hide_what_is_wrong_with_the_others(lint):
    (lint.folder / "empty").mkdir()
    done = lint("no*.yaml", "empty", "gone.yaml", "bad.yaml", "--with", "none*.yaml", "-o", "simple")
    assert done.returncode == 1
    assert done.stdout.splitlines()[:-1] == [
        "bad.yaml:5:15: error[unknown-template]: spec.entrypoint template name 'mein' undefined",
        "empty:1:1: error[unreadable]: empty: the folder holds no .yaml, .yml or .json file",
        "gone.yaml:1:1: error[unreadable]: gone.yaml: no such file",
        "no*.yaml:1:1: error[unreadable]: no*.yaml: no file matches",
        "none*.yaml:1:1: error[unreadable]: none*.yaml: no file matches",
    ]


def test_a_run_loads_no_rules_that_only_lint_has(lint):
    code = (
        "import sys; from aggregator.cli import main; main(['run', 'good.yaml', '--dry-run']);"
        "print([m for m in sys.modules if m.endswith(('opinions', 'aggregates', 'checks.cron'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=lint.folder, capture_output=True, text=True, timeout=60,
        env={**os.environ, "AGG_HOME": str(lint.folder / "home")},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_sarif_has_uris_and_the_other_place(lint):
    name = "my file <1>.yaml"
    (lint.folder / name).write_text(GOOD.replace("  entrypoint: main\n", "  entrypoint: main\n  entrypoint: main\n"))
    (result,) = json.loads(lint(name, "-o", "sarif").stdout)["runs"][0]["results"]
    here, there = result["locations"][0]["physicalLocation"], result["relatedLocations"][0]["physicalLocation"]
    assert here["artifactLocation"] == there["artifactLocation"] == {"uri": "my%20file%20%3C1%3E.yaml"}
    assert (here["region"]["startLine"], there["region"]["startLine"]) == (6, 5)
    assert result["relatedLocations"][0]["message"] == {"text": "first given here"}
