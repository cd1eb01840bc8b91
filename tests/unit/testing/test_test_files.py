"""Test files: what they may say, how mistakes in them are told, what each expectation means, and how a failure reads."""

import json
from xml.etree import ElementTree as ET

import pytest

from aggregator.cli import main
from aggregator.errors import InvalidWorkflow, LanguageError, NotFound, UsageError
from aggregator.source import Source
from aggregator.testing.compare import compare
from aggregator.testing.coverage import coverage
from aggregator.testing.load import find_files, load_text
from aggregator.testing.session import judge, selection
from aggregator.testing.trial import try_case
from aggregator.testing.values import duration_holds, seconds, shown

WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: w-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: env, value: dev}]}
  templates:
    - name: main
      dag:
        tasks:
          - {name: get, template: get, withItems: [1, 2]}
          - {name: check, template: work, depends: get, when: "{{workflow.parameters.env}} == prod"}
          - name: save
            template: save
            depends: check.Succeeded || check.Skipped
            arguments: {parameters: [{name: all, value: "{{tasks.get.outputs.result}}"}]}
    - name: get
      retryStrategy: {limit: "1", retryPolicy: Always, backoff: {duration: 5s}}
      http: {url: "https://a.test/{{node.name}}", method: POST}
    - name: work
      container: {image: a, command: [x]}
    - name: save
      container: {image: a, command: [x], args: ["{{inputs.parameters.all}}"]}
      inputs: {parameters: [{name: all}]}
      outputs:
        parameters: [{name: num, globalName: total, valueFrom: {path: /n}}]
        artifacts: [{name: file, path: /f}]
    - name: never
      container: {image: a}
"""
MOCKS = """
mocks:
  - {template: get, item: 2, outcomes: [{http: {status: 500}}, {http: {body: {a: 1}}}]}
  - {template: get, outcomes: [{http: {body: {a: 1}}, takes: 2s}]}
  - {template: save, outcomes: [{parameters: {num: 7}, artifacts: {file: '{"x": [1]}'}}]}
  - default: {}
"""


def cases_of(text, folder):
    (folder / "w.yaml").write_text(WORKFLOW)
    return load_text(Source("t.aggtest.yaml", f"workflow: w.yaml\n{text}"), folder)


def differences(expect, folder, mocks=MOCKS):
    (case,) = cases_of(f"{mocks}\nexpect: {json.dumps(expect)}", folder)
    return compare(try_case(case))


@pytest.mark.parametrize(
    "expect",
    [
        {"phase": "Succeeded", "message": "", "duration": "> 4s, < 1m"},
        {"phase": ["Failed", "Succeeded"], "duration": "5s"},
        {"nodes": {"get(1:2)": {"phase": "Succeeded", "attempts": 2, "outputs": {"result": {"a": 1}}}}},
        {"nodes": {"w-test.get(0:1)": {"attempts": 1, "duration": "2s", "type": "Retry", "template": "get"}}},
        {"nodes": {"get(*)": {"count": 5, "message": ""}, "nothing": "absent"}} | {"nodes": {"get(1:2)(0)": "Failed"}},
        {"nodes": {"check": {"phase": "Skipped", "message": "/^when 'dev == prod' .*false$/", "attempts": 0}}},
        {"nodes": {"save": {"startedAfter": ["get", "check", "5s"], "children": 0}}},
        {"nodes": {"save": {"leaf": {"container": {"args": [[{"a": 1}, {"a": 1}]]}}}}},
        {"nodes": {"save": {"outputs": {"parameters": {"num": 7, "m": "absent"}, "exitCode": 0, "result": "absent"}}}},
        {"nodes": {"save": {"outputs": {"artifacts": {"file": {"path": "/f"}}}, "inputs": {}}}},
        {"order": ["get", "check", "save"]},
        {"outputs": {"parameters": {"total": "/^[0-9]$/"}}},
        {"requests": {"count": 3, "POST https://a.test/*get(1:2)*": 2, "GET *": 0}},
        {"artifacts": {"file": {"json": {"x": [1]}, "node": "save"}, "other": "absent"}},
        {"artifacts": {"file": '{"x": [1]}'}},
        {"artifacts": {"file": {"text": "/x.*1/"}}},
    ],
)
def test_what_was_expected_and_came_is_no_difference(expect, tmp_path):
    assert differences(expect, tmp_path) == []


@pytest.mark.parametrize(
    ("expect", "path", "actual"),
    [
        ({"phase": "Failed"}, "phase", "Succeeded"),
        ({"message": "no"}, "message", "(empty)"),
        ({"duration": "< 5s"}, "duration", "5s"),
        ({"nodes": {"gte": {}}}, "nodes.gte", "there is none"),
        ({"nodes": {"save": "absent"}}, "nodes.save", "it is Succeeded"),
        ({"nodes": {"check": "Succeeded"}}, "nodes.check.phase", "Skipped: when 'dev == prod' evaluated false"),
        ({"nodes": {"get(*)": {"count": 4}}}, "nodes.get(*).count", "5"),
        ({"nodes": {"get(1:2)": {"attempts": 3}}}, "nodes.get(1:2).attempts", "2"),
        ({"nodes": {"get(1:2)(0)": {"message": "503"}}}, "nodes.get(1:2)(0).message", "received non-2xx"),
        ({"nodes": {"get": {"duration": ">= 6s"}}}, "nodes.get.duration", "5s"),
        ({"nodes": {"get": {"type": "Pod"}}}, "nodes.get.type", "TaskGroup"),
        ({"nodes": {"get": {"children": 3}}}, "nodes.get.children", "2"),
        ({"nodes": {"get": {"leaf": {}}}}, "nodes.get.leaf", "no leaf was started here"),
        ({"nodes": {"save": {"leaf": {"container": {"image": "b"}}}}}, "nodes.save.leaf.container.image", "a"),
        ({"nodes": {"save": {"leaf": {"script": {}}}}}, "nodes.save.leaf.script", "there is only"),
        ({"nodes": {"save": {"outputs": {"parameters": {"num": 8}}}}}, "nodes.save.outputs.parameters.num", "7"),
        ({"nodes": {"save": {"outputs": {"parameters": {"m": 8}}}}}, "nodes.save.outputs.parameters.m", "absent"),
        ({"nodes": {"save": {"outputs": {"result": "x"}}}}, "nodes.save.outputs.result", "absent"),
        ({"nodes": {"get": {"startedAfter": "save"}}}, "nodes.get.startedAfter", "save had not ended"),
        ({"nodes": {"get": {"startedAfter": "1s"}}}, "nodes.get.startedAfter", "it started at +0s"),
        ({"nodes": {"get": {"startedAfter": "xyz"}}}, "nodes.get.startedAfter", "there is no node"),
        ({"order": ["save", "get"]}, "order: save before get", "save had not ended when get started"),
        ({"order": ["get", "xyz"]}, "order", "there is no node"),
        ({"outputs": {"parameters": {"total": 8}}}, "outputs.parameters.total", "7"),
        ({"requests": {"count": 4}}, "requests.count", "3"),
        ({"artifacts": {"file": {"json": {"x": [2]}}}}, "artifacts.file.json", '{"x": [1]}'),
        ({"artifacts": {"file": "x"}}, "artifacts.file.text", '{"x": [1]}'),
        ({"artifacts": {"file": "absent"}}, "artifacts.file", "written by save"),
        ({"artifacts": {"other": "x"}}, "artifacts.other", "written were: file"),
        ({"artifacts": {"file": {"node": "get"}}}, "artifacts.file.node", "save"),
    ],
)
def test_what_differs_is_told_with_its_path_and_what_came(expect, path, actual, tmp_path):
    found = [d for d in differences(expect, tmp_path) if d.path == path]
    assert found
    assert actual in found[0].actual


def test_without_an_expected_phase_the_run_must_succeed(tmp_path):
    (difference,) = differences({}, tmp_path, "mocks: [{default: {phase: Failed, message: oh}}]")
    assert difference.path == "phase"
    assert any("Failed: oh" in line for line in difference.story)


def test_a_difference_shows_its_place_the_two_values_and_the_story_of_the_node(tmp_path):
    (difference,) = differences({"nodes": {"get(1:2)": {"attempts": 3}}}, tmp_path)
    lines = difference.lines()
    assert lines[0].startswith("t.aggtest.yaml:")
    assert lines[1:3] == ["    expected  3", "    actual    2"]
    story = "\n".join(lines[3:])
    for words in (
        "+0s  get(1:2)(0): Failed: received non-2xx",
        "Backoff for 0 minutes 5 seconds",
        "+5s  get(1:2): Succeeded",
    ):
        assert words in story


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("mock: []", "has no field 'mock'", "2:1"),
        ("parameters: 3", "parameters: a map was expected, not 3", "2:13"),
        ("mocks: [{template: a}]", "mocks[0] has no outcomes", "2:9"),
        ("mocks: [{outcomes: [{}]}]", "says of no leaf", "2:9"),
        ("mocks: [{default: {}}, {template: a, outcomes: [{}]}]", "must be the last mock", "2:9"),
        ("mocks: [{default: {}, template: a}]", "stands alone", "2:9"),
        ("mocks: [{default: {phase: Fine}}]", "'Fine' is not known", "2:27"),
        ("mocks: [{default: {takes: soon}}]", "mocks[0].default.takes", "2:27"),
        ("mocks: [{default: {exitCode: one}}]", "a whole number was expected, not 'one'", "2:30"),
        ("mocks: [{default: {phase: Failed, http: {}}}]", "`phase` is decided by the answer", "2:41"),
        ("mocks: [{default: {http: {failure: bad}}}]", "'bad' is not known", "2:36"),
        ("events: [{at: 1s}]", "needs exactly one of stop, terminate", "2:10"),
        ("events: [{at: 1s, stop: {why: x}}]", "has no field 'why'", "2:26"),
        ("expect: {phase: Done}", "'Done' is not known", "2:17"),
        ("expect: {duration: quick}", "no comparison of durations", "2:20"),
        ("expect: {message: '/(/'}", "no regular expression", "2:19"),
        ("expect: {nodes: {a: gone}}", "'gone' is not known", "2:21"),
        ("expect: {nodes: {a: {phases: x}}}", "did you mean 'phase'?", "2:22"),
        ("expect: {requests: {count: many}}", "a whole number was expected", "2:28"),
        ("at: noon", "'noon' is no time", "2:5"),
        ("templates: [nowhere.yaml]", "nowhere.yaml: no such file or directory", "2:13"),
        ("name: x\ntests: [{name: a}]", "`name` belongs to each test", "2:1"),
        ("tests: [{name: a}, {name: a}]", "two tests are called 'a'", "2:20"),
        ("tests: [{name: a, test: x}]", "has no field 'test'", "2:19"),
    ],
)
def test_mistakes_are_told_at_their_place(text, message, place, tmp_path):
    with pytest.raises(InvalidWorkflow) as caught:
        cases_of(text, tmp_path)
    told = "\n".join(d.render() for d in caught.value.diagnostics)
    assert message in told
    assert f"t.aggtest.yaml:{place}: " in told


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path):
    with pytest.raises(InvalidWorkflow) as caught:
        cases_of("at: noon\nseed: x\nmocks: [{default: {phase: Fine}}]", tmp_path)
    assert len(caught.value.diagnostics) == 3


def test_a_test_needs_a_workflow_and_a_file_a_test(tmp_path):
    for text, message in (("expect: {}", "names no workflow"), ("", "holds no test"), ("a: [", "")):
        with pytest.raises(InvalidWorkflow) as caught:
            load_text(Source("t.aggtest.yaml", text), tmp_path)
        assert message in caught.value.diagnostics[0].message


def test_tests_of_a_list_share_what_stands_beside_it_and_their_own_comes_first(tmp_path):
    text = (
        MOCKS
        + """
parameters: {env: prod}
expect: {phase: Succeeded, nodes: {check: Succeeded}}
tests:
  - name: as shared
  - name: its own
    parameters: {env: dev}
    mocks: [{template: get, outcomes: [{http: {body: "2"}}]}]
    expect: {nodes: {check: Skipped}, requests: {count: 2}}
"""
    )
    cases = cases_of(text, tmp_path)
    assert [judge(case).problems for case in cases] == [[], []]
    assert [case.name for case in cases] == ["as shared", "its own"]


def test_each_document_of_a_file_is_a_test_and_unnamed_ones_are_numbered(tmp_path):
    cases = cases_of("mocks: [{default: {}}]\n---\nworkflow: w.yaml\n---\nname: own\nworkflow: w.yaml", tmp_path)
    assert [case.name for case in cases] == ["t #1", "t #2", "own"]


def test_a_workflow_written_in_place_has_its_mistakes_told_there(tmp_path):
    text = "workflow:\n  apiVersion: argoproj.io/v1alpha1\n  kind: Workflow\n  metadata: {name: w}\n  spec: {entrypoint: nix}\n"
    (case,) = load_text(Source("t.aggtest.yaml", text), tmp_path)
    told = "\n".join(judge(case).problems)
    assert "t.aggtest.yaml:5:" in told
    assert "nix" in told


def test_a_file_without_a_workflow_is_a_failed_test(tmp_path):
    (tmp_path / "empty.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
    (case,) = load_text(Source("t.aggtest.yaml", "workflow: empty.yaml"), tmp_path)
    assert "no Workflow to run" in judge(case).problems[0]


def test_a_wrong_workflow_fails_a_test_that_does_not_expect_its_message(tmp_path):
    text = "workflow:\n  apiVersion: argoproj.io/v1alpha1\n  kind: Workflow\n  metadata: {name: w}\n  spec: {entrypoint: nix}\n"
    (case,) = load_text(Source("t.aggtest.yaml", text + "expect: {phase: Failed}"), tmp_path)
    assert "the workflow is wrong, so it was not run" in judge(case).problems[0]
    # Of a run that never was, not each expectation is told as well.
    assert not any("expected" in problem and "actual" in problem for problem in judge(case).problems)
    (case,) = load_text(Source("t.aggtest.yaml", text + "expect: {phase: Failed, message: nix}"), tmp_path)
    assert judge(case).passed


def test_durations_and_their_comparisons():
    assert [seconds(v) for v in (90, "1.5", "1m30s")] == [90.0, 1.5, 90.0]
    assert [shown(v) for v in (0.5, 59, 60, 3600, 5430)] == ["0.5s", "59s", "1m", "1h", "1h30m30s"]
    for text, holds in (("< 1m", True), (">= 30s", True), ("30", True), ("!= 30s", False), ("> 1s, < 29s", False)):
        assert duration_holds(text, 30.0000000001) is holds
    for wrong in ("", "~ 3s", "<", True, [1]):
        with pytest.raises(LanguageError):
            duration_holds(wrong, 1.0)
    with pytest.raises(LanguageError, match="negative"):
        seconds(-1)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", ["f::slow retry", "f::retry", "f::stop"]),
        ("RETRY", ["f::slow retry", "f::retry"]),
        ("retry and not slow", ["f::retry"]),
        ("stop or slow", ["f::slow retry", "f::stop"]),
        ("not (stop or slow)", ["f::retry"]),
        ("slow retry", ["f::slow retry"]),
    ],
)
def test_k_chooses_by_words(text, chosen):
    wanted = selection(text)
    assert [name for name in ("f::slow retry", "f::retry", "f::stop") if wanted(name)] == chosen


@pytest.mark.parametrize("text", ["and", "(a", "a)", "not", "a or"])
def test_a_wrong_k_is_a_usage_error(text):
    with pytest.raises(UsageError, match="-k"):
        selection(text)


def test_coverage_names_templates_tasks_branches_and_retries_that_no_test_took(tmp_path):
    trials = [try_case(case) for case in cases_of(MOCKS, tmp_path)]
    (covered,) = coverage(trials)
    assert [words for _, words in covered.missing()] == [
        "task check of template main never ran",
        "`when` of task check of template main was never true",
        "template get never ran out of retries",
        "template work never ran",
        "template never never ran",
    ]
    assert all(place.startswith(f"{tmp_path}/w.yaml:") for place, _ in covered.missing())
    taken, total = covered.counts()
    assert total - taken == 5
    trials += [try_case(case) for case in cases_of("parameters: {env: prod}\nmocks: [{default: {}}]", tmp_path)]
    (covered,) = coverage(trials)
    assert [words for _, words in covered.missing()] == [
        "template get never ran out of retries",
        "template never never ran",
    ]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    (tmp_path / "a.aggtest.yaml").write_text(f"workflow: w.yaml\nname: good\n{MOCKS}")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.aggtest.yaml").write_text(
        f"workflow: ../w.yaml\nname: bad\n{MOCKS}\nexpect: {{phase: Failed}}"
    )
    return tmp_path


def test_agg_test_runs_all_files_of_a_folder_and_exits_1_when_one_fails(folder, capsys):
    assert main(["test", str(folder)]) == 1
    told = capsys.readouterr().out
    assert f"PASS {folder}/a.aggtest.yaml: good (5s of virtual time)" in told
    assert f"FAIL {folder}/deep/b.aggtest.yaml: bad" in told
    assert "expected  Failed" in told
    assert "1 passed, 1 failed" in told
    assert main(["test", str(folder), "-k", "good"]) == 0
    assert main(["test", str(folder / "a.aggtest.yaml"), "--coverage"]) == 0
    assert "never ran out of retries" in capsys.readouterr().out


def test_agg_test_answers_in_json_and_junit(folder, capsys):
    report = folder / "reports" / "junit.xml"
    assert main(["test", str(folder), "-o", "json", "--coverage", "--junit", str(report)]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["passed"], document["failed"]) == (1, 1)
    assert [test["name"] for test in document["tests"]] == ["good", "bad"]
    assert document["coverage"][0]["missing"]
    root = ET.parse(report).getroot()
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    failure = root.find(".//testcase[@name='bad']/failure")
    assert "expected  Failed" in failure.text


def test_a_file_that_cannot_be_read_is_one_failure_and_the_others_still_run(folder, capsys):
    (folder / "c.aggtest.yaml").write_text("workflow: w.yaml\nmock: []\n")
    assert main(["test", str(folder), "-k", "good"]) == 1
    told = capsys.readouterr().out
    assert "c.aggtest.yaml:2:1: error[unknown-field]" in told
    assert "1 passed, 1 failed" in told


def test_nothing_to_run_is_no_success(folder):
    for arguments in ([str(folder), "-k", "zzz"], [str(folder / "none.yaml")]):
        with pytest.raises(NotFound):
            main(["test", *arguments])
    (folder / "empty").mkdir()
    with pytest.raises(NotFound, match="aggtest"):
        find_files([str(folder / "empty")])
    with pytest.raises(UsageError, match="no form"):
        main(["test", str(folder), "-o", "xml"])
