"""The tree of `agg get`: which nodes stand where, which are hidden, and what the columns say."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import UsageError
from aggregator.observe.columns import cells, cut, one_line, table
from aggregator.observe.timetext import clock_duration, long_duration, parse_time, rfc3339, short_duration
from aggregator.observe.tree import Style, render_workflow

NOW = 1_700_000_100.0


def at(seconds):
    return rfc3339(1_700_000_000 + seconds)


def node(name, kind="Pod", phase="Succeeded", *, boundary=None, children=(), start=0, end=1, display=None, **fields):
    made = {
        "id": name,
        "name": name,
        "displayName": display or name.rpartition(".")[2],
        "type": kind,
        "phase": phase,
        "templateName": "t",
        "children": list(children),
        "startedAt": at(start),
        "finishedAt": None if end is None else at(end),
        **fields,
    }
    return {**made, "boundaryID": boundary} if boundary else made


def workflow(*nodes, **status):
    return {
        "metadata": {"name": "wf", "namespace": "ns", "creationTimestamp": at(0)},
        "spec": {"arguments": {"parameters": [{"name": "count", "value": "5"}]}},
        "status": {
            "phase": "Succeeded",
            "startedAt": at(0),
            "finishedAt": at(65),
            "nodes": {n["id"]: n for n in nodes},
            **status,
        },
    }


def tree(*nodes, output="short", **style):
    text = render_workflow(workflow(*nodes), output, Style(now=NOW, **style))
    lines = text.splitlines()
    assert lines[0].startswith("STEP")
    return lines[1:]


def labels(*nodes, **style):
    """The tree's first column."""
    head, *lines = render_workflow(workflow(*nodes), "short", Style(now=NOW, **style)).splitlines()
    return [line[: head.index("TEMPLATE")].rstrip() for line in lines]


STEPS = (
    node("wf", "Steps", children=["wf[0]"]),
    node("wf[0]", "StepGroup", boundary="wf", children=["wf[0].a"], display="[0]"),
    node("wf[0].a", boundary="wf", children=["wf[1]"]),
    node("wf[1]", "StepGroup", boundary="wf", children=["wf[1].b", "wf[1].c"], display="[1]", start=1),
    node("wf[1].b", boundary="wf", start=1),
    node("wf[1].c", boundary="wf", start=1),
)


def test_steps_hide_their_groups_and_join_what_runs_side_by_side():
    assert labels(*STEPS) == [" ✔ wf", " ├───✔ a", " └─┬─✔ b", "   └─✔ c"]


def test_without_utf8_words_and_plain_lines_are_used():
    assert labels(*STEPS, utf8=False) == [" Succeeded wf", " |---Succeeded a", " `-+-Succeeded b", "   `-Succeeded c"]


def test_dag_tasks_stand_under_the_dag_and_loop_elements_under_their_group_by_number():
    elements = [f"wf.b({i}:x)" for i in (0, 2, 10)]
    nodes = [
        node("wf", "DAG", children=["wf.a"]),
        node("wf.a", boundary="wf", children=["wf.b"]),
        node("wf.b", "TaskGroup", boundary="wf", children=elements, start=1),
        *(node(name, boundary="wf", start=2) for name in reversed(elements)),
    ]
    assert labels(*nodes) == [" ✔ wf", " ├─✔ a", " └─✔ b", "   ├─✔ b(0:x)", "   ├─✔ b(2:x)", "   └─✔ b(10:x)"]


def test_siblings_are_in_the_order_in_which_they_started():
    nodes = [node("wf", "DAG"), *(node(f"wf.{n}", boundary="wf", start=s) for n, s in [("a", 3), ("b", 1), ("c", 2)])]
    assert labels(*nodes) == [" ✔ wf", " ├─✔ b", " ├─✔ c", " └─✔ a"]


def test_a_retry_with_one_attempt_gives_way_to_it_and_one_with_several_shows_all():
    task = [
        node("wf", "DAG"),
        node("wf.a", "Retry", boundary="wf", children=["wf.a(0)"]),
        node("wf.a(0)", boundary="wf"),
        node("wf.b", "Retry", boundary="wf", children=["wf.b(0)", "wf.b(1)"], start=1),
        node("wf.b(0)", phase="Failed", boundary="wf", start=1),
        node("wf.b(1)", boundary="wf", start=2),
    ]
    assert labels(*task) == [" ✔ wf", " ├───✔ a(0)", " └─✔ b", "   ├─✖ b(0)", "   └─✔ b(1)"]


def test_omitted_nodes_are_hidden_and_skipped_ones_shown():
    nodes = [
        node("wf", "DAG"),
        node("wf.a", "Skipped", "Omitted", boundary="wf"),
        node("wf.b", "Skipped", "Skipped", boundary="wf"),
    ]
    assert labels(*nodes) == [" ✔ wf", " └─○ b"]


def test_the_exit_handlers_tree_is_printed_apart():
    lines = labels(node("wf", "DAG"), node("wf.onExit", "Pod", display="wf.onExit", start=2))
    assert lines == [" ✔ wf", "", " ✔ wf.onExit"]


def test_every_phase_has_its_sign_and_a_waiting_suspend_node_its_own():
    phases = ["Pending", "Running", "Succeeded", "Skipped", "Failed", "Error"]
    nodes = [node("wf", "DAG"), *(node(f"wf.{p}", phase=p, boundary="wf", start=i) for i, p in enumerate(phases))]
    signs = [
        label.split("─")[1][0]
        for label in labels(*nodes, node("wf.w", "Suspend", "Running", boundary="wf", start=9))[1:]
    ]
    assert signs == ["◷", "●", "✔", "○", "✖", "⚠", "ǁ"]


def test_columns_of_a_pod_and_of_a_template_reference():
    lines = tree(
        node("wf", "DAG", start=0, end=9),
        node("wf.a", boundary="wf", end=6, message="oh", hostNodeName="me", templateRef={"name": "r", "template": "x"}),
    )
    assert lines[0].split() == ["✔", "wf", "t"]
    sign, name, template, pod, *rest = lines[1].split()
    assert (sign, name, template, rest) == ("└─✔", "a", "r/x", ["6s", "oh", "me"])
    assert pod.startswith("wf-x-")


def test_wide_adds_artifacts_and_resources():
    text = render_workflow(
        workflow(
            node(
                "wf",
                outputs={"artifacts": [{"name": "one"}, {"name": "two"}]},
                resourcesDuration={"cpu": 2, "memory": 65},
            )
        ),
        "wide",
        Style(now=NOW),
    )
    assert "one,two" in text
    assert "2s*(1 cpu),1m5s*(100Mi memory)" in text
    assert "ARTIFACTS" in text
    assert "NODENAME" in text


def test_the_header_says_what_is_known():
    text = render_workflow(
        workflow(
            node("wf"),
            message="fine",
            progress="1/1",
            conditions=[{"type": "Completed", "status": "True"}],
            outputs={
                "parameters": [{"name": "out", "value": "7"}],
                "artifacts": [{"name": "report", "s3": {"bucket": "b", "key": "k/x"}}],
            },
        ),
        "",
        Style(now=NOW),
    )
    lines = text.splitlines()
    for wanted in (
        "Name:                wf",
        "Namespace:           ns",
        "Status:              Succeeded",
        "Message:             fine",
        " Completed           True",
        "Duration:            1 minute 5 seconds",
        "Progress:            1/1",
        "  count:             5",
        "  out:               7",
        "  report:            s3://b/k/x",
    ):
        assert wanted in lines
    assert any(line.startswith("Created:") and line.endswith("(1 minute 40 seconds ago)") for line in lines)


def test_a_run_that_waits_says_suspended():
    text = render_workflow(
        workflow(node("wf", "Suspend", "Running", end=None), phase="Running", finishedAt=None), "", Style(now=NOW)
    )
    assert "Status:              Running (Suspended)" in text


def test_secrets_are_masked_in_every_form():
    run = workflow(
        node("wf", message="got hunter2"),
        message="hunter2 was refused",
        outputs={"parameters": [{"name": "x", "value": "hunter2"}]},
    )
    for output in ("", "wide", "short", "json", "yaml"):
        text = render_workflow(run, output, Style(now=NOW, mask=lambda text: text.replace("hunter2", "***")))
        assert "hunter2" not in text
        assert "***" in text


def test_messages_can_neither_break_lines_nor_drive_the_terminal():
    lines = tree(node("wf", message="a\nb\x1b[2Jc\td"))
    assert len(lines) == 1
    assert "a b[2Jc d" in lines[0]


def test_json_yaml_and_name():
    run = workflow(node("wf"))
    assert json.loads(render_workflow(run, "json", Style(now=NOW))) == run
    assert yaml.safe_load(render_workflow(run, "yaml", Style(now=NOW))) == run
    assert render_workflow(run, "name", Style(now=NOW)) == "wf\n"
    with pytest.raises(UsageError, match="jsn"):
        render_workflow(run, "jsn", Style(now=NOW))


def test_colour_is_only_around_the_sign():
    assert "\x1b[32m✔\x1b[0m wf" in tree(node("wf"), color=True)[0]


def test_nodes_may_be_filtered_and_their_groups_stay():
    lines = labels(*STEPS, keep=lambda node: node["displayName"] == "c")
    assert lines == [" ✔ wf", " └───✔ c"]


def test_a_run_without_nodes_has_no_tree():
    assert render_workflow(workflow(), "short", Style(now=NOW)) in ("", "\n")


NAMES = st.sampled_from([f"n{i}" for i in range(6)])
NODES = st.dictionaries(
    NAMES,
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(
                ["Pod", "Steps", "StepGroup", "DAG", "TaskGroup", "Retry", "Skipped", "Suspend", "HTTP", "X"]
            ),
            "phase": st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Error", "Omitted", "Skipped", ""]),
            "boundaryID": st.none() | NAMES,
            "children": st.lists(NAMES, max_size=4),
            "startedAt": st.sampled_from([at(0), at(5), None, "nonsense"]),
            "displayName": st.text(max_size=5),
            "message": st.text(max_size=9),
        }
    ),
    max_size=6,
)


@given(NODES, st.sampled_from(["", "wide", "short"]))
def test_any_nodes_even_in_circles_are_printed_once_each(nodes, output):
    run = {
        "metadata": {"name": "n0"},
        "status": {"nodes": {key: {**value, "name": key} for key, value in nodes.items()}},
    }
    text = render_workflow(run, output, Style(now=NOW))
    shown = text.partition("STEP")[2].count("\n")
    assert shown <= 2 * len(nodes) + 2


@pytest.mark.parametrize(
    ("seconds", "short", "long", "clock"),
    [
        (0, "0s", "0 seconds", "0.0s"),
        (1, "1s", "1 second", "1.0s"),
        (59.9, "59s", "59 seconds", "1m00s"),
        (61, "1m", "1 minute 1 second", "1m01s"),
        (3600, "1h", "1 hour", "1h00m"),
        (90061, "1d", "1 day 1 hour", "25h01m"),
    ],
)
def test_durations_in_words(seconds, short, long, clock):
    assert (short_duration(seconds), long_duration(seconds), clock_duration(seconds)) == (short, long, clock)


@given(st.integers(0, 4_000_000_000))
def test_times_survive_being_written(seconds):
    assert parse_time(rfc3339(seconds)) == seconds


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6), max_size=4), max_size=4))
def test_columns_begin_at_the_same_cell(rows):
    lines = table(rows)
    assert len(lines) == len(rows)


@given(st.text(max_size=30), st.integers(0, 20))
def test_cutting_never_exceeds_the_width(text, width):
    text = one_line(text)
    assert cells(cut(text, width)) <= width
    if cells(text) <= width:
        assert cut(text, width) == text


def test_wide_characters_take_two_cells():
    assert cells("漢字") == 4
    assert cut("漢字漢字", 5) == "漢字…"
    assert cells("\x1b[31mred\x1b[0m") == 3
