"""What a day, a week, a month and a bill used and cost: it adds up to the registers and the account, to the unit."""

import random
import sys

from smets.meter.measurement import Measurement
from tests.firmware.account_world import prepaid
from tests.firmware.dark import dark_until
from tests.firmware.lives import measurement, meter_of, parts, random_home, random_load, registers, start_s
from tests.firmware.meter_world import DAY_S, HOUR_S, START_S, make_meter

RICH = 1000000000
HOMES = range(2 if sys.implementation.name == "micropython" else 12)
DAYS = 3 if sys.implementation.name == "micropython" else 40


def of(meter, name):
    """Return [(Wh, millipence)] of `now`, `days`, `weeks` or `months`."""
    energy_wh, cost = [meter.read("consumption." + name + unit) for unit in ("_wh", "_millipence")]
    return [(energy_wh[place], cost[place]) for place in range(len(cost))]


def total(rows):
    """Return the sums of energy and of cost."""
    return sum([row[0] for row in rows]), sum([row[1] for row in rows])


def kilowatts_for(meter, days):
    """Let days pass, the first at 1 kW, the second at 2 kW and so on."""
    for power_kw in range(1, days + 1):
        meter.advance(meter.time_s + DAY_S, Measurement(1000 * power_kw))


def test_days_weeks_and_months_end_at_their_midnights():
    meter = prepaid(RICH)  # Thursday, 1 January 2015; 30 pence a kWh
    kilowatts_for(meter, 35)  # 4 February, 0:00
    meter.advance(meter.time_s + HOUR_S, Measurement(1000))
    cost = 30
    assert of(meter, "now")[0] == (1000, 1000 * cost)
    days = [24000 * power for power in range(35, 27, -1)]
    assert of(meter, "days") == [(wh, wh * cost) for wh in days]
    # Monday, 5 January is day 5: four days before it, then whole weeks; 2 February began one
    weeks = [24000 * sum(range(first, last)) for first, last in ((26, 33), (19, 26), (12, 19), (5, 12), (1, 5))]
    assert of(meter, "weeks") == [(wh, wh * cost) for wh in weeks]
    assert of(meter, "now")[1] == (24000 * (33 + 34 + 35) + 1000, (24000 * (33 + 34 + 35) + 1000) * cost)
    january = 24000 * sum(range(1, 32))
    assert of(meter, "months") == [(january, january * cost)] + [(0, 0)] * 12
    assert of(meter, "now")[2][0] == 24000 * sum(range(32, 36)) + 1000


def test_standing_charge_and_debts_are_no_cost_of_energy():
    meter = prepaid(RICH, standing_charge=20, standing_charge_scale=-2, time_debt_1=5000, rate_1=100, period_1_s=HOUR_S)
    kilowatts_for(meter, 1)
    assert of(meter, "days")[0] == (24000, 24000 * 30)


def test_a_year_keeps_thirteen_months():
    meter = make_meter()
    for month in range(14):
        meter.write("clock.time_s", START_S + (month * 61 // 2 + 1) * DAY_S - HOUR_S)
        meter.advance(meter.time_s + 2 * HOUR_S, Measurement(1000 * (month + 1)))
    assert len(of(meter, "months")) == 13
    assert of(meter, "now")[2][0] > 0


def test_in_credit_mode_energy_has_its_price():
    meter = prepaid(RICH)
    meter.write("payment.mode", 1)
    meter.advance(START_S + HOUR_S, Measurement(1000))
    assert of(meter, "now") == [(1000, 30000)] * 4


def test_energy_that_is_paid_for_has_a_cost_below_nothing():
    meter = prepaid(RICH, price=-5)
    kilowatts_for(meter, 2)
    assert of(meter, "days")[:2] == [(48000, -240000), (24000, -120000)]


def test_a_bill_ends_with_the_billing_period():
    meter = prepaid(RICH)
    meter.write("billing.times", [(b"\x06\x00\x00\x00", b"\xff\xff\xff\xff\xff")])
    meter.advance(START_S + 5 * HOUR_S, Measurement(1000))
    assert of(meter, "now")[3] == (5000, 150000)
    meter.advance(START_S + 8 * HOUR_S, Measurement(1000))
    assert of(meter, "now")[3] == (2000, 60000) and of(meter, "now")[0] == (8000, 240000)


def test_days_in_the_dark_are_empty_and_what_was_before_them_is_kept():
    meter = prepaid(RICH)
    kilowatts_for(meter, 1)
    meter.advance(meter.time_s + HOUR_S, Measurement(1000))
    meter = dark_until(meter, START_S + 4 * DAY_S + HOUR_S)
    meter.advance(START_S + 5 * DAY_S, Measurement(2000))
    expected = [(1000 + 46000, 47000 * 30), (0, 0), (0, 0), (0, 0), (24000, 720000)]
    assert of(meter, "days")[:5] == expected
    assert sum([wh for wh, _ in of(meter, "days")]) == meter.read("registers.active_import_wh")


def test_a_clock_that_is_set_back_loses_nothing():
    meter = prepaid(RICH)
    kilowatts_for(meter, 2)
    meter.write("clock.time_s", START_S + HOUR_S)
    meter.advance(START_S + 2 * HOUR_S, Measurement(1000))
    meter.advance(START_S + 2 * DAY_S, Measurement())
    kept = of(meter, "days") + of(meter, "now")[:1]
    assert total(kept) == (73000, 73000 * 30)


def test_what_periods_cost_adds_up_to_what_the_registers_say_under_any_tariff():
    for seed in HOMES:
        random.seed(seed)
        home = random_home(random, low_price=-50, spare=1000000000)
        meter, tariff, months = meter_of(home), home["tariff"], 0
        for _ in range(DAYS):
            meter.advance(meter.time_s + random.randrange(DAY_S), measurement(random_load(random, home["twin"])))
            months = of(meter, "months")[:3] + of(meter, "now")[2:3]
        cost = 0
        for script, energy_wh in registers(meter)[3].items():
            price = tariff["prices"].get(script, tariff["second_prices"].get(script, 0))
            cost += energy_wh * parts(price, tariff["scale"])
        energy_wh, charged_millipence = total(months)
        assert energy_wh == sum(registers(meter)[:2]), seed
        assert charged_millipence * 1000000 + meter.read("tariff.charge_rest") == cost, seed
        assert start_s(home) < meter.time_s
        _check_days(meter)


def _check_days(meter):
    """A week that is over is its days, as far back as they are kept."""
    days, today = of(meter, "days"), meter.time_s // DAY_S
    since_monday = (today + 5) % 7
    for column in (0, 1):
        week = [day[column] for day in days[:since_monday]] + [of(meter, "now")[0][column]]
        assert sum(week) == of(meter, "now")[1][column]
