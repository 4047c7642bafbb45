"""Auxiliary controllers: commands for a time, levels, limits, and what is logged and told of them."""

import struct

from smets.meter.errors import Refused
from smets.meter.measurement import Measurement
from tests.firmware.meter_world import HOUR_S, START_S, World, events, make_meter, octets, u16

CHANGED, PROCESSED, ENDED = 0x8131, 0x8F86, 0x8F87
RUN, LIMIT = "load_control.run_script", "load_control.run_limit"
NO_LOAD = Measurement()


def level(meter, controller, direction="output"):
    return meter.read(f"auxiliary.{direction}_level.{controller - 1}")


def command(meter, script, start_s, end_s):
    place = (script >> 8 & 15) - 1
    meter.write(f"load_control.start_s.{place}", start_s)
    meter.write(f"load_control.end_s.{place}", end_s)
    meter.call(RUN, script)
    meter.commit()


def limit(meter, script, start_s, end_s):
    place = (script >> 8 & 15) - 1
    meter.write(f"load_control.limit_start_s.{place}", start_s)
    meter.write(f"load_control.limit_end_s.{place}", end_s)
    meter.call(LIMIT, script)
    meter.commit()


def told(meter):
    """Take every waiting event as (code, body)."""
    found = []
    event = meter.take_event()
    while event:
        found.append((event[0], event[2]))
        event = meter.take_event()
    return found


def test_a_switch_is_on_for_its_minutes():
    for controller in range(1, 6):
        meter = make_meter()
        meter.write(f"load_control.on_minutes.{controller - 1}", 30)
        meter.call(RUN, controller << 8 | 0x11)
        on = [False] * 5
        on[controller - 1] = True
        assert meter.read("auxiliary.on") == on and level(meter, controller) == 100
        meter.advance(START_S + 1799, NO_LOAD)
        assert meter.read("auxiliary.on") == on
        meter.advance(START_S + 1800, NO_LOAD)
        assert meter.read("auxiliary.on") == [False] * 5 and events(meter) == [CHANGED, CHANGED]
        assert list(meter.log("logs.auxiliary").rows()) == [(START_S, controller << 8 | 0x11, 1, 0)]


def test_reset_gives_a_switch_back_before_its_time():
    meter = make_meter()
    meter.write("load_control.on_minutes.1", 30)
    meter.call(RUN, 0x0211)
    meter.call(RUN, 0x0220)
    assert level(meter, 2) == 0 and meter.schedule.next_boundary_s(START_S) is None


def test_a_level_holds_between_its_times_and_over_a_restart():
    meter = make_meter()
    command(meter, 0x2332, START_S + 60, START_S + HOUR_S)
    assert level(meter, 3, "input") == 0
    meter.advance(START_S + 60, NO_LOAD)
    assert level(meter, 3, "input") == 50 and level(meter, 3) == 0
    meter.release()
    again = make_meter(journal=meter.journal)
    assert level(again, 3, "input") == 50
    again.advance(START_S + HOUR_S, NO_LOAD)
    assert level(again, 3, "input") == 0


def test_a_limit_cuts_a_level_down_and_tells_of_its_end():
    meter = make_meter()
    command(meter, 0x1564, START_S, START_S + HOUR_S)
    limit(meter, 0x150A, START_S, START_S + 600)
    assert level(meter, 5) == 10
    processed = struct.pack(">BIIB", 0x15, START_S, START_S + 600, 10)
    assert told(meter) == [(CHANGED, b""), (CHANGED, b""), (PROCESSED, processed)]
    command(meter, 0x1532, START_S, START_S + HOUR_S)
    assert level(meter, 5) == 10 and told(meter) == []
    meter.advance(START_S + 600, NO_LOAD)
    assert level(meter, 5) == 50 and told(meter) == [(CHANGED, b""), (ENDED, b"\x15\x32")]


def test_a_limit_is_ended_by_one_whose_time_is_over():
    meter = make_meter()
    command(meter, 0x1164, START_S, START_S + HOUR_S)
    limit(meter, 0x1100, START_S, START_S + HOUR_S)
    told(meter)
    limit(meter, 0x1100, START_S - 60, START_S)
    assert level(meter, 1) == 100
    assert [code for code, _ in told(meter)] == [CHANGED, PROCESSED, ENDED]
    limit(meter, 0x1100, START_S - 60, START_S)
    assert [code for code, _ in told(meter)] == [PROCESSED]


def test_a_limit_of_the_input_leaves_the_output():
    meter = make_meter()
    command(meter, 0x1164, START_S, START_S + HOUR_S)
    limit(meter, 0x2100, START_S, START_S + HOUR_S)
    assert level(meter, 1) == 100


def test_other_scripts_are_refused():
    meter = make_meter()
    for method, scripts in ((RUN, (0x0011, 0x0611, 0x0130, 0x1165, 0x3101, 0xFFFF)), (LIMIT, (0x0111, 0x1064))):
        for script in scripts:
            try:
                meter.call(method, script)
            except Refused:
                continue
            raise AssertionError(hex(script))
    assert told(meter) == []


def test_information_is_what_a_controller_gave_until_its_level_changes():
    meter = make_meter()
    assert meter.read("auxiliary.information_2") == b'{"outputState": 0, "inputState": 0}'
    meter.write("auxiliary.information_2", b"{}")
    assert meter.read("auxiliary.information_2") == b"{}"
    command(meter, 0x1232, START_S, START_S + HOUR_S)
    assert meter.read("auxiliary.information_2") == b'{"outputState": 50, "inputState": 0}'


def test_minutes_or_a_moment_are_set_by_their_type():
    world = World()
    assert world.ask((2, 1, "0-0:94.44.118.1", 2, u16(45))) == ([0], b"\x00")
    moment = octets(bytes.fromhex("07df0103ff010000008000ff"))
    assert world.ask((2, 1, "0-0:94.44.118.1", 2, moment)) == ([0], b"\x00")
    assert world.meter.read("load_control.on_minutes.1") == 45
    assert world.meter.read("load_control.start_s.1") == START_S + 2 * 86400 + HOUR_S
    for wrong in (b"\x11\x01", octets(b"\x01"), octets(bytes.fromhex("07df0d03ff010000008000ff")), b"\x00"):
        results, _ = world.ask((2, 1, "0-0:94.44.118.1", 2, wrong))
        assert results != [0], wrong


def test_a_calendar_of_every_entry_is_set_and_read_back():
    """As many entries as an ECS46c has room for; a controller's calendar is read as it was set."""
    entry = b"\x02\x0a" + u16(1) + b"\x03\xff" + octets(b"\x00\x00\x0a\x00\x67\xff") + u16(0x1180)
    entry += octets(b"\x09\x00\x00\x00") + u16(0xFFFF) + b"\x04\x07\xfe\x04\x04\xf0" + octets(b"\xff" * 5) * 2
    world = World()
    calendar = b"\x01\x30" + entry * 48
    activate_now = octets(bytes(9) + b"\x80\x00\xff")
    asked = (2, 10, "0-1:12.0.2", 2, calendar), (2, 9000, "0-0:94.44.128.26", 6, activate_now)
    assert world.ask(*asked)[0] == [0, 0]
    assert world.ask((1, 10, "0-0:12.0.2", 2)) == ([0], calendar)
