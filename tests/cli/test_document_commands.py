"""`agg convert`, `agg schema` and `agg compat`, and how the names on a command line become documents."""

import io
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from aggregator.cli import main
from aggregator.cli.documents import read_sources
from aggregator.errors import InvalidWorkflow, NotFound, UsageError

WORKFLOW = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: x-}
spec:
  entrypoint: a
  nodeSelector: {a: b}
  synchronization: {mutex: {name: q}}
  templates:
  - {name: a, container: {image: x}, archiveLocation: {plugin: {name: p, key: k}}, nodeSelector: {c: d}}
  - {name: b, suspend: {}, nodeSelector: {c: d}}
---
kind: ConfigMap
apiVersion: v1
data: {a: b}
---
kind: Service
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    return tmp_path


def stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def names(sources):
    return [source.name for source in sources]


# ----------------------------------------------------------------- documents


def test_a_folder_gives_its_yaml_and_json_files_in_order(folder):
    (folder / "sub").mkdir()
    for name in ("sub/z.yml", "sub/a.json", "readme.md"):
        (folder / name).write_text("a: 1")
    assert names(read_sources(["."])) == ["sub/a.json", "sub/z.yml", "w.yaml"]
    assert names(read_sources(["w.yaml", "."])) == ["w.yaml", "sub/a.json", "sub/z.yml"]


def test_globs_are_expanded_also_by_agg(folder):
    (folder / "v.yaml").write_text("a: 1")
    (folder / "dir.yaml").mkdir()
    assert names(read_sources(["*.yaml"])) == ["v.yaml", "w.yaml"]
    (folder / "odd[1].yaml").write_text("a: 1")
    assert names(read_sources(["odd[1].yaml"])) == ["odd[1].yaml"]


def test_a_dash_is_standard_input(monkeypatch):
    stdin(monkeypatch, b"a: 1")
    (source,) = read_sources(["-"])
    assert (source.name, source.text) == ("<stdin>", "a: 1")


def test_urls_are_fetched(stub_server):
    url, _ = stub_server(lambda _method, path: (200, {}, b"a: 1") if path == "/ok" else (404, {}, b""))
    (source,) = read_sources([f"{url}/ok"])
    assert (source.name, source.text) == (f"{url}/ok", "a: 1")
    with pytest.raises(NotFound, match="Not Found"):
        read_sources([f"{url}/missing"])


def test_a_url_that_nobody_answers_is_not_found():
    with pytest.raises(NotFound, match=r"127\.0\.0\.1:9"):
        read_sources(["http://127.0.0.1:9/x"])


def test_a_url_whose_answer_breaks_off_is_not_found(stub_server):
    url, _ = stub_server(lambda _method, _path: (200, {"Content-Length": "100"}, b"short"))
    with pytest.raises(NotFound):
        read_sources([f"{url}/x"])


def test_names_that_lead_nowhere_are_told(folder):
    (folder / "empty").mkdir()
    for name, words in (("no.yaml", "no such file"), ("*.none", "no file matches"), ("empty", "no .yaml")):
        with pytest.raises(NotFound, match=words):
            read_sources([name])


def test_a_file_that_is_no_text_is_refused(folder):
    (folder / "b.yaml").write_bytes(b"a: \xff")
    with pytest.raises(InvalidWorkflow, match="0xff"):
        read_sources(["b.yaml"])


def test_a_file_that_may_not_be_read_is_told(folder, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(UsageError, match="Permission denied"):
        read_sources(["w.yaml"])


def test_a_folder_that_came_in_the_place_of_a_file_is_told(folder, monkeypatch):
    (folder / "d.yaml").mkdir()
    monkeypatch.setattr("pathlib.Path.is_dir", lambda _path: False)
    with pytest.raises(UsageError, match="is a folder"):
        read_sources(["d.yaml"])


# ------------------------------------------------------------------ commands


def test_convert_writes_yaml_that_names_the_new_fields(folder, capsys):
    assert main(["convert", "w.yaml"]) == 0
    written = capsys.readouterr().out
    assert "mutexes:\n    - name: q\n" in written
    assert "mutex:" not in written


def test_convert_writes_json_and_lists_several_documents(folder, capsys, monkeypatch):
    stdin(monkeypatch, b"kind: Service\n---\nkind: CronWorkflow\nspec: {schedule: '* * * * *'}\n")
    assert main(["convert", "-o", "json", "w.yaml", "-"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert [item["kind"] for item in value["items"]] == ["Workflow", "ConfigMap", "Service", "Service", "CronWorkflow"]
    assert value["items"][-1]["spec"] == {"schedules": ["* * * * *"]}


def test_convert_refuses_what_is_not_yaml_and_writes_nothing(folder, capsys, monkeypatch):
    stdin(monkeypatch, b"a: [\n---\nb: @")
    with pytest.raises(InvalidWorkflow) as caught:
        main(["convert", "w.yaml", "-"])
    assert [d.code for d in caught.value.diagnostics] == ["yaml-syntax", "yaml-syntax"]
    assert capsys.readouterr().out == ""


def test_schema_prints_a_json_schema(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$schema"].startswith("https://json-schema.org/")


def test_compat_shows_what_has_no_effect_is_refused_or_retired(folder, capsys):
    assert main(["compat", "w.yaml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = [line.split(": ")[:2] for line in lines if line.startswith("  ")]
    assert ["  w.yaml:6:3", "spec.nodeSelector"] in shown
    assert ["  w.yaml:7:21", "spec.synchronization.mutex"] in shown
    assert any(path == "spec.templates[0].archiveLocation.plugin" for _, path in shown)
    assert not any(path == "spec.entrypoint" for _, path in shown)
    assert any(line.startswith("implemented (") for line in lines)


def test_compat_can_show_everything_or_json(folder, capsys):
    main(["compat", "--all", "w.yaml"])
    assert "  w.yaml:5:3: spec.entrypoint: " in capsys.readouterr().out
    main(["compat", "-o", "json", "w.yaml"])
    rows = json.loads(capsys.readouterr().out)
    assert {"field", "path", "verdict", "meaning", "where"} == set(rows[0])
    assert [row["path"] for row in rows if row["field"] == "Template.nodeSelector"] == [
        "spec.templates[0].nodeSelector"
    ]


def test_compat_refuses_an_invalid_document(folder):
    (folder / "bad.yaml").write_text(WORKFLOW.replace("entrypoint: a", "entrypoint: [a]"))
    with pytest.raises(InvalidWorkflow):
        main(["compat", "bad.yaml"])


def test_these_commands_load_no_adapter(folder):
    script = (
        "import sys; from aggregator.cli import main\n"
        "for line in (['compat', 'w.yaml'], ['convert', 'w.yaml'], ['schema']): main(line)\n"
        "found = sorted({'boto3', 'httpx', 'aiohttp', 'pyreqwest', 'asyncio', 'sqlite3'} & set(sys.modules))\n"
        "sys.exit(','.join(found) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ}, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
