"""boot.py: which firmware a device starts with, whatever the record of the slots says and wherever the power went."""

import os
import sys
from binascii import crc32

import boot

from tests.firmware.power_cut import scratch, write_file


def device(record=None, slots="ab"):
    """Return a store with these slots verified, and a record, with its CRC-32 when it is text."""
    store = scratch()
    os.mkdir(store + "/slots")
    for slot in slots:
        os.mkdir(store + "/slots/" + slot)
        write_file(store + "/slots/" + slot + "/verified", b"")
    if isinstance(record, str):
        record = record.encode() + crc32(record.encode()).to_bytes(4, "big")
    if record is not None:
        write_file(store + "/slots/boot", record)
    return store


def started(store):
    """Start once; return the slot's letter, None for the factory's files, and leave the module path as it was."""
    before = list(sys.path)
    folder = boot.choose(store)
    assert sys.path == ([folder + "/smets", folder] if folder else []) + before
    sys.path[:] = before
    return folder and folder[len(store + "/slots/") :]


def test_factory_files_without_slots():
    assert started(scratch()) is None
    assert started(device(None)) is None
    assert started(device("--I0")) is None


def test_active_slot_is_run():
    assert started(device("baI0")) == "b"
    assert started(device("aaC0")) == "a"
    assert started(device("abF0")) == "a"


def test_trial_is_bounded():
    store = device("abT3")
    assert boot.is_trial(store)
    assert [started(store) for _ in range(5)] == ["b", "b", "b", "a", "a"]
    assert boot.read_record(store) == "abF0" and not boot.is_trial(store)


def test_first_trial_falls_back_to_the_factory():
    store = device("-aT1")
    assert [started(store) for _ in range(3)] == ["a", None, None]


def test_damaged_record_and_missing_slot_start_the_factory():
    for record in (b"", b"ab", b"abI0\x00\x00\x00\x00", b"\xff" * 8, b"aaI0" + bytes(3)):
        assert started(device(record)) is None, record
    assert started(device("baI0", slots="a")) is None


def test_cut_while_a_start_is_counted():
    """The rename never happened: the start counts not, and the next one is the same."""
    store = device("-aT2")

    class Cut(Exception):
        pass

    class Os:
        stat = os.stat

        def rename(self, old, new):
            raise Cut

    boot.os = Os()
    try:
        started(store)
        raise AssertionError
    except Cut:
        pass
    finally:
        boot.os = os
    assert [started(store) for _ in range(3)] == ["a", "a", None]


class Machine:
    """A board's `machine` as far as starting goes; an RP2040 has no HARD_RESET."""

    PWRON_RESET, WDT_RESET = 1, 3

    def __init__(self, cause=PWRON_RESET):
        self.cause, self.resets = cause, 0

    def reset_cause(self):
        return self.cause

    def reset(self):
        self.resets += 1


def test_the_cause_of_a_start_is_what_the_board_says():
    store, machine = device(), Machine()
    assert boot.started_by(store, machine) == "supply"
    machine.cause = Machine.WDT_RESET
    assert boot.started_by(store, machine) == "watchdog"
    machine.cause, machine.HARD_RESET = 2, 2
    assert boot.started_by(store, machine) == "hardware"


def test_a_start_that_was_meant_is_no_trouble_once():
    store, machine = device(), Machine(Machine.WDT_RESET)  # an RP2040 says so after its own reset, too
    boot.start_again(store, machine)
    assert machine.resets == 1
    assert boot.started_by(store, machine) is None
    assert boot.started_by(store, machine) == "watchdog"


def test_a_flash_that_takes_nothing_keeps_no_board_from_starting_again():
    machine = Machine(Machine.WDT_RESET)
    boot.start_again(scratch() + "/missing", machine)
    assert machine.resets == 1 and boot.started_by(scratch() + "/missing", machine) == "watchdog"
