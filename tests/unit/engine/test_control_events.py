"""Stop, suspend, resume and set, as events on the machine in virtual time."""

import pytest

from aggregator.app.suspension import answer_command, check_answer, check_resumable, questions
from aggregator.engine.events import NodeSet, Resumed, StopRequested, SuspendRequested
from aggregator.engine.status import workflow_object
from aggregator.errors import LanguageError, UsageError
from aggregator.testing.virtual import START, VirtualRun


def run_of(*gates, tasks=None, **spec):
    """A DAG of suspend templates, settled; `gates` are templates beside the name."""
    templates = [{"suspend": {}, **gate} for gate in gates]
    tasks = tasks or [{"name": t["name"], "template": t["name"]} for t in templates]
    main = {"name": "main", "failFast": False, "dag": {"tasks": tasks}}
    workflow = {
        "metadata": {"name": "wf"},
        "spec": {"entrypoint": "main", "templates": [main, *templates], **spec},
    }
    run = VirtualRun(workflow)
    run.settle()
    return run


def give(run, event):
    run.post(event)
    run.settle()


def node(run, name):
    return next(n for n in workflow_object(run.machine)["status"]["nodes"].values() if n["displayName"] == name)


def supplied(name, **more):
    return {"name": name, "valueFrom": {"supplied": {}, **more.pop("source", {})}, **more}


def test_resume_takes_the_outputs_default_then_that_of_the_input_of_the_same_name():
    gate = {
        "name": "g",
        "inputs": {"parameters": [{"name": "b", "default": "input"}, {"name": "a", "default": "no"}]},
        "outputs": {"parameters": [supplied("a", source={"default": "own"}), supplied("b")]},
    }
    run = run_of(
        gate, tasks=[{"name": "g", "template": "g", "arguments": {"parameters": [{"name": "b", "value": "x"}]}}]
    )
    give(run, Resumed(START))
    found = node(run, "g")
    assert found["phase"] == "Succeeded"
    assert found["outputs"]["parameters"] == [{"name": "a", "value": "own"}, {"name": "b", "value": "input"}]
    assert run.finished.phase == "Succeeded"


def test_a_node_that_is_resumed_without_a_value_is_an_error():
    run = run_of({"name": "g", "outputs": {"parameters": [supplied("a")]}})
    give(run, Resumed(START))
    assert node(run, "g")["phase"] == "Error"
    assert "'a' has not been set and does not have a default value" in node(run, "g")["message"]


def test_set_values_stay_until_the_node_is_resumed_and_are_global_at_once():
    run = run_of({"name": "g", "outputs": {"parameters": [supplied("a", globalName="all"), supplied("b")]}})
    give(run, NodeSet(START, "displayName=g", message="soon", parameters={"a": "1"}))
    found = node(run, "g")
    assert (found["phase"], found["message"]) == ("Running", "soon")
    assert found["outputs"]["parameters"][0]["value"] == "1"
    assert "valueFrom" not in found["outputs"]["parameters"][0]
    assert run.machine.outputs["parameters"] == [{"name": "all", "value": "1"}]
    give(run, NodeSet(START, "", parameters={"b": "2", "a": "3"}))
    give(run, Resumed(START))
    found = node(run, "g")
    assert [p["value"] for p in found["outputs"]["parameters"]] == ["3", "2"]
    assert (found["phase"], found["message"]) == ("Succeeded", "soon")


def test_a_phase_ends_the_node_and_nothing_reaches_it_afterwards():
    run = run_of({"name": "g"}, {"name": "h"})
    give(run, NodeSet(START, "displayName=g", phase="Failed", message="no"))
    assert (node(run, "g")["phase"], node(run, "g")["message"]) == ("Failed", "no")
    for event in (NodeSet(START, "displayName=g", phase="Succeeded"), Resumed(START, "displayName=g")):
        give(run, event)
    assert node(run, "g")["phase"] == "Failed"
    give(run, Resumed(START))
    assert run.finished.phase == "Failed"
    give(run, Resumed(START))
    give(run, SuspendRequested(START))
    give(run, StopRequested(START))
    assert workflow_object(run.machine)["spec"].get("suspend") is None


def test_stop_with_a_selector_fails_those_nodes_and_not_the_run():
    run = run_of({"name": "g"}, {"name": "h"})
    give(run, StopRequested(START, message="no", selector="displayName=g"))
    assert (node(run, "g")["phase"], node(run, "g")["message"]) == ("Failed", "no")
    assert node(run, "h")["phase"] == "Running"
    give(run, Resumed(START))
    assert run.finished.phase == "Failed"
    assert node(run, "h")["phase"] == "Succeeded"
    assert "shutdown" not in workflow_object(run.machine)["spec"]


@pytest.mark.parametrize("strategy", ["Stop", "Terminate"])
def test_stop_is_kept_in_the_spec_and_named_in_the_messages(strategy):
    run = run_of({"name": "g"})
    give(run, StopRequested(START, strategy))
    assert node(run, "g")["message"] == f"Stopped with strategy '{strategy}'"
    found = workflow_object(run.machine)
    assert found["spec"]["shutdown"] == strategy
    assert (found["status"]["phase"], found["status"]["message"]) == ("Failed", f"Stopped with strategy '{strategy}'")


def test_suspend_is_seen_in_the_spec_until_resumed():
    run = run_of({"name": "g"}, suspend=True)
    assert workflow_object(run.machine)["spec"]["suspend"] is True
    assert run.machine.nodes == []
    give(run, Resumed(START))
    assert "suspend" not in workflow_object(run.machine)["spec"]
    assert node(run, "g")["phase"] == "Running"


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("", ["a", "b"]),
        ("displayName=a", ["a"]),
        ("displayName!=a", ["b"]),
        ("name==wf.b", ["b"]),
        ("templateName=g,phase=Running,type=Suspend", ["a", "b"]),
        (r"inputs.parameters.env.value=x\,y\=z", ["b"]),
        ("inputs.parameters.env.value= prod , displayName = a", ["a"]),
        ("inputs.paramaters.env.value=prod", []),
        ("id=wf", []),
    ],
)
def test_selectors_choose_among_the_nodes_that_wait(selector, names):
    tasks = [
        {"name": n, "template": "g", "arguments": {"parameters": [{"name": "env", "value": v}]}}
        for n, v in (("a", "prod"), ("b", "x,y=z"))
    ]
    run = run_of({"name": "g", "inputs": {"parameters": [{"name": "env"}]}}, tasks=tasks)
    assert [q.display for q in questions(run.machine, selector)] == names


def test_a_text_that_is_no_selector_is_told():
    run = run_of({"name": "g"})
    with pytest.raises(LanguageError):
        questions(run.machine, "displayName")


def test_an_input_that_carries_a_json_enum_offers_its_choices():
    inputs = [
        {"name": "a", "value": '{"enum": ["one", 2]}'},
        {"name": "b", "value": '{"enum": []}'},
        {"name": "c", "value": "{no json"},
        {"name": "d", "value": "[1]"},
    ]
    run = run_of({"name": "g", "inputs": {"parameters": inputs}, "outputs": {"parameters": [supplied("a")]}})
    found = node(run, "g")["inputs"]["parameters"]
    assert found[0] == {**inputs[0], "enum": ["one", "2"], "default": "one"}
    assert found[1:] == inputs[1:]
    (asked,) = questions(run.machine)[0].asked
    assert (asked.value, asked.enum) == ("one", ("one", "2"))
    with pytest.raises(UsageError, match="one of one, 2"):
        check_answer(questions(run.machine), {"a": "three"})


def test_questions_tell_what_is_missing_what_goes_on_by_itself_and_the_command():
    run = run_of(
        {"name": "g", "outputs": {"parameters": [supplied("a", description=" why "), supplied("b", enum=["x y"])]}},
        {"name": "later", "suspend": {"duration": "1h"}},
    )
    first, later = questions(run.machine)
    assert first.missing == ["a", "b"]
    assert first.asked[0].description == "why"
    assert (first.timed, later.timed) == (False, True)
    assert answer_command("wf", later, ["--home", "h"]) == (
        "agg resume wf --node-field-selector displayName=later --home h"
    )
    assert answer_command("wf", first) == (
        "agg node set wf --node-field-selector displayName=g --output-parameter a=VALUE"
        " --output-parameter 'b=x y' --phase Succeeded"
    )
    with pytest.raises(UsageError, match="'a' is not set") as caught:
        check_resumable("wf", [first])
    assert "agg node set wf" in caught.value.hint
    check_resumable("wf", [first], ["a", "b"])
    with pytest.raises(UsageError, match="asks for none"):
        check_answer([later], {"a": "1"})
    with pytest.raises(UsageError, match="it asks for a, b") as caught:
        check_answer([first], {"bb": "1"})
    assert "'b'" in caught.value.hint


def test_nodes_of_the_same_display_name_are_named_by_their_ids_and_odd_names_are_escaped():
    loop = {"name": "l", "template": "g", "withItems": ["a=1,b", "c"]}
    inner = {"name": "inner", "dag": {"tasks": [{"name": "x", "template": "g"}]}}
    twice = [{"name": "p", "template": "inner"}, {"name": "q", "template": "inner"}]
    run = run_of({"name": "g"}, tasks=[loop])
    command = answer_command("wf", questions(run.machine)[0])
    assert r"displayName=l(0:a\=1\,b)" in command
    selector = command.split("'")[1]
    assert [q.display for q in questions(run.machine, selector)] == ["l(0:a=1,b)"]
    workflow = {
        "metadata": {"name": "wf"},
        "spec": {
            "entrypoint": "main",
            "templates": [{"name": "main", "dag": {"tasks": twice}}, inner, {"name": "g", "suspend": {}}],
        },
    }
    run = VirtualRun(workflow)
    run.settle()
    first, second = questions(run.machine)
    assert first.display == second.display == "x"
    assert f"id={first.id}" in answer_command("wf", first)
    assert first.id != second.id


def test_success_needs_every_output_and_a_set_of_nothing_changes_nothing():
    run = run_of({"name": "g", "outputs": {"parameters": [supplied("a")]}}, {"name": "h"})
    before = workflow_object(run.machine)
    give(run, NodeSet(START, ""))
    assert workflow_object(run.machine) == before
    give(run, NodeSet(START, "displayName=g", phase="Succeeded", parameters={"a": "1"}))
    assert node(run, "g")["phase"] == "Succeeded"
    assert node(run, "g")["outputs"]["parameters"] == [{"name": "a", "value": "1"}]
    check_resumable("wf", questions(run.machine))


@pytest.mark.parametrize(("written", "seconds"), [("3", 3), ("2m", 120), ("0s", 0)])
def test_a_duration_is_seconds_or_has_units_and_ends_the_wait(written, seconds):
    run = run_of({"name": "g", "suspend": {"duration": written}}, {"name": "h", "suspend": {"duration": ""}})
    give(run, Resumed(START, "displayName=h"))
    assert run.run().phase == "Succeeded"
    assert run.now == START + seconds


def test_a_node_that_was_resumed_early_is_left_alone_when_its_time_comes():
    run = run_of({"name": "g", "suspend": {"duration": "1h"}}, {"name": "h", "suspend": {"duration": "2h"}})
    give(run, Resumed(START, "displayName=g"))
    assert run.run().phase == "Succeeded"
    assert run.now == START + 7200


def test_a_duration_that_is_none_is_an_error_of_the_node():
    run = run_of({"name": "g", "suspend": {"duration": "soon"}})
    assert node(run, "g")["phase"] == "Error"
    assert node(run, "g")["message"].startswith("suspend: ")
    assert run.machine.suspensions == {}
