"""Archives: what is packed comes back as it was."""

import gzip
import io
import os
import socket
import stat
import subprocess
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.artifacts import files
from aggregator.artifacts.archive import is_tar_gz, method_of, pack, packed_name, unpack
from aggregator.errors import StoreError

TAR = {"tar": {}}

ZIP = {"zip": {}}

NONE = {"none": {}}


def tree(path):
    """Everything below a path: kind, mode, and bytes or link target, by relative name."""
    found = {}
    for each in [path, *sorted(path.rglob("*"))]:
        name = each.relative_to(path).as_posix()
        if each.is_symlink():
            found[name] = ("link", os.readlink(each))
        elif each.is_dir():
            found[name] = ("folder", stat.S_IMODE(each.stat().st_mode))
        else:
            found[name] = ("file", stat.S_IMODE(each.stat().st_mode), each.read_bytes())
    return found


def sample(folder):
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "a.txt").write_text("hello\n")
    (folder / "sub" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "sub" / "run.sh").chmod(0o755)
    (folder / "sub" / "deep" / "bytes of ü").write_bytes(bytes(range(256)))
    (folder / "link").symlink_to("sub/run.sh")
    (folder / "sub" / "up").symlink_to("../a.txt")
    (folder / "sub" / "deep").chmod(0o750)
    return folder


def tar_of(path, *entries, mode="w:gz"):
    """A tar of (name, type, content or link target)."""
    with tarfile.open(path, mode) as tar:
        for name, kind, content in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mode = 0o644 if kind == tarfile.REGTYPE else 0o755
            data = content if isinstance(content, bytes) else b""
            info.size = len(data)
            if isinstance(content, str):
                info.linkname = content
            tar.addfile(info, io.BytesIO(data))
    return path


FILE, FOLDER, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


@pytest.mark.parametrize(
    "archive", [None, TAR, ZIP, {"tar": {"compressionLevel": 0}}, {"tar": {"compressionLevel": 9}}]
)
def test_a_folder_comes_back_as_it_was(tmp_path, archive):
    source = sample(tmp_path / "out")
    packed = pack(source, tmp_path, archive)
    assert packed == tmp_path / "packed"
    unpack(packed, tmp_path / "in" / "elsewhere", archive)
    assert tree(tmp_path / "in" / "elsewhere") == tree(source)
    assert not packed.exists()
    assert os.listdir(tmp_path / "in") == ["elsewhere"]


def test_names_that_are_no_text(tmp_path):
    source = tmp_path / "out"
    source.mkdir()
    (source / os.fsdecode(b"\xff\xfe")).write_text("x")
    unpack(pack(source, tmp_path, TAR), tmp_path / "t", TAR)
    assert tree(tmp_path / "t") == tree(source)
    with pytest.raises(StoreError, match="not UTF-8"):
        pack(source, tmp_path, ZIP)


@pytest.mark.parametrize("archive", [None, TAR, ZIP])
def test_a_file_comes_back_under_the_name_of_its_target(tmp_path, archive):
    (tmp_path / "result.json").write_text("{}")
    (tmp_path / "result.json").chmod(0o640)
    unpack(pack(tmp_path / "result.json", tmp_path, archive), tmp_path / "data", archive)
    assert (tmp_path / "data").read_text() == "{}"
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o640


def test_none_stores_the_file_itself(tmp_path):
    source = tmp_path / "f"
    source.write_text("x")
    assert pack(source, tmp_path, NONE) == source
    unpack(source, tmp_path / "target", NONE)
    assert (tmp_path / "target").read_text() == "x"


def test_names_of_what_is_stored():
    assert packed_name("art", "/tmp/out.json", None) == "art.tgz"
    assert packed_name("art", "/tmp/out.json", TAR) == "art.tgz"
    assert packed_name("art", "/tmp/out.json", ZIP) == "art.zip"
    assert packed_name("art", "/tmp/out.json", NONE) == "out.json"
    assert packed_name("art", "/", NONE) == "art"


def test_packing_is_the_same_each_time(tmp_path):
    source = sample(tmp_path / "out")
    first = pack(source, tmp_path, None).read_bytes()
    assert pack(source, tmp_path, None).read_bytes() == first


def test_a_gzipd_tar_is_recognised_and_nothing_else(tmp_path):
    tar = tar_of(tmp_path / "a", ("x", FILE, b"1"))
    assert is_tar_gz(tar)
    assert is_tar_gz(tar_of(tmp_path / "empty"))
    for name, data in {
        "plain": b"just text",
        "gz": gzip.compress(b"no tar" * 200),
        "short-gz": gzip.compress(b"x"),
        "cut": tar.read_bytes()[:12],
        "magic": b"\x1f\x8b" + b"\0" * 50,
        "nothing": b"",
    }.items():
        (tmp_path / name).write_bytes(data)
        assert not is_tar_gz(tmp_path / name)
        unpack(tmp_path / name, tmp_path / "target", None)
        assert (tmp_path / "target").read_bytes() == data


def test_told_none_an_archive_stays_one(tmp_path):
    tar = tar_of(tmp_path / "a", ("x", FILE, b"1"))
    unpack(tar, tmp_path / "target", NONE)
    assert is_tar_gz(tmp_path / "target")


def test_a_tar_of_gnu_tar_itself(tmp_path):
    source = sample(tmp_path / "out")
    subprocess.run(["tar", "czf", tmp_path / "a.tgz", "-C", source, "."], check=True)
    unpack(tmp_path / "a.tgz", tmp_path / "target", None)
    assert tree(tmp_path / "target") == tree(source)


def test_a_plain_tar_is_read_when_told(tmp_path):
    unpack(tar_of(tmp_path / "a", ("x", FILE, b"1"), mode="w"), tmp_path / "target", TAR)
    assert (tmp_path / "target").read_bytes() == b"1"


def test_one_top_entry_becomes_the_target_and_several_a_folder(tmp_path):
    unpack(tar_of(tmp_path / "a", ("one/x", FILE, b"1")), tmp_path / "t1", None)
    assert (tmp_path / "t1" / "x").read_bytes() == b"1"
    unpack(tar_of(tmp_path / "a", ("./", FOLDER, None), ("./x", FILE, b"1"), ("y", FILE, b"2")), tmp_path / "t2", None)
    assert {p.name for p in (tmp_path / "t2").iterdir()} == {"x", "y"}
    unpack(tar_of(tmp_path / "a"), tmp_path / "t3", None)
    assert list((tmp_path / "t3").iterdir()) == []


def test_what_stood_at_the_target_is_replaced(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "old").write_text("old")
    unpack(tar_of(tmp_path / "a", ("f", FILE, b"1")), target, None)
    assert target.read_bytes() == b"1"
    unpack(tar_of(tmp_path / "a", ("d/f", FILE, b"2")), target, None)
    assert (target / "f").read_bytes() == b"2"
    assert os.listdir(tmp_path) == ["target"]


def test_a_later_entry_of_the_same_name_wins_and_hard_links_are_copies(tmp_path):
    tar = tar_of(tmp_path / "a", ("d/f", FILE, b"1"), ("d/f", FILE, b"2"), ("d/h", HARD, "d/f"))
    unpack(tar, tmp_path / "t", None)
    assert (tmp_path / "t" / "f").read_bytes() == b"2"
    assert (tmp_path / "t" / "h").read_bytes() == b"2"


def test_a_folder_that_may_not_be_written_is_filled_and_moved(tmp_path):
    source = tmp_path / "out"
    (source / "locked").mkdir(parents=True)
    (source / "locked" / "f").write_text("x")
    (source / "locked").chmod(0o555)
    source.chmod(0o555)
    unpack(pack(source, tmp_path, None), tmp_path / "t", None)
    assert tree(tmp_path / "t") == tree(source)
    files.remove(tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_special_mode_bits_are_dropped(tmp_path):
    with tarfile.open(tmp_path / "a", "w:gz") as tar:
        info = tarfile.TarInfo("f")
        info.mode = 0o6777
        tar.addfile(info)
    unpack(tmp_path / "a", tmp_path / "t", None)
    assert stat.S_IMODE((tmp_path / "t").stat().st_mode) == 0o777


def test_sources_that_cannot_be_stored(tmp_path):
    with pytest.raises(StoreError, match="no such file"):
        pack(tmp_path / "absent", tmp_path, None)
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "out").symlink_to("/etc/passwd")
    for archive in (None, NONE):
        with pytest.raises(StoreError, match="outside of the artifact"):
            pack(tmp_path / "room" / "out", tmp_path, archive)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="a pipe, not a file"):
        pack(tmp_path / "pipe", tmp_path, None)


@pytest.mark.parametrize("archive", [TAR, ZIP])
@pytest.mark.parametrize("kind", ["socket", "pipe"])
def test_folders_that_hold_what_is_no_file(tmp_path, archive, kind, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()
    if kind == "pipe":
        os.mkfifo(folder / "x")
    else:
        monkeypatch.chdir(folder)  # a socket's path has to be short
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("x")
    with pytest.raises(StoreError, match="not a file"):
        pack(folder, tmp_path, archive)
    assert not (tmp_path / "packed").exists()
    assert [name for name in os.listdir(tmp_path) if name.endswith(".part")] == []


def test_a_link_as_the_artifact_is_the_file_it_points_at(tmp_path):
    (tmp_path / "v1").write_text("x")
    (tmp_path / "current").symlink_to("v1")
    for archive in (TAR, ZIP):
        unpack(pack(tmp_path / "current", tmp_path, archive), tmp_path / "t", archive)
        assert (tmp_path / "t").read_text() == "x"
        assert not (tmp_path / "t").is_symlink()


def test_settings_that_make_no_sense():
    with pytest.raises(StoreError, match="none and tar"):
        method_of({"none": {}, "tar": {}})
    assert method_of({"tar": None}) == ""


@pytest.mark.parametrize("level", [10, -3, "9"])
def test_compression_levels_that_are_none(tmp_path, level):
    (tmp_path / "f").write_text("x")
    with pytest.raises(StoreError, match="compressionLevel"):
        pack(tmp_path / "f", tmp_path, {"tar": {"compressionLevel": level}})


def test_modes_of_an_input(tmp_path):
    source = sample(tmp_path / "in")
    files.set_modes(source, 0o700)
    assert stat.S_IMODE(source.stat().st_mode) == 0o700
    assert stat.S_IMODE((source / "a.txt").stat().st_mode) == 0o644
    files.set_modes(source, 0o755, recurse=True)
    assert {value[1] for value in tree(source).values() if value[0] != "link"} == {0o755}
    files.set_modes(source, None, recurse=True)
    assert stat.S_IMODE(source.stat().st_mode) == 0o755


names = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) < 60
)


@settings(max_examples=25)
@given(
    st.dictionaries(
        names, st.binary(max_size=2000) | st.dictionaries(names, st.binary(max_size=50), max_size=3), max_size=5
    )
)
def test_any_tree_comes_back(tmp_path_factory, content):
    room = tmp_path_factory.mktemp("tree")
    source = room / "out"
    source.mkdir()
    for name, value in content.items():
        if isinstance(value, bytes):
            (source / name).write_bytes(value)
        else:
            (source / name).mkdir()
            for inner, data in value.items():
                (source / name / inner).write_bytes(data)
    for archive in (TAR, ZIP):
        unpack(pack(source, room, archive), room / "in", archive)
        assert tree(room / "in") == tree(source)
