"""Energy by half hours and days: profile logs, consumption, maximum demand, and the power of the last minute."""

import random

from smets.meter.measurement import Measurement
from tests.firmware.meter_world import DAY_S, START_S, make_meter

HALF_HOUR_S = 1800


def rows(meter, name):
    return list(meter.log("logs." + name).rows())


def test_half_hours_are_logged_from_the_first_whose_start_was_seen():
    meter = make_meter(START_S + 60)
    meter.advance(START_S + 3 * HALF_HOUR_S, Measurement(1000, 500, 200, 100))
    times = (START_S + 2 * HALF_HOUR_S, START_S + 3 * HALF_HOUR_S)
    assert rows(meter, "import_profile") == [(time_s, 500, 0) for time_s in times]
    assert rows(meter, "export_profile") == [(time_s, 250, 50) for time_s in times]
    assert rows(meter, "reactive_profile") == [(time_s, 100) for time_s in times]


def test_a_twin_element_meter_logs_both_elements():
    meter = make_meter(elements=2)
    meter.advance(START_S + 2 * HALF_HOUR_S, Measurement(1000, secondary_import_w=3000))
    assert rows(meter, "import_profile") == [(START_S + 2 * HALF_HOUR_S, 500, 1500)]
    assert meter.read("demand.import_w") == 4000


def test_days_are_logged_with_what_was_consumed():
    meter = make_meter()
    meter.advance(START_S + 3 * DAY_S, Measurement(1000, 100))
    assert rows(meter, "daily_consumption") == [(START_S + 2 * DAY_S, 24000), (START_S + 3 * DAY_S, 24000)]
    assert rows(meter, "export_daily") == [(START_S + DAY_S * day, 2400 * day) for day in (1, 2, 3)]


def test_no_half_hour_is_made_up_after_the_clock_was_set():
    meter = make_meter()
    meter.advance(START_S + 2 * HALF_HOUR_S, Measurement(1000))
    meter.write("clock.time_s", START_S + 10 * HALF_HOUR_S)
    meter.advance(START_S + 12 * HALF_HOUR_S, Measurement(1000))
    times = [row[0] for row in rows(meter, "import_profile")]
    assert times == [START_S + 2 * HALF_HOUR_S, START_S + 12 * HALF_HOUR_S]


def test_maximum_demand_is_the_largest_half_hour():
    meter = make_meter()
    for half_hour, power_w in enumerate((500, 2000, 6000, 1000)):
        meter.advance(START_S + HALF_HOUR_S * (half_hour + 1), Measurement(power_w, power_w // 2))
    assert meter.read("demand.import_w") == 6000 and meter.read("demand.import_s") == START_S + 3 * HALF_HOUR_S
    assert meter.read("demand.export_w") == 3000 and meter.read("demand.configurable_w") == 0
    meter.call("demand.reset_import", 0)
    assert meter.read("demand.import_w") == 0 and meter.read("demand.import_reset_s") == meter.time_s
    meter.advance(meter.time_s + HALF_HOUR_S, Measurement(800))
    assert meter.read("demand.import_w") == 800 and meter.read("demand.export_w") == 3000


def test_the_configurable_time_may_be_over_midnight():
    begin, end = bytes((23, 0, 0, 0)), bytes((1, 0, 0, 0))
    entries = [
        (index, script, clock, b"\x00\x07\xfe", b"\x00\x00", b"\x00\x00\x01\xff\xff", b"\xff" * 5)
        for index, script, clock in ((0, 1, begin), (1, 2, end))
    ]
    meter = make_meter(START_S + DAY_S - 4 * HALF_HOUR_S)
    meter.write("demand.period", entries)
    for power_w in (9000, 9000, 500, 700, 600, 650, 9000, 9000):
        meter.advance(meter.time_s + HALF_HOUR_S, Measurement(power_w))
    assert meter.read("demand.configurable_w") == 700 and meter.read("demand.import_w") == 9000


def in_period(time_s, begin, end, week=0xFE, first=b"\xff" * 5, last=b"\xff" * 5):
    """Return whether a half hour that begins then counts; of `week` Monday is the highest bit."""
    clock = b"\x00\x07" + bytes((week,)), b"\x00\x00", first, last
    entries = [(1, 1, bytes((begin, 0, 0, 0))) + clock, (2, 2, bytes((end, 0, 0, 0))) + clock]
    meter = make_meter(time_s)
    meter.write("demand.period", entries)
    meter.advance(time_s + HALF_HOUR_S, Measurement(1000))  # its start was not seen
    meter.write("clock.time_s", time_s)
    meter.write("demand.read_s", time_s)
    meter.advance(time_s + HALF_HOUR_S, Measurement(1000))
    return meter.read("demand.configurable_w") == 1000


def test_the_configurable_time_has_days_of_the_week():
    weekdays, saturday = 0xF8, START_S + 2 * DAY_S  # 1 January 2015 was a Thursday
    found = [in_period(START_S + day * DAY_S + 17 * 3600, 17, 19, weekdays) for day in range(5)]
    assert found == [True, True, False, False, True]
    # what began on Friday evening ends on Saturday at its time, though no Saturday begins one
    assert in_period(saturday + HALF_HOUR_S, 23, 1, weekdays)
    assert not in_period(saturday + 3600, 23, 1, weekdays) and not in_period(saturday + 23 * 3600, 23, 1, weekdays)


def test_the_configurable_time_has_dates():
    november, february = b"\xff\xff\x0b\x01\xff", b"\xff\xff\x02\xfe\xff"  # to the last day of February
    for day, counts in ((0, True), (58, True), (59, False), (303, False), (304, True)):
        assert in_period(START_S + day * DAY_S + 17 * 3600, 16, 19, 0xFE, november, february) == counts, day
    of_2014 = b"\x07\xde\x01\x01\xff", b"\x07\xde\x0c\x1f\xff"
    assert not in_period(START_S + 3600, 0, 12, 0xFE, *of_2014)
    assert in_period(START_S, 23, 1, 0xFE, *of_2014)  # it began on the last day of the year before


def test_power_is_the_average_of_the_last_whole_minute():
    meter = make_meter()
    meter.advance(START_S + 30, Measurement(1000, secondary_import_w=100))
    assert meter.read("registers.active_power_import_w") == 0
    meter.advance(START_S + 60, Measurement(2000))
    assert meter.read("registers.active_power_import_w") == 1550
    assert meter.read("registers.primary_power_import_w") == 1500
    meter.advance(START_S + 119, Measurement(3000))
    assert meter.read("registers.active_power_import_w") == 1550
    meter.advance(START_S + 300, Measurement(3000))
    assert meter.read("registers.active_power_import_w") == 3000


def test_the_ambient_indicator_follows_the_power_of_both_elements():
    meter = make_meter(elements=2)
    meter.write("power_threshold.low_medium_w", 500)
    meter.write("power_threshold.medium_high_w", 2000)
    for minute, (power_w, level) in enumerate(((500, 0), (501, 1), (2000, 1), (2001, 2)), 1):
        meter.advance(START_S + 60 * minute, Measurement(power_w - 100, secondary_import_w=100))
        assert meter.component("power_threshold").indicator() == level


def test_cutting_time_otherwise_changes_nothing():
    loads = [Measurement(random.randrange(5000), random.randrange(3000)) for _ in range(6)]
    whole, cut = make_meter(), make_meter()
    time_s = START_S
    for load in loads:
        end_s = time_s + random.randrange(1, 5000)
        whole.advance(end_s, load)
        while time_s < end_s:
            time_s = min(end_s, time_s + random.randrange(1, 700))
            cut.advance(time_s, load)
    for name in ("demand.import_w", "demand.import_s", "demand.export_w", "registers.active_power_import_w"):
        assert whole.read(name) == cut.read(name)
    assert rows(whole, "import_profile") == rows(cut, "import_profile")
