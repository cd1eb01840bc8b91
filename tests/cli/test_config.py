"""`agg config` and the reading of settings files: layers, places, and mistakes with exit code 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def agg(tmp_path):
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()

    def run(*arguments, **environment):
        env = {name: value for name, value in os.environ.items() if not name.startswith("AGG_")}
        return subprocess.run(
            [sys.executable, "-m", "aggregator", "config", *arguments],
            capture_output=True,
            text=True,
            cwd=project,
            env={**env, "AGG_HOME": str(home), "HOME": str(tmp_path), **environment},
        )

    run.home, run.project = home, project
    return run


def told(done):
    assert done.returncode == 0, done.stderr
    return {row["name"]: (row["value"], row["origin"]) for row in json.loads(done.stdout)}


def test_every_place_outranks_the_ones_before_it(agg):
    def names(*several):
        return "".join(f"[http]\nconcurrency = {number}\n" for number in several)

    assert told(agg("-o", "json"))["http.concurrency"] == (64, "default")
    (agg.home / "config.toml").write_text(names(1))
    assert told(agg("-o", "json"))["http.concurrency"] == (1, str(agg.home / "config.toml"))
    (agg.project / "agg.toml").write_text(names(2))
    assert told(agg("-o", "json"))["http.concurrency"] == (2, "./agg.toml")
    (agg.project / "more.toml").write_text(names(3))
    assert told(agg("-o", "json", "--config", "more.toml"))["http.concurrency"] == (3, "more.toml")
    assert told(agg("-o", "json", AGG_CONFIG="more.toml"))["http.concurrency"] == (3, "more.toml")
    done = agg("-o", "json", "--config", "more.toml", AGG_HTTP_CONCURRENCY="4")
    assert told(done)["http.concurrency"] == (4, "environment AGG_HTTP_CONCURRENCY")


def test_the_home_comes_from_the_flag_before_the_environment(agg, tmp_path):
    assert told(agg("-o", "json"))["home"] == (str(agg.home), "environment AGG_HOME")
    assert told(agg("-o", "json", "--home", str(tmp_path / "other")))["home"] == (
        str(tmp_path / "other"),
        "flag --home",
    )


def test_without_any_word_about_it_the_home_is_the_platforms_state_folder(agg, tmp_path):
    value, origin = told(agg("-o", "json", AGG_HOME="", XDG_STATE_HOME=str(tmp_path / "state")))["home"]
    assert (value, origin) == (str(tmp_path / "state" / "agg"), "default")


def test_paths_in_a_file_are_relative_to_that_file(agg):
    (agg.home / "config.toml").write_text('[secrets]\nfolders = ["s"]\nenv_file = "~/e"\n')
    rows = told(agg("-o", "json", "secrets"))
    assert rows["secrets.folders"][0] == [str(agg.home / "s")]
    assert rows["secrets.env_file"][0].endswith("/e")
    assert len(rows) == 2


def test_the_table_shows_name_value_and_place_and_entries_of_tables_one_by_one(agg):
    (agg.project / "agg.toml").write_text('[process.images."x:*"]\nentrypoint = ["x"]\nenv = {API_TOKEN = "hunter2"}\n')
    done = agg()
    assert done.stdout.splitlines()[0].split() == ["NAME", "VALUE", "FROM"]
    line = next(line for line in done.stdout.splitlines() if line.startswith('process.images."x:*"'))
    assert line.endswith("./agg.toml")
    assert "hunter2" not in done.stdout
    assert "***" in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[http]\nconcurency = 5\n", ["./agg.toml", "http.concurency", "did you mean 'http.concurrency'"]),
        ("[http\n", ["./agg.toml is not TOML", "line 1"]),
        ("\xff", ["not TOML"]),
        ("strict = 7\n", ["./agg.toml: strict must be true or false"]),
    ],
)
def test_a_mistake_in_a_file_is_exit_code_2_with_its_place(agg, text, words):
    (agg.project / "agg.toml").write_bytes(text.encode("latin-1"))
    done = agg()
    assert done.returncode == 2
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


def test_a_settings_file_that_is_not_there_is_told(agg):
    done = agg("--config", "nope.toml")
    assert done.returncode == 2
    assert "nope.toml: there is no such file" in done.stderr


def test_the_home_cannot_be_set_in_the_file_that_is_found_through_it(agg):
    (agg.home / "config.toml").write_text('home = "/x"\n')
    done = agg()
    assert done.returncode == 2
    assert "AGG_HOME" in done.stderr


def test_an_unknown_variable_is_a_warning(agg):
    done = agg(AGG_MAX_PARALEL="3")
    assert done.returncode == 0
    assert "did you mean 'AGG_MAX_PARALLEL'" in done.stderr


def test_an_unknown_name_is_told_with_the_nearest(agg):
    done = agg("max_paralel")
    assert done.returncode == 2
    assert "did you mean 'max_parallel'" in done.stderr
