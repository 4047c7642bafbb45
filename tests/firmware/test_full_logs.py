"""Logs that are full: the hundred newest rows stay, in order and on flash, after a restart and a clear too."""

from smets.store.segments import SegmentLog
from tests.firmware.memory_journal import MemoryJournal
from tests.firmware.meter_world import START_S, events, make_meter
from tests.firmware.power_cut import QuickFiles, scratch, wipe

CAPACITY = 100
LOG_CLEARED = 0x8F52
EVENT_LOG, SECURITY_LOG, POWER_EVENT_LOG = 4, 8, 16
FLAGS = {0x81C1: EVENT_LOG, 0x8F76: SECURITY_LOG, 0x8002: POWER_EVENT_LOG, LOG_CLEARED: 2}
LOGS = (("event", 0x81C1), ("security", 0x8F76), ("power_event", 0x8002))


def meter_in(directory, journal):
    """Return a meter whose logs are on flash; the same directory and journal make it start again."""
    return make_meter(
        journal=journal,
        stores=lambda name, size, capacity: SegmentLog(directory, name, size, capacity, None, QuickFiles()),
        flags_of=lambda code: FLAGS.get(code, 0),
    )


def times(meter, name):
    """Return the times of a log's rows, the oldest first."""
    found = [row[0] for row in meter.log("logs." + name).rows()]
    meter.logs.release()
    return found


def test_the_hundred_and_first_event_drops_the_oldest():
    directory, journal = scratch(), MemoryJournal()
    try:
        meter = meter_in(directory, journal)
        for second in range(CAPACITY):
            for _, code in LOGS:
                meter.record(code, time_s=START_S + second)
            meter.logs.append("auxiliary", (START_S + second, 0x8131, 1, second))
        for name in ("event", "security", "power_event", "auxiliary"):
            assert times(meter, name) == list(range(START_S, START_S + CAPACITY)), name
        for _, code in LOGS:
            meter.record(code, time_s=START_S + CAPACITY)
        meter.logs.append("auxiliary", (START_S + CAPACITY, 0x8131, 1, CAPACITY))
        for each in (meter, meter_in(directory, journal)):
            for name in ("event", "security", "power_event", "auxiliary"):
                assert times(each, name) == list(range(START_S + 1, START_S + CAPACITY + 1)), name
    finally:
        wipe(directory)


def test_a_full_log_is_cleared_alone_and_takes_rows_again():
    directory, journal = scratch(), MemoryJournal()
    try:
        meter = meter_in(directory, journal)
        for second in range(CAPACITY + 1):
            for _, code in LOGS:
                meter.record(code, time_s=START_S + second)
        for count, (name, _) in enumerate(LOGS):
            meter.call("logs.clear_" + name, 0)
            assert [len(times(meter, other)) for other, _ in LOGS] == [0] * (count + 1) + [CAPACITY] * (2 - count)
        assert events(meter) == [LOG_CLEARED] * 3
        for name, code in LOGS:
            meter.record(code, time_s=START_S + 999)
            assert times(meter, name) == [START_S + 999]
    finally:
        wipe(directory)
