"""The watchdog is fed by rounds of the loop that left the journal in order, and by nothing else."""

from smets.roles.esme import Esme
from tests.firmware.power_cut import scratch, wipe


class Over(Exception):
    """The test has seen enough."""


class Stream:
    """A link on which nothing comes; after `rounds` of asking the test is over."""

    def __init__(self, rounds, before=None):
        self.rounds, self.before = rounds, before

    def readinto(self, buffer, timeout_ms):
        if not self.rounds:
            raise Over
        self.rounds -= 1
        if self.before:
            self.before(self.rounds)
        return 0

    def write(self, data):
        pass


class Watchdog:
    def __init__(self):
        self.fed = 0

    def feed(self):
        self.fed += 1


def run(device, watchdog):
    try:
        device.run(watchdog)
    except Over:
        return
    raise AssertionError("it ended by itself")


def test_each_round_feeds_it_once():
    watchdog, store = Watchdog(), scratch()
    run(Esme(Stream(5), store, prints_errors=False), watchdog)
    assert watchdog.fed == 5
    run(Esme(Stream(3), store, prints_errors=False), None)  # there need not be one
    wipe(store)


def test_a_journal_that_takes_nothing_starves_it_until_it_does():
    watchdog, stream, store = Watchdog(), Stream(9), scratch()
    device = Esme(stream, store, prints_errors=False)
    write = device.journal._files.write
    failing = []

    def refusing(handle, data):
        if failing:
            raise OSError(28)
        return write(handle, data)

    class Files:
        def __getattr__(self, name):
            return refusing if name == "write" else getattr(original, name)

    original = device.journal._files
    files = Files()
    for owner in (device.journal, device.journal._newest, device.journal._reader):
        owner._files = files

    def before(left):
        if left == 6:
            failing.append(True)
        if left == 2:
            failing.clear()
        if left in (6, 2):
            try:
                device.journal.put("test", b"value")
            except OSError:
                assert failing

    stream.before = before
    run(device, watchdog)
    assert watchdog.fed == 2 + 3  # rounds 8 and 7, then 2, 1 and 0
    wipe(store)
