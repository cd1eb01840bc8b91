"""`agg eval` as a real process: values, raw text, variables, errors with a caret, JSON lines, and the prompt."""

import json
import os
import subprocess
import sys
import time

import pytest

from aggregator.cli import eval_repl
from aggregator.cli.eval_values import from_json, to_json
from aggregator.errors import LanguageError


@pytest.fixture
def agg(tmp_path):
    def run(*arguments, stdin="", env=None):
        return subprocess.run(
            [sys.executable, "-m", "aggregator", "eval", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "AGG_HOME": str(tmp_path), "TZ": "UTC", **(env or {})},
        )

    return run


def test_values_are_printed_as_json_with_floats_apart(agg):
    done = agg("[1, 1.0, 'a', nil, 4/2, {b: true}]")
    assert (done.returncode, done.stdout) == (0, '[1,1.0,"a",null,2.0,{"b":true}]\n')


def test_raw_prints_strings_without_quotes(agg):
    assert agg("'a\\nb'", "-r").stdout == "a\nb\n"
    assert agg("1", "-r").stdout == "1\n"


def test_variables_from_json_a_file_and_the_command_line(agg, tmp_path):
    assert agg("inputs.parameters.n + x", "--env", '{"inputs.parameters.n": 2}', "-e", "x:=1.5").stdout == "3.5\n"
    file = tmp_path / "env.yaml"
    file.write_text("a: {b: [1, 2]}\nt: {$duration: 90s}\n")
    assert agg("t.Seconds() + a.b[1]", "--env", str(file)).stdout == "92.0\n"
    assert agg("x + 'y'", "-e", "x=1").stdout == '"1y"\n'


def test_hosts_are_looked_up_where_the_settings_allow_it(agg):
    """127.0.0.1 is its own address, so that no network is needed."""
    asking = "sprig.getHostByName('127.0.0.1')"
    refused = agg(asking)
    assert refused.returncode == 1
    assert "expressions.get_host_by_name" in refused.stderr
    assert agg(asking, "-r", env={"AGG_EXPRESSIONS_GET_HOST_BY_NAME": "true"}).stdout == "127.0.0.1\n"


def test_expression_from_stdin(agg):
    assert agg("-", stdin="1 +\n1\n").stdout == "2\n"
    assert agg(stdin="'x'").stdout == '"x"\n'


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (("--lang", "when", "{{s}} == Succeeded", "-e", "s=Succeeded"), "true\n"),
        (("--lang", "tag", "{{n}} {{=asInt(n)+1}}", "-e", "n=1", "-r"), "1 2\n"),
        (("--lang", "tag", "{{n}}", "--lenient", "-r"), "{{n}}\n"),
        (("--lang", "tag", "{{item}}", "-e", 'item:={"b":1,"a":2.5}', "-r"), '{"a":2.5,"b":1}\n'),
        (("--lang", "depends", "a.Failed && b", "-e", "a=Failed", "-e", "b=Skipped"), "true\n"),
        (("--lang", "depends", "a", "--env", '{"a":{"phase":"Failed","continueOn":{"failed":true}}}'), "true\n"),
    ],
)
def test_languages(agg, arguments, output):
    done = agg(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, output, "")


def test_an_error_shows_the_text_a_caret_and_the_nearest_name(agg):
    done = agg("1 + uper(x)", "-e", "x=a")
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("agg: error:")
    caret = next(i for i, line in enumerate(lines) if "^" in line)
    assert lines[caret - 1][lines[caret].index("^") :].startswith("uper")
    assert "upper" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--lang", "whem", "x"), "did you mean 'when'?"),
        (("x", "--env", "{"), "not JSON"),
        (("x", "--env", "[1]"), "can't read"),
        (("x", "--env", "/nowhere/x.json"), "can't read"),
        (("x", "-e", "novalue"), "KEY=VALUE"),
        (("x", "-e", "a:={"), "not JSON"),
    ],
)
def test_usage_errors(agg, arguments, told):
    done = agg(*arguments)
    assert done.returncode == 2
    assert told in done.stderr


def test_an_env_file_must_hold_an_object(agg, tmp_path):
    file = tmp_path / "env.yaml"
    file.write_text("- 1\n")
    assert agg("x", "--env", str(file)).returncode == 2
    file.write_text("a: [\n")
    assert "neither JSON nor YAML" in agg("x", "--env", str(file)).stderr


def test_a_depends_condition_needs_its_tasks(agg):
    done = agg("--lang", "depends", "alpa", "-e", "alpha=Failed")
    assert done.returncode == 1
    assert "did you mean 'alpha'?" in done.stderr
    assert agg("--lang", "depends", "a", "--env", '{"a": 1}').returncode == 1


def test_json_lines_are_answered_one_for_one_and_in_order(agg):
    requests = [
        {"lang": "expr", "expr": "x + 1", "env": {"x": 1}},
        {"lang": "expr", "expr": "x +", "env": {"x": 1}},
        {"lang": "argo", "expr": "sprig.upper('a')"},
        {"lang": "govaluate", "mode": "raw", "expr": "1 / 0"},
        {"lang": "govaluate", "mode": "cron", "expr": "a == a"},
        {"lang": "govaluate", "mode": "no", "expr": "a"},
        {"lang": "tag", "mode": "field", "text": "{{a}}", "map": {"a": "1"}, "allow_unresolved": False},
        {"lang": "tag", "mode": "raw", "text": "{{item.x}}", "map": {}, "strict_prefixes": ["item"]},
        {"lang": "tag", "mode": "validate", "text": "{{ a }}"},
        {"lang": "tag", "mode": "expand", "map": {"a.b": 1}},
        {"lang": "tag", "mode": "resolve_var", "text": "{{a}}", "map": {"a": 5}},
        {"lang": "tag", "mode": "what", "text": ""},
        {"lang": "jq", "expr": ".a", "data": {"a": 1}},
        {"lang": "k8s_jsonpath", "expr": "{.a}", "data": {"a": 1}},
        {"lang": "argo_jsonpath", "expr": "$.a", "data": {"a": 1}},
        {"lang": "selector", "expr": "a == 1", "data": {"a": 1}},
        {
            "lang": "depends",
            "expr": "a.AllFailed",
            "data": {"tasks": {"a": {"phase": "Failed", "children": ["Failed"]}}},
        },
        {"lang": "expr", "expr": "duration('1m')"},
        {"lang": "nothing", "expr": "1"},
        {"lang": "expr", "expr": 5},
        {"lang": "expr", "expr": "1", "env": [1]},
        {"lang": "expr", "expr": "(" * 10_000},
        {"lang": "argo", "expr": "toJson"},
        [1],
    ]
    lines = [*map(json.dumps, requests), "not json", "", '{"lang": "expr", "expr": "1.0"}']
    done = agg("--jsonl", stdin="\n".join(lines))
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(requests) + 2
    values = [a.get("value") if a["ok"] else "error" for a in answers]
    assert values == [
        2, "error", "A", {"$float": "+Inf"}, "error", "error", "1", "error", [" a "], {"a": {"b": 1}}, 5, "error",
        "1", "1", 1.0, True, True, {"$duration": "1m0s"}, "error", "error", "error", "error", "error", "error",
        "error", 1.0,
    ]  # fmt: skip
    assert isinstance(values[-1], float)
    assert isinstance(values[14], float)
    assert answers[1]["kind"] == "syntax"
    assert answers[1]["end"] > answers[1]["start"] >= 0
    assert answers[21]["limit"]
    assert not any(a.get("kind") == "bug" for a in answers)


def test_the_dollar_forms_go_both_ways():
    value = {
        "$float": [],
        "nan": {"$float": "NaN"},
        "d": {"$duration": "1h0m0s"},
        "t": {"$time": "2024-01-02T03:04:05Z"},
        "b": {"$bytes": "AP8="},
        "s": {"$bin": "aMM="},
        "m": {"$map": [[2, "x"], [True, "y"]]},
        "f": [1, 1.0],
    }
    text = to_json(from_json(value))
    assert json.loads(text) == {**value, "m": {"$map": [[2, "x"], [True, "y"]]}}
    assert '"f":[1,1.0]' in text


@pytest.mark.parametrize("value", [{"$time": "x"}, {"$duration": 5}, {"$float": "x"}, {"$bytes": "*"}, {"$map": [1]}])
def test_a_bad_dollar_form_is_told(value):
    with pytest.raises(LanguageError):
        from_json(value)


def test_functions_and_endless_values_have_no_json():
    with pytest.raises(LanguageError):
        to_json(len)
    deep = 1
    for _ in range(500):
        deep = [deep]
    with pytest.raises(LanguageError):
        to_json(deep)


class TestPrompt:
    def test_lines_and_commands(self):
        said = []
        prompt = eval_repl.Prompt("expr", {"a.b": "1"}, raw=False, write=said.append)
        for line in (
            "a.b + 'x'", ":set n=1", "n", ":set m:=[1.0]", "m", ":raw", "'t'", ":lang when", "x == x", ":lang no", ":what",
            ":env", ":help", "", "1 ==", ":set",
        ):  # fmt: skip
            assert prompt.line(line)
        assert not prompt.line(":quit")
        assert said[:5] == ['"1x"', '"1"', "[1.0]", "t", "true"]
        assert "there is no language" in said[5]
        assert "there is no command" in said[6]
        assert said[7] == '{"a.b":"1","m":[1.0],"n":"1"}'
        assert "quit" in said[8]
        assert "unexpected end" in said[9]
        assert "KEY=VALUE" in said[10]

    def test_completion_of_functions_variables_and_commands(self):
        from prompt_toolkit.completion import CompleteEvent
        from prompt_toolkit.document import Document

        names = eval_repl.Names({"inputs.parameters.x": "1"})

        def completed(text):
            return {c.text for c in names.get_completions(Document(text), CompleteEvent())}

        assert completed(":la") == {":lang"}
        assert completed("1 + fromJ") == {"fromJSON"}
        assert "sprig.upper" in completed("sprig.up")
        assert completed("inputs.pa") == {"inputs.parameters.x"}
        assert completed("1 + ") == set()

    @pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a Unix thing")
    def test_on_a_terminal_with_history(self, tmp_path):
        import pty

        parent, child = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "aggregator", "eval", "-e", "x=4"],
            stdin=child, stdout=child, stderr=child, env={**os.environ, "AGG_HOME": str(tmp_path), "TERM": "dumb"},
        )  # fmt: skip
        os.close(child)
        try:
            seen = b""
            os.write(parent, b"asInt(x) * 11\n:quit\n")
            deadline = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < deadline:
                try:
                    seen += os.read(parent, 65536)
                except OSError:
                    break
            process.wait(timeout=60)
        finally:
            process.kill()
            process.wait()
            os.close(parent)
        assert b"44" in seen
        assert "asInt(x) * 11" in (tmp_path / "eval_history").read_text()
