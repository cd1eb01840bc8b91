"""`agg template` and `agg cluster-template`: verbs, and that run, plan and lint find what is kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aggregator.cli import COMMANDS, complete, load, typer_command

ECHO = """# says a word
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: NAME, labels: {team: blue}}
spec:
  entrypoint: main
  arguments: {parameters: [{name: word, value: WORD}]}
  templates:
  - name: main
    inputs: {parameters: [{name: word, value: WORD}]}
    container: {image: alpine:3, command: [sh, -c, "echo said-{{inputs.parameters.word}}"]}
"""
CALLER = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: caller-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: a, templateRef: {name: echo, template: main}}]]
"""
REFERS = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: refers-}
spec:
  workflowTemplateRef: {name: echo}
  arguments: {parameters: [{name: word, value: given}]}
"""


def echo(name="echo", word="hello", kind="WorkflowTemplate"):
    return ECHO.replace("NAME", name).replace("WORD", word).replace("kind: WorkflowTemplate", f"kind: {kind}")


@pytest.fixture
def agg(tmp_path):
    def run(*arguments, stdin=None):
        env = {name: value for name, value in os.environ.items() if not name.startswith("AGG_")}
        env |= {"AGG_HOME": str(tmp_path / "home"), "PYTHONUTF8": "1"}
        command = [sys.executable, "-m", "aggregator", *arguments]
        return subprocess.run(command, cwd=tmp_path, input=stdin, capture_output=True, text=True, timeout=60, env=env)

    run.folder = tmp_path
    run.kept = tmp_path / "home" / "templates"
    return run


def ok(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_create_keeps_the_text_as_given_and_refuses_it_a_second_time(agg):
    shown = ok(agg("template", "create", "-", stdin=echo()))
    assert re.match(r"Name: +echo\nNamespace: +default\nCreated: +\S+Z \(\ds ago\)\n", shown)
    assert (agg.kept / "default" / "echo.yaml").read_text() == echo()
    done = agg("template", "create", "-", stdin=echo(word="other"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "'echo' in namespace 'default' exists already" in done.stderr
    assert "update" in done.stderr
    ok(agg("template", "update", "-", stdin=echo(word="other")))
    assert (agg.kept / "default" / "echo.yaml").read_text() == echo(word="other")


def test_update_wants_a_name_that_is_there(agg):
    done = agg("template", "update", "-", stdin=echo())
    assert done.returncode == 1
    assert "no WorkflowTemplate 'echo'" in done.stderr
    assert not agg.kept.exists()


def test_a_broken_document_is_refused_with_its_place_and_nothing_is_stored(agg):
    (agg.folder / "good.yaml").write_text(echo("good"))
    for text, place, words in (
        (echo("bad").replace("entrypoint: main", "entrypoint: mein"), "6:15", "template name 'mein' undefined"),
        (echo("bad").replace("entrypoint:", "entrypiont:"), "6:3", "entrypiont"),
        (echo("Bad_Name"), "4:18", "can't be the name"),
        (echo("bad").replace("spec:", "spec: ["), "7:12", "error[yaml"),
        (echo("good"), "4:18", "given twice"),
    ):
        (agg.folder / "bad.yaml").write_text(text)
        done = agg("template", "create", "good.yaml", "bad.yaml")
        assert done.returncode == 3, done.stderr
        assert f"bad.yaml:{place}" in done.stderr
        assert words in done.stderr
        assert "nothing was stored" in done.stderr
        assert not agg.kept.exists()


def test_unknown_fields_may_be_allowed(agg):
    text = echo().replace("  entrypoint:", "  wish: x\n  entrypoint:")
    assert agg("template", "create", "-", stdin=text).returncode == 3
    done = agg("template", "create", "--no-strict", "-", stdin=text)
    assert done.returncode == 0
    assert "warning" in done.stderr


def test_each_document_of_a_file_is_kept_for_itself_and_others_are_left_out(agg):
    text = f"{echo('one')}--- # next\n{echo('two')}---\n{echo('three', kind='ClusterWorkflowTemplate')}"
    done = agg("template", "create", "-", "-o", "name", stdin=text)
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n")
    assert "ClusterWorkflowTemplate is not stored" in done.stderr
    assert (agg.kept / "default" / "one.yaml").read_text() == echo("one")
    assert "# says a word" in (agg.kept / "default" / "two.yaml").read_text()
    assert ok(agg("cluster-template", "list")) == "No cluster workflow templates found\n"
    documents = [yaml.safe_load(echo(name)) for name in ("three", "four")]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    assert ok(agg("template", "create", "-", "-o", "name", stdin=listed)) == "three\nfour\n"
    assert yaml.safe_load((agg.kept / "default" / "four.yaml").read_text()) == documents[1]
    done = agg(
        "template", "create", "-", stdin=CALLER.replace("templateRef: {name: echo, template: main}", "template: main")
    )
    assert done.returncode == 3
    assert "there is no WorkflowTemplate" in done.stderr


def test_two_namespaces_are_apart_and_a_document_keeps_its_own(agg):
    ok(agg("template", "create", "-", "-n", "red", stdin=echo(word="red")))
    ok(agg("-n", "blue", "template", "create", "-", stdin=echo(word="blue")))
    named = echo("own").replace("{name: own,", "{name: own, namespace: red,")
    ok(agg("template", "create", "-", "-n", "blue", stdin=named))
    assert ok(agg("template", "list")) == "No workflow templates found\n"
    assert ok(agg("template", "list", "-n", "red", "-o", "name")) == "echo\nown\n"
    assert ok(agg("template", "list", "-A")) == "NAMESPACE  NAME\nblue       echo\nred        echo\nred        own\n"
    shown = yaml.safe_load(ok(agg("template", "get", "echo", "-n", "blue", "-o", "yaml")))
    assert shown["metadata"]["namespace"] == "blue"
    assert shown["spec"]["arguments"]["parameters"][0]["value"] == "blue"
    done = agg("template", "get", "echo")
    assert done.returncode == 1
    assert "give -n" in done.stderr
    for namespace in ("red", "blue"):
        assert f"said-{namespace}" in ok(agg("run", "-", "-n", namespace, "--log", stdin=CALLER))
    placed = CALLER.replace("{generateName: caller-}", "{generateName: caller-, namespace: red}")
    assert "said-red" in ok(agg("run", "-", "-n", "blue", "--log", stdin=placed))
    assert agg("run", "-", stdin=CALLER).returncode == 3


def test_lists_are_selected_by_labels_and_come_in_forms(agg):
    ok(agg("template", "create", "-", stdin=f"{echo('a')}---\n{echo('b').replace('blue', 'red')}"))
    assert ok(agg("template", "list", "--no-headers", "-l", "team=red")) == "b\n"
    wide = ok(agg("template", "list", "-o", "wide")).splitlines()
    assert wide[0].split() == ["NAME", "AGE", "ENTRYPOINT", "TEMPLATES", "PARAMETERS"]
    assert wide[1].split()[2:] == ["main", "main", "word=hello"]
    for form, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        assert [item["metadata"]["name"] for item in read(ok(agg("template", "list", "-o", form)))] == ["a", "b"]
    assert "Parameters:          word=hello" in ok(agg("template", "get", "a", "-o", "wide"))
    assert agg("template", "list", "-o", "yml").returncode == 2


def test_delete_by_name_and_all_of_one_namespace(agg):
    ok(agg("template", "create", "-", stdin=f"{echo('a')}---\n{echo('b')}---\n{echo('c')}"))
    ok(agg("template", "create", "-", "-n", "other", stdin=echo("a")))
    assert ok(agg("template", "delete", "b")) == "WorkflowTemplate 'b' deleted\n"
    done = agg("template", "delete", "b", "c")
    assert (done.returncode, done.stdout) == (1, "WorkflowTemplate 'c' deleted\n")
    assert agg("template", "delete").returncode == 2
    assert ok(agg("template", "delete", "--all")) == "WorkflowTemplate 'a' deleted\n"
    assert ok(agg("template", "delete", "--all")) == "No workflow templates found\n"
    assert ok(agg("template", "list", "-A", "--no-headers")).split() == ["other", "a"]


def test_run_from_a_stored_template_with_parameters_by_p_and_by_flag(agg):
    text = echo("shout").replace(
        "inputs: {parameters: [{name: word, value: hello}]}", "inputs: {parameters: [{name: word}]}"
    )
    ok(agg("template", "create", "-", stdin=text))
    for given in (("-p", "word=one"), ("--word", "one")):
        done = agg("run", "--from", "workflowtemplate/shout", *given, "--log")
        assert "said-one" in ok(done)
    run = json.loads(ok(agg("run", "--from", "workflowtemplate/shout", "-o", "json")))
    assert run["metadata"]["labels"]["workflows.argoproj.io/workflow-template"] == "shout"
    assert run["metadata"]["name"].startswith("shout-")
    assert run["spec"]["workflowTemplateRef"] == {"name": "shout"}
    assert "--word" in ok(agg("run", "--from", "workflowtemplate/shout", "--help"))
    done = agg("run", "--from", "workflowtemplate/shuot")
    assert done.returncode == 2
    assert "did you mean 'shout'?" in done.stderr


def test_references_reach_stored_templates_also_in_two_steps(agg):
    inner, outer = echo("inner", "deep"), CALLER.replace("kind: Workflow", "kind: WorkflowTemplate")
    outer = outer.replace("generateName: caller-", "name: echo").replace(
        "name: echo, template", "name: inner, template"
    )
    done = agg("template", "create", "-", stdin=outer)
    assert done.returncode == 3
    assert "inner.main not found" in done.stderr
    ok(agg("template", "create", "-", stdin=inner))
    ok(agg("template", "create", "-", stdin=outer))
    assert "said-deep" in ok(agg("run", "-", "--log", stdin=CALLER))
    assert ok(agg("lint", "-", stdin=CALLER)).startswith("✔")
    assert re.search(r"^leaves +1$", ok(agg("plan", "-", stdin=CALLER)), re.MULTILINE)
    assert re.search(r"^leaves +1$", ok(agg("plan", "--from", "workflowtemplate/inner")), re.MULTILINE)
    ok(agg("template", "update", "-", stdin=echo()))
    run = json.loads(ok(agg("run", "-", "-o", "json", stdin=REFERS)))
    assert run["spec"]["arguments"]["parameters"] == [{"name": "word", "value": "given"}]
    assert run["status"]["phase"] == "Succeeded"


def test_the_file_goes_first_then_with_then_the_store(agg):
    ok(agg("template", "create", "-", stdin=echo(word="store")))
    (agg.folder / "with.yaml").write_text(echo(word="beside"))
    own = f"{CALLER}---\n{echo(word='own')}"
    assert "said-store" in ok(agg("run", "-", "--log", stdin=CALLER))
    assert "said-beside" in ok(agg("run", "-", "--log", "--with", "with.yaml", stdin=CALLER))
    assert "said-own" in ok(agg("run", "-", "--log", "--with", "with.yaml", stdin=own))
    assert "said-own" in ok(agg("run", "-", "--log", stdin=own))


def test_a_run_keeps_only_the_stored_templates_that_it_uses(agg):
    ok(agg("template", "create", "-", stdin=f"{echo('echo')}---\n{echo('idle')}"))
    (agg.kept / "default" / "broken.yaml").write_text("kind: [")
    run = json.loads(ok(agg("run", "-", "-o", "json", stdin=CALLER)))
    assert list(run["status"]["storedTemplates"]) == ["namespaced/echo/main"]
    assert "idle" not in json.dumps(run)


def test_cluster_templates_are_found_by_cluster_scope_alone(agg):
    ok(agg("cluster-template", "create", "-", "-n", "any", stdin=echo(kind="ClusterWorkflowTemplate")))
    assert (agg.folder / "home" / "cluster-templates" / "echo.yaml").is_file()
    scoped = CALLER.replace("template: main}}", "template: main, clusterScope: true}}")
    assert "said-hello" in ok(agg("run", "-", "--log", "-n", "elsewhere", stdin=scoped))
    assert agg("run", "-", stdin=CALLER).returncode == 3
    ok(agg("run", "--from", "clusterworkflowtemplate/echo"))
    assert ok(agg("cluster-template", "list", "-A")) == "NAME\necho\n"
    assert "Namespace" not in ok(agg("cluster-template", "get", "echo"))
    assert ok(agg("cluster-template", "delete", "echo")) == "ClusterWorkflowTemplate 'echo' deleted\n"


def test_lint_looks_at_one_kind_and_stores_nothing(agg):
    bad = echo("bad", kind="ClusterWorkflowTemplate").replace("entrypoint: main", "entrypoint: mein")
    text = f"{echo()}---\n{bad}"
    assert ok(agg("template", "lint", "-", stdin=text)).startswith("✔ no linting errors found! 1 document")
    done = agg("cluster-template", "lint", "-o", "json", "-", stdin=text)
    assert done.returncode == 1
    assert json.loads(done.stdout)["errors"] == 1
    assert not (agg.folder / "home").exists()


def test_a_file_that_somebody_put_there_under_another_name_is_found(agg):
    agg.kept.mkdir(parents=True)
    (agg.kept / "all.yaml").write_text(echo())
    assert "said-hello" in ok(agg("run", "-", "--log", stdin=CALLER))


def test_a_verb_is_needed_and_told(agg):
    done = agg("template")
    assert done.returncode == 2
    done = agg("template", "creat", "x.yaml")
    assert done.returncode == 2
    assert "create" in done.stderr


def test_the_manual_names_every_verb_and_every_flag():
    command = COMMANDS["template"]
    manual = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    section = manual.partition("## `agg template`")[2].partition("\n## ")[0]
    told = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", section))
    for name, verb in typer_command(command, load(command)).commands.items():
        assert f"`{name} " in section or f"`{name}`" in section
        flags = {flag for p in verb.params for flag in [*p.opts, *p.secondary_opts] if flag.startswith("-")}
        assert flags <= told | {"--help", "-h"}


def test_completion_offers_the_verbs_and_their_flags():
    assert complete.answers(["template", "l"]) == ["list", "lint"]
    assert "--all-namespaces" in complete.answers(["cluster-template", "list", "--a"])
