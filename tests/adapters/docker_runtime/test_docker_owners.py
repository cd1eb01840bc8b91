"""Whose containers are leftovers: those of a process of this machine that has ended, whoever has its number now."""

import dataclasses
import os
import subprocess
import sys

from aggregator.app.engines import UNKNOWN, gone, owner


def ended():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_this_process_lives():
    assert not gone(owner())


def test_a_process_that_has_ended_is_gone():
    assert gone(dataclasses.replace(owner(), pid=ended()))


def test_another_process_with_the_same_number_is_another():
    assert gone(dataclasses.replace(owner(), born="another-boot:1"))


def test_of_another_machine_or_another_space_of_process_numbers_nothing_is_known():
    assert not gone(dataclasses.replace(owner(), pid=ended(), host="elsewhere/1"))


def test_where_births_are_not_told_a_number_in_use_counts_as_alive():
    assert not gone(dataclasses.replace(owner(), pid=os.getpid(), born=UNKNOWN))
    assert gone(dataclasses.replace(owner(), pid=ended(), born=UNKNOWN))
