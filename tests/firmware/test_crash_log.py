"""The crash log keeps the last errors, with where they came from, and never grows."""

import os
import sys

from smets.store import crash_log
from tests.firmware.power_cut import scratch, wipe


def failing(text):
    raise ValueError(text)


def note(folder, time_s, text):
    try:
        failing(text)
    except ValueError as error:
        crash_log.note(folder, time_s, error)


def told(folder):
    lines = []
    crash_log.tell(folder, lines.append)
    assert lines.pop() == ""
    return lines


def test_an_empty_log_is_one_empty_line():
    folder = scratch()
    assert told(folder) == []
    wipe(folder)


def test_errors_are_told_in_their_order_with_their_time():
    folder = scratch()
    note(folder, 5, "first")
    note(folder, 70, "second")
    lines = told(folder)
    assert [line for line in lines if line.startswith("---")] == ["--- 5", "--- 70"]
    assert [line for line in lines if line.startswith("ValueError")] == ["ValueError: first", "ValueError: second"]
    if hasattr(sys, "print_exception"):
        assert "in failing" in " ".join(lines)
    wipe(folder)


def test_the_newest_stay_and_the_flash_used_is_bounded():
    folder = scratch()
    for number in range(200):
        note(folder, number, "error " + "x" * (number % 50))
    assert sum([os.stat(folder + "/" + name)[6] for name in os.listdir(folder)]) <= 4200
    times = [int(line[4:]) for line in told(folder) if line.startswith("---")]
    # An entry holds the paths of this clone: their length is not the log's. The longest entry still leaves three.
    assert times[-1] == 199 and times == list(range(times[0], 200)) and len(times) >= 3
    wipe(folder)


def test_a_long_error_is_cut():
    folder = scratch()
    note(folder, 1, "y" * 5000)
    assert os.stat(folder + "/crash.log")[6] < 1000
    wipe(folder)
