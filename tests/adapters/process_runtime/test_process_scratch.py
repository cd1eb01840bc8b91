"""Folders that attempts work in are used again only as they were made: what a leaf left in them is never seen by another."""

from __future__ import annotations

import asyncio
import os

import pytest

from aggregator.runtimes.process.scratch import KEPT, Scratch, clear, own_stub


@pytest.fixture
def slot(tmp_path):
    scratch = Scratch(tmp_path / "scratch")
    taken = scratch.take()
    for name, mode in KEPT.items():
        (taken / name).mkdir()
        (taken / name).chmod(mode)
    return scratch, taken


def give(scratch, taken):
    asyncio.run(scratch.give(taken))
    assert scratch.take() == taken


def chain(taken):
    """The mount point under which a leaf sees its own folder in its own /tmp."""
    place = taken / "tmp" / own_stub(str(taken))
    place.mkdir(parents=True)
    for folder in (place, *place.parents):
        if folder == taken / "tmp":
            break
        folder.chmod(0o755)
    return place


def inode(path):
    return path.stat().st_ino


def test_folders_left_as_they_were_made_stay(slot):
    scratch, taken = slot
    before = inode(taken / "work"), inode(taken / "tmp")
    give(scratch, taken)
    assert (inode(taken / "work"), inode(taken / "tmp")) == before


def test_the_mount_point_of_the_slot_itself_stays_in_its_tmp(slot):
    scratch, taken = slot
    if not str(taken).startswith("/tmp/"):
        pytest.skip(f"the tests' folder {taken} is not below /tmp")
    place = chain(taken)
    before = inode(taken / "tmp")
    give(scratch, taken)
    assert place.is_dir()
    assert inode(taken / "tmp") == before


@pytest.mark.parametrize("left", ["work/file", "tmp/file", "tmp/folder/file", "other"])
def test_what_a_leaf_left_is_removed(slot, left):
    scratch, taken = slot
    (taken / left).parent.mkdir(parents=True, exist_ok=True)
    (taken / left).write_text("left")
    give(scratch, taken)
    assert not (taken / left).exists()


@pytest.mark.parametrize("where", ["", "beside"])
def test_what_a_leaf_left_around_the_mount_point_is_removed(slot, where):
    scratch, taken = slot
    if not str(taken).startswith("/tmp/"):
        pytest.skip(f"the tests' folder {taken} is not below /tmp")
    place = chain(taken)
    left = place.parent / where if where else place / "file"
    left.write_text("left")
    give(scratch, taken)
    assert not left.exists()
    assert not place.exists()


def test_a_folder_of_another_mode_is_not_used_again(slot):
    scratch, taken = slot
    (taken / "tmp").chmod(0o700)
    give(scratch, taken)
    assert not (taken / "tmp").exists()


def test_a_link_in_place_of_a_folder_is_removed_and_not_followed(slot, tmp_path):
    scratch, taken = slot
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("not the leaf's")
    os.rmdir(taken / "work")
    (taken / "work").symlink_to(outside)
    give(scratch, taken)
    assert not os.path.lexists(taken / "work")
    assert (outside / "file").read_text() == "not the leaf's"


def test_what_is_to_be_left_is_left(tmp_path):
    (tmp_path / "stdout").write_text("said")
    (tmp_path / "work").mkdir()
    asyncio.run(clear(tmp_path, kept={}, left=frozenset({"stdout"})))
    assert os.listdir(tmp_path) == ["stdout"]


def test_a_slot_outside_tmp_has_no_mount_point_in_a_leafs_tmp():
    assert own_stub("/var/lib/agg/scratch/1") == ""
    assert own_stub("/tmp/agg/scratch/1") == "agg/scratch/1"
