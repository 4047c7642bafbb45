"""Rows of half hours wait for their logs in the journal: none is lost or doubled, and a flash has little to do."""

import sys

from smets.meter.measurement import Measurement
from smets.store.damaged import DamagedLog
from smets.store.journal import Journal
from smets.store.segments import SegmentLog
from tests.firmware.meter_world import DAY_S, START_S, Stores, make_meter
from tests.firmware.power_cut import CutFiles, PowerCut, QuickFiles, scratch, wipe

HALF_HOUR_S = 1800
LOGS = ("import_profile", "export_profile", "reactive_profile", "voltage_1")
STRIDE = 61 if sys.implementation.name == "micropython" else 4  # of the writes at which the power is cut
POWERS = [500, 0, 3000, 120, 77, 2400, 1, 900, 650, 3100, 60, 2000, 10, 333, 800, 4000, 90, 1500, 700, 20]


class CountedFiles(QuickFiles):
    """Counts what is synchronised."""

    syncs = 0

    def sync(self, handle):
        self.syncs += 1
        QuickFiles.sync(self, handle)


class StumblingFiles(QuickFiles):
    """Fails with `error` at the `fail_at`th call and the ones after it, `times` in all; counts while `counts`."""

    def __init__(self, fail_at=0, times=1, error=OSError):
        self.calls, self.counts, self.noticed = 0, False, 0
        self._failing, self._error = range(fail_at, fail_at + times) if fail_at else (), error

    def _call(self):
        self.calls += self.counts
        if self.counts and self.calls in self._failing:
            raise self._error()

    def open(self, path, mode):
        self._call()
        return QuickFiles.open(self, path, mode)

    def write(self, handle, data):
        self._call()
        QuickFiles.write(self, handle, data)

    def sync(self, handle):
        self._call()
        QuickFiles.sync(self, handle)

    def remove(self, path):
        self._call()
        QuickFiles.remove(self, path)


class Device:
    """A meter on real stores that can be started again."""

    def __init__(self, files):
        self.folders = scratch(), scratch()
        self.meter = None
        self.start(files)

    def start(self, files):
        self.stop()

        def open_log(name, record_size, capacity):
            return SegmentLog(self.folders[1], name, record_size, capacity, files=files)

        self.meter = make_meter(journal=Journal(self.folders[0], files), stores=open_log)
        if self.meter.time_s < START_S:
            self.meter.write("clock.time_s", START_S)
            self.meter.commit(True)

    def live(self, until_s):
        """Live through the half hours of POWERS, from where the meter is."""
        while self.meter.time_s < until_s:
            number = (self.meter.time_s - START_S) // HALF_HOUR_S
            end_s = START_S + (number + 1) * HALF_HOUR_S
            self.meter.advance(end_s, Measurement(POWERS[number % len(POWERS)], 40, 8, 4, voltage_dv=(2300, 0, 0)))
            self.meter.logs.release()

    def stop(self):
        if self.meter:
            self.meter.logs.release()
            self.meter.journal.close()

    def close(self):
        self.stop()
        for folder in self.folders:
            wipe(folder)


def rows(meter, name):
    log = meter.log("logs." + name)
    return [log.row(place) for place in range(len(log))]


def expected(name, count):
    """Return the rows of so many half hours; of the first there are no profiles, for its beginning was not seen."""
    found = []
    for number in range(count):
        end_s = START_S + (number + 1) * HALF_HOUR_S
        values = {"import_profile": POWERS[number % len(POWERS)] // 2, "voltage_1": 230}
        if name == "import_profile":
            values[name] = (sum(POWERS[: number + 1]) // 2) - (sum(POWERS[:number]) // 2)
        found.append((end_s, values.get(name)))
    return found


def check(device, count):
    for name in LOGS:
        wanted = expected(name, count)[0 if name == "voltage_1" else 1 :]
        found = rows(device.meter, name)
        assert [row[0] for row in found] == [row[0] for row in wanted], name
        if name in ("import_profile", "voltage_1"):
            assert [row[:2] for row in found] == wanted, name


def test_whoever_reads_a_log_finds_all_of_its_rows():
    for count in (1, 7, 8, 9, 18):
        device = Device(QuickFiles())
        device.live(START_S + count * HALF_HOUR_S)
        check(device, count)
        device.live(START_S + 20 * HALF_HOUR_S)
        check(device, 20)
        device.close()


def test_whenever_the_power_goes_no_row_is_lost_or_doubled():
    whole, steps = Device(CutFiles(0)), 0
    files = CutFiles(0)
    whole.start(files)
    whole.live(START_S + 20 * HALF_HOUR_S)
    steps = files.steps
    whole.close()
    assert steps > 100
    for torn in (0, 7):
        for cut_at in range(1 + torn % 2, steps, STRIDE):
            device = Device(CutFiles(0))
            try:
                device.start(CutFiles(cut_at, torn))
                device.live(START_S + 20 * HALF_HOUR_S)
            except PowerCut:
                pass
            device.start(CutFiles(0))
            device.live(START_S + 20 * HALF_HOUR_S)
            check(device, 20)
            device.close()


def stumbling_life(files):
    """Live through the half hours, logs being read every three of them, and return the device."""
    device = Device(files)
    files.counts = True
    steps = (
        lambda: device.live(min(device.meter.time_s + 3 * HALF_HOUR_S, START_S + 20 * HALF_HOUR_S)),
        lambda: [device.meter.log("logs." + name) for name in ("import_profile", "voltage_1")],
        lambda: device.meter.release(),
    )
    while device.meter.time_s < START_S + 20 * HALF_HOUR_S:
        for step in steps:
            try:
                step()
            except (OSError, MemoryError):
                files.noticed += 1
    files.counts = False
    device.meter.commit()
    return device


def test_whatever_fails_no_row_is_lost_or_doubled():
    files = StumblingFiles()
    stumbling_life(files).close()
    assert files.calls > 500
    noticed = 0
    for times, error in ((1, OSError), (3, MemoryError)):
        for fail_at in range(times, files.calls, 5 * STRIDE):
            stumbling = StumblingFiles(fail_at, times, error)
            device = stumbling_life(stumbling)
            noticed += stumbling.noticed
            check(device, 20)
            device.start(QuickFiles())
            check(device, 20)
            device.close()
    assert noticed > files.calls // (10 * STRIDE)


def test_rows_of_short_periods_and_cleared_logs():
    stores = Stores()
    meter = make_meter(stores=stores)
    meter.write("voltage.measurement_period_s.0", 10)
    meter.advance(START_S + 3600, Measurement(voltage_dv=(2300, 0, 0)))
    assert [row[0] for row in rows(meter, "voltage_1")] == [START_S + 10 * each for each in range(1, 361)]
    assert max(len(value) for key, value in meter.journal.values.items() if key.startswith("rows/")) < 480
    meter.call("logs.clear_voltage_1", None)
    meter.advance(START_S + 3650, Measurement(voltage_dv=(2310, 0, 0)))
    assert rows(meter, "voltage_1") == [(START_S + 3600 + 10 * each, 231) for each in range(1, 6)]


def test_a_half_hour_synchronises_little():
    device, files = Device(QuickFiles()), CountedFiles()
    device.start(files)
    device.live(START_S + 4 * HALF_HOUR_S)
    files.syncs = 0
    device.live(START_S + 12 * HALF_HOUR_S)
    # of each half hour one transaction, and for it a file of 480 bytes is begun and another one ended; of eight of
    # them a row of each log together; one more file that is begun
    assert files.syncs <= 3 * 8 + len(LOGS) + 4, files.syncs
    device.close()


def test_a_damaged_log_holds_up_nothing():
    load = Measurement(1000, 0, 0, 0, voltage_dv=(2300, 0, 0))
    all_logs = LOGS + ("daily_consumption", "export_daily", "daily_read", "prepayment_daily")
    for bad in all_logs:
        whole = Stores()

        def opened(name, record_size, capacity, bad=bad, whole=whole):
            return DamagedLog() if name == bad else whole(name, record_size, capacity)

        meter = make_meter(stores=opened)
        for half_hour in range(2 * 48 + 10):
            meter.advance(START_S + (half_hour + 1) * HALF_HOUR_S, load)
            meter.release()
        assert meter.read("consumption.days_wh")[:2] == [24000, 24000], bad
        assert not meter.logs.kept and not meter.staged
        for name in all_logs:
            if name != bad:
                rows_of_name = 106 if name in LOGS else 2
                rows_of_name -= name in ("import_profile", "export_profile", "reactive_profile", "daily_consumption")
                assert len(rows(meter, name)) == rows_of_name, (bad, name)
        meter.write("payment.meter_balance_millipence", 5)
        meter.commit()
        again = make_meter(journal=meter.journal, stores=opened)
        assert again.time_s == START_S + 2 * DAY_S + 5 * 3600 and again.read("payment.meter_balance_millipence") == 5
