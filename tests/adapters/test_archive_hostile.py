"""Archives that are hostile or damaged are refused, and leave nothing behind."""

import gzip
import io
import os
import random
import tarfile
import zipfile

import pytest

from aggregator.artifacts.archive import pack, unpack
from aggregator.artifacts.extract import Limits
from aggregator.errors import StoreError

TAR = {"tar": {}}

ZIP = {"zip": {}}


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

HOSTILE = {
    "parent": [("../evil", FILE, b"x")],
    "inner parent": [("a/../../evil", FILE, b"x")],
    "absolute": [("/tmp/agg-evil", FILE, b"x")],
    "absolute link": [("d/l", LINK, "/etc/passwd")],
    "link out": [("d/l", LINK, "../../etc"), ("e", FILE, b"")],
    "link out of the only folder": [("d/l", LINK, "../x")],
    "link through link": [("x/y/l1", LINK, "../.."), ("l2", LINK, "x/y/l1/.."), ("f", FILE, b"")],
    "write through a link": [("d/l", LINK, ".."), ("d/l/f", FILE, b"x")],
    "only a link": [("l", LINK, "f")],
    "hard link out": [("h", HARD, "../evil"), ("f", FILE, b"")],
    "hard link to nothing": [("h", HARD, "f")],
    "hard link to a link": [("d/l", LINK, "f"), ("d/h", HARD, "d/l")],
    "device": [("d", tarfile.CHRTYPE, None)],
    "block device": [("d", tarfile.BLKTYPE, None)],
    "pipe": [("p", tarfile.FIFOTYPE, None)],
    "file and folder": [("d/f", FILE, b"x"), ("d", FILE, b"y")],
    "file as folder": [("d", FILE, b"y"), ("d/f", FILE, b"x")],
    "link to itself out": [("a/b", LINK, "../../a/b")],
}


@pytest.mark.parametrize("entries", HOSTILE.values(), ids=HOSTILE)
def test_hostile_tars_are_refused_and_leave_nothing(tmp_path, entries):
    folder = tmp_path / "room" / "in"
    folder.mkdir(parents=True)
    packed = tar_of(tmp_path / "packed", *entries)
    with pytest.raises(StoreError, match="refused"):
        unpack(packed, folder / "target", TAR)
    assert os.listdir(folder) == []
    assert os.listdir(tmp_path / "room") == ["in"]


@pytest.mark.parametrize(
    ("name", "mode", "data"),
    [
        ("../evil", 0o100644, b"x"),
        ("/abs", 0o100644, b"x"),
        ("d/l", 0o120777, b"/etc/passwd"),
        ("d/l", 0o120777, b"../../x"),
        ("p", 0o010644, b""),
        ("d/l", 0o120777, b"x" * 5000),
    ],
)
def test_hostile_zips_are_refused_and_leave_nothing(tmp_path, name, mode, data):
    with zipfile.ZipFile(tmp_path / "packed", "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = mode << 16
        archive.writestr(info, data)
    (tmp_path / "in").mkdir()
    with pytest.raises(StoreError, match="refused"):
        unpack(tmp_path / "packed", tmp_path / "in" / "target", ZIP)
    assert os.listdir(tmp_path / "in") == []


@pytest.mark.parametrize("method", ["tar", "zip"])
def test_bombs_are_refused_by_ratio_size_and_number(tmp_path, method):
    source = tmp_path / "zeros"
    source.write_bytes(b"\0" * 3_000_000)
    archive = {method: {}}
    for limits, words in (
        (Limits(ratio_from=1_000_000), "looks like a bomb"),
        (Limits(max_bytes=2_000_000), "more than 2000000 bytes"),
    ):
        with pytest.raises(StoreError, match=words):
            unpack(pack(source, tmp_path, archive), tmp_path / "t", archive, limits=limits)
        assert not (tmp_path / "t").exists()
    many = tmp_path / "many"
    many.mkdir()
    for i in range(5):
        (many / str(i)).write_text("")
    with pytest.raises(StoreError, match="more than 4 entries"):
        unpack(pack(many, tmp_path, archive), tmp_path / "t", archive, limits=Limits(max_entries=4))


def test_a_bomb_in_a_header_is_refused_too(tmp_path):
    info = tarfile.TarInfo("x")
    info.type = tarfile.XHDTYPE
    info.size = 50_000_000
    (tmp_path / "packed").write_bytes(gzip.compress(info.tobuf() + b"\0" * info.size))
    with pytest.raises(StoreError, match="looks like a bomb"):
        unpack(tmp_path / "packed", tmp_path / "t", TAR, limits=Limits(ratio_from=1_000_000))


def test_overlapping_zip_entries_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "packed", "w") as archive:
        archive.writestr("a", random.Random(1).randbytes(1000))
        info = archive.filelist[0]
        for name in "bcdef":
            twin = zipfile.ZipInfo(name)
            for field in ("header_offset", "compress_size", "file_size", "CRC"):
                setattr(twin, field, getattr(info, field))
            archive.filelist.append(twin)
            archive.NameToInfo[name] = twin
    with pytest.raises(StoreError, match="overlap"):
        unpack(tmp_path / "packed", tmp_path / "t", ZIP)


@pytest.mark.parametrize("method", ["tar", "zip"])
def test_damage_is_an_error_and_never_a_short_file(tmp_path, method):
    source = tmp_path / "source"
    source.write_bytes(random.Random(2).randbytes(100_000))
    archive = {method: {}}
    good = pack(source, tmp_path, archive).read_bytes()
    damaged = [good[: len(good) // 2], good[:-4], b"", b"text", good[:5000] + bytes([good[5000] ^ 1]) + good[5001:]]
    for data in damaged:
        (tmp_path / "packed").write_bytes(data)
        with pytest.raises(StoreError, match="can't unpack the artifact"):
            unpack(tmp_path / "packed", tmp_path / "t", archive)
        assert not (tmp_path / "t").exists()


def test_a_wrong_checksum_at_the_end_of_gzip_is_noticed(tmp_path):
    data = tar_of(tmp_path / "a", ("f", FILE, b"x" * 1000)).read_bytes()
    (tmp_path / "a").write_bytes(data[:-8] + bytes([data[-8] ^ 1]) + data[-7:])
    with pytest.raises(StoreError, match="CRC"):
        unpack(tmp_path / "a", tmp_path / "t", None)


def test_an_encrypted_zip_says_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "packed", "w") as archive:
        archive.writestr("f", "x")
        archive.filelist[0].flag_bits |= 1
    data = bytearray((tmp_path / "packed").read_bytes())
    data[6] |= 1
    (tmp_path / "packed").write_bytes(bytes(data))
    with pytest.raises(StoreError, match="encrypted"):
        unpack(tmp_path / "packed", tmp_path / "t", ZIP)
