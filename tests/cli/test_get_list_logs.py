"""Reading runs back: list, get and logs over runs that real processes made, also while they run and after kill -9."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from aggregator.journal.sqlite import SqliteJournal
from aggregator.ports import RunRow

HELLO = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: hello, labels: {team: blue}}
spec:
  entrypoint: main
  arguments: {parameters: [{name: word, value: hi}]}
  templates:
  - name: main
    steps:
    - - {name: first, template: say}
    - - {name: many, template: say, withItems: [a, b]}
  - name: say
    container:
      image: alpine:3
      command: [sh, -c, "echo out-1; sleep 0.3; echo err-1 >&2; sleep 0.3; printf 'out-2\\\\rout-3'"]
"""

FAILING = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: failing}
spec:
  entrypoint: main
  templates:
  - name: main
    container: {image: alpine:3, command: [sh, -c, "echo broken; exit 3"]}
"""

SLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: slow}
spec:
  entrypoint: main
  templates:
  - name: main
    container: {image: alpine:3, command: [sh, -c, "echo begun; for i in $(seq COUNT); do sleep 0.4; echo $i; done; echo over"]}
"""

SECRET = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: secretive}
spec:
  entrypoint: main
  templates:
  - name: main
    container:
      image: alpine:3
      command: [sh, -c, 'echo "got $WORD"; echo "got $WORD" >&2']
      env: [{name: WORD, valueFrom: {secretKeyRef: {name: vault, key: word}}}]
"""


def environment(home, **more):
    env = {name: value for name, value in os.environ.items() if not name.startswith("AGG_")}
    return {**env, "AGG_HOME": str(home), "PYTHONUTF8": "1", **more}


def agg(home, *arguments, stdin=None, **more):
    return subprocess.run(
        [sys.executable, "-m", "aggregator", *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        env=environment(home, **more),
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A state folder with one run that succeeded and, after it, one that failed."""
    home = tmp_path_factory.mktemp("home")
    done = agg(home, "run", "-", stdin=HELLO)
    assert done.returncode == 0, done.stderr
    done = agg(home, "run", "-", stdin=FAILING)
    assert done.returncode == 1, done.stderr
    return home


def told(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_list_shows_runs_in_columns_latest_end_first(home):
    head, first, second = told(agg(home, "list")).splitlines()
    assert head.split() == ["NAME", "STATUS", "AGE", "DURATION", "PRIORITY", "MESSAGE"]
    assert first.split()[:2] == ["failing", "Failed"]
    assert second.split()[:2] == ["hello", "Succeeded"]
    assert first.index("Failed") == second.index("Succeeded") == head.index("STATUS")


def test_wide_lists_add_counts_and_parameters(home):
    head, *lines = told(agg(home, "list", "-o", "wide", "-A")).splitlines()
    assert head.split() == [
        "NAMESPACE",
        "NAME",
        "STATUS",
        "AGE",
        "DURATION",
        "PRIORITY",
        "P/R/C",
        "PARAMETERS",
        "MESSAGE",
    ]
    assert "0/0/3" in lines[1]
    assert "word=hi" in lines[1]
    assert lines[1].startswith("default ")


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--completed"], ["failing", "hello"]),
        (["--running"], []),
        (["--status", "Failed,Error"], ["failing"]),
        (["--prefix", "he"], ["hello"]),
        (["-l", "team=blue"], ["hello"]),
        (["-l", "team!=blue"], ["failing"]),
        (["-l", "team in (red, blue)"], ["hello"]),
        (["-l", "!team"], ["failing"]),
        (["--field-selector", "metadata.name=hello"], ["hello"]),
        (["--field-selector", "status.phase!=Succeeded,metadata.namespace=default"], ["failing"]),
        (["--since", "1h"], ["failing", "hello"]),
        (["--older", "1h"], []),
        (["--resubmitted"], []),
        (["-n", "default"], ["failing", "hello"]),
        (["-n", "other"], []),
    ],
)
def test_lists_are_filtered(home, flags, names):
    assert told(agg(home, "list", "-o", "name", *flags)).split() == names


@pytest.mark.parametrize(
    "flags",
    [
        ["--status", "Faild"],
        ["--since", "soon"],
        ["-l", "a=(b"],
        ["--field-selector", "spec.x=1"],
        ["-o", "jsn"],
        ["--running", "--completed"],
    ],
)
def test_wrong_filters_are_usage_errors(home, flags):
    done = agg(home, "list", *flags)
    assert done.returncode == 2
    assert "hint:" in done.stderr


def test_lists_as_json_and_yaml_are_workflow_objects(home):
    listed = json.loads(told(agg(home, "list", "-o", "json")))
    assert [workflow["metadata"]["name"] for workflow in listed] == ["failing", "hello"]
    assert listed[1]["kind"] == "Workflow"
    assert listed[1]["status"]["phase"] == "Succeeded"
    assert listed[1]["metadata"]["labels"]["team"] == "blue"
    assert listed[1]["spec"]["arguments"]["parameters"] == [{"name": "word", "value": "hi"}]
    assert yaml.safe_load(told(agg(home, "list", "-o", "yaml"))) == listed


def test_where_nothing_ever_ran_lists_are_empty_and_nothing_is_created(tmp_path):
    assert told(agg(tmp_path / "home", "list")) == "No workflows found\n"
    assert json.loads(told(agg(tmp_path / "home", "list", "-o", "json"))) == []
    assert yaml.safe_load(told(agg(tmp_path / "home", "list", "-o", "yaml"))) == []
    done = agg(tmp_path / "home", "get", "@latest")
    assert done.returncode == 1
    assert "there is no run yet" in done.stderr
    assert not (tmp_path / "home").exists()


def test_get_prints_header_and_tree(home):
    text = told(agg(home, "get", "hello"))
    assert re.search(r"^Name: +hello$", text, re.MULTILINE)
    assert re.search(r"^Status: +Succeeded$", text, re.MULTILINE)
    assert re.search(r"^  word: +hi$", text, re.MULTILINE)
    tree = [line.rstrip() for line in text.partition("STEP")[2].splitlines()[1:]]
    patterns = [
        r" ✔ hello +main",
        r" ├───✔ first +say +hello-say-\d+ +\d+s",
        r" └─┬─✔ many\(0:a\) +say +hello-say-\d+ +\d+s",
        r"   └─✔ many\(1:b\) +say +hello-say-\d+ +\d+s",
    ]
    assert len(tree) == len(patterns)
    for line, pattern in zip(tree, patterns, strict=True):
        assert re.fullmatch(pattern, line), line


def test_latest_is_the_run_created_last(home):
    assert told(agg(home, "get", "@latest", "-o", "name")) == "failing\n"


def test_several_runs_are_shown_one_after_the_other(home):
    assert told(agg(home, "get", "hello", "failing", "-o", "name")).split() == ["hello", "failing"]


def test_get_as_json_and_yaml_is_the_workflow_with_its_status(home):
    workflow = json.loads(told(agg(home, "get", "hello", "-o", "json")))
    assert (workflow["kind"], workflow["status"]["phase"]) == ("Workflow", "Succeeded")
    assert {node["displayName"] for node in workflow["status"]["nodes"].values()} >= {"hello", "first", "many(0:a)"}
    assert yaml.safe_load(told(agg(home, "get", "hello", "-o", "yaml"))) == workflow
    assert told(agg(home, "get", workflow["metadata"]["uid"], "-o", "name")) == "hello\n"


def test_nodes_may_be_selected(home):
    text = told(agg(home, "get", "hello", "-o", "short", "--node-field-selector", "displayName=first"))
    assert "first" in text
    assert "many" not in text
    assert "first" not in told(agg(home, "get", "hello", "-o", "short", "--status", "Failed"))


def test_the_failure_of_a_run_is_told_in_its_tree(home):
    assert re.search(r"✖ failing +main +\S+ +\d+s +\S.*3", told(agg(home, "get", "failing")))


def test_an_unknown_run_is_told_with_the_nearest_name(home):
    for command in ("get", "logs"):
        done = agg(home, command, "helo")
        assert done.returncode == 1
        assert "did you mean 'hello'" in done.stderr


def test_logs_stand_behind_their_pods_in_the_order_in_which_they_were_printed(home):
    lines = told(agg(home, "logs", "hello")).splitlines()
    assert all(re.match(r"hello-say-\d+: ", line) for line in lines)
    by_pod = {}
    for line in lines:
        pod, _, text = line.partition(": ")
        by_pod.setdefault(pod, []).append(text)
    assert list(by_pod.values()) == [["out-1", "err-1", "out-2", "out-3"]] * 3


@pytest.mark.parametrize(
    ("flags", "texts"),
    [
        (["first"], ["out-1", "err-1", "out-2", "out-3"]),
        (["first", "--grep", "out-[12]"], ["out-1", "out-2"]),
        (["first", "--tail", "1"], ["out-3"]),
        (["first", "--tail", "0"], []),
        (["hello[0].first", "--grep", "err"], ["err-1"]),
        (["many(1:b)", "--grep", "err"], ["err-1"]),
        (["first", "--since", "1h", "--grep", "err"], ["err-1"]),
        (["first", "--since-time", "2999-01-01T00:00:00Z"], []),
        (["first", "-c", "sidecar"], []),
        (["first", "-f", "--grep", "out-3"], ["out-3"]),
    ],
)
def test_logs_of_a_node_are_filtered(home, flags, texts):
    assert [line.partition(": ")[2] for line in told(agg(home, "logs", "hello", *flags)).splitlines()] == texts


def test_log_lines_may_begin_with_their_times(home):
    lines = told(agg(home, "logs", "hello", "first", "--timestamps")).splitlines()
    times = [re.match(r"\S+: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ", line).group(1) for line in lines]
    assert times == sorted(times)


def test_wrong_log_flags_and_nodes_are_told(home):
    assert agg(home, "logs", "hello", "--grep", "(").returncode == 2
    assert agg(home, "logs", "hello", "--since-time", "noon").returncode == 2
    done = agg(home, "logs", "hello", "frist")
    assert done.returncode == 1
    assert "did you mean 'first'" in done.stderr


def test_the_logs_of_a_failed_run_are_no_error(home):
    assert told(agg(home, "logs", "failing")).partition(": ")[2] == "broken\n"


def test_secrets_are_masked_in_logs_and_get(tmp_path):
    done = agg(tmp_path, "run", "-", "--log", stdin=SECRET, AGG_SECRET_VAULT_WORD="hunter2-is-the-word")
    assert done.returncode == 0, done.stderr
    texts = [done.stdout, done.stderr, told(agg(tmp_path, "logs", "secretive"))]
    texts += [told(agg(tmp_path, "get", "secretive", "-o", form)) for form in ("wide", "json", "yaml")]
    journal = SqliteJournal(tmp_path / "agg.db")
    row = journal.run("secretive")
    row.message = "refused: hunter2-is-the-word"
    journal.append(row.uid, [], row)
    journal.close()
    texts += [told(agg(tmp_path, "list", "-o", form)) for form in ("wide", "json", "yaml")]
    assert all("hunter2" not in text for text in texts)
    assert texts[2].count("got ***") == 2


@pytest.fixture
def slow(tmp_path, request):
    """A run that is on its way, for so many turns of 0.4 seconds: (home, its process)."""
    path = tmp_path / "slow.yaml"
    path.write_text(SLOW.replace("COUNT", str(request.param)))
    home = tmp_path / "home"
    command = [sys.executable, "-m", "aggregator", "run", str(path), "--progress", "none"]
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(home), start_new_session=True
    )
    for _ in range(300):
        if "begun" in agg(home, "logs", "slow").stdout:
            break
        assert child.poll() is None, child.stderr.read()
        time.sleep(0.05)
    yield home, child
    child.terminate()
    child.communicate(timeout=60)


@pytest.mark.parametrize("slow", [5], indirect=True)
def test_logs_are_followed_to_the_end_of_the_run(slow):
    home, child = slow
    done = agg(home, "logs", "slow", "-f")
    assert [line.partition(": ")[2] for line in told(done).splitlines()] == ["begun", "1", "2", "3", "4", "5", "over"]
    assert child.wait(60) == 0


@pytest.mark.parametrize("slow", [200], indirect=True)
def test_a_run_that_is_on_its_way_is_shown_as_running(slow):
    home, _ = slow
    assert told(agg(home, "list", "--running", "-o", "name")) == "slow\n"
    assert re.search(r"● slow +main", told(agg(home, "get", "slow")))


@pytest.mark.parametrize("slow", [200], indirect=True)
def test_after_kill_9_list_and_get_still_tell_what_was_known_and_following_ends(slow):
    home, child = slow
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert f"interrupted: process {child.pid} is gone" in told(agg(home, "list"))
    shown = agg(home, "get", "@latest")
    assert "● slow" in told(shown)
    assert "was interrupted" in shown.stderr
    assert "begun" in told(agg(home, "logs", "slow", "-f"))


def test_a_journal_that_is_none_is_told(tmp_path):
    (tmp_path / "agg.db").write_text("hello" * 1000)
    done = agg(tmp_path, "list")
    assert done.returncode == 1
    assert "not a SQLite database" in done.stderr


SHELL = """
source <({python} -m aggregator completion bash)
agg() {{ {python} -m aggregator "$@"; }}
COMP_WORDS=({words}); COMP_CWORD={last}
_agg_complete
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(home, *words):
    """What bash would offer for the last word."""
    quoted = " ".join(f"'{word}'" for word in ("agg", *words))
    script = SHELL.format(python=sys.executable, words=quoted, last=len(words))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment(home))
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_bash_offers_commands_run_names_flags_and_settings(home):
    assert completed(home, "lo") == ["logs"]
    assert {"run", "list", "get"} <= set(completed(home, ""))
    assert completed(home, "get", "") == ["@latest", "failing", "hello"]
    assert completed(home, "get", "hel") == ["hello"]
    assert completed(home, "logs", "@") == ["@latest"]
    assert completed(home, "get", "hello", "f") == ["failing"]
    assert completed(home, "--home", "x", "lis") == ["list"]
    assert completed(home, "get", "--node") == ["--node-field-selector"]
    assert completed(home, "get", "-o", "j") == ["json"]
    assert "--http-concurrency" in completed(home, "run", "--http")
    assert completed(home, "config", "http") == ["http.concurrency", "http.transport"]
    assert completed(home, "completion", "b") == ["bash"]
    assert completed(home, "nonsense", "") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shells_script_asks_agg_itself(home, shell):
    script = told(agg(home, "completion", shell))
    assert "__complete" in script
    assert f"agg completion {shell}" in script


def test_an_unknown_shell_is_told(home):
    assert agg(home, "completion", "bsh").returncode == 2


def test_completion_says_nothing_where_the_journal_cannot_be_read(tmp_path):
    (tmp_path / "agg.db").write_text("hello" * 1000)
    assert completed(tmp_path, "get", "") == []


def test_rows_of_other_hosts_and_other_namespaces(tmp_path):
    journal = SqliteJournal(tmp_path / "agg.db")
    now = time.time()
    journal.create(
        RunRow(
            uid="1", name="far", phase="Running", pid=999999, host="elsewhere", created=now - 7200, started=now - 7200
        )
    )
    journal.create(RunRow(uid="2", name="near", namespace="mine", phase="Pending", created=now - 60))
    journal.close()
    lines = told(agg(tmp_path, "list", "--no-headers", "-A")).splitlines()
    assert [line.split() for line in lines] == [
        ["mine", "near", "Pending", "1m", "0s", "0"],
        ["default", "far", "Running", "2h", "2h", "0"],
    ]
    assert Path(tmp_path / "agg.db").stat().st_mode & 0o777 == 0o600
