"""Disks that are full, folders that can't be written, databases that are damaged: said plainly, and nothing half-written passes."""

import json
import os
import shutil
import sqlite3
import subprocess

import pytest

HELLO = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  templates:
    - name: main
      outputs: {artifacts: [{name: made, path: /tmp/made, archive: {none: {}}}]}
      container: {image: alpine, command: [sh, -c], args: ['echo hello; head -c SIZE /dev/urandom > /tmp/made']}
"""
SMALL = HELLO.replace("SIZE", "10")
TALKER = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: talker-}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: alpine, command: [sh, -c], args: ['head -c 3000000 /dev/urandom | base64']}
"""


@pytest.fixture
def small_disk(agg):
    """The state folder on a disk of one megabyte."""
    disk = agg.folder / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no disk can be mounted here: {made.stderr}")
    agg.home = disk / "home"
    agg.environment["AGG_HOME"] = str(agg.home)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk):
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 1):
            while True:
                try:
                    if not file.write(bytes(size)):
                        break
                except OSError:
                    break
    return ballast


def test_a_disk_that_is_full_from_the_beginning(agg, small_disk):
    agg.file("hello.yaml", SMALL)
    ballast = fill(small_disk)
    answer = agg("run", "hello.yaml", "-o", "json")
    assert answer.code == 1, answer
    assert str(agg.home) in answer.err
    assert "the disk is full" in answer.err or "no space left" in answer.err
    assert "set AGG_HOME" in answer.err or "choose another folder" in answer.err
    assert answer.json["status"]["phase"] == "Error"
    ballast.unlink()
    answer = agg("run", "hello.yaml", "-o", "name")
    assert answer.code == 0, "what the first run left does no harm"
    assert len(agg("list", "-o", "name").out.split()) == 1


def test_a_leaf_that_prints_more_than_the_disk_holds(agg, small_disk):
    """Where the journal can't be kept, the run is given up; what was journaled is shown, and nothing else is claimed."""
    agg.file("talker.yaml", TALKER)
    answer = agg("run", "talker.yaml", "--name", "talker", "-o", "json")
    assert answer.code == 1, answer
    assert "the disk is full" in answer.err or "No space left" in answer.err, answer
    assert answer.json["metadata"]["name"] == "talker"
    assert answer.json["status"]["phase"] in ("Error", "Failed")
    assert "agg get talker" in answer.err
    shown = agg("get", "talker", "-o", "json")
    assert shown.code == 0, shown
    assert shown.json["status"]["phase"] != "Succeeded"
    (folder,) = (agg.home / "runs").iterdir()
    shutil.rmtree(folder)
    agg.file("hello.yaml", SMALL)
    again = agg("run", "hello.yaml", "-o", "name")
    assert again.code == 0, again


def test_an_artifact_that_does_not_fit(agg, small_disk):
    agg.file("hello.yaml", HELLO.replace("SIZE", "500000"))
    answer = agg("run", "hello.yaml", "--progress", "none")
    assert answer.code == 1, answer
    first = answer.err.splitlines()[-2]
    assert first.startswith("hello.yaml:7:7: "), answer
    assert "output artifact 'made': can't store" in first
    assert "the disk is full" in first
    stored = [path for path in (agg.home / "runs").glob("*/artifacts/**/*") if path.is_file()]
    assert stored == [], "no half of an artifact stays"


def test_attempts_whose_folder_can_t_be_made(agg, small_disk):
    """One leaf after the other fills the disk with folders; the run ends as Error, not as a bug."""
    agg.file(
        "many.yaml",
        SMALL.replace(
            "    - name: main\n",
            "    - name: main\n      steps: [[{name: a, template: one, withSequence: {count: 900}}]]\n    - name: one\n",
        ),
    )
    answer = agg("run", "many.yaml", "--progress", "none", "-o", "name")
    assert answer.code == 1, answer
    assert "the disk is full" in answer.err or "No space left" in answer.err, answer


def test_a_state_folder_that_is_a_file(agg):
    agg.file("hello.yaml", SMALL)
    agg.home.write_text("")
    answer = agg("run", "hello.yaml")
    assert answer.code == 2, answer
    assert f"{agg.home} is a file, but must be a folder" in answer.err
    assert "--home FOLDER" in answer.err


def test_a_state_folder_of_somebody_else(nobody):
    nobody.file("hello.yaml", SMALL)
    os.chown(nobody.home, 0, 0)
    os.chmod(nobody.home, 0o755)
    answer = nobody("run", "hello.yaml", "-o", "json")
    assert answer.code == 1, answer
    assert f"the folder {nobody.home} is not writable for user id 65534" in answer.err
    assert "--home FOLDER" in answer.err
    assert answer.json["status"]["phase"] == "Error"
    assert list(nobody.home.iterdir()) == []
    os.chmod(nobody.home, 0o700)
    answer = nobody("run", "hello.yaml")
    assert answer.code == 1, answer
    assert str(nobody.home) in answer.err
    answer = nobody("get", "@latest")
    assert answer.code == 1, answer
    assert str(nobody.home) in answer.err, answer


def test_a_state_folder_that_can_t_be_made(nobody):
    nobody.file("hello.yaml", SMALL)
    answer = nobody("run", "hello.yaml", "--home", "/proc/agg")
    assert answer.code == 1, answer
    assert "can't create the folder /proc/agg" in answer.err
    answer = nobody("run", "hello.yaml", "--home", "hello.yaml/below")
    assert answer.code == 2, answer
    assert "a part of its path is a file" in answer.err


def test_a_journal_that_can_only_be_read(agg, nobody):
    agg.file("hello.yaml", SMALL)
    nobody.file("hello.yaml", SMALL)
    assert agg("run", "hello.yaml", "--home", nobody.home, "--name", "theirs").code == 0
    os.chown(nobody.home / "agg.db", 0, 0)
    os.chmod(nobody.home / "agg.db", 0o644)
    for command in (["run", "hello.yaml"], ["get", "theirs"]):
        answer = nobody(*command)
        assert answer.code == 1, answer
        assert f"the journal {nobody.home}/agg.db is not readable and writable for this user" in answer.err, answer
        assert "set AGG_HOME" in answer.err


@pytest.fixture
def kept(agg):
    agg.file("hello.yaml", SMALL)
    assert agg("run", "hello.yaml", "--name", "kept").code == 0
    return agg


@pytest.mark.parametrize("damage", ["text", "cut", "torn", "other", "newer", "folder"])
def test_a_damaged_journal(kept, damage):
    """It is named with what is wrong and what helps; nothing is written over it."""
    path = kept.home / "agg.db"
    if damage == "text":
        path.write_text("this is no database" * 100)
    elif damage == "cut":
        os.truncate(path, 5000)
    elif damage == "torn":
        data = bytearray(path.read_bytes())
        data[200:] = b"\xff" * (len(data) - 200)
        path.write_bytes(data)
    elif damage == "other":
        path.unlink()
        with sqlite3.connect(path) as database:
            database.execute("create table songs (name text)")
        database.close()
    elif damage == "newer":
        database = sqlite3.connect(path)
        database.execute("pragma user_version = 999")
        database.close()
    else:
        path.unlink()
        path.mkdir()
    before = path.read_bytes() if path.is_file() else b""
    for command in (["run", "hello.yaml", "-o", "json"], ["get", "kept"]):
        answer = kept(*command)
        assert answer.code == 1, answer
        assert str(path) in answer.err, answer
        assert "hint:" in answer.err, answer
        if command[0] == "run":
            assert answer.json["status"]["phase"] == "Error"
    assert before == (path.read_bytes() if path.is_file() else b"")


def test_an_event_that_no_agg_wrote(kept):
    database = sqlite3.connect(kept.home / "agg.db")
    database.execute("update events set event = ? where id = (select max(id) from events)", (b'{"type":"Unheard"}',))
    database.commit()
    database.close()
    answer = kept("get", "kept")
    assert answer.code == 1, answer
    assert "kept" in answer.err
    assert "journal" in answer.err
    assert kept("list").code == 0


def test_two_runs_at_once_in_one_state_folder(agg):
    agg.file("hello.yaml", SMALL)
    both = [agg.start("run", "hello.yaml", "-o", "json", "--progress", "none") for _ in range(4)]
    names = set()
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        names.add(json.loads(out)["metadata"]["name"])
    assert len(names) == 4
    assert set(agg("list", "-o", "name").out.split()) == names


@pytest.mark.parametrize(
    "command", [["run", "hello.yaml", "-o", "json"], ["get", "kept", "-o", "json"], ["logs", "kept"], ["list"]]
)
def test_a_reader_that_leaves_early(kept, command):
    """`| head -1`: no traceback; the run goes on to its end all the same."""
    process = kept.start(*command)
    process.stdout.close()
    err = process.stderr.read()
    process.wait(60)
    process.stderr.close()
    assert process.returncode != 70, err
    assert "Traceback" not in err
    assert "Broken pipe" not in err
    if command[0] == "run":
        assert "Succeeded" in err
        assert kept("list").out.count("Succeeded") == 2


def test_no_output_at_all(kept):
    """Under a service manager that gives no streams."""
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            [*kept.command, "run", "hello.yaml", "-o", "json"], cwd=kept.folder, env=kept.environment,
            stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    assert process.returncode == 1, process.stderr
    assert "Traceback" not in process.stderr
    assert "standard output" in process.stderr
    assert kept("list").out.count("Succeeded") == 2


def test_streams_that_are_closed(kept):
    """As some service managers start programs: no stream's number goes to the journal's file."""
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        command = " ".join([*kept.command, "run", "hello.yaml", "-o", "name", closed])
        process = subprocess.run(
            ["sh", "-c", command], cwd=kept.folder, env=kept.environment, capture_output=True, text=True, timeout=60
        )
        assert process.returncode == 0, process
    assert kept("list").out.count("Succeeded") == 5
    assert not (kept.home / "crashes").exists()


def test_a_stream_that_takes_few_characters(kept):
    """A terminal of another language, or ASCII in a log collector: the rest is escaped, JSON stays JSON."""
    kept.file("hello.yaml", SMALL.replace("echo hello", 'echo "é…😀"'))
    environment = {"PYTHONIOENCODING": "ascii"}
    answer = kept("run", "hello.yaml", "-o", "json", env=environment)
    assert answer.code == 0, answer
    (arguments,) = answer.json["spec"]["templates"][0]["container"]["args"]
    assert "é…😀" in arguments
    assert kept("get", "@latest", env=environment).code == 0


def test_a_current_folder_that_is_gone(kept):
    command = f"mkdir gone; cd gone; rmdir ../gone; exec {' '.join(kept.command)} list"
    process = subprocess.run(
        ["sh", "-c", command], cwd=kept.folder, env=kept.environment, capture_output=True, text=True, timeout=60
    )
    assert process.returncode == 2, process
    assert "the current folder does not exist any more" in process.stderr
