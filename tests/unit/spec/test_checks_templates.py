"""One template: exactly one kind, fields that belong to it, outputs that it can make."""

import pytest


def test_exactly_one_kind(check):
    assert "template type unspecified" in check("- name: main\n")[0]
    assert "multiple template types" in check("- {name: main, container: {image: x}, suspend: {}}\n")[0]


def test_an_image_is_needed_unless_the_defaults_have_one(check):
    assert check("- {name: main, container: {command: [date]}}\n") == [
        "no-image: templates.main.container.image may not be empty"
    ]
    assert check("- {name: main, script: {source: date}}\n")[0].startswith("no-image")
    assert (
        check("- {name: main, container: {command: [date]}}\n", spec="  templateDefaults: {container: {image: x}}\n")
        == []
    )


@pytest.mark.parametrize("field", ["activeDeadlineSeconds: 3", "timeout: 3s", "pendingTimeout: 3s"])
def test_deadlines_belong_to_leaves(check, field):
    assert "only valid for leaf" in check(f"- {{name: main, {field}, steps: []}}\n")[0]
    assert check(f"- {{name: main, {field}, container: {{image: x}}}}\n") == []
    assert check("- {name: main, steps: []}\n", spec=f"  templateDefaults: {{{field}}}\n") == []


def test_parallelism_belongs_to_steps_and_dags(check):
    assert check("- {name: main, parallelism: 2, steps: []}\n") == []
    assert check("- {name: main, parallelism: 2, container: {image: x}}\n")[0].startswith("non-leaf-only")


@pytest.mark.parametrize(("value", "right"), [("1", True), ("0", False), ("-1", False), ("'3'", True), ("'{{workflow.name}}'", True), ("'x'", False), ("'0'", False)])  # fmt: skip
def test_a_deadline_is_positive(check, value, right):
    assert (check(f"- {{name: main, activeDeadlineSeconds: {value}, container: {{image: x}}}}\n") == []) is right


@pytest.mark.parametrize(("value", "right"), [("5s", True), ("1h30m", True), ("'5'", False), ("soon", False), ("'{{workflow.name}}'", True)])  # fmt: skip
def test_a_timeout_has_a_unit(check, value, right):
    assert (check(f"- {{name: main, timeout: {value}, container: {{image: x}}}}\n") == []) is right


def leaf(outputs, body="container: {image: x}"):
    return f"- name: main\n  {body}\n  outputs: {{parameters: [{{name: o, {outputs}}}]}}\n"


@pytest.mark.parametrize(
    ("body", "outputs", "code"),
    [
        ("container: {image: x}", "valueFrom: {path: /o}", ""),
        ("container: {image: x}", "valueFrom: {path: /o, default: d}", ""),
        ("container: {image: x}", "value: fixed", ""),
        ("container: {image: x}", "globalName: g", "no-source"),
        ("container: {image: x}", "valueFrom: {}", "no-source"),
        ("container: {image: x}", "valueFrom: {path: /o, jqFilter: .}", "two-sources"),
        ("container: {image: x}", "value: v, valueFrom: {path: /o}", "two-sources"),
        ("container: {image: x}", "valueFrom: {expression: 'a'}", "source-here"),
        ("script: {image: x}", "valueFrom: {parameter: p}", "source-here"),
        ("resource: {action: get}", "valueFrom: {path: /o}", "source-here"),
        ("resource: {action: get}", "valueFrom: {jsonPath: '{.a}'}", ""),
        ("steps: []", "valueFrom: {path: /o}", "source-here"),
        ("steps: []", "valueFrom: {expression: '1'}", ""),
        ("suspend: {}", "valueFrom: {supplied: {}}", ""),
        ("suspend: {}", "valueFrom: {supplied: {}, path: /x}", "two-sources"),
        ("container: {image: x}", "globalName: 'a b', value: v", "invalid-name"),
        ("container: {image: x}", "globalName: 'a-{{workflow.name}}', value: v", ""),
    ],
)
def test_sources_of_output_parameters(check, body, outputs, code):
    assert [f.partition(":")[0] for f in check(leaf(outputs, body))] == ([code] if code else [])


def test_artifacts_have_paths_in_leaves_only(check):
    text = "- name: main\n  %s\n  %s: {artifacts: [{name: a%s, raw: {data: x}}]}\n"
    assert check(text % ("container: {image: x}", "inputs", ", path: /a")) == []
    assert check(text % ("container: {image: x}", "inputs", ""))[0].startswith("no-path")
    assert check(text % ("container: {image: x}", "outputs", ""))[0].startswith("no-path")
    assert check(text % ("steps: []", "inputs", ", path: /a"))[0].startswith("path-here")
    assert check(text % ("steps: []", "outputs", ", path: /a"))[0].startswith("path-here")
    assert check(text % ("container: {image: x}", "inputs", ", path: /a, from: '{{inputs.artifacts.a}}'"))[
        0
    ].startswith("from-in-inputs")
    both = ", from: '{{inputs.artifacts.a}}', fromExpression: 'inputs.artifacts.a'"
    assert [f.partition(":")[0] for f in check(text % ("steps: []", "outputs", both))] == [
        "two-sources",
        "unknown-variable",
    ]


def test_nothing_is_mounted_twice(check):
    text = """
- name: main
  inputs: {artifacts: [{name: a, path: /a/, raw: {data: x}}]}
  container: {image: x, volumeMounts: [{name: v, mountPath: %s}, {name: v, mountPath: /c}]}
"""
    spec = "  volumes: [{name: v, emptyDir: {}}]\n"
    assert check(text % "/b", spec=spec) == []
    assert "already mounted in templates.main.container.volumeMounts[0].mountPath" in check(text % "/a", spec=spec)[0]
    assert check(text % "/c", spec=spec)[0].startswith("path-taken")


def test_volumes_that_are_mounted_are_declared(check):
    text = """
- name: main
  volumes: [{name: own, emptyDir: {}}]
  initContainers: [{name: i, image: x, volumeMounts: [{name: own, mountPath: /a}]}]
  container: {image: x, volumeMounts: [{name: shared, mountPath: /b}, {name: claim, mountPath: /c}, {name: "%s", mountPath: /d}]}
- name: more
  containerSet: {volumeMounts: [{name: shared, mountPath: /s}], containers: [{name: c, image: x, volumeMounts: [{name: gone, mountPath: /a}]}]}
- {name: last, script: {image: x, volumeMounts: [{name: claim, mountPath: /c}]}}
"""
    spec = "  volumes: [{name: shared, emptyDir: {}}]\n  volumeClaimTemplates: [{metadata: {name: claim}}]\n"
    assert check(text % "{{workflow.name}}", spec=spec, severity="warning", codes={"unknown-volume"}) == [
        "unknown-volume: templates.more: there is no volume 'gone' to mount"
    ]


def test_volumes_have_names_each_once(check):
    text = "- {name: main, container: {image: x}, volumes: [{name: a}, {name: a}, {emptyDir: {}}]}\n"
    assert len(check(text, severity="warning", codes={"volume"})) == 2


@pytest.mark.parametrize(
    ("containers", "code"),
    [
        ("[{name: a, image: x}, {name: b, image: x, dependencies: [a]}]", ""),
        ("[]", "no-containers"),
        ("[{image: x}]", "name-required"),
        ("[{name: a_b, image: x}]", "invalid-name"),
        ("[{name: a, image: x}, {name: a, image: x}]", "duplicate-name"),
        ("[{name: wait, image: x}]", "reserved-name"),
        ("[{name: a}]", "no-image"),
        ("[{name: a, image: x, dependencies: [z]}]", "unknown-dependency"),
        ("[{name: a, image: x, dependencies: [b]}, {name: b, image: x, dependencies: [a]}]", "cycle"),
    ],
)
def test_container_sets(check, containers, code):
    found = check(f"- name: main\n  containerSet: {{containers: {containers}}}\n")
    assert [f.partition(":")[0] for f in found] == ([code] if code else [])


def test_a_container_set_with_files_needs_a_container_main(check):
    text = "- name: main\n  containerSet: {containers: [{name: %s, image: x}]}\n  outputs: {artifacts: [{name: o, path: /o}]}\n"
    assert check(text % "main") == []
    assert 'a container named "main"' in check(text % "a")[0]
    text = "- name: main\n  containerSet: {containers: [{name: a, image: x}]}\n  inputs: {artifacts: [{name: o, path: /o, raw: {data: x}}]}\n"
    assert check(text)[0].startswith("no-main")


def test_sidecars_have_names_of_their_own(check):
    assert check("- {name: main, container: {image: x}, sidecars: [{image: z}]}\n")[0].startswith("name-required")
    assert check("- {name: main, container: {image: x}, sidecars: [{name: main, image: z}]}\n")[0].startswith(
        "reserved-name"
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("action: create, manifest: 'a: 1'", ""),
        ("action: make, manifest: 'a: 1'", "resource-action"),
        ("action: '{{workflow.name}}', manifest: 'a: 1'", ""),
        ("action: create, manifest: 'a: [1'", "manifest"),
        ("action: create, manifest: 'just words'", "manifest"),
        ("action: create, manifest: 'a: {{workflow.name}}: {'", ""),
        ("action: get", ""),
        ("action: create, manifest: 'a: 1', manifestFrom: {artifact: {name: m}}", "two-sources"),
        ("action: create, manifestFrom: {artifact: {name: m}}", ""),
        ("action: create, manifestFrom: {artifact: {name: z}}", "unknown-artifact"),
        ("action: create, manifestFrom: {}", "unknown-artifact"),
    ],
)
def test_resources(check, body, code):
    inputs = "inputs: {artifacts: [{name: m, path: /m, raw: {data: x}}]}"
    found = check(f"- name: main\n  {inputs}\n  resource: {{{body}}}\n")
    assert [f.partition(":")[0] for f in found] == ([code] if code else [])


def test_a_resource_to_create_has_a_manifest(check):
    assert check("- {name: main, resource: {action: create}}\n", severity="warning")[0].startswith("no-manifest")


@pytest.mark.parametrize(
    ("metric", "right"),
    [
        ("name: m_1, help: h, counter: {value: '1'}", True),
        ("name: m-1, help: h, counter: {value: '1'}", False),
        ("name: m, counter: {value: '1'}", False),
        ("name: m, help: h", False),
        ("name: m, help: h, counter: {value: '1'}, gauge: {value: '1'}", False),
        ("name: m, help: h, counter: {}", False),
        ("name: m, help: h, labels: [{key: a-b, value: x}], counter: {value: '1'}", False),
        ("name: m, help: h, gauge: {realtime: true, value: '{{resourcesDuration.cpu}}'}", False),
        ("name: m, help: h, gauge: {realtime: true, value: '{{duration}}'}", True),
        ("name: m, help: h, histogram: {value: '1', buckets: [1]}", True),
    ],
)
def test_metrics(check, metric, right):
    found = check(f"- name: main\n  container: {{image: x}}\n  metrics: {{prometheus: [{{{metric}}}]}}\n")
    assert (found == []) is right


def test_the_limit_and_factor_of_retries_are_whole_numbers_or_tags(check):
    """Otherwise the node would end in Error when it first fails."""
    text = "- name: main\n  suspend: {}\n  retryStrategy: {limit: %s, backoff: {duration: '1', factor: %s}}\n"
    assert check(text % ("'3'", "2"), severity="warning") == []
    assert check(text % ("'{{=1+1}}'", "'{{workflow.name}}'"), severity="warning") == []
    assert check(text % ("two", "'1.5'"), severity="warning") == [
        "not-a-number: templates.main retryStrategy.limit must be a whole number, it is 'two'",
        "not-a-number: templates.main retryStrategy.backoff.factor must be a whole number, it is '1.5'",
    ]


def test_retry_policies_exist_and_backoffs_can_be_read(check):
    text = "- {name: main, container: {image: x}, retryStrategy: {%s}}\n"
    assert check(text % "retryPolicy: Always, backoff: {duration: '1', factor: 2, maxDuration: 1m}") == []
    assert check(text % "retryPolicy: Sometimes") == [
        "retry-policy: templates.main Sometimes is not a valid RetryPolicy"
    ]
    assert check(text % "retryPolicy: '{{workflow.name}}'") == []
    warned = check(text % "backoff: {maxDuration: long}", severity="warning")
    assert len(warned) == 2


def test_locks_are_named_once(check):
    text = "- {name: main, container: {image: x}, synchronization: {%s}}\n"
    for locks, count in (
        ("mutexes: [{name: a}, {name: b}]", 0),
        ("mutexes: [{name: a}, {name: a}]", 1),
        ("mutexes: [{namespace: a}]", 1),
        ("semaphores: [{configMapKeyRef: {name: c, key: k}}, {database: {key: k}}]", 0),
        ("semaphores: [{configMapKeyRef: {name: c}}]", 1),
        ("semaphores: [{database: {key: k}}, {database: {key: k}}]", 1),
    ):
        assert len(check(text % locks, severity="warning", codes={"lock"})) == count, locks


def test_memoize_needs_a_key_and_a_cache(check):
    text = "- {name: main, container: {image: x}, memoize: {%s}}\n"
    assert check(text % "key: k, maxAge: 1h, cache: {configMap: {name: c}}", severity="warning") == []
    assert len(check(text % "maxAge: long", severity="warning")) == 3


def test_locations_have_what_their_store_needs(check):
    text = "- {name: main, container: {image: x}, archiveLocation: {%s}}\n"
    assert check(text % "git: {revision: x}")[0].startswith("no-repo")
    assert check(text % "hdfs: {addresses: [a]}")[0].startswith("no-path")
    assert check(text % "http: {headers: []}", severity="warning", codes={"no-url"}) != []


def test_a_pod_without_a_token_needs_an_account_for_the_executor(check):
    text = "- {name: main, container: {image: x}, automountServiceAccountToken: false%s}\n"
    assert check(text % "")[0].startswith("executor-account")
    assert check(text % ", executor: {serviceAccountName: a}") == []
    assert check(text % "", spec="  executor: {serviceAccountName: a}\n") == []


def test_durations_and_addresses_that_fail_at_run_time_are_warnings(check):
    assert check("- {name: main, suspend: {duration: long}}\n", severity="warning")[0].startswith("duration-text")
    assert check("- {name: main, http: {method: GET}}\n", severity="warning")[0].startswith("no-url")
    text = "- {name: main, inputs: {parameters: [{name: p, value: a, enum: []}]}, suspend: {}}\n"
    assert check(text, severity="warning")[0].startswith("empty-enum")
