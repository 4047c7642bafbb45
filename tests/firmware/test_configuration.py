"""Settings of the meter: its identity, the offset that follows from number and limit, and a tamper that locks."""

from binascii import crc32

from smets.bench.control import BenchControl
from smets.bench.faults import Faults
from smets.meter.errors import OutOfRange
from tests.firmware.meter_world import DEVICE, MemoryJournal, World, make_meter, octets, u16, u32


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


def test_what_one_command_sets_another_reads():
    """Set, read, and what must be read: over the wire, with the objects of the use cases (ECS29a, 30a, 38, 39, 81)."""
    world = World(make_meter(eui=DEVICE))
    times = b"\x01\x02" + 2 * (b"\x02\x02" + octets(bytes(4)) + octets(b"\xff\xff\xff\x01\xff"))
    for class_id, obis, member, value in (
        (71, "0-0:17.0.1", 4, u32(287)),
        (71, "0-0:17.0.1", 6, u32(31)),
        (71, "0-0:17.0.2", 4, u32(180)),
        (71, "0-0:17.0.2", 6, u32(32)),
        (71, "0-0:17.0.3", 4, u32(216)),
        (71, "0-0:17.0.3", 6, u32(33)),
        (71, "0-0:17.0.4", 4, u32(253)),
        (71, "0-0:17.0.4", 6, u32(34)),
        (22, "0-0:15.0.0", 4, times),
        (22, "0-0:15.0.0", 4, b"\x01\x00"),
        (22, "0-0:15.1.0", 4, b"\x01\x00"),
        (1, "0-0:94.44.0.1", 2, u16(1799)),
        (1, "0-0:94.44.0.4", 2, b"\x03\xff"),
        (1, "0-0:94.44.34.11", 2, octets(b"13123456781111312345678222")),
        (1, "1-0:0.0.2", 2, octets(b"1312345678333")),
    ):
        assert world.ask((2, class_id, obis, member, value)) == ([0], b"\x00"), obis
        assert world.ask((1, class_id, obis, member)) == ([0], value), obis


def test_values_out_of_their_limits_are_refused():
    world = World(make_meter())
    for class_id, obis, member, value in (
        (1, "0-0:94.44.0.1", 2, u16(1800)),
        (1, "0-0:94.44.3.1", 2, octets(b"1234")),
        (1, "1-0:0.0.2", 2, octets(b"131234567833")),
        (9000, "0-0:96.13.1", 2, octets(b"sixteen letters.")),
        (22, "0-0:15.0.0", 4, b"\x01\x0d" + 13 * (b"\x02\x02" + octets(bytes(4)) + octets(bytes(5)))),
        (22, "0-0:15.0.0", 4, b"\x01\x01\x02\x02" + octets(bytes(4)) + octets(bytes(4))),
        (1, "0-30:97.98.11", 2, b"\x04\x82\x01\x00" + bytes(32)),
    ):
        results, _ = world.ask((2, class_id, obis, member, value))
        assert results != [0], obis


def test_alert_masks_set_by_halves_are_read_whole():
    world = World(make_meter())
    for party, get, set_ in ((30, 15, 11), (30, 16, 12), (30, 17, 13), (30, 18, 14), (33, 15, 11), (33, 18, 14)):
        read_at, set_at = [f"0-{party}:97.98.{place}" for place in (get, set_)]
        chosen, values = bytes([0xF0]) * 32, bytes([0x3C]) * 32
        before = world.ask((1, 1, read_at, 2))[1]
        world.ask((2, 1, set_at, 2, b"\x04\x82\x02\x00" + chosen + values))
        expected = bytes([octet & 0x0F | 0x30 for octet in before[4:]])
        assert world.ask((1, 1, read_at, 2)) == ([0], b"\x04\x82\x01\x00" + expected)
