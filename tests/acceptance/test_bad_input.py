"""Files that can't be run: each is refused with its place, the value seen, what is wrong and what to do, and nothing is left."""

import json
import os

import pytest
import yaml

GOOD = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  arguments:
    parameters:
      - {name: message, value: hi}
  templates:
    - name: main
      inputs: {parameters: [{name: message}]}
      container: {image: alpine, command: [sh, -c], args: ['echo "said {{inputs.parameters.message}}"']}
"""
CALLER = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: caller-}
spec:
  entrypoint: main
  templates:
    - name: main
      dag:
        tasks:
          - name: one
            template: whalesay
    - name: whale-say
      container: {image: alpine, command: ["true"]}
"""


def changed(old, new, text=GOOD):
    assert old in text
    return text.replace(old, new)


BAD = {
    # name: (text, what is said, the place of the first finding as line:column)
    "empty": ("", ["the file is empty", "kind: Workflow"], "1:1"),
    "only comments": ("# nothing yet\n", ["only comments", "kind: Workflow"], "1:1"),
    "an empty document": ("---\n", ["holds no document", "kind: Workflow"], "1:1"),
    "not YAML": ("spec: {entrypoint: [main\n", ["yaml-syntax", "',' or ']'"], "2:1"),
    "no mapping": ("hello world\n", ["'hello world'", "object"], "1:1"),
    "a list": ("[1, 2]\n", ["list", "object"], "1:1"),
    "a tab": (changed("  entrypoint", "\tentrypoint"), ["tab", "use spaces"], "5:1"),
    "duplicate keys": (
        changed("  entrypoint: main\n", "  entrypoint: main\n  entrypoint: main\n"),
        ["'entrypoint' is given twice", ":5:3: first given here"],
        "6:3",
    ),
    "two Workflows": (
        changed("generateName: hello-", "name: first") + "---\n" + changed("generateName: hello-", "name: second"),
        ["2 Workflows", "'first'", "'second'", ":2:1: the first one is here"],
        "15:1",
    ),
    "an unknown kind": (changed("Workflow\n", "Workflo\n"), ["'Workflo'", "did you mean 'Workflow'?"], "2:7"),
    "another kind": (changed("Workflow\n", "Deployment\n"), ["there is only Deployment", "kind: Workflow"], "2:1"),
    "no kind": (changed("kind: Workflow\n", ""), ["has no kind", "kind: Workflow"], "1:1"),
    "an unknown field": (
        changed("  entrypoint: main\n", "  entrypoint: main\n  paralelism: 3\n"),
        ['"spec.paralelism"', "did you mean 'parallelism'?"],
        "6:3",
    ),
    "an unknown field of a template": (
        changed("command: [sh, -c]", "comand: [sh, -c]"),
        ["spec.templates[0].container.comand", "did you mean 'command'?"],
        "12:34",
    ),
    "a wrong type": (changed("entrypoint: main", "entrypoint: [main]"), ["spec.entrypoint", "list"], "5:15"),
    "an unknown entrypoint": (changed("entrypoint: main", "entrypoint: mian"), ["'mian'", "'main'"], "5:15"),
    "an unknown template": (CALLER, ["whalesay", "did you mean 'whale-say'?", "one"], "11:23"),
    "a missing parameter": (
        changed("{name: message, value: hi}", "{name: message}"),
        ["message", "-p message=VALUE"],
        "8:9",
    ),
    "a missing argument": (
        changed("template: whalesay", "template: whale-say", CALLER).replace(
            "    - name: whale-say\n", "    - name: whale-say\n      inputs: {parameters: [{name: text}]}\n"
        ),
        ["text", "one"],
        "10:13",
    ),
    "an unknown variable": (
        changed("inputs.parameters.message}}", "inputs.parameters.mesage}}"),
        ["{{inputs.parameters.mesage}}", "message"],
        "12:",
    ),
    "no name": (changed("metadata: {generateName: hello-}\n", ""), ["metadata.name", "--name"], "1:1"),
    "a template of no type": (changed("      container:", "      # container:"), ["main"], "10:"),
    "a control character": (changed("hi}", '"\x1b[2Jhi"}'), ["U+001B"], "8:"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_place_and_nothing_is_left(agg, name):
    text, told, place = BAD[name]
    agg.file("bad.yaml", text)
    answer = agg("run", "bad.yaml", "-o", "json")
    assert answer.code == 3, answer
    assert answer.err.startswith(f"bad.yaml:{place}"), answer
    for words in told:
        assert words in answer.err, answer
    assert answer.err.splitlines()[-1].startswith("agg: error: "), answer
    assert "nothing was run" in answer.err
    assert not agg.home.exists(), "a refused file leaves nothing behind"
    assert "\x1b" not in answer.err
    # Whoever reads our output as JSON gets a Workflow that Failed, with the reason.
    status = answer.json["status"]
    assert (answer.json["kind"], status["phase"]) == ("Workflow", "Failed")
    assert status["message"].startswith("invalid spec: ")
    assert status["finishedAt"]


def test_a_file_that_is_not_there(agg):
    agg.file("deals.yaml", GOOD)
    answer = agg("run", "deal.yaml")
    assert answer.code == 1
    assert "deal.yaml: no such file" in answer.err
    assert "did you mean 'deals.yaml'?" in answer.err
    assert not agg.home.exists()
    (agg.folder / "other").mkdir()
    answer = agg("run", "other/nothing.yaml")
    assert answer.code == 1
    assert "other/nothing.yaml: no such file" in answer.err


def test_a_folder_is_no_file(agg):
    (agg.folder / "flows").mkdir()
    answer = agg("run", "flows")
    assert answer.code == 2
    assert "flows is a folder" in answer.err
    assert "agg run flows/FILE.yaml" in answer.err
    assert not agg.home.exists()


def test_bytes_that_are_no_text(agg):
    (agg.folder / "bad.yaml").write_bytes(b"\x7fELF\x02\x01\xd0\x1b[31mred" + bytes(range(256)))
    answer = agg("run", "bad.yaml")
    assert answer.code == 3
    assert answer.err.startswith("bad.yaml:1:7: error[yaml-encoding]: byte 6 (0xd0)"), answer
    assert "UTF-8" in answer.err
    assert "\x1b" not in answer.err, "a terminal obeys such bytes"
    assert "\x00" not in answer.err


def test_a_refused_workflow_is_one_document_in_yaml_too(agg):
    agg.file("bad.yaml", BAD["an unknown field"][0])
    answer = agg("run", "bad.yaml", "-o", "yaml")
    assert answer.code == 3, answer
    (document,) = yaml.safe_load_all(answer.out)
    assert document["status"]["phase"] == "Failed"
    assert agg("run", "bad.yaml").out == ""


def test_a_file_that_can_t_be_had_is_one_document_too(agg):
    answer = agg("run", "nothing.yaml", "-o", "json")
    assert answer.code == 1
    assert answer.json["status"]["phase"] == "Error"
    assert "no such file" in answer.json["status"]["message"]


def test_a_secret_in_a_bad_document_is_not_quoted(agg):
    secret = (
        "kind: Secret\napiVersion: v1\nmetadata: {name: s}\nstringData: {token: [hunter2hunter2], to ken: hunter3}\n"
    )
    agg.file("bad.yaml", GOOD + "---\n" + secret)
    answer = agg("run", "bad.yaml")
    assert answer.code in (2, 3), answer
    assert "hunter2" not in answer.err
    assert "hunter3" not in answer.err
    agg.file("bad.yaml", GOOD + "---\n" + secret.replace("stringData", "data").replace("[hunter2hunter2]", "hunter2!"))
    answer = agg("run", "bad.yaml")
    assert answer.code in (2, 3), answer
    assert "base64" in answer.err
    assert "hunter2" not in answer.err


def test_names_of_64_kilobytes_are_cut_where_they_are_shown(agg):
    long = "x" * 65536
    agg.file(
        "bad.yaml", GOOD.replace("name: main", f"name: {long}").replace("image: alpine", f"image: {long}, {long}: 1")
    )
    answer = agg("run", "bad.yaml")
    assert answer.code == 3, answer
    assert len(answer.err) < 10_000, len(answer.err)
    agg.file("long.yaml", GOOD.replace("generateName: hello-", f"name: {long}"))
    answer = agg("run", "long.yaml", "--progress", "none")
    assert answer.code == 3, answer
    assert len(answer.err) < 10_000
    assert "must not be more than 63 characters long (currently 65536)" in answer.err
    assert answer.err.startswith("long.yaml:3:18"), answer
    agg.file("long.yaml", GOOD.replace("generateName: hello-", f"generateName: {long}"))
    answer = agg("run", "long.yaml", "-o", "name")
    assert answer.code == 0, answer
    assert answer.out.startswith("x" * 200), "a very long generateName is cut so that its suffix fits"
    assert len(answer.out.strip()) == 205


@pytest.mark.parametrize("name", ["../../etc/x", "a b", "", "-x", "a\x1b[2J", "é", "x" * 64])
def test_names_that_can_t_be_names(agg, name):
    agg.file("hello.yaml", GOOD)
    answer = agg("run", "hello.yaml", f"--name={name}", "-o", "name")
    assert answer.code == (2 if name else 0), answer
    assert "\x1b" not in answer.err
    if name:
        assert "--name" in answer.err
        assert not agg.home.exists()
    agg.file("named.yaml", GOOD.replace("{generateName: hello-}", f"{{generateName: {json.dumps('../' + name)}}}"))
    answer = agg("run", "named.yaml")
    assert answer.code == 3, answer
    assert answer.err.startswith("named.yaml:3:26: error[bad-name]"), answer


def test_a_deep_nest_and_a_bomb_of_aliases_are_refused(agg):
    agg.file("deep.yaml", "a: " + "[" * 20_000)
    answer = agg("run", "deep.yaml")
    assert answer.code == 3, answer
    assert "deep.yaml:1:" in answer.err
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    agg.file("bomb.yaml", "\n".join(lines))
    answer = agg("run", "bomb.yaml")
    assert answer.code == 3, answer
    assert "bomb.yaml:" in answer.err


def test_a_file_that_others_own(nobody):
    nobody.file("mine.yaml", GOOD).chmod(0o600)
    answer = nobody("run", "mine.yaml")
    assert answer.code == 2, answer
    assert "mine.yaml" in answer.err
    assert "permission denied" in answer.err.lower()


def test_something_that_is_no_regular_file(agg):
    os.mkfifo(agg.folder / "pipe")
    (agg.folder / "loop").symlink_to("loop")
    answer = agg("run", "loop")
    assert answer.code in (1, 2)
    assert "loop" in answer.err
    answer = agg("run", "bad.yaml\n; rm -rf /")
    assert answer.code == 1
    answer = agg("run", "x" * 5000)
    assert answer.code in (1, 2), answer
    assert "too long" in answer.err
    answer = agg("run", "/dev/null")
    assert answer.code == 3
    assert "empty" in answer.err
