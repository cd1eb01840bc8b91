"""Limits of cpu and memory: quantities are exact, what uses too much is OOMKilled, and control groups get what Kubernetes gives."""

import os
from fractions import Fraction
from pathlib import Path

import pytest

from aggregator.runtimes.process.cgroups import find, weight
from aggregator.runtimes.process.confine import Limits, limits_of
from aggregator.runtimes.process.quantities import parse_quantity
from aggregator.runtimes.process.refused import LeafRefused

HOG = "import time; held = 'x' * 400_000_000; time.sleep(60)"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("100Mi", 100 * 1024**2),
        ("0.5", Fraction(1, 2)),
        ("500m", Fraction(1, 2)),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("2Ei", 2 * 1024**6),
        ("0.1", Fraction(1, 10)),
        ("1.5Gi", 3 * 1024**3 // 2),
        ("12e-2", Fraction(12, 100)),
        ("1u", Fraction(1, 10**6)),
        (".5k", 500),
        ("5.", 5),
        ("+2", 2),
        ("-1", -1),
    ],
)
def test_quantities_are_exact(text, number):
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "Mi", "1 Gi", "1K", "1mi", "1e", "0x10", "1.2.3", "1e99999", "1KiB"])
def test_what_is_no_quantity_is_none(text):
    assert parse_quantity(text) is None


def test_resources_become_limits():
    spec = {"resources": {"limits": {"memory": "100Mi", "cpu": "500m"}, "requests": {"cpu": 0.1, "gpu": "1"}}}
    assert limits_of("main", spec) == Limits(100 << 20, Fraction(1, 2), None, Fraction(1, 10))
    assert limits_of("main", {"resources": {"limits": {"nvidia.com/gpu": 1}}}) is None
    assert limits_of("main", {}) is None


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"limits": {"memory": "much"}}, "'much' is no quantity"),
        ({"limits": {"cpu": "-1"}}, "must not be negative"),
        ({"limits": {"memory": "1Mi"}, "requests": {"memory": "2Mi"}}, "request is larger than the limit"),
    ],
)
def test_resources_that_can_not_be_are_refused_with_their_place(resources, said):
    with pytest.raises(LeafRefused, match=said) as caught:
        limits_of("main", {"resources": resources})
    assert "container main" in caught.value.message


def test_a_leaf_that_uses_more_memory_than_its_limit_is_killed_and_that_is_said(leaf):
    body = {"image": "python:3", "command": ["python3", "-c", HOG], "resources": {"limits": {"memory": "60Mi"}}}
    outcome = leaf("container", {"container": body}).outcome
    assert (outcome.phase, outcome.message, outcome.exit_code) == ("Failed", "main: OOMKilled (exit code 137)", 137)


def test_the_memory_of_children_counts_too(leaf):
    limits = {"container": {"resources": {"limits": {"memory": "60Mi"}}}}
    outcome = leaf(sh=f'python3 -c "{HOG}"; true', body=limits).outcome
    assert outcome.message == "main: OOMKilled (exit code 137)"


def test_a_leaf_within_its_limits_is_left_alone(leaf):
    limits = {"container": {"resources": {"limits": {"memory": "500Mi", "cpu": "64"}, "requests": {"cpu": "100m"}}}}
    ran = leaf(sh="sleep 0.1; echo well", body=limits)
    assert (ran.outcome.phase, ran.result) == ("Succeeded", "well")


def test_a_cpu_limit_leaves_so_many_processors(leaf):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two processors")
    ran = leaf(sh="sleep 0.2; nproc", body={"container": {"resources": {"limits": {"cpu": "800m"}}}})
    assert ran.result == "1"


@pytest.fixture
def groups(tmp_path):
    """What control groups look like where a user was handed some: ordinary files stand in for the kernel's."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    parent = tmp_path / "user.slice"
    (parent / "shell.scope").mkdir(parents=True)
    (parent / "cgroup.procs").write_text("")
    (parent / "cgroup.subtree_control").write_text("cpu memory pids\n")
    own = tmp_path / "own"
    own.write_text("1:name=systemd:/x\n0::/user.slice/shell.scope\n")
    return find(str(tmp_path), str(own))


def test_groups_are_made_beside_our_own_with_kubernetes_numbers(groups):
    group = groups.make(Limits(100 << 20, Fraction(1, 2), 50 << 20, Fraction(1, 4)))
    read = {path.name: path.read_text() for path in Path(group.folder).iterdir()}
    assert read == {
        "memory.max": str(100 << 20),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
        "memory.low": str(50 << 20),
        "cpu.max": "50000 100000",
        "cpu.weight": str(weight(0.25)),
    }
    assert os.path.dirname(group.folder) == groups.parent
    assert os.path.basename(groups.parent) == "user.slice"
    assert group.join(["true"])[-2:] == [f"{group.folder}/cgroup.procs", "true"]
    assert not group.killed_for_memory()
    with open(f"{group.folder}/memory.events", "w") as events:
        events.write("low 0\noom 1\noom_kill 1\n")
    assert group.killed_for_memory()


def test_without_the_controllers_no_group_is_made(groups, tmp_path):
    (tmp_path / "user.slice/cgroup.subtree_control").write_text("pids\n")
    assert find(str(tmp_path), str(tmp_path / "own")) is None
    assert find(str(tmp_path / "nowhere"), str(tmp_path / "own")) is None


def test_weights_are_those_that_kubernetes_makes_of_requests():
    assert (weight(0.1), weight(1), weight(1000)) == (4, 39, 10000)
