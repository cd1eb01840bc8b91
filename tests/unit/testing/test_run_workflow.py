"""Workflows run in virtual time from Python: mocks, events, virtual time, and the forms of what comes back."""

import pytest

from aggregator.errors import InvalidWorkflow, NotFound
from aggregator.testing import run_workflow


def workflow(templates, **spec):
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "w-"},
        "spec": {"entrypoint": "main", "templates": templates, **spec},
    }


def leaf(name, **fields):
    return {"name": name, "container": {"image": "a", "command": ["x"]}, **fields}


def steps(*groups):
    return {"name": "main", "steps": [[{"template": "work", **step} for step in group] for group in groups]}


def http(name="work", **fields):
    return {"name": name, "inputs": {"parameters": [{"name": "n", "value": "1"}]},
            "http": {"url": "https://a.test/{{inputs.parameters.n}}"}, **fields}  # fmt: skip


LOOP = {"name": "a", "withItems": [10, 20, 30], "arguments": {"parameters": [{"name": "n", "value": "{{item}}"}]}}
WORDS = {**LOOP, "withItems": ["x", "y", "z"]}


def test_without_mocks_every_leaf_succeeds_at_once():
    run = run_workflow(workflow([steps([{"name": "a"}], [{"name": "b"}]), leaf("work")]))
    assert (run.phase, run.duration, run.problems) == ("Succeeded", 0.0, [])
    assert [n.phase for n in run.nodes if n.type == "Pod"] == ["Succeeded", "Succeeded"]
    assert run.node("b").attempts == 1


def test_a_leaf_without_a_mock_is_an_error_that_names_what_it_wanted_to_do():
    run = run_workflow(workflow([steps([{"name": "a"}]), http()]), mocks=[])
    assert run.node("a").phase == "Error"
    (problem,) = run.problems
    assert "no mock stands for a: GET https://a.test/1" in problem


def test_the_first_mock_that_matches_wins_and_its_last_outcome_repeats():
    retry = {"retryStrategy": {"limit": "5", "backoff": {"duration": "10s"}}}
    mocks = [
        {
            "template": "work",
            "outcomes": [{"exitCode": 3}, {"phase": "Failed", "message": "again"}, {"result": "done"}],
        },
        {"default": {"result": "never"}},
    ]
    run = run_workflow(workflow([steps([{"name": "a"}]), leaf("work", **retry)]), mocks=mocks)
    assert run.node("a").attempts == 3
    assert run.node("a").outputs["result"] == "done"
    assert run.node("a(0)").message == "main: Error (exit code 3)"
    assert run.node("a(0)").outputs["exitCode"] == "3"
    assert run.duration == 20.0


def test_outcomes_go_on_where_what_encloses_the_leaf_is_retried():
    """One outcome per attempt: also when it is the template around the leaf that is tried again."""
    inner = {"name": "inner", "retryStrategy": {"limit": "3"}, "steps": [[{"name": "x", "template": "work"}]]}
    main = {"name": "main", "steps": [[{"name": "a", "template": "inner"}]]}
    mocks = [{"template": "work", "outcomes": [{"phase": "Failed"}, {"phase": "Failed"}, {}]}]
    run = run_workflow(workflow([main, inner, leaf("work")]), mocks=mocks)
    assert run.phase == "Succeeded"
    assert run.node("a").attempts == 3


@pytest.mark.parametrize(
    ("step", "item", "chosen"),
    [
        (LOOP, 20, "a(1:20)"),
        (LOOP, "30", "a(2:30)"),
        (WORDS, 1, "a(1:y)"),
        (WORDS, "x", "a(0:x)"),
        ({"name": "a", "withItems": [{"k": "v", "l": 1}, {"k": "w", "l": 2}]}, {"l": 2, "k": "w"}, "a(1:k:w,l:2)"),
    ],
)
def test_an_item_is_meant_by_its_text_or_where_texts_are_no_numbers_by_its_index(step, item, chosen):
    mocks = [{"template": "work", "item": item, "outcomes": [{"result": "this"}]}, {"default": {"result": "other"}}]
    run = run_workflow(workflow([steps([step]), leaf("work", inputs=http()["inputs"])]), mocks=mocks)
    assert [n.display_name for n in run.nodes if n.outputs.get("result") == "this"] == [chosen]


def test_an_item_of_an_enclosing_loop_counts_where_the_leaf_has_none_of_its_own():
    main = {"name": "main", "steps": [[{"name": "a", "template": "inner", "withItems": ["x", "y"]}]]}
    inner = {"name": "inner", "steps": [[{"name": "b", "template": "work"}]]}
    mocks = [{"template": "work", "item": "y", "outcomes": [{"phase": "Failed"}]}, {"default": {}}]
    run = run_workflow(workflow([main, inner, leaf("work")]), mocks=mocks)
    assert run.node("a(0:x)").phase == "Succeeded"
    assert run.node("a(1:y)").phase == "Failed"


@pytest.mark.parametrize("pattern", [{"node": "a(1:*)"}, {"node": "w-test[0].a(1:20)"}, {"url": "*/20"}])
def test_nodes_and_urls_are_meant_by_globs_in_which_only_the_star_is_special(pattern):
    mocks = [{**pattern, "outcomes": [{"http": {"status": 500}}]}, {"default": {}}]
    run = run_workflow(workflow([steps([LOOP]), http()]), mocks=mocks)
    assert [n.display_name for n in run.nodes if n.phase == "Failed" and n.type == "HTTP"] == ["a(1:20)"]


@pytest.mark.parametrize(
    ("fields", "answer", "phase", "message"),
    [
        ({}, {"status": 204}, "Succeeded", ""),
        ({}, {"status": 302, "body": "x"}, "Failed", "302 Found"),
        ({"successCondition": "response.statusCode == 418"}, {"status": 418}, "Succeeded", ""),
        ({"successCondition": "response.headers['X-A'][1] == '2'"}, {"headers": {"x-a": ["1", "2"]}}, "Succeeded", ""),
        ({"successCondition": "response.body contains 'ok'"}, {"body": "no"}, "Failed", "evaluated false"),
        ({"successCondition": "response.body"}, {"body": "no"}, "Failed", "cannot be evaluated"),
        ({}, {"failure": "dns"}, "Failed", "no such host"),
        ({"method": "GE T"}, {}, "Failed", "invalid method"),
    ],
)
def test_http_answers_are_judged_as_the_real_leaf_would(fields, answer, phase, message):
    template = http()
    template["http"] |= fields
    run = run_workflow(workflow([steps([{"name": "a"}]), template]), mocks=[{"default": {"http": answer}}])
    assert run.node("a").phase == phase
    assert message in run.node("a").message


def test_transient_answers_and_retry_after_steer_the_retries():
    template = http(retryStrategy={"limit": "2", "retryPolicy": "OnTransientError", "backoff": {"duration": "1s"}})
    busy = {"status": 503, "headers": {"Retry-After": "Tue, 14 Nov 2023 22:14:20 GMT"}}
    mocks = [{"template": "work", "outcomes": [{"http": busy, "takes": "2s"}, {"http": {}}]}]
    run = run_workflow(workflow([steps([{"name": "a"}]), template]), mocks=mocks)
    assert (run.duration, run.requests) == (60.0, {"GET https://a.test/1": 2})


def test_an_http_answer_for_a_leaf_that_sends_no_request_is_told():
    run = run_workflow(workflow([steps([{"name": "a"}]), leaf("work")]), mocks=[{"default": {"http": {}}}])
    assert "template 'work' is a container" in run.node("a").message


def test_declared_outputs_that_a_mock_says_nothing_of_have_plausible_values():
    """What a loop goes through is a list, what is made a number is one, a default is taken, the rest is its name."""
    outputs = {
        "parameters": [
            {"name": "list", "valueFrom": {"path": "/l"}},
            {"name": "often", "valueFrom": {"path": "/o", "default": "2"}},
            {"name": "what", "valueFrom": {"path": "/w"}},
        ],
        "artifacts": [{"name": "file", "path": "/f"}, {"name": "more", "path": "/m", "optional": True}],
    }
    use = {"name": "b", "template": "use", "withParam": "{{steps.a.outputs.parameters.list}}"}
    run = run_workflow(workflow([steps([{"name": "a"}], [use]), leaf("work", outputs=outputs), leaf("use")]))
    made = run.node("a").outputs
    assert made["parameters"]["often"] == "2"
    assert made["parameters"]["what"] == "what"
    assert made["artifacts"]["file"]["local"]["key"].endswith("/file.tgz")
    assert [n.display_name for n in run.nodes if n.display_name.startswith("b(")] == ["b(0:item-0)", "b(1:item-1)"]


def test_artifacts_hold_the_text_that_a_mock_gives_them():
    outputs = {"artifacts": [{"name": "file", "path": "/f", "s3": {"key": "k"}}]}
    mocks = [{"default": {"artifacts": {"file": [1, 2]}}}]
    expect = {"artifacts": {"file": {"json": [1, 2], "node": "a"}, "none": "absent"}}
    run = run_workflow(workflow([steps([{"name": "a"}]), leaf("work", outputs=outputs)]), mocks=mocks, expect=expect)
    assert run.differences() == []
    assert run.artifacts == {"file": "[\n  1,\n  2\n]"}


def test_people_may_stop_suspend_resume_and_set_at_virtual_times():
    ask = {"name": "ask", "suspend": {}, "outputs": {"parameters": [{"name": "go", "valueFrom": {"supplied": {}}}]}}
    main = {"name": "main", "steps": [[{"name": "q", "template": "ask"}], [{"name": "b", "template": "work"}]]}
    events = [
        {"at": "1h", "set": {"selector": "displayName=q", "parameters": {"go": "yes"}}},
        {"at": "2h", "suspend": {}},
        {"at": "3h", "resume": {"selector": "displayName=q"}},
        {"at": "26h", "resume": {}},
    ]
    run = run_workflow(workflow([main, ask, leaf("work")]), events=events)
    assert run.phase == "Succeeded"
    assert run.node("q").outputs["parameters"] == {"go": "yes"}
    assert run.node("q").finished == 3 * 3600
    assert run.node("b").started == 26 * 3600
    stopped = run_workflow(workflow([main, ask, leaf("work")]), events=[{"at": 5, "stop": {"message": "enough"}}])
    assert (stopped.phase, stopped.message, stopped.duration) == ("Failed", "enough", 5.0)


def test_a_run_that_nobody_resumes_stands_still_and_the_difference_says_why():
    main = {"name": "main", "steps": [[{"name": "q", "template": "ask"}]]}
    run = run_workflow(workflow([main, {"name": "ask", "suspend": {}}]), expect={"phase": "Succeeded"})
    assert run.phase == "Running"
    (difference,) = run.differences()
    assert "q is suspended: an event `resume` or `set` answers it" in difference


def test_a_leaf_that_is_retried_for_ever_is_told_instead_of_tried_for_ever():
    template = leaf("work", retryStrategy={})
    run = run_workflow(workflow([steps([{"name": "a"}]), template]), mocks=[{"default": {"phase": "Failed"}}])
    assert "would be tried for ever" in run.problems[0]
    slow = leaf("work", retryStrategy={"backoff": {"duration": "1h", "factor": "2"}})
    run = run_workflow(workflow([steps([{"name": "a"}]), slow]), mocks=[{"default": {"phase": "Failed"}}])
    assert "a hundred years" in run.problems[0]


def test_time_begins_where_the_test_says():
    main = {
        "name": "main",
        "steps": [[{"name": "a", "template": "work", "when": "'{{workflow.creationTimestamp.Y}}' == '2031'"}]],
    }
    run = run_workflow(workflow([main, leaf("work")]), at="2031-05-01T12:00:00Z")
    assert run.node("a").phase == "Succeeded"
    assert run.status()["status"]["startedAt"] == "2031-05-01T12:00:00Z"


def test_limits_of_the_machine_are_none_unless_the_test_sets_them():
    loop = {"name": "a", "withSequence": {"count": "10"}}
    document = workflow([steps([loop]), leaf("work")])
    mocks = [{"default": {"takes": "1s"}}]
    assert run_workflow(document, mocks=mocks).duration == 1.0
    assert run_workflow(document, mocks=mocks, max_parallel=2).duration == 5.0


def test_a_daemon_is_up_until_its_template_ends():
    main = {"name": "main", "steps": [[{"name": "d", "template": "server"}], [{"name": "b", "template": "work"}]]}
    server = leaf("server", daemon=True)
    mocks = [{"template": "server", "outcomes": [{}]}, {"default": {"takes": "1m"}}]
    run = run_workflow(workflow([main, server, leaf("work")]), mocks=mocks)
    assert (run.phase, run.duration, run.node("d").phase) == ("Succeeded", 60.0, "Succeeded")


def test_a_wrong_workflow_shows_in_problems_and_wrong_mocks_are_raised():
    run = run_workflow(workflow([steps([{"name": "a", "template": "wrk"}]), leaf("work")]))
    assert run.phase == "Failed"
    assert "wrk" in run.problems[1]
    with pytest.raises(InvalidWorkflow, match="no field 'outcome'"):
        run_workflow(workflow([leaf("main")]), mocks=[{"template": "main", "outcome": [{}]}])


def test_yaml_text_paths_and_supporting_documents_are_taken(tmp_path):
    text = "kind: Workflow\napiVersion: argoproj.io/v1alpha1\nmetadata: {name: w}\nspec:\n  workflowTemplateRef: {name: t}\n"
    stored = {"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTemplate", "metadata": {"name": "t"},
              "spec": {"entrypoint": "main", "templates": [leaf("main")]}}  # fmt: skip
    assert run_workflow(text, templates=[stored]).phase == "Succeeded"
    (tmp_path / "w.yaml").write_text(text)
    run = run_workflow(tmp_path / "w.yaml", templates=[stored], name="called")
    assert run.nodes[0].name == "called"
    with pytest.raises(NotFound, match="no node 'mian'"):
        run.node("mian")


def _asked(**output):
    """One suspended node, q, that asks for the output `go`."""
    given = {"parameters": [{"name": "go", "valueFrom": {"supplied": {}, **output}, "enum": ["yes", "no"]}]}
    main = {"name": "main", "steps": [[{"name": "q", "template": "ask"}]]}
    return workflow([main, {"name": "ask", "suspend": {}, "outputs": given}])


def test_what_the_commands_refuse_people_cannot_do_in_a_test_either():
    """As `agg resume`: a node whose output nobody supplied and that has no default goes on waiting, and the test says why."""
    run = run_workflow(_asked(), events=[{"at": "1h", "resume": {}}])
    assert (run.phase, run.node("q").phase) == ("Running", "Running")
    assert "event `resume`: node 'q' can't succeed: its output 'go' is not set and has no default" in run.problems[0]
    assert "set: {selector: displayName=q, parameters: {go: …}, phase: Succeeded}" in run.problems[0]
    succeeded = run_workflow(_asked(), events=[{"at": "1h", "set": {"phase": "Succeeded"}}])
    assert "can't succeed" in succeeded.problems[0]
    failed = run_workflow(_asked(), events=[{"at": "1h", "set": {"phase": "Failed", "message": "no"}}])
    assert (failed.problems, failed.node("q").phase) == ([], "Failed")
    default = run_workflow(_asked(default="yes"), events=[{"at": "1h", "resume": {}}])
    assert (default.problems, default.node("q").outputs["parameters"]) == ([], {"go": "yes"})


def test_an_event_that_means_no_node_or_no_output_of_it_is_told():
    def problem(event):
        run = run_workflow(_asked(), events=[{"at": "1h", **event}])
        assert run.node("q").phase == "Running"
        return run.problems[0]

    assert "no suspended node matches 'displayName=p'; these wait: q" in problem(
        {"stop": {"selector": "displayName=p"}}
    )
    assert "event `resume`: no suspended node matches" in problem({"resume": {"selector": "displayName=p"}})
    assert "does not ask for an output parameter 'gone'" in problem({"set": {"parameters": {"gone": "yes"}}})
    assert "go=maybe: 'go' is one of yes, no" in problem({"set": {"parameters": {"go": "maybe"}}})
    nobody = run_workflow(
        workflow([steps([{"name": "a"}]), leaf("work")]),
        mocks=[{"default": {"takes": "2h"}}],
        events=[{"at": "1h", "set": {"phase": "Failed"}}, {"at": "90m", "resume": {}}],
    )
    assert nobody.phase == "Succeeded"
    assert nobody.problems == ["event `set`: nothing waits to be resumed then"]


def test_an_expression_that_no_argument_can_be_made_of_is_the_error_of_its_step_and_reaches_no_leaf():
    """Text that only looks like a tag is handed on as it is: scripts and templates of other tools have such braces."""
    echo = {**leaf("work"), "inputs": {"parameters": [{"name": "p"}]}}

    def given(value):
        arguments = {"parameters": [{"name": "p", "value": value}]}
        run = run_workflow(workflow([steps([{"name": "a", "arguments": arguments}]), echo]))
        return run.node("a")

    assert given("{{=nosuch.thing}}").phase == "Error"
    assert "{{=nosuch.thing}}: nosuch is missing" in given("{{=nosuch.thing}}").message
    assert given("{{nosuch.thing}}").inputs["parameters"] == {"p": "{{nosuch.thing}}"}
