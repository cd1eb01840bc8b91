"""The command line as a whole: help, version, unknown names, exit codes, crashes, and what the manual says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aggregator import __main__ as program
from aggregator import __version__, cli
from aggregator.cli import COMMANDS, load, typer_command
from aggregator.cli.connection import split_connection_flags
from aggregator.errors import EXIT_CODES, Diagnostic, EngineBug, InvalidWorkflow, LanguageError, StoreError
from aggregator.source import Source, Span

MANUAL = Path(__file__).parents[2] / "docs" / "cli.md"
VISIBLE = [command for command in COMMANDS.values() if not command.hidden]


def agg(*arguments, home, **environment):
    env = {name: value for name, value in os.environ.items() if not name.startswith("AGG_")}
    return subprocess.run(
        [sys.executable, "-m", "aggregator", *arguments],
        capture_output=True,
        text=True,
        env={**env, "AGG_HOME": str(home), **environment},
    )


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(arguments, tmp_path):
    done = agg(*arguments, home=tmp_path)
    assert done.returncode == 0
    for command in VISIBLE:
        assert re.search(rf"^  {command.name} +{re.escape(command.summary)}$", done.stdout, re.MULTILINE)
    assert "__complete" not in done.stdout


def test_help_imports_no_command_no_typer_and_no_engine():
    script = "import sys; from aggregator.__main__ import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    for name in ("typer", "aggregator.cli.run", "aggregator.engine", "msgspec", "yaml", "rich", "sqlite3", "asyncio"):
        assert f"'{name}'" not in done.stderr


@pytest.mark.parametrize("command", VISIBLE, ids=lambda command: command.name)
def test_every_command_has_help_of_its_own(command, tmp_path):
    for arguments in ([command.name, "--help"], ["help", command.name]):
        done = agg(*arguments, home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert f"Usage: agg {command.name}" in done.stdout
    assert not (tmp_path / "agg.db").exists()


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(flag, tmp_path):
    assert agg(flag, home=tmp_path).stdout.startswith(f"agg {__version__} ")
    assert agg("version", "--short", home=tmp_path).stdout == f"{__version__}\n"


def test_an_unknown_command_is_a_usage_error_with_the_nearest_name(tmp_path):
    done = agg("lisst", home=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "there is no command 'lisst'" in done.stderr
    assert "did you mean 'list'?" in done.stderr


def test_an_unknown_flag_is_a_usage_error_that_names_the_help(tmp_path):
    done = agg("list", "--runing", home=tmp_path)
    assert done.returncode == 2
    assert "--runing" in done.stderr
    assert "--running" in done.stderr
    assert "agg list --help" in done.stderr


def test_a_flag_before_the_command_that_is_none_is_told(tmp_path):
    done = agg("--hom", "list", home=tmp_path)
    assert done.returncode == 2
    assert "--home" in done.stderr


def test_namespace_home_and_config_may_stand_before_the_command(tmp_path):
    (tmp_path / "c.toml").write_text('namespace = "five"\n')
    done = agg(
        "--home", str(tmp_path / "h"), f"--config={tmp_path / 'c.toml'}", "config", "-o", "json", home="/nowhere"
    )
    assert str(tmp_path / "h") in done.stdout
    assert '"five"' in done.stdout


def test_flags_for_servers_and_clusters_are_ignored_with_one_warning(tmp_path):
    done = agg("list", "--kubeconfig", "x", "-s", "host:1", "-k", "--token=secret-token", home=tmp_path)
    assert done.returncode == 0
    assert done.stderr.count("warning") == 1
    assert "--kubeconfig, -s, -k, --token" in done.stderr
    assert "secret-token" not in done.stderr


def test_a_commands_own_flag_is_never_taken_for_a_servers():
    assert split_connection_flags(["-k", "x", "--user", "me", "--", "-s"], own={"-k"}) == (
        ["-k", "x", "--", "-s"],
        ["--user"],
    )


def test_output_to_a_reader_that_left_is_quiet(tmp_path):
    command = f"{sys.executable} -m aggregator schema | head -c 10"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, env={**os.environ, "AGG_HOME": str(tmp_path)}
    )
    assert len(done.stdout) == 10
    assert done.stderr == ""


@pytest.fixture
def crashing(monkeypatch, tmp_path):
    def run(error, home=None):
        def command(arguments):
            raise error

        monkeypatch.setenv("AGG_HOME", str(home or tmp_path / "home"))
        monkeypatch.setattr(cli, "main", command)
        return program.main(["run", "-p", "password=hunter2", "--token=hunter2"])

    return run


def test_an_unexpected_exception_is_70_with_a_short_report_and_the_traceback_in_a_private_file(
    crashing, tmp_path, capsys
):
    assert crashing(ZeroDivisionError("oh")) == 70
    told = capsys.readouterr().err
    assert "ZeroDivisionError: oh" in told
    assert "Traceback" not in told
    path = Path(re.search(r"the traceback is in (\S+)", told).group(1))
    assert path.is_relative_to(tmp_path / "home")
    text = path.read_text()
    assert "Traceback" in text
    assert "agg run -p --token" in text
    assert "hunter2" not in text
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_the_home_cannot_be_written_the_traceback_is_shown(crashing, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert crashing(ZeroDivisionError("oh"), home=tmp_path / "file") == 70
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_130_and_says_nothing(crashing, capsys):
    assert crashing(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == ""


def test_errors_are_told_with_message_and_hint(crashing, capsys):
    assert crashing(StoreError("the disk is full", hint="free some space")) == 1
    assert capsys.readouterr().err == "agg: error: the disk is full\n  hint: free some space\n"


def test_an_invalid_workflow_tells_every_finding_and_their_number(crashing, capsys):
    source = Source("f.yaml", "a: 1\nb: 2\n")
    findings = [
        Diagnostic("one", "first", Span(source, 0, 1), hint="do this"),
        Diagnostic("two", "second", Span(source, 5, 6)),
        Diagnostic("three", "third", severity="warning"),
    ]
    assert crashing(InvalidWorkflow(findings)) == 3
    told = capsys.readouterr().err
    for words in ("f.yaml:1:1: error[one]: first", "hint: do this", "f.yaml:2:1", "2 errors in the workflow"):
        assert words in told


def test_a_language_error_shows_the_text_with_a_caret(crashing, capsys):
    assert crashing(LanguageError("unknown name", text="1 +\n  foo + 2", start=6, end=9)) == 1
    assert capsys.readouterr().err.splitlines()[1:3] == ["    foo + 2", "    ^^^"]


def test_a_bug_of_the_engine_tells_the_nodes_story(crashing, capsys):
    assert crashing(EngineBug("answered twice", ["created", "ended"])) == 70
    told = capsys.readouterr().err
    assert "answered twice" in told
    assert "  created\n  ended\n" in told


def sections():
    """The manual's sections, by command."""
    _, *parts = re.split(r"^## `agg ([\w -]+)`$", MANUAL.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_manual_has_a_section_for_every_command_and_for_no_other():
    assert list(sections()) == [command.name for command in VISIBLE]


@pytest.mark.parametrize("command", VISIBLE, ids=lambda command: command.name)
def test_the_manual_names_every_flag_of_every_command(command):
    text = sections()[command.name]
    if command.flags:
        module, _, attribute = command.flags.partition(":")
        flags = set(getattr(__import__(module, fromlist=[attribute]), attribute))
    else:
        parser = typer_command(command, load(command))
        flags = {
            name
            for parameter in parser.params
            for name in [*parameter.opts, *parameter.secondary_opts]
            if name.startswith("-")
        }
    told = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", text))
    assert flags - told - {"--help", "-h", "--chunk-size", "--server-dry-run"} == set()


def test_the_manual_lists_the_exit_codes_as_they_are():
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", MANUAL.read_text(), re.MULTILINE)
    assert {int(code): text for code, text in rows} == EXIT_CODES
