"""The environment of a leaf: what it inherits, what it must not, what the YAML sets, and what is too large."""

import json

import pytest

from aggregator.runtimes.process.environment import expand

SHOW = {"image": "python:3", "command": ["python", "-c", "import os, json; print(json.dumps(dict(os.environ)))"]}
OURS = {"PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "LC_TIME": "C", "TZ": "Asia/Tokyo", "HTTPS_PROXY": "http://p", "no_proxy": "x",
        "SSL_CERT_FILE": "/ca", "AGG_HOME": "/secret", "AGG_SECRET_A_B": "s", "OTHER": "1", "AWS_PROFILE": "mine", "AWS_ACCESS_KEY_ID": "AK"}  # fmt: skip


@pytest.fixture
def environment(leaf, secrets_of):
    def show(env=(), *, environ=OURS, secrets=None, config_maps=None, **container):
        options = {
            "environ": environ,
            "secrets": secrets_of(secrets, config_maps),
            "extra_env": container.pop("extra", {}),
        }
        ran = leaf(body={"container": {**SHOW, "env": list(env), **container}}, options=options)
        return json.loads(ran.result) if ran.outcome.phase == "Succeeded" else ran.outcome

    return show


def test_path_home_language_zone_proxies_and_certificates_pass_and_nothing_else_of_ours(environment):
    env = environment()
    for name in ("HOME", "LANG", "LC_TIME", "TZ", "HTTPS_PROXY", "no_proxy", "SSL_CERT_FILE"):
        assert env[name] == OURS[name]
    assert env["PATH"].endswith("/usr/bin:/bin")
    assert "OTHER" not in env
    assert not [name for name in env if name.startswith("AGG_")]


def test_our_aws_settings_pass_where_the_leaf_sets_no_key(environment):
    env = environment([{"name": "AWS_DEFAULT_REGION", "value": "eu-west-1"}])
    assert (env["AWS_PROFILE"], env["AWS_ACCESS_KEY_ID"], env["AWS_DEFAULT_REGION"]) == ("mine", "AK", "eu-west-1")


def test_a_leaf_with_its_own_aws_key_sees_neither_our_settings_nor_our_files(environment):
    own = [{"name": "AWS_ACCESS_KEY_ID", "value": "theirs"}]
    env = environment(own, extra={"AWS_ENDPOINT_URL": "http://sandbox", "AWS_SESSION_TOKEN": "ours"})
    assert {n: v for n, v in env.items() if n.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID": "theirs",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_ENDPOINT_URL": "http://sandbox",
    }


def test_the_yaml_wins_over_everything(environment):
    env = environment(
        [{"name": "TZ", "value": "UTC"}, {"name": "AWS_ENDPOINT_URL", "value": "mine"}],
        extra={"AWS_ENDPOINT_URL": "sandbox"},
    )
    assert (env["TZ"], env["AWS_ENDPOINT_URL"]) == ("UTC", "mine")


def test_without_a_path_of_ours_the_usual_one_is_given(environment):
    assert environment(environ={})["PATH"].endswith("/usr/sbin:/usr/bin:/sbin:/bin")


def test_values_may_name_those_before_them(environment):
    env = environment([
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)-$(C)-$$(A)-$A"},
        {"name": "C", "value": 3},
        {"name": "D"},
    ])  # fmt: skip
    assert (env["B"], env["C"], env["D"]) == ("1-$(C)-$(A)-$A", "3", "")


def test_command_and_arguments_may_name_variables_of_the_yaml(leaf):
    container = {
        "image": "x",
        "command": ["echo"],
        "args": ["$(A)", "$(HOME)", "$$(A)"],
        "env": [{"name": "A", "value": "a b"}],
    }
    assert leaf(body={"container": container}).result == "a b $(HOME) $(A)"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("$(A)", "1"),
        ("$$(A)", "$(A)"),
        ("kill $$", "kill $"),
        ("$(date +%s)", "$(date +%s)"),
        ("$(echo $(A))", "$(echo $(A))"),
        ("$(A", "$(A"),
        ("$A", "$A"),
        ("a$", "a$"),
    ],
)
def test_references_are_kubernetes_own_the_first_bracket_closes_and_unknown_names_stay(text, want):
    assert expand(text, {"A": "1"}) == want


def test_secrets_and_config_maps_give_single_values_and_whole_sets(environment):
    env = environment(
        [
            {"name": "K", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "x"}}},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "s", "key": "no", "optional": True}}},
            {"name": "NONE2", "valueFrom": {"configMapKeyRef": {"name": "no", "key": "no", "optional": True}}},
            {"name": "k2", "value": "later wins"},
        ],
        envFrom=[
            {"prefix": "P_", "secretRef": {"name": "s"}},
            {"configMapRef": {"name": "c"}},
            {"secretRef": {"name": "no", "optional": True}},
        ],
        secrets={"s": {"k": "v", "k2": "w"}},
        config_maps={"c": {"x": "y", "k2": "cm"}},
    )
    assert (env["K"], env["C"], env["P_k"], env["P_k2"], env["x"], env["k2"]) == ("v", "y", "v", "w", "y", "later wins")
    assert "NONE" not in env
    assert "NONE2" not in env


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"secretKeyRef": {"name": "s", "key": "nokey"}}, ["'nokey'", "'s'", "looked in the test"]),
        ({"configMapKeyRef": {"name": "c", "key": "nokey"}}, ["'nokey'", "'c'", "x"]),
        ({"configMapKeyRef": {"name": "nomap", "key": "k"}}, ["'nomap'", "looked in the test"]),
        ({"fieldRef": {"fieldPath": "spec.oddity"}}, ["spec.oddity", "metadata.name"]),
        ({"resourceFieldRef": {"resource": "cpu"}}, ["limits"]),
        ({}, []),
    ],
)
def test_a_value_that_is_nowhere_is_an_error_that_names_it(environment, source, words):
    if not source:
        source = {"somethingElse": {}}
    outcome = environment(
        [{"name": "VAR", "valueFrom": source}], secrets={"s": {"k": "v"}}, config_maps={"c": {"x": "y"}}
    )
    assert (outcome.phase, outcome.exit_code) == ("Error", None)
    assert "VAR" in outcome.message
    for word in words:
        assert word in outcome.message


@pytest.mark.parametrize("source", [{"secretRef": {"name": "gone"}}, {"configMapRef": {"name": "gone"}}])
def test_a_set_that_is_nowhere_is_an_error(environment, source):
    outcome = environment(envFrom=[source])
    assert outcome.phase == "Error"
    assert "gone" in outcome.message


def test_a_pod_can_ask_about_itself(environment):
    paths = [
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "status.podIP",
        "metadata.labels['workflows.argoproj.io/workflow']",
    ]
    env = environment(
        [{"name": f"F{n}", "valueFrom": {"fieldRef": {"fieldPath": path}}} for n, path in enumerate(paths)]
    )
    assert [env[f"F{n}"] for n in range(5)] == ["wf-t-0", "argo", "wf-0", "127.0.0.1", "wf"]


def test_a_container_can_ask_about_its_resources(environment):
    ask = [
        ("limits.memory", "1Mi", "512"),
        ("limits.cpu", "1m", "1500"),
        ("requests.cpu", None, "2"),
        ("requests.memory", None, "536870912"),
    ]
    env = environment(
        [
            {
                "name": f"R{n}",
                "valueFrom": {"resourceFieldRef": {"resource": resource, **({"divisor": unit} if unit else {})}},
            }
            for n, (resource, unit, _) in enumerate(ask)
        ],
        resources={"limits": {"memory": "512Mi", "cpu": "1500m"}},
    )
    assert [env[f"R{n}"] for n in range(4)] == [want for _, _, want in ask]


def test_a_variable_too_large_for_the_kernel_is_an_error_before_anything_starts(environment):
    outcome = environment([{"name": "RESULTS", "value": "x" * 200_000}])
    assert outcome.phase == "Error"
    for word in ("RESULTS", "200008", "131071", "artifact", "raw"):
        assert word in outcome.message


def test_the_largest_variable_that_the_kernel_takes_passes(environment):
    assert len(environment([{"name": "BIG", "value": "x" * (131071 - 4)}])["BIG"]) == 131067
    assert environment([{"name": "BIG", "value": "x" * (131072 - 4)}]).phase == "Error"


def test_an_argument_too_large_is_an_error(leaf):
    outcome = leaf(body={"container": {"image": "x", "command": ["echo"], "args": ["é" * 70_000]}}).outcome
    assert outcome.phase == "Error"
    assert "argument" in outcome.message
    assert "140000" in outcome.message


def test_many_variables_that_are_too_large_together_are_an_error(environment):
    outcome = environment([{"name": f"V{n}", "value": "x" * 120_000} for n in range(60)])
    assert outcome.phase == "Error"
    assert "ARG_MAX" in outcome.message
    assert "artifact" in outcome.message


@pytest.mark.parametrize(
    "item", [{"name": "A=B", "value": "x"}, {"name": "", "value": "x"}, {"name": "N", "value": "a\0b"}]
)
def test_what_no_process_can_be_given_is_an_error(environment, item):
    assert environment([item]).phase == "Error"
