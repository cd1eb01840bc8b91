"""Specs and templates are laid over each other as Argo does: the upper one wins, named lists merge by name."""

from aggregator.spec.merge import (
    apply_template_defaults,
    apply_workflow_defaults,
    merge_arguments,
    merge_workflow_template,
    overlay,
)
from aggregator.spec.models import (
    DAG,
    Arguments,
    Artifact,
    Backoff,
    Container,
    EnvVar,
    LifecycleHook,
    Parameter,
    RawArtifact,
    RetryStrategy,
    S3Artifact,
    Script,
    Suspend,
    Template,
    TTLStrategy,
    ValueFrom,
    VolumeMount,
    WorkflowMetadata,
    WorkflowSpec,
    WorkflowTemplateRef,
)


def test_a_run_of_a_stored_workflow_takes_what_it_does_not_say_itself():
    stored = WorkflowSpec(
        entrypoint="main",
        parallelism=3,
        templates=(Template(name="main"),),
        ttl_strategy=TTLStrategy(seconds_after_success=5, seconds_after_failure=6),
        hooks={"exit": LifecycleHook(template="bye"), "running": LifecycleHook(template="go")},
        workflow_metadata=WorkflowMetadata(labels={"a": "1", "b": "1"}),
        node_selector={"x": "1"},
    )
    run = WorkflowSpec(
        workflow_template_ref=WorkflowTemplateRef(name="stored"),
        parallelism=0,
        ttl_strategy=TTLStrategy(seconds_after_success=9),
        hooks={"exit": LifecycleHook(template="mine")},
        workflow_metadata=WorkflowMetadata(labels={"b": "2"}),
    )
    merged = merge_workflow_template(run, stored, WorkflowSpec(priority=7, parallelism=99))
    assert (merged.entrypoint, merged.parallelism, merged.priority) == ("main", 0, 7)
    assert merged.templates == stored.templates
    assert merged.ttl_strategy == TTLStrategy(seconds_after_success=9, seconds_after_failure=6)
    assert {name: hook.template for name, hook in merged.hooks.items()} == {"exit": "mine", "running": "go"}
    assert merged.workflow_metadata.labels == {"a": "1", "b": "2"}
    assert merged.workflow_template_ref.name == "stored"
    assert merged.node_selector == {"x": "1"}


def test_suspend_is_always_the_runs_own():
    assert merge_workflow_template(WorkflowSpec(), WorkflowSpec(suspend=True)).suspend is None
    assert merge_workflow_template(WorkflowSpec(suspend=True), WorkflowSpec(suspend=False)).suspend is True
    assert apply_workflow_defaults(WorkflowSpec(), WorkflowSpec(suspend=True, entrypoint="e")).suspend is None
    assert apply_workflow_defaults(WorkflowSpec(suspend=False), WorkflowSpec(entrypoint="e")).entrypoint == "e"


def test_a_parameter_with_a_value_wins_as_a_whole():
    upper = Arguments(
        parameters=(
            Parameter(name="a", value="1"),
            Parameter(name="b"),
            Parameter(name="c", value_from=ValueFrom(event="x")),
            Parameter(name="new", value="n"),
        )
    )
    lower = Arguments(
        parameters=(
            Parameter(name="c", value="3", enum=("3",)),
            Parameter(name="b", value="2", description="kept"),
            Parameter(name="a", value="0", description="lost"),
            Parameter(name="z", value="26"),
        )
    )
    merged = merge_arguments(upper, lower)
    assert [p.name for p in merged.parameters] == ["c", "b", "a", "z", "new"]
    assert merged.parameter("a") == upper.parameter("a")
    assert merged.parameter("b") == lower.parameter("b")
    assert merged.parameter("c") == upper.parameter("c")


def test_artifacts_of_the_same_backend_are_merged_by_field():
    lower = Arguments(
        artifacts=(
            Artifact(name="a", s3=S3Artifact(bucket="b", key="k")),
            Artifact(name="b", raw=RawArtifact(data="x")),
        )
    )
    upper = Arguments(
        artifacts=(Artifact(name="a", s3=S3Artifact(key="other")), Artifact(name="b", s3=S3Artifact(key="k")))
    )
    merged = merge_arguments(upper, lower)
    assert merged.artifact("a").s3 == S3Artifact(bucket="b", key="other")
    assert merged.artifact("b") == upper.artifact("b")
    assert merge_arguments(Arguments(artifacts=(Artifact(name="a", path="/p"),)), lower).artifact("a").s3.bucket == "b"


def test_template_defaults_fill_what_a_template_leaves_out():
    defaults = Template(
        name="ignored",
        container=Container(
            image="alpine", command=("sh",), env=(EnvVar(name="A", value="0"), EnvVar(name="B", value="0"))
        ),
        script=Script(image="python"),
        retry_strategy=RetryStrategy(limit=3, backoff=Backoff(duration="1s", cap="9s")),
        timeout="5m",
    )
    own = Template(
        name="t",
        container=Container(
            image="busybox", args=("x",), env=(EnvVar(name="B", value="1"), EnvVar(name="C", value="1"))
        ),
        retry_strategy=RetryStrategy(backoff=Backoff(duration="2s")),
    )
    merged = apply_template_defaults(own, defaults)
    assert merged.name == "t"
    assert merged.timeout == "5m"
    assert merged.retry_strategy == RetryStrategy(limit=3, backoff=Backoff(duration="2s", cap="9s"))
    assert merged.script is None
    assert (merged.container.image, merged.container.command, merged.container.args) == ("busybox", ("sh",), ("x",))
    assert [(e.name, e.value) for e in merged.container.env] == [("A", "0"), ("B", "1"), ("C", "1")]


def test_template_defaults_never_change_the_kind_of_a_template():
    defaults = Template(container=Container(image="x"), suspend=Suspend(duration="1"))
    assert apply_template_defaults(Template(dag=DAG()), defaults).kinds == ("dag",)
    assert apply_template_defaults(Template(name="none"), defaults).kinds == ()
    plain = Template(name="t", script=Script(source="s"))
    assert apply_template_defaults(plain, None) is plain
    assert apply_template_defaults(plain, Template()) == plain


def test_lists_of_pod_parts_merge_by_their_keys_and_others_are_replaced():
    upper = WorkflowSpec(
        volumes=({"name": "v", "emptyDir": {}}, {"name": "w"}),
        volume_claim_templates=({"metadata": {"name": "c"}, "spec": {"size": 2}},),
        tolerations=({"key": "k", "value": "1"},),
        affinity={"nodeAffinity": {"a": 1}, "same": [1]},
        executor_plugins=({"metadata": {"name": "mine"}},),
    )
    lower = WorkflowSpec(
        volumes=({"name": "u"}, {"name": "v", "secret": {"secretName": "s"}}),
        volume_claim_templates=({"metadata": {"name": "c", "labels": {}}, "spec": {"size": 1, "mode": "x"}},),
        tolerations=({"key": "j"},),
        affinity={"nodeAffinity": {"b": 2}, "podAffinity": {}, "same": [2, 3]},
        executor_plugins=({"metadata": {"name": "theirs"}},),
    )
    merged = overlay(upper, lower)
    assert [v["name"] for v in merged.volumes] == ["u", "v", "w"]
    assert merged.volumes[1] == {"name": "v", "emptyDir": {}, "secret": {"secretName": "s"}}
    assert merged.volume_claim_templates == (
        {"metadata": {"name": "c", "labels": {}}, "spec": {"size": 2, "mode": "x"}},
    )
    assert [t["key"] for t in merged.tolerations] == ["j", "k"]
    assert merged.affinity == {"nodeAffinity": {"b": 2, "a": 1}, "podAffinity": {}, "same": [1]}
    assert merged.executor_plugins == upper.executor_plugins
    mounts = overlay(
        Container(volume_mounts=(VolumeMount(name="a", mount_path="/a"),)),
        Container(
            volume_mounts=(VolumeMount(name="b", mount_path="/a", sub_path="s"), VolumeMount(name="c", mount_path="/c"))
        ),
    )
    assert [(m.name, m.mount_path, m.sub_path) for m in mounts.volume_mounts] == [("a", "/a", "s"), ("c", "/c", "")]
