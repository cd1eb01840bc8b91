"""What a Workflow object's status tells beside its nodes, as Argo's interfaces read it."""

LEAVES = """
- name: ok
  container: {image: x}
- name: locked
  synchronization:
    mutexes: [{name: m}]
    semaphores: [{configMapKeyRef: {name: limits, key: two}}]
  container: {image: x}
"""
LIMITS = [{"metadata": {"name": "limits"}, "data": {"two": "2"}}]


def steps(body, more=""):
    return f"entrypoint: main\n{more}\ntemplates:{LEAVES}- name: main\n  steps:\n{body}"


def test_every_pod_says_whether_its_results_are_complete(play):
    run = play.begin(steps("  - - {name: a, template: ok}\n    - {name: b, template: ok}\n"), held=["a", "b"])
    run.settle()
    run.end("a")
    ids = {name: node["id"] for name, node in run.nodes.items()}
    assert run.status["taskResultsCompletionStatus"] == {ids["a"]: True, ids["b"]: False}
    run.end("b")


def test_a_run_without_pods_has_none(play):
    run = play("entrypoint: main\ntemplates:\n- name: main\n  suspend: {duration: '1'}\n")
    assert "taskResultsCompletionStatus" not in run.status


class TestSynchronization:
    """The locks that are held and waited for, mutexes and semaphores apart."""

    def test_of_templates(self, play):
        run = play.begin(
            steps("  - - {name: a, template: locked, withItems: [1, 2]}\n"), held=["a"], config_maps=LIMITS
        )
        run.settle()
        first = run.nodes["a(0:1)"]["id"]
        told = run.status["synchronization"]
        assert told["mutex"] == {
            "holding": [{"mutex": "default/Mutex/m", "holder": first}],
            "waiting": [{"mutex": "default/Mutex/m"}],
        }
        assert told["semaphore"] == {
            "holding": [{"semaphore": "default/ConfigMap/limits/two", "holders": [first]}],
        }
        run.end("a(0:1)")
        assert run.status["synchronization"]["mutex"]["holding"][0]["holder"] == run.nodes["a(1:2)"]["id"]
        run.end("a(1:2)")
        assert "synchronization" not in run.status

    def test_several_hold_a_semaphore(self, play):
        more = (
            "- name: few\n  synchronization: {semaphores: [{configMapKeyRef: {name: limits, key: two}}]}\n"
            "  container: {image: x}\n"
        )
        text = steps("  - - {name: a, template: few, withItems: [1, 2]}\n").replace(
            "- name: main", more + "- name: main"
        )
        run = play.begin(text, held=["a"], config_maps=LIMITS)
        run.settle()
        (entry,) = run.status["synchronization"]["semaphore"]["holding"]
        assert entry["holders"] == [run.nodes["a(0:1)"]["id"], run.nodes["a(1:2)"]["id"]]
        run.end("a(0:1)")
        run.end("a(1:2)")

    def test_who_waits_for_a_semaphore_is_not_named(self, play):
        more = "- name: few\n  synchronization: {semaphores: [{configMapKeyRef: {name: limits, key: two}}]}\n"
        text = steps("  - - {name: a, template: few, withItems: [1, 2, 3]}\n")
        text = text.replace("- name: main", more + "  container: {image: x}\n- name: main")
        run = play.begin(text, held=["a"], config_maps=LIMITS)
        run.settle()
        told = run.status["synchronization"]["semaphore"]
        assert told["waiting"] == [{"semaphore": "default/ConfigMap/limits/two"}]
        assert len(told["holding"][0]["holders"]) == 2
        for name in ("a(0:1)", "a(1:2)", "a(2:3)"):
            run.end(name)

    def test_of_the_run_itself(self, play):
        text = steps("  - - {name: a, template: ok}\n", "synchronization: {mutexes: [{name: all}]}")
        run = play.begin(text, held=["a"])
        run.settle()
        told = {"mutex": {"holding": [{"mutex": "default/Mutex/all", "holder": "wf"}]}}
        assert run.status["synchronization"] == told
        run.end("a")
        assert "synchronization" not in run.status

    def test_of_a_run_that_waits(self, play):
        from aggregator.engine.commands import LockWish, TakeLocks
        from aggregator.journal.memory_locks import MemoryLocks

        locks = MemoryLocks()
        locks.take(TakeLocks(-1, "other/run", [LockWish("default/Mutex/all", 1)], 0, 0.0))
        text = steps("  - - {name: a, template: ok}\n", "synchronization: {mutexes: [{name: all}]}")
        run = play.begin(text, locks=locks)
        run.settle()
        assert run.status["synchronization"] == {"mutex": {"waiting": [{"mutex": "default/Mutex/all"}]}}


def test_a_run_of_a_stored_template_keeps_the_spec_that_it_runs(play):
    """Whoever changes the template afterwards changes nothing that has run; without a reference there is no copy."""
    text = "entrypoint: ok\npriority: 3\ntemplates:" + LEAVES
    assert "storedWorkflowTemplateSpec" not in play(text).status
    stored = play("workflowTemplateRef: {name: stored}\n" + text).status["storedWorkflowTemplateSpec"]
    assert (stored["entrypoint"], stored["priority"], len(stored["templates"])) == ("ok", 3, 2)


def test_the_artifact_repository_of_the_settings_is_the_default(play):
    repository = {"s3": {"bucket": "b", "keyFormat": "{{workflow.name}}/{{pod.name}}"}}
    run = play("entrypoint: ok\ntemplates:" + LEAVES, options={"artifact_repository": repository})
    told = run.status["artifactRepositoryRef"]
    assert told["default"] is True
    assert told["artifactRepository"]["s3"]["bucket"] == "b"


def test_one_that_a_config_map_holds_is_named(play):
    maps = [{"metadata": {"name": "repositories"}, "data": {"mine": "s3: {bucket: c}"}}]
    text = "entrypoint: ok\nartifactRepositoryRef: {configMap: repositories, key: mine}\ntemplates:" + LEAVES
    told = play(text, config_maps=maps).status["artifactRepositoryRef"]
    assert (told["configMap"], told["key"]) == ("repositories", "mine")
    assert told["artifactRepository"]["s3"]["bucket"] == "c"
