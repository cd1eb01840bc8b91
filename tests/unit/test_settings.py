"""Settings: precedence, types, origins, and mistakes that are told with the place and the nearest name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import UsageError
from aggregator.settings import OPTIONS, Layer, PerCore, environment_layer, hide, resolve


def failure(*layers):
    with pytest.raises(UsageError) as caught:
        resolve(layers)
    assert caught.value.exit_code == 2
    return caught.value.message


def test_without_layers_every_option_has_its_default_and_says_so():
    settings = resolve()
    for name, option in OPTIONS.items():
        assert settings[name].origin == "default"
        if not isinstance(option.default, PerCore):
            assert settings[name].value == option.default


def test_max_parallel_grows_with_the_cores():
    assert resolve(cores=3).integer("max_parallel") == 12


def test_later_layers_win_and_each_value_knows_its_place():
    settings = resolve(
        [
            Layer("/home/me/config.toml", {"http": {"concurrency": 1}, "namespace": "one", "progress": "plain"}),
            Layer("agg.toml", {"http": {"concurrency": 2}, "namespace": "two"}),
            environment_layer({"AGG_HTTP_CONCURRENCY": "3", "PATH": "/bin"}),
            Layer("flags", {"http.concurrency": 4}, origins={"http.concurrency": "--http-concurrency"}),
        ]
    )
    assert settings.integer("http.concurrency") == 4
    assert settings["http.concurrency"].origin == "--http-concurrency"
    assert (settings.text("namespace"), settings["namespace"].origin) == ("two", "agg.toml")
    assert (settings.text("progress"), settings["progress"].origin) == ("plain", "/home/me/config.toml")


def test_the_environment_is_told_by_the_variables_name():
    settings = resolve([environment_layer({"AGG_PROCESS_ISOLATION": "none"})])
    assert settings["process.isolation"].origin == "environment AGG_PROCESS_ISOLATION"


def test_images_merge_pattern_by_pattern_and_know_their_places():
    settings = resolve(
        [
            Layer("a.toml", {"process": {"images": {"x:*": {"entrypoint": ["x"]}, "y:1": {"entrypoint": "y"}}}}),
            Layer("b.toml", {"process": {"images": {"x:*": {"path": ["bin"], "env": {"A": "1"}}}}}, folder="/proj"),
        ]
    )
    images = settings.table("process.images")
    assert images["x:*"] == {"entrypoint": [], "path": ["/proj/bin"], "env": {"A": "1"}}
    assert images["y:1"] == {"entrypoint": ["y"], "path": [], "env": {}}
    assert settings["process.images"].entries == {"x:*": "b.toml", "y:1": "a.toml"}
    assert ('process.images."x:*"', images["x:*"], "b.toml") in list(settings.rows())


@pytest.mark.parametrize(
    ("text", "seconds"), [("10", 10), ("1.5", 1.5), ("1m30s", 90), ("2h", 7200), ("250ms", 0.25), (" 5s ", 5)]
)
def test_a_duration_is_seconds_or_go_text(text, seconds):
    assert resolve([environment_layer({"AGG_PROCESS_GRACE": text})]).seconds("process.grace") == seconds


@pytest.mark.parametrize("word", ["1", "true", "YES", "on", " True "])
def test_the_words_for_yes_in_the_environment(word):
    assert resolve([environment_layer({"AGG_STRICT_ARGO": word})]).flag("strict_argo") is True


def test_paths_are_relative_to_the_file_that_names_them_and_tilde_is_the_users_folder():
    layer = Layer("f", {"secrets": {"folders": ["s", "/abs", "~/t"], "env_file": "e.env"}}, folder="/proj/")
    settings = resolve([layer], user_folder="/home/me")
    assert settings.paths("secrets.folders") == ("/proj/s", "/abs", "/home/me/t")
    assert settings.text("secrets.env_file") == "/proj/e.env"


def test_a_list_of_paths_in_the_environment_is_separated_by_colons():
    settings = resolve([environment_layer({"AGG_SECRETS_FOLDERS": "/a:b"}, "/cwd")])
    assert settings.paths("secrets.folders") == ("/a", "/cwd/b")


def test_a_table_in_the_environment_is_json():
    settings = resolve([environment_layer({"AGG_ARTIFACTS_REPOSITORY": '{"s3": {"bucket": "b"}}'})])
    assert settings.table("artifacts.repository") == {"s3": {"bucket": "b"}}


def test_an_empty_variable_counts_as_unset():
    assert resolve([environment_layer({"AGG_HOME": ""})])["home"].origin == "default"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"http": {"concurency": 3}}, ["http.concurency", "did you mean 'http.concurrency'"]),
        ({"htttp": {"concurrency": 3}}, ["htttp"]),
        ({"stict": True}, ["did you mean 'strict'"]),
        ({"http": {"concurrency": "64"}}, ["whole number", '"64"']),
        ({"http": {"concurrency": True}}, ["whole number"]),
        ({"http": {"concurrency": 0}}, ["at least 1"]),
        ({"http": 5}, ["no setting 'http'"]),
        ({"progress": "tre"}, ["auto, tree, plain, none", "did you mean 'tree'"]),
        ({"strict": "maybe"}, ["true or false"]),
        ({"strict": 1}, ["true or false"]),
        ({"namespace": 5}, ["must be a text"]),
        ({"home": 5}, ["must be a path"]),
        ({"process": {"grace": "soon"}}, ["1m30s", "soon"]),
        ({"process": {"grace": -1}}, ["1m30s"]),
        ({"process": {"grace": float("nan")}}, ["1m30s"]),
        ({"secrets": {"folders": "one"}}, ["list of paths"]),
        ({"secrets": {"folders": [1]}}, ["list of paths"]),
        ({"artifacts": {"repository": "s3"}}, ["must be a table"]),
        ({"process": {"images": {"x": "y"}}}, ["'x'", "entrypoint, path, env"]),
        ({"process": {"images": {"x": {"entrypoin": []}}}}, ["did you mean 'entrypoint'"]),
        ({"process": {"images": {"x": {"entrypoint": [1]}}}}, ["list of texts"]),
        ({"process": {"images": {"x": {"env": {"A": 1}}}}}, ["table of texts"]),
    ],
)
def test_a_mistake_says_the_place_what_was_expected_and_what_was_seen(values, words):
    message = failure(Layer("./agg.toml", values))
    for word in ["./agg.toml", *words]:
        assert word in message


def test_all_mistakes_are_told_at_once():
    message = failure(Layer("f", {"strict": 1, "nme": 2}), environment_layer({"AGG_MAX_PARALLEL": "many"}))
    assert len(message.splitlines()) == 3
    assert "environment AGG_MAX_PARALLEL" in message


def test_json_that_is_none_in_the_environment_is_told():
    assert "JSON object" in failure(environment_layer({"AGG_ARTIFACTS_REPOSITORY": "{"}))


def test_an_unknown_variable_warns_with_the_nearest_name_but_secrets_are_left_alone():
    settings = resolve(
        [environment_layer({"AGG_HTP_CONCURRENCY": "1", "AGG_SECRET_DB_PASSWORD": "x", "AGG_CORPUS": "/"})]
    )
    assert len(settings.warnings) == 1
    assert "AGG_HTTP_CONCURRENCY" in settings.warnings[0]


def test_what_looks_like_a_secret_is_never_shown_but_references_are():
    repository = {
        "s3": {
            "bucket": "b",
            "secretKey": "hunter2",
            "accessKeySecret": {"name": "aws", "key": "id"},
            "endpoint": "https://me:hunter2@store:9000/x",
        }
    }
    images = {"x": {"entrypoint": ["x"], "env": {"API_TOKEN": "hunter2", "LANG": "C"}}}
    settings = resolve([Layer("f", {"artifacts": {"repository": repository}, "process": {"images": images}})])
    shown = json.dumps(list(settings.rows()))
    assert "hunter2" not in shown
    assert '"name": "aws", "key": "id"' in shown
    assert "store:9000" in shown
    assert '"LANG": "C"' in shown
    assert settings.table("artifacts.repository") == repository, "only the display is masked"


def outcome(values, *, textual=False):
    try:
        return resolve([Layer("f", values, textual=textual)]), ""
    except UsageError as error:
        return None, error.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(OPTIONS)), JSON, st.booleans())
def test_any_value_for_any_option_is_taken_or_refused_with_a_usage_error(name, value, textual):
    settings, message = outcome({name: value}, textual=textual)
    if settings is None:
        assert name.partition(".")[0] in message
    else:
        assert settings[name].origin == "f"
        list(settings.rows())


@given(st.dictionaries(st.text(min_size=1, max_size=12), JSON, max_size=3))
def test_any_file_is_taken_or_refused_with_a_usage_error(values):
    settings, message = outcome(values)
    assert settings is not None or "f:" in message


@given(JSON)
def test_hiding_never_fails(value):
    hide("x", value)


def test_the_manual_lists_every_setting_with_its_type_default_variable_and_meaning():
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    told = {row[0].strip("`"): row[1:] for row in rows}
    wanted = {}
    for name, option in OPTIONS.items():
        kind = " / ".join(f"`{choice}`" for choice in option.choices) or option.type
        default = str(option.default) if isinstance(option.default, PerCore) else f"`{json.dumps(option.default)}`"
        wanted[name] = [kind, default, f"`{option.environment}`", option.help]
    assert told == wanted


@pytest.mark.parametrize("given", ["5", 5, 5.0, "5s"])
def test_seconds_may_be_a_number_or_a_text(given):
    assert resolve([Layer("f", {"process": {"grace": given}})]).seconds("process.grace") == 5.0
