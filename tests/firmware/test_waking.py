"""A meter starts again after a loss of supply: what it tells, and what time, money and energy are then."""

import struct

from smets.meter import waking
from smets.meter.errors import NotNow
from smets.meter.measurement import Measurement
from smets.meter.schedule import NEVER
from tests.firmware.account_world import prepaid
from tests.firmware.dark import RELIABLE, dark_until, started
from tests.firmware.meter_world import DAY_S, HOUR_S, START_S, events, make_meter
from tests.firmware.test_meter import raised

LOST, BACK, BACK_LATE = 0x8F57, 0x8F35, 0x8F36
UNRELIABLE, INVALID = 1, 2
COMPARED_S = START_S + HOUR_S + 60


def lived(phases=1, status=RELIABLE):
    """Return a meter that lived for an hour under 1 kW, and a minute that is on flash too."""
    meter = make_meter(phases=phases)
    meter.write("clock.status", status)
    meter.advance(START_S + HOUR_S, Measurement(1000))
    meter.write("clock.compared_s", START_S + HOUR_S)
    meter.advance(COMPARED_S, Measurement())
    meter.commit(True)
    events(meter)
    return meter


def balance(meter):
    return meter.read("payment.meter_balance_millipence")


def taken(meter):
    """Take every waiting event as (code, time, what it tells of begin and end)."""
    found = []
    event = meter.take_event()
    while event:
        found.append((event[0], event[1]) + (struct.unpack(">II", event[2]) if event[2] else ()))
        event = meter.take_event()
    return found


def test_the_loss_is_told_at_the_start_and_its_end_when_the_time_is_known():
    meter = started(lived())
    assert taken(meter) == [(LOST, COMPARED_S)] and meter.has_supply()
    end_s = COMPARED_S + HOUR_S
    meter.hub_time(end_s, RELIABLE)
    assert meter.time_s == end_s
    assert taken(meter) == [(BACK_LATE, end_s, COMPARED_S, end_s)]
    assert meter.read("registers.active_import_wh") == 1000
    meter.hub_time(end_s + 11, RELIABLE)
    assert meter.time_s == end_s and taken(meter) == []  # it is compared once a day again


def test_an_outage_is_long_from_three_minutes_on():
    for away_s, code in ((1, BACK), (179, BACK), (180, BACK_LATE), (400 * DAY_S, BACK_LATE)):
        meter = dark_until(lived(), COMPARED_S + away_s)
        assert taken(meter)[-1] == (code, COMPARED_S + away_s, COMPARED_S, COMPARED_S + away_s)


def test_what_was_lived_before_the_time_was_known_is_no_part_of_the_outage():
    for away_s, code in ((179, BACK), (180, BACK_LATE)):
        meter = started(lived())
        meter.advance(COMPARED_S + 1000, Measurement(3600))
        meter.hub_time(COMPARED_S + away_s + 1000, RELIABLE)
        assert meter.time_s == COMPARED_S + away_s + 1000
        assert taken(meter)[1:] == [(code, COMPARED_S + away_s, COMPARED_S, COMPARED_S + away_s)]
        assert meter.read("registers.active_import_wh") == 2000


def test_each_phase_of_three_is_told_of():
    meter = dark_until(lived(3), COMPARED_S + 200, 3)
    assert [event[0] for event in taken(meter)] == [LOST, 0x8F38, 0x8F3A, 0x8F3C]


def test_a_phase_that_was_dead_before_stays_dead():
    meter = lived(3)
    meter.advance(COMPARED_S + 1, Measurement(voltage_dv=(2300, 0, 2300)))
    assert meter.read("outage.dead") == 2
    events(meter)
    meter = dark_until(meter, COMPARED_S + 200, 3)
    assert [event[0] for event in taken(meter)] == [LOST, 0x8F38, 0x8F3C]


def test_no_outage_is_judged_by_a_clock_that_was_never_set():
    meter = started(lived(status=INVALID))
    meter.hub_time(START_S + DAY_S, RELIABLE)
    assert meter.time_s == COMPARED_S and events(meter) == []


def test_a_start_that_the_supply_did_not_cause_is_no_outage():
    meter = lived()
    again = make_meter(journal=meter.journal, stores=meter.logs._open_store)
    again.hub_time(COMPARED_S + HOUR_S, RELIABLE)
    assert again.time_s == COMPARED_S and events(again) == []


def test_only_a_reliable_time_ends_it():
    meter = started(lived())
    for status in (UNRELIABLE, INVALID):
        meter.hub_time(START_S + DAY_S, status)
        assert meter.time_s == COMPARED_S and events(meter) in ([LOST], [])
    meter.hub_time(COMPARED_S + 10, RELIABLE)
    assert meter.time_s == COMPARED_S + 10 and events(meter) == [BACK]


def test_an_unreliable_clock_waits_for_set_clock():
    meter = started(lived(status=UNRELIABLE))
    meter.hub_time(START_S + DAY_S, RELIABLE)
    assert meter.time_s == COMPARED_S and events(meter) == [LOST]
    meter.call("clock.preset_adjusting_time", (NEVER, START_S, START_S + HOUR_S))
    assert raised(NotNow, meter.call, "clock.adjust_to_preset_time", 0)
    meter.call("clock.preset_adjusting_time", (NEVER, START_S, START_S + 2 * DAY_S))
    meter.call("clock.adjust_to_preset_time", 0)
    assert meter.time_s == START_S + DAY_S and events(meter) == [0x81C6, BACK_LATE]


def test_a_hub_whose_time_is_earlier_ends_an_outage_of_no_length():
    meter = started(lived())
    meter.hub_time(START_S, RELIABLE)
    assert meter.time_s == COMPARED_S
    assert taken(meter)[1:] == [(BACK, COMPARED_S, COMPARED_S, COMPARED_S)]


def test_supply_lost_again_before_the_time_is_known_is_one_outage():
    meter = started(lived())
    meter.advance(COMPARED_S + 50, Measurement())
    meter.commit(True)
    meter = started(meter)
    meter.hub_time(COMPARED_S + 500, RELIABLE)
    assert taken(meter) == [(LOST, COMPARED_S), (BACK_LATE, COMPARED_S + 450, COMPARED_S, COMPARED_S + 450)]


def test_a_supply_that_was_taken_away_stays_away():
    meter = lived()
    meter.power(False)
    meter = started(meter)
    meter.hub_time(COMPARED_S + HOUR_S, RELIABLE)
    meter.advance(COMPARED_S + 2 * HOUR_S, Measurement(1000))
    assert not meter.has_supply() and meter.read("registers.active_import_wh") == 1000
    meter.power(True)
    end_s = COMPARED_S + 2 * HOUR_S
    assert taken(meter) == [(LOST, COMPARED_S), (BACK_LATE, end_s, COMPARED_S, end_s)]


def test_standing_charge_and_debt_of_the_dark_are_collected_once():
    meter = prepaid(
        100000, standing_charge=20, standing_charge_scale=-2, time_debt_1=30000, rate_1=100, period_1_s=HOUR_S
    )
    meter.advance(START_S + HOUR_S, Measurement())
    assert balance(meter) == 100000 - 100
    meter = dark_until(meter, START_S + 3 * DAY_S + HOUR_S + 5)
    assert balance(meter) == 100000 - 3 * 20000 - 73 * 100
    meter.advance(START_S + 3 * DAY_S + 2 * HOUR_S, Measurement())
    assert balance(meter) == 100000 - 3 * 20000 - 74 * 100
    assert meter.read("payment.time_debt_1_millipence") == 30000 - 74 * 100


def test_a_meter_that_never_lived_a_half_hour_pays_for_the_dark_from_its_start_on():
    meter = prepaid(100000, START_S + 60, standing_charge=20, standing_charge_scale=-2)
    meter.commit(True)
    assert balance(dark_until(meter, START_S + 2 * DAY_S + 5)) == 60000


def test_waking_that_fails_has_done_nothing_and_is_done_when_the_hub_tells_its_time_again():
    meter = prepaid(100000, standing_charge=20, standing_charge_scale=-2)
    meter.write("clock.status", RELIABLE)
    meter.advance(START_S + HOUR_S, Measurement())
    meter = started(meter)
    collect = meter.payment.collect_between

    def fail(since_s, until_s):
        collect(since_s, until_s)
        raise MemoryError

    meter.payment.collect_between = fail
    assert raised(MemoryError, meter.hub_time, START_S + 2 * DAY_S, RELIABLE)
    assert meter.time_s == START_S + HOUR_S and balance(meter) == 100000
    meter.payment.collect_between = collect
    meter.hub_time(START_S + 2 * DAY_S, RELIABLE)
    assert meter.time_s == START_S + 2 * DAY_S and balance(meter) == 60000


def test_both_ends_are_in_the_power_event_log():
    flags = {LOST: 16, BACK_LATE: 16}
    meter = make_meter(flags_of=lambda code: flags.get(code, 0))
    meter.write("clock.status", RELIABLE)
    meter.commit()
    again = make_meter(journal=meter.journal, stores=meter.logs._open_store, flags_of=meter.events.flags)
    waking.start(again)
    again.hub_time(START_S + 180, RELIABLE)
    rows = list(again.log("logs.power_event").rows())
    assert [row[:2] for row in rows] == [(START_S, LOST), (START_S + 180, BACK_LATE)]
