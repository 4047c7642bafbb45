"""The journal: what is put is there, before or after a cut and never between, and damage is told, not formatted."""

import os

from smets.store.files import StoreCorrupt
from smets.store.journal import MAX_VALUE, Journal
from smets.store.records import RecordFile
from tests.firmware.power_cut import CutFiles, FailingFiles, PowerCut, QuickFiles, read_file, scratch, wipe, write_file

QUICK = QuickFiles()


def content(journal):
    return {key: journal.get(key) for key in journal.keys("")}


def reopened(directory):
    journal = Journal(directory, QUICK)
    try:
        return content(journal)
    finally:
        journal.close()


def refused(directory):
    try:
        Journal(directory, QUICK).close()
    except StoreCorrupt as error:
        return str(error)
    return ""


def only_file(directory):
    (name,) = os.listdir(directory)
    return directory + "/" + name


def test_values_survive_a_restart():
    directory = scratch()
    journal = Journal(directory)  # the real thing, with its syncs
    journal.put("a", b"1")
    journal.put("a", b"")
    journal.put("bb", bytes(MAX_VALUE))
    journal.put_many((("c/1", b"x"), ("c/2", b"y"), ("bb", None)))
    journal.delete("missing")
    assert content(journal) == {"a": b"", "c/1": b"x", "c/2": b"y"}
    assert journal.keys("c/") == ["c/1", "c/2"]
    assert journal.get("bb") is None
    journal.close()
    assert reopened(directory) == {"a": b"", "c/1": b"x", "c/2": b"y"}
    wipe(directory)


def test_a_missing_directory_is_made():
    directory = scratch()
    journal = Journal(directory + "/deeper", QUICK)
    journal.put("k", b"v")
    journal.close()
    assert reopened(directory + "/deeper") == {"k": b"v"}
    wipe(directory + "/deeper")
    os.rmdir(directory)


def test_sizes_out_of_range_are_refused_before_anything_is_written():
    directory = scratch()
    journal = Journal(directory, QUICK)
    for pairs in (
        (("ok", b"1"), ("", b"x")),
        (("ok", b"1"), ("k" * 25, b"")),
        (("ok", b"1"), ("k", bytes(MAX_VALUE + 1))),
    ):
        try:
            journal.put_many(pairs)
        except ValueError:
            pass
        else:
            raise AssertionError(pairs)
    assert journal.keys() == []
    journal.close()
    wipe(directory)


def transactions():
    """Enough of every kind of change to make the journal compact several times."""
    yield (("counter", b"\x00\x01"),)
    yield (("counter", b"\x00\x02"), ("cell", b"key" * 40), ("tariff", bytes(range(200))))
    yield (("cell", None), ("counter", b"\x00\x03"))
    for number in range(9):
        yield (
            ("profile", bytes((number,)) * 3000),
            ("counter", b"\x01" + bytes((number,))),
            (f"n{number % 3}", b"z"),
        )
    yield (("n0", None),)


def run_until_cut(directory, files):
    """Run the transactions; return the states before and after the one that the cut fell into."""
    before, after = {}, {}
    try:
        journal = Journal(directory, files)
        for pairs in transactions():
            after = dict(before)
            for key, value in pairs:
                after.pop(key, None)
                if value is not None:
                    after[key] = value
            journal.put_many(pairs)
            before = after
        journal.close()
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
        assert state in (before, after), (cut_at, sorted(state))
        journal = Journal(directory, QUICK)
        journal.put("next", b"works")
        journal.close()
        state["next"] = b"works"
        assert reopened(directory) == state, cut_at
        wipe(directory)
    return cut_at


def test_a_cut_before_every_write():
    assert cut_everywhere(0, b"") > 60


def test_a_cut_that_tears_every_write():
    cut_everywhere(1, b"")
    cut_everywhere(7, b"")


def test_a_cut_that_leaves_blank_space():
    cut_everywhere(5, b"\x00")
    cut_everywhere(5, b"\xff")


def test_a_second_cut_during_recovery():
    for second in range(1, 12):
        directory = scratch()
        before, after, cut = run_until_cut(directory, CutFiles(9, 4))
        assert cut
        try:
            journal = Journal(directory, CutFiles(second, 3))
            journal.put("counter", b"recovered")
        except PowerCut:
            pass
        state = reopened(directory)
        recovered = dict(before)
        recovered["counter"] = b"recovered"
        assert state in (before, after, recovered), (second, state)
        wipe(directory)


def test_a_full_flash_loses_nothing_and_room_lets_it_go_on():
    for fail_at in range(3, 40):
        directory = scratch()
        files = FailingFiles(fail_at)
        journal, kept = Journal(directory, files), {}
        failed = 0
        for number in range(8):
            try:
                journal.put_many((("a", bytes((number,))), ("b", bytes((number,)) * 3000)))
                kept = {"a": bytes((number,)), "b": bytes((number,)) * 3000}
            except OSError:
                failed += 1
                assert content(journal) == kept
        files.full = False
        assert failed or fail_at > 30
        journal.put("c", b"room again")
        kept["c"] = b"room again"
        assert content(journal) == kept
        journal.close()
        assert reopened(directory) == kept
        wipe(directory)


class ShortOfMemory(QuickFiles):
    """The heap is at its end at one of the writes."""

    def __init__(self, fail_at):
        self.left = fail_at

    def write(self, handle, data):
        self.left -= 1
        if not self.left:
            raise MemoryError()
        QuickFiles.write(self, handle, data)


class ClosedOnce(QuickFiles):
    """A file is not opened, once."""

    fails = False

    def open(self, path, mode):
        if self.fails:
            self.fails = False
            raise MemoryError()
        return QuickFiles.open(self, path, mode)


def test_a_file_that_was_not_opened_to_be_read_is_opened_the_next_time():
    directory, files = scratch(), ClosedOnce()
    journal = Journal(directory, files)
    for number in range(6):
        journal.put("key" + str(number), bytes((number,)) * 300)  # a file each
    journal.get("key0")
    files.fails = True
    try:
        journal.get("key2")
        raise AssertionError("it was opened")
    except MemoryError:
        pass
    assert journal.get("key0") == bytes(300) and journal.get("key2") == b"\x02" * 300
    journal.close()
    wipe(directory)


def test_a_put_that_finds_no_memory_leaves_no_trace():
    for fail_at in range(3, 30):
        directory = scratch()
        files = ShortOfMemory(fail_at)
        journal, kept, failed = Journal(directory, files), {}, 0
        for number in range(4):
            new = {"a": bytes((number,)), "new" + str(number): bytes(200)}
            try:
                journal.put_many(sorted(new.items()))
                kept.update(new)
            except MemoryError:
                failed += 1
            assert content(journal) == kept
        files.left = 0  # which never comes
        journal.delete("a")
        kept.pop("a", None)
        journal.put("b", b"memory again")
        kept["b"] = b"memory again"
        assert content(journal) == kept and failed <= 1
        journal.close()
        assert reopened(directory) == kept
        wipe(directory)


def test_any_damaged_bit_is_refused_or_costs_the_last_transaction_only():
    directory = scratch()
    journal = Journal(directory, QUICK)
    journal.put("first", b"one")
    journal.put_many((("second", b"two"), ("third", b"three")))
    before = content(journal)
    journal.put("last", b"four")
    after = content(journal)
    journal.close()
    path = only_file(directory)
    good = read_file(path)
    told = 0
    for position in range(len(good)):
        for bit in range(8):
            damaged = bytearray(good)
            damaged[position] ^= 1 << bit
            write_file(path, damaged)
            if refused(directory):
                told += 1
                assert read_file(path) == bytes(damaged) and len(os.listdir(directory)) == 1
            else:
                assert reopened(directory) in (before, after), (position, bit)
                assert position >= len(good) - 1  # only the very last byte can look like a cut
                os.remove(only_file(directory))
                path = directory + "/00000001.jnl"
    assert told >= 8 * (len(good) - 1)
    wipe(directory)


def filled(directory):
    """Fill a journal of several files and return its content."""
    journal = Journal(directory, QUICK)
    for number in range(60):
        journal.put_many(((f"key{number % 7}", b"%020d" % number), (f"other{number}", b"x")))
    state = content(journal)
    journal.close()
    assert len(os.listdir(directory)) > 5
    return state


def test_damage_in_an_older_part_is_always_refused():
    directory = scratch()
    state = filled(directory)
    path = directory + "/00000003.jnl"
    good = read_file(path)
    for position in range(len(good)):
        damaged = bytearray(good)
        damaged[position] ^= 1 << position % 8
        write_file(path, damaged)
        assert refused(directory), position
    for cut in (0, 5, 20, 40, len(good) - 1):
        write_file(path, good[:cut])
        assert refused(directory), cut
    os.remove(path)
    assert "missing" in refused(directory)
    write_file(path, good)
    assert reopened(directory) == state
    wipe(directory)


def test_the_newest_part_deleted_whole_is_missed():
    directory = scratch()
    state = filled(directory)
    newest = directory + "/" + sorted(os.listdir(directory))[-1]
    good = read_file(newest)
    os.remove(newest)
    assert "missing" in refused(directory)
    write_file(newest, good)
    assert reopened(directory) == state
    wipe(directory)


def test_a_part_that_does_not_follow_is_refused():
    directory = scratch()
    filled(directory)
    number = int(sorted(os.listdir(directory))[-1][:8], 16) + 1
    for base, end_before in ((2, 400), (1, 7)):
        stray = RecordFile(QUICK, f"{directory}/{number:08x}.jnl", number)
        stray.create(base, end_before)
        stray.append((("k", b"v"),))
        stray.close()
        assert "follow" in refused(directory) or "missing" in refused(directory), (base, refused(directory))
    wipe(directory)


def test_foreign_and_newer_files_are_refused_and_kept():
    directory = scratch()
    for name, data, word in (
        ("00000001.jnl", b"", "not a journal"),
        ("00000001.jnl", b"hello, this is a text file\n", "not a journal"),
        ("00000001.jnl", b"SMTJ\x02\x00\x00\x00" + bytes(16), "format 2"),
        ("00000001.jnl", b"SMTJ\x01\x00\x00\x00" + bytes(16), "damaged"),
        ("backup.jnl", b"x", "not a journal"),
    ):
        write_file(directory + "/" + name, data)
        assert word in refused(directory), (name, refused(directory))
        assert read_file(directory + "/" + name) == data
        os.remove(directory + "/" + name)
    wipe(directory)


def test_a_record_that_rots_while_open_is_not_returned():
    directory = scratch()
    journal = Journal(directory, QUICK)
    journal.put("k", b"value")
    path = only_file(directory)
    data = bytearray(read_file(path))
    data[-6] ^= 1
    write_file(path, data)
    try:
        journal.get("k")
    except StoreCorrupt as error:
        assert "damaged" in str(error)
    else:
        raise AssertionError("a damaged value was returned")
    journal.close()
    wipe(directory)


def test_the_file_stays_small_however_often_a_value_changes():
    directory = scratch()
    journal = Journal(directory, QUICK)
    journal.put("keep", b"k" * 100)
    for number in range(2000):
        journal.put("counter", b"%08d" % number)
    assert len(os.listdir(directory)) < 52
    assert sum([os.stat(directory + "/" + name)[6] for name in os.listdir(directory)]) < 40000
    assert content(journal) == {"keep": b"k" * 100, "counter": b"00001999"}
    journal.close()
    wipe(directory)
