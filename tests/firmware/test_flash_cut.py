"""Power cuts below the file system: littlefs on a block device in RAM, cut at every erase and program, torn too."""

import sys

from smets import on_demand
from smets.store.journal import Journal
from smets.store.segments import SegmentLog
from tests.firmware.skipping import SkipTest

MICROPYTHON = sys.implementation.name == "micropython"
BLOCK = 4096
BLOCKS = 40


class CutFlash:
    """A flash of 4 KB blocks and 256-byte pages that loses power at its `cut_at`th erase or program."""

    def __init__(self, cut_at=0, torn=False, image=None):
        self.image = image or bytearray(b"\xff" * (BLOCK * BLOCKS))
        self.steps, self.cut_at, self.torn = 0, cut_at, torn

    def readblocks(self, block, buffer, offset=0):
        start = block * BLOCK + offset
        buffer[:] = memoryview(self.image)[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        self._change(block * BLOCK + offset, buffer)

    def ioctl(self, operation, argument):
        if operation == 4:
            return BLOCKS
        if operation == 5:
            return BLOCK
        if operation == 6:
            self._change(argument * BLOCK, b"\xff" * BLOCK)
        return 0

    def _change(self, start, data):
        self.steps += 1
        if self.cut_at and self.steps >= self.cut_at:
            if self.torn and self.steps == self.cut_at:
                half = len(data) // 2
                self.image[start : start + half] = data[:half]
            raise OSError(5)  # no power, no answer: everything fails from here on
        self.image[start : start + len(data)] = data


def mount(flash, fresh=False):
    import vfs

    if fresh:
        vfs.VfsLfs2.mkfs(flash, progsize=256)
    vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/flash")


def unmount():
    import vfs

    vfs.umount("/flash")


def nothing():
    """Collect nothing."""


def until_cut(flash, work):
    """Run `work` on the flash until the power goes; return its ("begin", state) before and state after each change.

    Garbage is not collected meanwhile: with the power the RAM goes too, and nobody closes a file that failed once more.
    """
    states, cut, collect = [], False, on_demand.collect
    on_demand.collect = nothing
    mount(flash)
    try:
        for state in work():
            states.append(state)
    except OSError:
        cut = True
    finally:
        on_demand.collect = collect
    unmount()
    return states, cut


def journal_work():
    journal = Journal("/flash/j")
    state = {}
    try:
        for number in range(14):
            pairs = (
                ("counter", b"%04d" % number),
                ("profile", b"%04d" % number * 500),
                (f"k{number % 3}", b"v" * number),
            )
            state.update(dict(pairs))
            yield ("begin", dict(state))
            journal.put_many(pairs)
            yield dict(state)
    finally:
        journal.close()


def journal_state():
    journal = Journal("/flash/j")
    state = {key: journal.get(key) for key in journal.keys("")}
    journal.close()
    return state


def log_work():
    log = SegmentLog("/flash/l", "events", 10, 12, 4)
    state = []
    try:
        for number in range(30):
            state = [] if number == 17 else (state + [b"%010d" % number])[-12:]
            yield ("begin", list(state))
            if number == 17:
                log.clear()
            else:
                log.append(b"%010d" % number)
            yield list(state)
    finally:
        log.close()


def log_state():
    log = SegmentLog("/flash/l", "events", 10, 12, 4)
    buffer, state = bytearray(10), []
    for index in range(len(log)):
        log.read_into(index, buffer)
        state.append(bytes(buffer))
    log.close()
    return state


def cut_everywhere(work, read, empty, torn):
    formatted = CutFlash()
    mount(formatted, fresh=True)
    unmount()
    cut_at, cut = 0, True
    while cut:
        cut_at += 1
        flash = CutFlash(cut_at, torn, bytearray(formatted.image))
        states, cut = until_cut(flash, work)
        allowed = [empty]
        for state in states:
            allowed = allowed + [state[1]] if isinstance(state, tuple) else [state]
        again = CutFlash(image=flash.image)
        mount(again)
        found = read()
        unmount()
        assert found in allowed, (cut_at, torn, found, allowed)
    return cut_at


def needs_littlefs():
    if not MICROPYTHON:
        raise SkipTest("only MicroPython has VfsLfs2; test_journal and test_segments cut the writes here")


def test_the_journal_survives_every_cut_of_the_flash():
    needs_littlefs()
    assert cut_everywhere(journal_work, journal_state, {}, False) > 50
    cut_everywhere(journal_work, journal_state, {}, True)


def test_the_log_survives_every_cut_of_the_flash():
    needs_littlefs()
    assert cut_everywhere(log_work, log_state, [], False) > 50
    cut_everywhere(log_work, log_state, [], True)
