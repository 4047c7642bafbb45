"""The whole meter through weeks of a two-rate prepayment household: every register, log and millipence.

A reference written from the specification goes along half hour by half hour (day_reference.py).
"""

import random
import sys

from smets.meter.measurement import Measurement
from tests.firmware.account_world import POUND, account, collection, prepaid, top_up
from tests.firmware.day_reference import Household
from tests.firmware.meter_world import DAY_S, START_S, make_meter
from tests.firmware.test_meter import state_of

ON_DEVICE = sys.implementation.name == "micropython"
"""It takes twenty times as long there."""
WEEKS = 1 if ON_DEVICE else 4
"""How many random weeks a test lives through."""
HALF_HOURS = 48 if ON_DEVICE else 7 * 48
MIDNIGHT = bytes(4)
EVERY_DAY = b"\xff\xff\x01\x01\xff\x00\x00\x00\x00\x80\x00\xff"
"""A season that begins every first of January."""


def random_terms(random):
    """Return the terms of a household: balance, rates, end of the night, standing charge, debt and its rate."""
    night_end_s = 1800 * random.randrange(1, 48)
    return (
        random.randrange(900 * POUND, 1000 * POUND), random.randrange(1, 60), random.randrange(1, 60), night_end_s,
        random.randrange(1, 30000), random.randrange(0, 20 * POUND), random.randrange(1, 30000),
    )  # fmt: skip


def meter_of(terms):
    """Return a meter with those terms; the rates are pence a kWh."""
    balance, day_rate, night_rate, night_end_s, standing_charge, debt, hourly_debt = terms
    meter = prepaid(
        balance, standing_charge=standing_charge, standing_charge_scale=-5,
        time_debt_1=debt, rate_1=hourly_debt, rate_1_scale=-5, period_1_s=3600,
    )  # fmt: skip
    meter.write("account.collection", collection())
    meter.write("prices.prices", [(b"\x01", day_rate), (b"\x02", night_rate)])
    meter.write("prices.scale", -2)
    clock = bytes((night_end_s // 3600, night_end_s // 60 % 60, 0, 0))
    meter.write("calendar.days", [(1, [(MIDNIGHT, 2), (clock, 1)])])
    meter.write("calendar.weeks", [(b"\x01",) + (1,) * 7])
    meter.write("calendar.seasons", [(b"all year", EVERY_DAY, b"\x01")])
    return meter


def reference_of(terms):
    """Return the reference for the terms of `meter_of`."""
    balance, day_rate, night_rate, night_end_s, standing_charge, debt, hourly_debt = terms
    return Household(balance, day_rate * 1000, night_rate * 1000, night_end_s, standing_charge, debt, hourly_debt)


def random_powers(random, count=HALF_HOURS):
    """Return (import, export) in W of half hours: now and then nothing, now and then a lot."""
    powers = []
    for _ in range(count):
        powers.append((random.choice((0, 250, random.randrange(9000))), random.choice((0, random.randrange(4000)))))
    return powers


def rows(meter, name):
    """Return the rows of a log as tuples of numbers, times since the start."""
    log = meter.log(name)
    found = [log.row(place) for place in range(len(log))]
    return [(row[0] - START_S,) + tuple(row[1:]) for row in found]


def check(meter, reference):
    """Compare everything that the reference knows."""
    assert meter.read("registers.active_import_wh") == reference.import_ws // 3600
    assert meter.read("registers.active_import_ws") == reference.import_ws % 3600
    assert meter.read("registers.active_export_wh") == reference.export_ws // 3600
    tou_wh = meter.read("tariff_registers.tou_wh")
    assert tou_wh[:2] == reference.by_rate_wh and sum(tou_wh[2:]) == 0
    assert sum(meter.read("tariff_registers.blocks_wh")) == 0
    assert account(meter)[0] == reference.balance and account(meter)[2] == reference.debt
    # the first half hour and the first day have no rows: their beginning was before the clock was set
    half_hours = reference.half_hours[1:]
    newest = [(end_s, wh) for end_s, wh, _ in half_hours[-19056:]]  # 13 months of import, 3 of export (SMETS2 5.7.5)
    assert [row[:2] for row in rows(meter, "import_profile")] == newest
    newest = [(end_s, wh) for end_s, _, wh in half_hours[-4464:]]
    assert [row[:2] for row in rows(meter, "export_profile")] == newest
    assert rows(meter, "daily_consumption") == [(end_s, wh) for end_s, wh, _ in reference.days[1:]]
    newest = [(end_s, balance) for end_s, _, balance in reference.days[-31:]]
    assert [row[:2] for row in rows(meter, "prepayment_daily")] == newest


def live(meter, reference, powers, cuts=(1800,), restarts=0):
    """Let both live through half hours; time is cut into pieces of `cuts`, the meter restarted so often.

    Returns the meter, which is another after a restart.
    """
    piece = 0
    for place, (import_w, export_w) in enumerate(powers):
        end_s = meter.time_s + 1800
        load = Measurement(import_w, export_w)
        while meter.time_s < end_s:
            meter.advance(min(end_s, meter.time_s + cuts[piece % len(cuts)]), load)
            piece += 1
        if reference:
            reference.live(import_w, export_w)
        if restarts and place % (len(powers) // restarts) == 1:
            meter.commit(True)
            meter = make_meter(journal=meter.journal, stores=meter.logs._open_store, tokens=meter.tokens)
        while meter.take_event():
            pass
    return meter


def test_random_weeks_agree_with_the_specification_to_the_watt_hour_and_the_millipence():
    for seed in range(WEEKS):
        random.seed(7000 + seed)
        terms = random_terms(random)
        meter, reference = meter_of(terms), reference_of(terms)
        meter = live(meter, reference, random_powers(random))
        check(meter, reference)


def test_a_random_year_agrees_too_and_its_logs_turn():
    random.seed(20150101)
    terms = random_terms(random)
    terms = (20000 * POUND,) + terms[1:]
    meter, reference = meter_of(terms), reference_of(terms)
    check(live(meter, reference, random_powers(random, 48 * (2 if ON_DEVICE else 365))), reference)


def test_cutting_time_and_restarting_give_the_same_week():
    for seed in range(WEEKS):
        random.seed(8000 + seed)
        terms, powers = random_terms(random), random_powers(random)
        whole = live(meter_of(terms), None, powers)
        cut = live(meter_of(terms), None, powers, [random.randrange(1, 1800) for _ in range(9)], restarts=5)
        for meter in (whole, cut):
            meter.commit(True)
        assert account(whole) == account(cut)
        assert state_of(whole)[0] == state_of(cut)[0] and state_of(whole)[2] == state_of(cut)[2]


def test_a_season_changes_what_the_same_hour_costs():
    # Winter ends with February: from the first of March the night rate is gone until the meter is told otherwise
    meter = meter_of((900 * POUND, 30, 10, 7 * 3600, 0, 0, 1))
    meter.write(
        "calendar.days", [(1, [(b"\x00\x00\x00\x00", 2), (b"\x07\x00\x00\x00", 1)]), (2, [(b"\x00\x00\x00\x00", 1)])]
    )
    meter.write("calendar.weeks", [(b"\x01",) + (1,) * 7, (b"\x02",) + (2,) * 7])
    march = b"\xff\xff\x03\x01\xff\x00\x00\x00\x00\x80\x00\xff"
    meter.write("calendar.seasons", [(b"winter", EVERY_DAY, b"\x01"), (b"summer", march, b"\x02")])

    # the last night of February 2015, which has 28 days: a kilowatt at 10 pence
    meter.write("clock.time_s", START_S + 58 * DAY_S)
    before, tou_wh = account(meter)[0], meter.read("tariff_registers.tou_wh")[:2]
    meter.advance(START_S + 58 * DAY_S + 6 * 3600, Measurement(1000))
    assert account(meter)[0] == before - 6 * 10000
    # that evening is at the day rate, and so is the first night of March
    meter.advance(START_S + 59 * DAY_S, Measurement())
    meter.advance(START_S + 59 * DAY_S + 6 * 3600, Measurement(1000))
    assert account(meter)[0] == before - 6 * 10000 - 6 * 30000
    assert meter.read("tariff_registers.tou_wh")[:2] == [tou_wh[0] + 6000, tou_wh[1] + 6000]
    # on New Year's Day winter is back
    meter.write("clock.time_s", START_S + 365 * DAY_S)
    before = account(meter)[0]
    meter.advance(START_S + 365 * DAY_S + 3600, Measurement(1000))
    assert account(meter)[0] == before - 10000


def test_no_register_goes_down_whatever_is_asked_of_the_meter():
    random.seed(9)
    meter = meter_of(random_terms(random))
    seen = [0] * 4
    for number in range(20 if ON_DEVICE else 60):
        meter.advance(
            meter.time_s + random.randrange(1, 9000), Measurement(random.randrange(6000), random.randrange(3000))
        )
        what = random.randrange(5)
        if what == 0:
            top_up(meter, number + 1, random.randrange(1, 500))
        elif what == 1:
            meter.write("payment.mode", random.randrange(1, 3))
        elif what == 2:
            meter.call("tariff_registers.run_script", 99)
        elif what == 3:
            meter.call("account.reset_balance", 0)
        elif what == 4:  # the power is cut: what is on flash is all there is
            meter.commit(True)
            meter = make_meter(journal=meter.journal, stores=meter.logs._open_store, tokens=meter.tokens)
        tou_wh = sum(meter.read("tariff_registers.tou_wh"))
        now = [meter.read("registers.active_import_wh"), meter.read("registers.active_export_wh"), tou_wh, meter.time_s]
        assert tou_wh == now[0] and min([now[place] - seen[place] for place in range(4)]) >= 0
        seen = now
