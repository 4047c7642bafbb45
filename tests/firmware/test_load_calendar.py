"""Auxiliary controllers by their calendar: days, special days, dates, the offset, commands, boost and failures."""

from binascii import crc32

from smets.meter.errors import NotNow, OutOfRange
from smets.meter.measurement import Measurement
from tests.firmware.meter_world import DAY_S, HOUR_S, START_S, events, make_meter

NO_LOAD = Measurement()
CHANGED, FAILED = 0x8131, 0x811A
ANY_DATE = b"\xff" * 5
EVERY_DAY = b"\x00\x07\xfe"
WEEKEND = b"\x00\x07\x06"
NO_SPECIAL = b"\x00\x00"


def entry(index, script, hour, minute=0, week=EVERY_DAY, special=NO_SPECIAL, first=ANY_DATE, last=ANY_DATE):
    """Return a row of the calendar."""
    return (index, script, bytes([hour, minute, 0, 0]), week, special, first, last)


def planned(*entries, special_days=(), offset_s=0):
    """Return a meter with a calendar, one second after it was set."""
    meter = make_meter()
    meter.write("auxiliary_calendar.special_days", list(special_days))
    meter.write("auxiliary_calendar.schedule", list(entries))
    if offset_s:
        meter.write("randomised_offset.number", 10000)
        meter.write("randomised_offset.limit_s", offset_s)
    meter.commit()
    meter.release()
    meter.advance(START_S + 1, NO_LOAD)
    return meter


def on_times(meter, days, controller=1, step_s=1800):
    """Return the hours from START_S at which a controller is on, looked at every half hour."""
    hours = []
    for step in range(days * DAY_S // step_s):
        time_s = START_S + step * step_s
        if time_s > meter.time_s:
            meter.advance(time_s, NO_LOAD)
        if meter.read(f"auxiliary.on.{controller - 1}"):
            hours.append(step * step_s / 3600)
        meter.release()
    return hours


def half_hours(start, end):
    return [half / 2 for half in range(int(start * 2), int(end * 2))]


def test_a_day_with_a_boost():
    """A water heater heats by night, and one evening for an hour and a half more: the customer wants a bath."""
    meter = planned(entry(1, 0x0101, 1), entry(2, 0x0102, 5))
    meter.write("auxiliary.boosted", [True, False, False, False, False])
    meter.write("auxiliary.boost_available", True)
    meter.commit()
    assert on_times(meter, 1) == half_hours(1, 5)
    meter.advance(START_S + DAY_S + 19 * HOUR_S, NO_LOAD)
    events(meter)
    meter.call("load_control.boost", 90)
    meter.commit()
    meter.release()
    assert meter.read("auxiliary.on.0") and events(meter) == [CHANGED]
    meter.advance(START_S + DAY_S + 20 * HOUR_S + 1799, NO_LOAD)
    assert meter.read("auxiliary.on.0")
    meter.advance(START_S + DAY_S + 22 * HOUR_S, NO_LOAD)
    assert not meter.read("auxiliary.on.0") and events(meter) == [CHANGED]
    rows = [(from_s - START_S - DAY_S, until_s - from_s) for from_s, until_s in meter.log("logs.boost").rows()]
    assert rows == [(19 * HOUR_S, 5400)]
    scripts = [(row[0] - START_S, row[1], row[2]) for row in meter.log("logs.auxiliary").rows()]
    night = [(HOUR_S, 0x0101, 1), (5 * HOUR_S, 0x0102, 1)]
    # the calendar of the evening before said off
    assert scripts == [(1, 0x0102, 1)] + night + [
        (time_s + DAY_S, script, outcome) for time_s, script, outcome in night
    ]


def test_a_command_ends_a_boost_and_a_boost_a_command():
    meter = planned()
    meter.write("auxiliary.boosted", [True, True, False, False, False])
    meter.write("auxiliary.boost_available", True)
    meter.write("load_control.off_minutes", [10] * 5)
    meter.call("load_control.boost", 15)
    assert meter.read("auxiliary.on") == [True, True, False, False, False]
    meter.call("load_control.run_script", 0x0112)
    assert meter.read("auxiliary.on") == [False, True, False, False, False]
    meter.advance(START_S + 60, NO_LOAD)
    meter.call("load_control.boost", 223)
    assert meter.read("auxiliary.on.0")
    meter.call("load_control.end_boost", 0)
    assert meter.read("auxiliary.on") == [False] * 5
    rows = list(meter.log("logs.boost").rows())
    assert rows == [(START_S + 1, START_S + 60), (START_S + 60, START_S + 60)]


def test_a_boost_has_its_limits():
    meter = planned()
    for minutes, kind in ((15, NotNow), (14, OutOfRange), (224, OutOfRange)):
        try:
            meter.call("load_control.boost", minutes)
        except kind:
            continue
        raise AssertionError(minutes)
    assert events(meter) == [] and len(meter.log("logs.boost")) == 0


def test_only_the_last_25_boosts_are_kept():
    meter = planned()
    meter.write("auxiliary.boosted", [True] * 5)
    meter.write("auxiliary.boost_available", True)
    for turn in range(27):
        meter.call("load_control.boost", 15)
        meter.commit()
        meter.advance(START_S + 1000 * (turn + 1), NO_LOAD)
    log = meter.log("logs.boost")
    assert len(log) == 25 and log.row(24) == (START_S + 26000, START_S + 26900)


def test_days_of_the_week_and_a_night_over_midnight():
    # 2015-01-01 is a Thursday: the first Saturday begins 48 hours on
    meter = planned(entry(1, 0x0201, 22, week=WEEKEND), entry(2, 0x0202, 6))
    assert on_times(meter, 5, controller=2) == half_hours(48 + 22, 72 + 6) + half_hours(72 + 22, 96 + 6)


def test_a_special_day_has_its_own_entries():
    days = [(1, b"\x07\xdf\x01\x02\xff", 1), (2, b"\xff\xff\x01\x03\xff", 2)]
    meter = planned(
        entry(1, 0x0101, 8),
        entry(2, 0x0102, 9),
        entry(3, 0x0101, 12, special=b"\x00\x02\x80", week=b"\x00\x07\x00"),
        entry(4, 0x0102, 14, special=b"\x00\x02\xc0"),
        special_days=days,
    )
    wanted = half_hours(8, 9) + half_hours(24 + 12, 24 + 14) + half_hours(72 + 8, 72 + 9)
    assert on_times(meter, 4) == wanted


def test_an_entry_holds_between_its_dates():
    second = b"\x07\xdf\x01\x02\xff"
    meter = planned(entry(1, 0x0101, 8, first=second, last=second), entry(2, 0x0102, 9))
    assert on_times(meter, 4) == half_hours(24 + 8, 24 + 9)
    winter = planned(
        entry(1, 0x0101, 8, first=b"\xff\xff\x0c\x1f\xff", last=b"\xff\xff\x01\x01\xff"), entry(2, 0x0102, 9)
    )
    assert on_times(winter, 3) == half_hours(8, 9)


def test_a_switching_of_long_ago_still_holds():
    meter = planned(entry(1, 0x0101, 8, first=b"\x07\xde\x06\x01\xff", last=b"\x07\xde\x06\x01\xff"))
    assert on_times(meter, 20, step_s=DAY_S) == [24.0 * day for day in range(20)]


def test_levels_are_planned_too():
    meter = planned(entry(1, 0x1380 | 40, 2), entry(2, 0x2380 | 70, 3), entry(3, 0x1380, 4))
    seen = []
    for hour in (1, 2, 3, 4):
        meter.advance(START_S + hour * HOUR_S, NO_LOAD)
        seen.append((meter.read("auxiliary.output_level.2"), meter.read("auxiliary.input_level.2")))
    assert seen == [(0, 0), (40, 0), (0, 70), (0, 0)] and events(meter) == [CHANGED] * 3


def test_the_offset_delays_what_the_calendar_switches_and_nothing_else():
    meter = planned(entry(1, 0x0101, 1), entry(2, 0x0102, 2), offset_s=1799)
    times = []
    for _ in range(2):
        while not events(meter):
            meter.advance(meter.time_s + 1, NO_LOAD)
        times.append(meter.time_s - START_S)
    assert times == [HOUR_S + 1799, 2 * HOUR_S + 1799]
    meter.write("load_control.on_minutes.0", 1)
    meter.call("load_control.run_script", 0x0111)
    assert meter.read("auxiliary.on.0")


def test_a_new_calendar_takes_the_place_of_the_old():
    meter = planned(entry(1, 0x0101, 0))
    assert meter.read("auxiliary.on.0")
    meter.set_passive("auxiliary_calendar.schedule", [entry(1, 0x0102, 0), entry(2, 0x0101, 3)])
    meter.activate("auxiliary_calendar.schedule", START_S + HOUR_S, b"")
    meter.commit()
    meter.release()
    assert on_times(meter, 1) == [0.0, 0.5, 1.0] + half_hours(3, 24)


def test_a_calendar_that_cannot_become_active_is_told_of():
    meter = planned(entry(1, 0x0101, 0))
    path = "auxiliary_calendar.schedule"
    meter.set_passive(path, [])
    meter.stage(f"passive/{crc32(path.encode()):08x}", b"\xff")  # what another firmware may have left on flash
    meter.activate(path, START_S + HOUR_S, b"")
    meter.commit()
    events(meter)
    meter.advance(START_S + 2 * HOUR_S, NO_LOAD)
    assert events(meter) == [0x8F67] and meter.read("auxiliary.on.0")


def test_setting_the_clock_looks_at_the_calendar_anew():
    meter = planned(entry(1, 0x0101, 8), entry(2, 0x0102, 9))
    meter.advance(START_S + 8 * HOUR_S, NO_LOAD)
    assert meter.read("auxiliary.on.0")
    for hour, wanted in ((7, False), (8, True), (20, False), (8, True)):
        meter.write("clock.time_s", START_S + hour * HOUR_S + 60)
        meter.commit()
        meter.advance(START_S + hour * HOUR_S + 120, NO_LOAD)
        assert meter.read("auxiliary.on.0") == wanted, hour


def test_a_controller_that_does_not_follow_is_told_of_once():
    meter = planned(entry(1, 0x0101, 1), entry(2, 0x0102, 5))
    meter.write("auxiliary.stuck.0", True)
    meter.commit()
    meter.advance(START_S + 2 * HOUR_S, NO_LOAD)
    assert events(meter) == [FAILED] and not meter.read("auxiliary.on.0")
    assert list(meter.log("logs.auxiliary").rows())[1:] == [(START_S + HOUR_S, 0x0101, 2, 0)]
    meter.write("load_control.on_minutes", [5] * 5)
    meter.call("load_control.run_script", 0x0111)
    assert events(meter) == [FAILED]
    meter.call("load_control.run_script", 0x0211)
    assert events(meter) == [CHANGED]
    meter.write("auxiliary.stuck.0", False)
    meter.commit()
    meter.advance(START_S + 3 * HOUR_S, NO_LOAD)
    assert meter.read("auxiliary.on") == [True, False, False, False, False] and events(meter) == [CHANGED, CHANGED]


def test_cutting_time_changes_nothing():
    found = []
    for step_s in (7 * DAY_S, 1117):
        meter = planned(entry(1, 0x0101, 1, 7), entry(2, 0x0102, 5), entry(3, 0x0101, 13, week=WEEKEND), offset_s=900)
        while meter.time_s < START_S + 7 * DAY_S:
            meter.advance(min(meter.time_s + step_s, START_S + 7 * DAY_S), NO_LOAD)
            meter.release()
        found.append(list(meter.log("logs.auxiliary").rows()))
    assert found[0] == found[1] and len(found[0]) == 7 * 2 + 1
