"""Settings of the meter: its identity, the offset that follows from number and limit, and a tamper that locks."""

from binascii import crc32

from smets.bench.control import BenchControl
from smets.bench.faults import Faults
from smets.meter.errors import OutOfRange
from tests.firmware.meter_world import DEVICE, MemoryJournal, make_meter


def refused(meter, path, value):
    try:
        meter.write(path, value)
    except OutOfRange:
        return True
    return False


def test_the_meter_knows_what_it_is():
    for given, variant in (({}, b"A"), ({"elements": 2}, b"B"), ({"phases": 3}, b"C")):
        meter = make_meter(eui=DEVICE, **given)
        assert meter.read("identity.eui") == DEVICE and meter.read("identity.variant") == variant
    meter.write("identity.eui", DEVICE)
    assert refused(meter, "identity.eui", bytes(8)) and meter.read("identity.eui") == DEVICE


def test_the_offset_follows_from_number_and_limit():
    journal = MemoryJournal()
    meter = make_meter(journal=journal, eui=DEVICE)
    number = crc32(DEVICE) % 10001
    assert meter.read("randomised_offset.number") == number and meter.read("randomised_offset.offset_s") == 0
    meter.write("randomised_offset.limit_s", 1799)
    assert meter.read("randomised_offset.offset_s") == number * 1799 // 10000
    meter.commit()
    assert make_meter(journal=journal, eui=DEVICE).read("randomised_offset.offset_s") == number * 1799 // 10000
    assert refused(meter, "randomised_offset.limit_s", 1800)


def test_a_cover_that_is_opened_locks_the_supply_when_the_tamper_state_says_so():
    meter = make_meter()
    bench = BenchControl(meter, Faults())
    cover = {"do": "tamper", "cover": "terminal", "open": True}
    assert bench.perform(cover)["ok"] and not meter.read("supply.locked")
    meter.write("tamper_state.locks_supply", True)
    assert bench.perform(cover)["ok"] and meter.read("supply.locked") and meter.read("supply.state") == 0


def test_calendars_are_kept_as_they_were_set():
    meter = make_meter()
    times = [(b"\x00\x00\x00\x00", b"\xff\xff\x01\x01\xff"), (b"\x0c\x00\x00\x00", b"\xff\xff\x07\x01\xff")]
    meter.write("billing.times", times)
    assert meter.read("billing.times") == times and meter.read("billing.block_reset_times") == []
    assert refused(meter, "billing.block_reset_times", times)
