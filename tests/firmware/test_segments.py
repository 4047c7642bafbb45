"""The segment log: the newest records, oldest first, at a flat cost, whatever the power does."""

import gc
import os
import sys

from smets.store.files import StoreCorrupt
from smets.store.segments import SegmentLog
from tests.firmware.power_cut import CutFiles, FailingFiles, PowerCut, QuickFiles, read_file, scratch, wipe, write_file
from tests.firmware.skipping import SkipTest

QUICK = QuickFiles()
SIZE = 12


def record(number):
    return b"%08d" % number + b"abcd"


def opened(directory, capacity=20, segment_records=6, files=QUICK):
    return SegmentLog(directory, "profile", SIZE, capacity, segment_records, files)


def content(log):
    buffer = bytearray(SIZE)
    found = []
    for index in range(len(log)):
        log.read_into(index, buffer)
        found.append(bytes(buffer))
    return found


def reopened(directory):
    log = opened(directory)
    try:
        return content(log)
    finally:
        log.close()


def test_the_newest_are_kept_oldest_first():
    directory = scratch()
    log = opened(directory)
    assert len(log) == 0
    for number in range(100):
        log.append(record(number))
        newest = [record(n) for n in range(max(0, number - 19), number + 1)]
        assert content(log) == newest
        assert len(os.listdir(directory)) <= 6
    log.close()
    assert reopened(directory) == newest
    wipe(directory)


def test_a_record_that_left_the_ring_stays_for_a_while_unless_it_was_cleared():
    directory = scratch()
    log = opened(directory)
    for number in range(61):
        log.append(record(number))
    oldest, buffer = log.oldest, bytearray(SIZE)
    assert oldest == 41
    for number in range(61, 69):
        log.append(record(number))
        log.close()
        log = opened(directory)
        for kept in range(oldest, number):
            log.read_into(kept - log.oldest, buffer)
            assert bytes(buffer) == record(kept)
    log.clear()
    for index in (-1, -8, 0):
        try:
            log.read_into(index, buffer)
        except IndexError:
            continue
        raise AssertionError(index)
    log.close()
    wipe(directory)


def test_logs_share_a_directory():
    directory = scratch()
    one, other = SegmentLog(directory, "event", 3, 5), SegmentLog(directory, "event2", 4, 5)
    one.append(b"abc")
    other.append(b"wxyz")
    assert (len(one), len(other)) == (1, 1)
    one.close()
    other.close()
    wipe(directory)


def test_wrong_sizes_and_missing_records():
    directory = scratch()
    log = opened(directory)
    log.append(record(1))
    for call, error in (
        (lambda: log.append(b"short"), ValueError),
        (lambda: log.read_into(1, bytearray(SIZE)), IndexError),
        (lambda: log.read_into(-1, bytearray(SIZE)), IndexError),
        (lambda: SegmentLog(directory, "x", 0, 5), ValueError),
        (lambda: SegmentLog(directory, "x", 5000, 5), ValueError),
        (lambda: SegmentLog(directory, "profile", 16, 20), StoreCorrupt),
    ):
        try:
            call()
        except error:
            pass
        else:
            raise AssertionError(error)
    assert content(log) == [record(1)]
    log.close()
    wipe(directory)


def test_clear_and_go_on():
    directory = scratch()
    log = opened(directory)
    for number in range(9):
        log.append(record(number))
    log.clear()
    log.clear()
    assert len(log) == 0 and reopened(directory) == []
    log.append(record(9))
    log.close()
    assert reopened(directory) == [record(9)]
    wipe(directory)


def run_until_cut(directory, files):
    """Append and clear; return the contents before and after the step that the cut fell into."""
    before, after = [], []
    try:
        log = opened(directory, files=files)
        for number in range(40):
            if number == 9 or number == 33:
                after = []
                log.clear()
            else:
                after = (before + [record(number)])[-20:]
                log.append(record(number))
            before = after
        log.close()
    except PowerCut:
        return before, after, True
    return before, after, False


def cut_everywhere(torn, blank):
    cut_at, cut = 0, True
    while cut:
        cut_at += 1
        directory = scratch()
        before, after, cut = run_until_cut(directory, CutFiles(cut_at, torn, blank))
        state = reopened(directory)
        assert state in (before, after), (cut_at, len(state), len(before))
        log = opened(directory)
        log.append(record(777))
        log.close()
        assert reopened(directory) == (state + [record(777)])[-20:], cut_at
        wipe(directory)
    return cut_at


def test_a_cut_before_every_write():
    assert cut_everywhere(0, b"") > 80


def test_a_cut_that_tears_every_write():
    cut_everywhere(5, b"")
    cut_everywhere(15, b"")


def test_a_cut_that_leaves_blank_space():
    cut_everywhere(0, b"\x00")
    cut_everywhere(5, b"\xff")


def test_a_full_flash_loses_nothing():
    for fail_at in range(1, 20):
        directory = scratch()
        files = FailingFiles(fail_at)
        log, kept = opened(directory, files=files), []
        for number in range(20):
            try:
                log.append(record(number))
                kept.append(record(number))
            except OSError:
                pass
        assert content(log) == kept
        files.full = False
        log.append(record(99))
        log.close()
        assert reopened(directory) == kept + [record(99)]
        wipe(directory)


def test_segments_of_any_record_size_and_capacity():
    for size, capacity in ((1, 1), (12, 100), (24, 500), (200, 100), (1024, 3)):
        directory = scratch()
        log = SegmentLog(directory, "log", size, capacity, files=QUICK)
        for number in range(capacity + 40):
            log.append(bytes((number & 255,)) * size)
        log.close()
        log = SegmentLog(directory, "log", size, capacity, files=QUICK)
        assert len(log) == capacity and len(os.listdir(directory)) <= 34
        buffer = bytearray(size)
        for index in (0, capacity - 1):
            log.read_into(index, buffer)
            assert bytes(buffer) == bytes(((40 + index) & 255,)) * size, (size, capacity, index)
        log.close()
        wipe(directory)


def what_fails(directory, number):
    """Open the log and read a record; return why that fails. Only the newest segment is looked into at once."""
    try:
        log = opened(directory)
        log.read_into(number, bytearray(SIZE))
    except StoreCorrupt as error:
        return str(error)
    return ""


def test_opening_costs_the_same_however_full_the_log_is():
    class CountedFiles(QuickFiles):
        opened = 0

        def open(self, path, mode):
            CountedFiles.opened += 1
            return QuickFiles.open(self, path, mode)

    directory, costs = scratch(), []
    log = opened(directory, 400, 16)
    for number in range(400):
        log.append(record(number))
        if number in (5, 100, 399):
            log.close()
            CountedFiles.opened = 0
            log = opened(directory, 400, 16, CountedFiles())
            costs.append(CountedFiles.opened)
    assert len(os.listdir(directory)) == 25 and costs[0] == costs[1] == costs[2], costs
    log.close()
    wipe(directory)


def test_what_was_appended_at_once_or_together_is_there():
    directory = scratch()
    log = opened(directory)
    for number in range(17):
        log.append(record(number), number % 5 == 4)
    log.sync()
    log.close()
    assert reopened(directory) == [record(number) for number in range(17)]
    wipe(directory)


def test_records_of_which_a_cut_left_nothing_but_their_length_do_not_count():
    for torn in range(1, 6):
        directory = scratch()
        log = opened(directory)
        for number in range(17):
            log.append(record(number), number < 12)
        log.sync()
        log.close()
        path = directory + "/profile.0000000c"
        good = read_file(path)
        write_file(path, good[: -16 * torn] + b"\xff" * 16 * torn)
        assert reopened(directory) == [record(number) for number in range(17 - torn)]
        log = opened(directory)
        log.append(record(777))
        log.close()
        assert reopened(directory) == [record(number) for number in range(17 - torn)] + [record(777)]
        wipe(directory)


def test_damage_is_told():
    directory = scratch()
    log = opened(directory)
    for number in range(20):
        log.append(record(number))
    log.close()
    path = directory + "/profile.00000006"
    good = read_file(path)
    damaged = bytearray(good)
    damaged[20 + 2 * (SIZE + 4)] ^= 1  # record 8: the others stay readable
    write_file(path, damaged)
    log = opened(directory)
    buffer = bytearray(SIZE)
    log.read_into(7, buffer)
    assert bytes(buffer) == record(7)
    try:
        log.read_into(8, buffer)
    except StoreCorrupt as error:
        assert "record 8" in str(error)
    else:
        raise AssertionError("a damaged record was returned")
    log.close()
    newest = directory + "/profile.00000012"
    for segment, number in ((path, 6), (newest, 18)):
        good = read_file(segment)
        for data, word in (
            (b"text" + good[4:], "not a log segment"),
            (good[:4] + b"\x09" + good[5:], "format 9"),
            (good[:9] + b"\x55" + good[10:], "damaged header"),
        ):
            write_file(segment, data)
            assert word in what_fails(directory, number)
            assert read_file(segment) == data
        write_file(segment, good)
    good = read_file(path)
    write_file(path, good[:-3])
    assert "lost records" in what_fails(directory, 6)
    log = opened(directory)
    log.read_into(5, buffer)  # the rest of the log can be read
    assert bytes(buffer) == record(5)
    log.close()
    write_file(path, good)
    write_file(directory + "/profile.notes", b"mine")
    try:
        opened(directory)
    except StoreCorrupt as error:
        assert "not a segment" in str(error)
    else:
        raise AssertionError("a foreign file was taken")
    wipe(directory)


def test_a_range_is_read_without_allocating():
    if sys.implementation.name != "micropython":
        raise SkipTest("CPython has no heap to lock; MicroPython proves it")
    import micropython

    directory = scratch()
    log = opened(directory, 200, 64)
    for number in range(200):
        log.append(record(number))
    buffer = bytearray(SIZE)
    log.read_into(0, buffer)
    total = 0
    micropython.heap_lock()
    try:
        for index in range(60):
            log.read_into(index, buffer)
            total += buffer[7]
    finally:
        micropython.heap_unlock()
    assert total
    log.close()
    wipe(directory)


def test_the_cost_is_flat_up_to_a_full_half_hourly_profile():
    directory = scratch()
    steps = CutFiles(0)
    log = SegmentLog(directory, "profile", SIZE, 19056, files=steps)
    gc.collect()
    most = 0
    for number in range(24000):
        before = steps.steps
        log.append(record(number))
        most = max(most, steps.steps - before)
    assert most <= 6, most  # a write and a sync; at a new segment its creation, header and sync, and one removal
    buffer = bytearray(SIZE)
    log.read_into(0, buffer)
    assert len(log) == 19056 and bytes(buffer) == record(24000 - 19056)
    log.close()
    wipe(directory)
