"""Voltage beyond its limits, brownouts and outages, of the whole meter and of one phase (SMETS2 5.6.8, GBCS 7.2.3)."""

import struct

from smets.meter.measurement import Measurement
from tests.firmware.meter_world import HOUR_S, START_S, events, make_meter

ENTRY = (0x8020, 0x8024, 0x8028, 0x802C)
SENT, POWER_EVENT_LOG = 2, 16
RETURN = (0x808D, 0x8091, 0x8095, 0x8099)


def at(*voltages_v):
    """Return a load of 1 kW under voltages in V; one stands for all phases."""
    voltages_v = voltages_v if len(voltages_v) == 3 else voltages_v * 3
    return Measurement(1000, voltage_dv=tuple([volts * 10 for volts in voltages_v]))


def power_log_meter(**given):
    """Return a meter that sends every event and keeps it in the power event log."""
    return make_meter(flags_of=lambda code: SENT | POWER_EVENT_LOG, **given)


def quiet_meter(**given):
    """Return a meter whose averages are not judged, with limits of 10 s at 190, 207, 253 and 270 V."""
    meter = power_log_meter(**given)
    for phase in range(3):
        meter.write(f"voltage.under_threshold_v.{phase}", 0)
        meter.write(f"voltage.over_threshold_v.{phase}", 1000)
    for name, volts in (("extreme_over", 270), ("swell", 253), ("extreme_under", 190), ("sag", 207)):
        meter.write(f"voltage_limits.{name}_v", volts)
        meter.write(f"voltage_limits.{name}_s", 10)
    meter.commit()
    return meter


def play(meter, *parts):
    """Live through parts (seconds, voltages...) and return [(seconds from START_S, code)] of what was told."""
    for seconds, *voltages in parts:
        meter.advance(meter.time_s + seconds, at(*voltages))
    return told(meter)


def told(meter):
    found = []
    event = meter.take_event()
    while event:
        found.append((event[1] - START_S, event[0]))
        event = meter.take_event()
    return found


def test_a_brownout():
    """A street's voltage sags in the evening, falls lower and comes back by steps; the average is lower too."""
    meter = power_log_meter()
    meter.write("voltage_limits.sag_s", 20)
    meter.write("voltage_limits.extreme_under_s", 30)
    story = play(meter, (600, 231), (25, 200), (300, 170), (40, 200), (900, 231), (3600, 231))
    assert story == [
        (620, 0x802C),  # 20 s below 207 V
        (655, 0x8028),  # 30 s below 184 V
        (955, 0x8095),  # 30 s above 184 V
        (985, 0x8099),  # 20 s above 207 V
    ]
    rows = [(row[0] - START_S, row[1], row[2]) for row in meter.log("logs.power_event").rows()]
    assert rows == [(620, 0x802C, 200), (655, 0x8028, 170), (955, 0x8095, 200), (985, 0x8099, 231)]
    average_v = (1435 * 231 + 65 * 200 + 300 * 170 + 900) // 1800
    assert list(meter.log("logs.voltage_1").rows())[0] == (START_S + 1800, average_v)


def test_each_limit_is_told_of_on_entry_and_return():
    for place, volts in enumerate((271, 254, 189, 206)):
        meter = quiet_meter()
        story = play(meter, (60, 230), (60, volts), (60, 230))
        wanted = [(70, ENTRY[place]), (130, RETURN[place])]
        if place in (0, 2):  # what is beyond an extreme is a swell or a sag too
            wanted = [(70, ENTRY[place]), (70, ENTRY[place + 1]), (130, RETURN[place]), (130, RETURN[place + 1])]
        assert story == wanted, hex(ENTRY[place])


def test_a_limit_is_not_beyond_itself():
    meter = quiet_meter()
    assert play(meter, (60, 253), (60, 207), (60, 230)) == []
    assert play(meter, (30, 253), (9, 254), (30, 253), (9, 206), (30, 230)) == []


def test_a_period_has_to_be_whole_both_ways():
    meter = quiet_meter()
    assert play(meter, (9, 200), (1, 230), (9, 200), (100, 230)) == []
    assert play(meter, (10, 200), (9, 230), (5, 200), (9, 230), (1, 200)) == [(129, 0x802C)]
    assert play(meter, (10, 230)) == [(163, 0x8099)]


def test_each_phase_has_its_own_codes():
    for phase in range(3):
        for place, volts in enumerate((271, 254, 189, 206)):
            meter = quiet_meter(phases=3)
            voltages = [230] * 3
            voltages[phase] = volts
            codes = [code for _, code in play(meter, [60] + voltages, (60, 230))]
            assert codes[0] == ENTRY[place] + phase + 1 and RETURN[place] + phase + 1 in codes
            assert {(code - 0x8020) % 4 if code < 0x8080 else (code - 0x808D) % 4 for code in codes} == {phase + 1 & 3}


def test_an_average_is_told_of_with_its_phase():
    for phase in range(3):
        meter = make_meter(phases=3)
        for name in ("sag", "swell"):
            meter.write(f"voltage_limits.{name}_s", HOUR_S * 24)
        voltages = [230] * 3
        for volts in (260, 230, 210, 230):
            voltages[phase] = volts
            meter.advance(meter.time_s + 1800, at(*voltages))
        which = phase + 1
        assert events(meter) == [0x8002 + which, 0x8085 + which, 0x8006 + which, 0x8089 + which]
        counters = [meter.read(f"voltage.{name}_counter") for name in ("over", "under")]
        assert counters == [[1 if one == phase else 0 for one in range(3)]] * 2


def test_an_average_comes_back_from_below():
    meter = make_meter()
    for volts in (230, 212, 230):
        meter.advance(meter.time_s + 1800, at(volts))
    assert told(meter) == [(3600, 0x8006), (5400, 0x8089)]


def test_limits_that_are_set_hold_at_once():
    meter = quiet_meter()
    assert play(meter, (100, 230)) == []
    meter.write("voltage_limits.swell_v", 229)
    meter.commit()
    assert play(meter, (100, 230)) == [(110, 0x8024)]
    meter.set_passive("voltage_limits.swell_v", 253)
    meter.activate("voltage_limits.swell_v", START_S + 250, b"")
    meter.commit()
    assert play(meter, (100, 230)) == [(250, 0x8F66), (260, 0x8091)]


def test_cutting_time_and_restarts_change_nothing():
    parts = ((55, 230), (100, 200), (7, 230), (3, 180), (40, 180), (70, 0), (30, 230), (200, 0), (500, 256), (900, 230))
    whole = quiet_meter()
    story = play(whole, *parts)
    meter, found = quiet_meter(), []
    stores = meter.logs._open_store
    for seconds, volts in parts:
        for _ in range(seconds):
            meter.advance(meter.time_s + 1, at(volts))
        found += told(meter)
        meter.commit(True)
        meter.release()
        meter = power_log_meter(journal=meter.journal, stores=stores)
    assert found == story and len(story) > 8
    assert list(meter.log("logs.power_event").rows()) == list(whole.log("logs.power_event").rows())
    assert meter.read("registers.active_import_wh") == whole.read("registers.active_import_wh")


def test_a_three_minute_outage():
    """The street goes dark for two minutes and 59 seconds, and an hour later for three minutes."""
    meter = quiet_meter()
    assert play(meter, (600, 230), (179, 0), (60, 230)) == [(600, 0x8F57), (779, 0x8F35)]
    assert play(meter, (600, 230), (180, 0)) == [(1439, 0x8F57)]
    before_wh = meter.read("registers.active_import_wh")
    meter.advance(meter.time_s + 1, at(230))
    assert meter.take_event() == (0x8F36, START_S + 1619, struct.pack(">II", START_S + 1439, START_S + 1619))
    assert meter.read("registers.active_import_wh") == before_wh
    codes = [row[1] for row in meter.log("logs.power_event").rows()]
    assert codes == [0x8F57, 0x8F35, 0x8F57, 0x8F36]


def test_a_phase_goes_out_alone():
    """One phase of three: its neighbours are metered, it has no average, and its own three minutes count."""
    for phase in range(3):
        meter = quiet_meter(phases=3)
        dark = [230] * 3
        dark[phase] = 0
        story = play(meter, (100, 230), [179] + dark, (100, 230), [180] + dark, (1, 230))
        restored = 0x8F37 + 2 * phase
        lost = 0x8F58 + phase
        assert story == [(100, lost), (279, restored), (379, lost), (559, restored + 1)]
        assert meter.read("registers.active_import_wh") == 560 * 1000 // 3600
        play(meter, (1800 - 560, 230), [1800] + dark)
        logs = [len(meter.log(f"logs.voltage_{which}")) for which in (1, 2, 3)]
        assert logs == [1 if one == phase else 2 for one in range(3)]


def test_a_dead_phase_stays_dead_through_an_outage_of_all():
    meter = quiet_meter(phases=3)
    assert play(meter, (100, 230, 230, 0)) == [(0, 0x8F5A)]
    meter.power(False)
    meter.advance(meter.time_s + 60, at(230, 230, 0))
    meter.power(True)
    assert told(meter) == [(100, 0x8F57), (160, 0x8F37), (160, 0x8F39)]
    assert play(meter, (40, 230, 230, 0), (1, 230)) == [(200, 0x8F3C)]


def test_without_any_phase_nothing_flows():
    meter = quiet_meter(phases=3)
    assert [code for _, code in play(meter, (3600, 0))] == [0x8F58, 0x8F59, 0x8F5A]
    assert not meter.has_supply() and meter.read("registers.active_import_wh") == 0
    assert [code for _, code in play(meter, (3600, 230))] == [0x8F38, 0x8F3A, 0x8F3C]
    assert meter.read("registers.active_import_wh") == 1000


def test_an_outage_is_no_sag_and_stops_what_runs():
    meter = quiet_meter()
    assert play(meter, (9, 200), (20, 0), (5, 200), (100, 230)) == [(9, 0x8F57), (29, 0x8F35)]
    meter.advance(meter.time_s + 9, at(200))
    meter.power(False)
    meter.advance(meter.time_s + 60, at(200))
    meter.power(True)
    events(meter)
    assert play(meter, (9, 200), (60, 230)) == []


def test_the_profile_of_averages_keeps_its_last_rows():
    meter = make_meter()
    meter.write("voltage.measurement_period_s.0", 60)
    log = meter.log("logs.voltage_1")
    for minute in range(4319):
        log.append((START_S - 60 * (4319 - minute), 230))
    meter.advance(START_S + 180, at(231))
    log = meter.log("logs.voltage_1")
    assert len(log) == 4320
    assert log.row(0) == (START_S - 60 * 4317, 230) and log.row(4319) == (START_S + 180, 231)
