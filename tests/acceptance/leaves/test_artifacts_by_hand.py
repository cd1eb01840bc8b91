"""Artifacts at the command line: `agg run -a` gives them, `agg cp` takes them; repositories that a workflow names."""

import json
import tarfile

import pytest
import yaml

PROCESS = {"AGG_RUNTIME": "process"}
TAKES = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: it}
spec:
  entrypoint: main
  ARGUMENTS
  templates:
  - name: main
    inputs: {artifacts: [{name: data, path: /tmp/data}]}
    script: {image: bash, command: [bash], source: "if [ -d /tmp/data ]; then cat /tmp/data/*; else cat /tmp/data; fi"}
"""


def takes(arguments=""):
    return TAKES.replace("ARGUMENTS", arguments)


@pytest.mark.parametrize("arguments", ["", "arguments: {artifacts: [{name: data, raw: {data: other}}]}"])
def test_a_file_is_given_as_an_input_artifact(agg, arguments):
    """Whether the workflow declares it as an argument, or only its entrypoint as an input."""
    agg.file("words.txt", "from a file\n")
    answer = agg("run", agg.file("w.yaml", takes(arguments)), "-a", "data=words.txt", "--log", env=PROCESS)
    assert answer.code == 0, answer
    assert "from a file" in answer.out


def test_a_folder_and_an_archive_arrive_as_they_are(agg, tmp_path):
    """An archive that somebody gives is their file: it is not unpacked."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "one").write_text("1\n")
    answer = agg("run", agg.file("w.yaml", takes()), "--artifact", "data=d", "--log", env=PROCESS)
    assert answer.code == 0, answer
    assert answer.out.splitlines()[0].endswith(": 1")
    with tarfile.open(tmp_path / "d.tgz", "w:gz") as archive:
        archive.add(tmp_path / "d", "d")
    text = takes().replace("if [ -d /tmp/data ]; then cat /tmp/data/*; else cat /tmp/data; fi", "tar -tzf /tmp/data")
    answer = agg("run", agg.file("v.yaml", text), "--name", "b", "-a", "data=d.tgz", "--log", env=PROCESS)
    assert answer.code == 0, answer
    assert "d/one" in answer.out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-a", "data"], "must be NAME=VALUE"),
        (["-a", "data=wrds.txt"], "did you mean 'words.txt'"),
        (["-a", "dta=words.txt"], "its artifacts are data"),
        (["-a", "data=words.txt", "-a", "data=words.txt"], "given more than once"),
    ],
)
def test_mistakes_are_told_before_anything_runs(agg, flags, words):
    agg.file("words.txt", "x")
    answer = agg("run", agg.file("w.yaml", takes()), *flags, env=PROCESS)
    assert answer.code == 2, answer
    assert words in answer.err


MAKES = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: it}
spec:
  entrypoint: main
  templates:
  - name: main
    steps: [[{name: one, template: one}, {name: two, template: two}]]
    outputs: {artifacts: [{name: best, from: "{{steps.one.outputs.artifacts.text}}"}]}
  - name: one
    script: {image: bash, command: [bash], source: "echo 1 > /tmp/t; mkdir -p /tmp/d/e; echo 2 > /tmp/d/e/f"}
    outputs:
      artifacts:
      - {name: text, path: /tmp/t, archive: {none: {}}}
      - {name: tree, path: /tmp/d, archive: {none: {}}}
  - name: two
    script: {image: bash, command: [bash], source: "echo 3 > /tmp/t2"}
    outputs: {artifacts: [{name: packed, path: /tmp/t2}]}
"""


@pytest.fixture
def made(agg):
    answer = agg("run", agg.file("w.yaml", MAKES), "-o", "json", env=PROCESS)
    assert answer.code == 0, answer
    return {n["displayName"]: n for n in answer.json["status"]["nodes"].values()}


def files(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_all_artifacts_are_copied_as_they_are_stored(agg, made, tmp_path):
    """To NAMESPACE/WORKFLOW/NODE/outputs/ARTIFACT; archives stay archives, folders are folders."""
    answer = agg("cp", "it", "out")
    assert answer.code == 0, answer
    one, two = (f"default/it/{made[name]['id']}/outputs" for name in ("one", "two"))
    found = files(tmp_path / "out")
    assert {f"{one}/text/t", f"{one}/tree/d/e/f", f"{two}/packed/packed.tgz"} <= found
    assert (tmp_path / "out" / one / "text/t").read_text() == "1\n"
    with tarfile.open(tmp_path / "out" / two / "packed/packed.tgz") as archive:
        assert archive.getnames() == ["t2"]


def test_artifacts_are_chosen_by_name_node_and_template(agg, made, tmp_path):
    assert agg("cp", "@latest", "a", "--artifact-name", "text", "--path", "{artifactName}").code == 0
    assert files(tmp_path / "a") == {"text/t"}
    assert agg("cp", "it", "b", "--node-id", made["two"]["id"], "--path", "{templateName}").code == 0
    assert files(tmp_path / "b") == {"two/packed.tgz"}
    assert agg("cp", "it", "c", "--template-name", "one", "--path", "{workflowName}/{templateName}").code == 0
    assert files(tmp_path / "c") == {"it/one/t", "it/one/d/e/f"}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--artifact-name", "nothing"], "has no such output artifact"),
        (["--node-id", "it-1"], "the run has no such node"),
        (["--path", "../{artifactName}"], "would leave the folder"),
    ],
)
def test_what_cannot_be_copied_is_told(agg, made, flags, words):
    answer = agg("cp", "it", "out", *flags)
    assert answer.code != 0
    assert words in answer.err


REPOSITORY = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: artifact-repositories
  annotations: {workflows.argoproj.io/default-artifact-repository: first}
data:
  first: |
    archiveLogs: true
    local: {path: FOLDER/first}
  second: |
    local: {path: FOLDER/second, keyFormat: "{{workflow.namespace}}/{{workflow.creationTimestamp.Y}}/{{node.name}}"}
"""


def writer(**spec):
    script = {"image": "bash", "command": ["bash"], "source": "echo 1 > /tmp/t"}
    template = {"name": "main", "script": script, "outputs": {"artifacts": [{"name": "t", "path": "/tmp/t"}]}}
    return yaml.safe_dump(
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": "it"},
            "spec": {"entrypoint": "main", "templates": [template], **spec},
        }
    )


def test_a_config_map_says_where_artifacts_go(agg, tmp_path):
    """Its annotation names the usual repository, artifactRepositoryRef another; keys are made by the key format."""
    agg.file("cm.yaml", REPOSITORY.replace("FOLDER", str(tmp_path)))
    assert agg("run", agg.file("w.yaml", writer()), "--with", "cm.yaml", env=PROCESS).code == 0
    assert files(tmp_path / "first") == {"it/it/t.tgz", "it/it/main.log"}
    reference = {"artifactRepositoryRef": {"key": "second"}}
    answer = agg(
        "run", agg.file("v.yaml", writer(**reference)), "--name", "b", "--with", "cm.yaml", "-o", "json", env=PROCESS
    )
    assert answer.code == 0, answer
    year = answer.json["metadata"]["creationTimestamp"][:4]
    assert files(tmp_path / "second") == {f"default/{year}/b/t.tgz"}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ({"configMap": "nobody"}, "ConfigMap 'nobody' not found"),
        ({"key": "secnd"}, "has no key 'secnd'; did you mean 'second'"),
    ],
)
def test_a_repository_that_is_not_there_is_an_invalid_workflow(agg, tmp_path, reference, words):
    agg.file("cm.yaml", REPOSITORY.replace("FOLDER", str(tmp_path)))
    text = writer(artifactRepositoryRef=reference)
    answer = agg("run", agg.file("w.yaml", text), "--with", "cm.yaml", env=PROCESS)
    assert answer.code == 3, answer
    assert words in answer.err


@pytest.mark.parametrize(
    ("template", "workflow", "repository", "kept"),
    [
        (None, None, None, False),
        (None, None, True, True),
        (None, False, True, False),
        (None, True, False, True),
        (False, True, True, False),
        (True, False, False, True),
    ],
)
def test_archive_logs_of_the_template_wins_over_the_workflows_and_that_over_the_repositorys(
    agg, tmp_path, template, workflow, repository, kept
):
    text = yaml.safe_load(writer(**({} if workflow is None else {"archiveLogs": workflow})))
    if template is not None:
        text["spec"]["templates"][0]["archiveLocation"] = {"archiveLogs": template}
    place = {"local": {"path": str(tmp_path / "store")}}
    if repository is not None:
        place["archiveLogs"] = repository
    env = {**PROCESS, "AGG_ARTIFACTS_REPOSITORY": json.dumps(place)}
    assert agg("run", agg.file("w.yaml", yaml.safe_dump(text)), env=env).code == 0
    assert ("it/it/main.log" in files(tmp_path / "store")) is kept
    assert "it/it/t.tgz" in files(tmp_path / "store")


def test_an_archive_location_completes_itself_from_the_repository(agg, tmp_path):
    """A template that only names a key gets the store of the repository."""
    text = yaml.safe_load(writer())
    text["spec"]["templates"][0]["archiveLocation"] = {"s3": {"key": "mine/{{pod.name}}"}}
    place = {"s3": {"bucket": "pile", "region": "us-east-1", "endpoint": "127.0.0.1:9", "insecure": True}}
    env = {
        **PROCESS,
        "AGG_ARTIFACTS_REPOSITORY": json.dumps(place),
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    answer = agg("run", agg.file("w.yaml", yaml.safe_dump(text)), env=env)
    assert answer.code == 1
    assert "s3://pile/mine/it/t.tgz" in answer.err
