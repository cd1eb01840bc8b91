"""podSpecPatch: strategic merge patches, as JSON or YAML text, laid over what a template says of its pod."""

import pytest

from aggregator.errors import StoreError
from aggregator.runtimes.pod.patch import PATCHED, merge, patched


def over(new_attempt, patch, template=None, kind="container"):
    template = template or {kind: {"image": "alpine", "command": ["sh"], "env": [{"name": "A", "value": "1"}]}}
    return patched(new_attempt(kind, {**template, "podSpecPatch": patch})).template


def test_environments_and_resources_of_main_are_merged_and_its_command_is_replaced(new_attempt):
    patch = """
    containers:
    - name: main
      command: [python3]
      env: [{name: B, value: "2"}, {name: A, value: "3"}]
      resources: {limits: {memory: 1Gi}}
    """
    assert over(new_attempt, patch)["container"] == {
        "name": "main",
        "image": "alpine",
        "command": ["python3"],
        "env": [{"name": "A", "value": "3"}, {"name": "B", "value": "2"}],
        "resources": {"limits": {"memory": "1Gi"}},
    }


def test_the_templates_patch_is_laid_over_the_workflows(new_attempt):
    workflows = '{"containers": [{"name": "main", "image": "one", "workingDir": "/w"}]}'
    templates = '{"containers": [{"name": "main", "image": "two"}]}'
    made = over(new_attempt, [workflows, templates])["container"]
    assert (made["image"], made["workingDir"]) == ("two", "/w")


def test_the_source_of_a_script_stays(new_attempt):
    script = {"script": {"image": "alpine", "source": "echo 1"}}
    made = over(new_attempt, "containers: [{name: main, env: [{name: X, value: y}]}]", script, "script")
    assert made["script"]["source"] == "echo 1"
    assert made["script"]["env"] == [{"name": "X", "value": "y"}]


def test_sidecars_init_containers_volumes_and_the_pods_own_fields(new_attempt):
    template = {
        "container": {"image": "alpine"},
        "sidecars": [{"name": "side", "image": "one"}],
        "initContainers": [{"name": "first", "image": "one"}],
    }
    patch = """
    terminationGracePeriodSeconds: 3
    volumes: [{name: v, emptyDir: {}}]
    initContainers: [{name: first, image: two}, {name: init, env: []}]
    containers: [{name: side, image: two}, {name: wait, env: [{name: X, value: y}]}, {name: more, image: three}]
    """
    made = over(new_attempt, patch, template)
    assert made["sidecars"] == [{"name": "side", "image": "two"}, {"name": "more", "image": "three"}]
    assert made["initContainers"] == [{"name": "first", "image": "two"}]
    assert made["volumes"] == [{"name": "v", "emptyDir": {}}]
    assert made[PATCHED] == {"terminationGracePeriodSeconds": 3}


def test_containers_of_a_set_are_patched_by_name(new_attempt):
    template = {"containerSet": {"containers": [{"name": "a", "image": "one"}, {"name": "b", "image": "one"}]}}
    made = over(new_attempt, "containers: [{name: b, image: two}]", template, "containerSet")
    assert [c["image"] for c in made["containerSet"]["containers"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("original", "patch", "merged"),
    [
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"x": 1}}, {"a": {"$patch": "replace", "y": 2}}, {"a": {"y": 2}}),
        ({"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}),
        (
            {"env": [{"name": "A"}, {"name": "B"}]},
            {"env": [{"name": "A", "$patch": "delete"}]},
            {"env": [{"name": "B"}]},
        ),
        ({"env": [{"name": "A"}]}, {"env": [{"$patch": "replace"}, {"name": "B"}]}, {"env": [{"name": "B"}]}),
        ({"a": 1, "b": 2}, {"$retainKeys": ["b"], "b": 3}, {"b": 3}),
        ({"finalizers": ["a", "b"]}, {"$deleteFromPrimitiveList/finalizers": ["a"]}, {"finalizers": ["b"]}),
        ({"a": 1}, {"$setElementOrder/env": []}, {"a": 1}),
    ],
)
def test_a_strategic_merge(original, patch, merged):
    assert merge(original, patch) == merged


@pytest.mark.parametrize(
    ("text", "said"), [("{containers: [", "neither JSON nor YAML"), ("- a", "must be a mapping"), ("word", "a str")]
)
def test_a_patch_that_can_not_be_read_is_an_error_that_says_so(new_attempt, text, said):
    with pytest.raises(StoreError, match=said):
        over(new_attempt, text)


def test_no_patch_changes_nothing(new_attempt):
    plain = new_attempt("container", {"container": {"image": "alpine"}})
    assert patched(plain) is plain


def test_a_patched_leaf_runs_as_patched(leaf):
    ran = leaf(
        sh="echo $WORD", body={"podSpecPatch": '{"containers":[{"name":"main","env":[{"name":"WORD","value":"hi"}]}]}'}
    )
    assert ran.result == "hi"


def test_the_grace_period_of_the_patch_counts(leaf):
    import time

    patch = "terminationGracePeriodSeconds: 0"
    ran = leaf(
        sh="trap '' TERM; while :; do sleep 0.05; done", body={"podSpecPatch": patch}, deadline=time.time() + 0.3
    )
    assert ran.outcome.exit_code == 137
