"""Mutexes and semaphores between runs of different processes: who holds, who waits, who is next, and what a dead holder leaves."""

import json

import pytest

WAITS = "container: {image: alpine, command: [sh, -c], args: ['while [ ! -e GO ]; do sleep 0.05; done; echo {{workflow.name}} >> LOG']}"
"""A leaf that ends when the file of its run is there, and then writes its run's name down."""

TEMPLATE_LOCK = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: NAME}
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{name: work, template: work}]]
    - name: work
      synchronization: {LOCKS}
      BODY
"""
RUN_LOCK = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: NAME}
spec:
  entrypoint: work
  synchronization: {LOCKS}
  templates:
    - name: work
      BODY
"""
LIMIT = """
---
apiVersion: v1
kind: ConfigMap
metadata: {name: limits}
data: {places: "2"}
"""
MUTEX = "mutexes: [{name: the-one}]"
PLACES = "semaphores: [{configMapKeyRef: {name: limits, key: places}}]"


@pytest.fixture
def runs(world):
    """Starts runs of one lock; each goes on when it is told to."""
    log = world.go.parent / "log"

    class Runs:
        def start(self, name, text, locks, *flags):
            body = WAITS.replace("GO", str(world.go.parent / name)).replace("LOG", str(log))
            text = text.replace("NAME", name).replace("LOCKS", locks).replace("BODY", body)
            return world.start(text, "--max-parallel", "4", *flags)

        def let_go(self, name):
            (world.go.parent / name).write_text("")

        def state(self, name):
            """`works`, `waits` or nothing yet."""
            status = (world.workflow(name).get("status") or {}) if name in world.rows() else {}
            for node in (status.get("nodes") or {}).values():
                if node["type"] == "Pod":
                    waiting = (node.get("synchronizationStatus") or {}).get("waiting")
                    return "waits" if waiting else "works" if node["phase"] == "Running" else node["phase"]
            return "waits" if status.get("phase") == "Pending" and status.get("message") else ""

        def until(self, **states):
            world.until(
                lambda: {name: self.state(name) for name in states} == states or world.broken(),
                f"the runs to be {states}",
            )
            assert {name: self.state(name) for name in states} == states

        def order(self):
            return log.read_text().split()

    return Runs()


@pytest.mark.parametrize("text", [TEMPLATE_LOCK, RUN_LOCK], ids=["template", "run"])
def test_a_mutex_goes_to_the_highest_priority_then_to_who_came_first(world, runs, text):
    first = runs.start("first", text, MUTEX)
    runs.until(first="works")
    others = []
    for name, priority in (("low", "1"), ("early", "5"), ("late", "5")):
        others.append(runs.start(name, text, MUTEX, "--priority", priority))
        runs.until(**{name: "waits"})
    assert world.agg("get", "low").out.count("the-one") >= 1
    for name in ("first", "early", "late", "low"):
        runs.until(**{name: "works"})
        runs.let_go(name)
    for process in (first, *others):
        assert world.end(process)[0] == 0
    assert runs.order() == ["first", "early", "late", "low"]


@pytest.mark.parametrize("text", [TEMPLATE_LOCK, RUN_LOCK], ids=["template", "run"])
def test_what_a_killed_process_held_is_free_at_once(world, runs, text):
    holder = runs.start("holder", text, MUTEX)
    runs.until(holder="works")
    heir = runs.start("heir", text, MUTEX)
    runs.until(heir="waits")
    holder.kill()
    holder.wait()
    runs.until(heir="works")
    runs.let_go("heir")
    assert world.end(heir)[0] == 0
    runs.let_go("holder")


@pytest.mark.parametrize("setting", [False, True])
def test_a_semaphore_lets_as_many_in_as_its_config_map_or_the_settings_say(world, runs, setting):
    flags = ()
    if setting:  # the settings win over the ConfigMap
        flags = ("--config", str(world.agg.file("limits.toml", '[semaphores]\n"limits/places" = 1\n')))
    for name in ("one", "two", "three"):
        runs.start(name, TEMPLATE_LOCK + LIMIT, PLACES, *flags)
        first = {"one": "works", "two": "waits" if setting else "works", "three": "waits"}
        runs.until(**{name: first[name]})
    runs.let_go("one")
    runs.until(one="Succeeded", two="works", three="waits" if setting else "works")
    runs.let_go("two")
    runs.let_go("three")
    for process in list(world.going):
        assert world.end(process)[0] == 0


def test_several_at_once_are_taken_together_or_not_at_all(world, runs):
    """Who waits for one of two locks holds neither: a third run that needs only the other goes on."""
    both = f"{MUTEX}, {PLACES}"
    one = 'data: {places: "1"}'
    text = TEMPLATE_LOCK + LIMIT.replace('data: {places: "2"}', one)
    runs.start("holder", text, MUTEX)
    runs.until(holder="works")
    runs.start("both", text, both)
    runs.until(both="waits")
    runs.start("other", text, "mutexes: [{name: another}]")
    runs.until(other="works")
    for name in ("other", "holder", "both"):
        runs.let_go(name)
    for process in list(world.going):
        assert world.end(process)[0] == 0
    assert runs.order()[-1] == "both"


def test_a_waiting_run_that_is_stopped_leaves_the_queue(world, runs):
    runs.start("holder", TEMPLATE_LOCK, MUTEX)
    runs.until(holder="works")
    stopped = runs.start("stopped", TEMPLATE_LOCK, MUTEX, "--priority", "9")
    runs.until(stopped="waits")
    heir = runs.start("heir", TEMPLATE_LOCK, MUTEX)
    runs.until(heir="waits")
    told = json.loads(world.agg("get", "heir", "-o", "json").out)
    (node,) = (n for n in told["status"]["nodes"].values() if n["displayName"] == "work")
    assert "the-one" in node["synchronizationStatus"]["waiting"]
    assert world.agg("stop", "stopped").code == 0
    assert world.end(stopped)[0] == 1
    runs.let_go("holder")
    runs.until(heir="works")
    runs.let_go("heir")
    assert world.end(heir)[0] == 0
