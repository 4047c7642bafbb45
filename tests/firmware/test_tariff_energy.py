"""Energy by tariff: what flows in is what the registers hold, in the right one, and costs what they say."""

import random

from smets.meter.dates import day_of
from smets.meter.measurement import Measurement
from smets.meter.schedule import NOW
from tests.firmware.account_world import prepaid
from tests.firmware.meter_world import START_S, make_meter

DAY_S = 86400
ALL_YEAR = [(b"all", b"\xff\xff\x01\x01\xff" + bytes(4) + b"\x80\x00\xff", b"\x01")]
ONE_WEEK = [(b"\x01", 1, 1, 1, 1, 1, 1, 1)]
DAILY = [(b"\x00\x00\x00\x00", b"\xff\xff\xff\xff\xff")]


def set_tariff(meter, actions, prices=(), thresholds=(), which=""):
    """Give a meter a tariff of one day: actions as (hour, minute, script)."""
    calendar = which + "calendar"
    meter.write(calendar + ".seasons", ALL_YEAR)
    meter.write(calendar + ".weeks", ONE_WEEK)
    meter.write(calendar + ".days", [(1, [(bytes((hour, minute, 0, 0)), script) for hour, minute, script in actions])])
    meter.write(which + "prices.prices", [(bytes((index,)), price) for index, price in prices])
    for time_of_use, given in thresholds:
        meter.write(f"prices.thresholds_{time_of_use}_wh", list(given))


def registers(meter):
    """Return {register: Wh} of all that is not 0; blocks as ("register" or "counter", block, time of use)."""
    found = {}
    for place, value in enumerate(meter.read("tariff_registers.tou_wh")):
        found[place + 1] = value
    for place, value in enumerate(meter.read("tariff_registers.blocks_wh")):
        kind = "counter" if place >= 32 else "register"
        found[kind, place % 32 // 8 + 1, place % 8 + 1] = value
    for place, value in enumerate(meter.read("tariff_registers.second_tou_wh")):
        found["second", place + 1] = value
    return {key: value for key, value in found.items() if value}


def again(meter):
    """Return the meter after a restart."""
    return make_meter(journal=meter.journal, stores=meter.logs._open_store)


def test_two_rates_share_the_energy_of_a_day():
    meter = make_meter()
    set_tariff(meter, [(0, 30, 1), (7, 30, 2)], [(1, 1000), (2, 3000)])
    meter.advance(START_S + DAY_S, Measurement(1000))
    assert registers(meter) == {1: 7000, 2: 17000}
    assert meter.read("payment.meter_balance_millipence") == -(7 * 1000 + 17 * 3000)
    assert meter.read("prices.active_price_millipence") == 3000
    meter.advance(START_S + DAY_S + 1800, Measurement(1000))
    assert meter.read("prices.active_price_millipence") == 1000


def test_without_a_tariff_the_first_register_counts_and_nothing_is_charged():
    meter = make_meter()
    meter.advance(START_S + DAY_S, Measurement(500))
    assert registers(meter) == {1: 12000} and meter.read("payment.meter_balance_millipence") == 0


def test_a_block_ends_at_its_threshold_to_the_watt_hour():
    meter = make_meter()
    prices = [(0xA2, 1000), (0xB2, 2000), (0xC2, 5000)]
    set_tariff(meter, [(0, 0, 102)], prices, [(2, (1001, 3000, 0xFFFFFFFF))])
    meter.advance(START_S + 3600, Measurement(5000))
    expected = {("register", 1, 2): 1001, ("register", 2, 2): 1999, ("register", 3, 2): 2000}
    expected.update({("counter",) + key[1:]: value for key, value in list(expected.items())})
    assert registers(meter) == expected
    assert meter.read("payment.meter_balance_millipence") == -((1001 * 1000 + 1999 * 2000 + 2000 * 5000) // 1000)


def test_counters_are_reset_daily_or_at_the_end_of_a_billing_period_and_registers_never():
    for name, times, resets in (
        ("block_reset_times", DAILY, 3), ("times", [(bytes(4), b"\xff\xff\xff\x03\xff")], 1), ("times", [], 0),
    ):  # fmt: skip
        meter = make_meter()
        set_tariff(meter, [(0, 0, 101)], [(0xA1, 1), (0xB1, 2)], [(1, (10000,))])
        meter.write("billing." + name, times)
        meter.advance(START_S + 3 * DAY_S + 1800, Measurement(1000))
        counted = registers(meter)
        since = 24000 * (0 if resets == 3 else 1 if resets == 1 else 3) + 500
        assert counted.get(("counter", 1, 1), 0) + counted.get(("counter", 2, 1), 0) == since, name
        assert counted["register", 1, 1] + counted["register", 2, 1] == 72500


def test_a_command_resets_the_counters_and_the_first_block_counts_again():
    meter = make_meter()
    set_tariff(meter, [(0, 0, 101)], [(0xA1, 100), (0xB1, 200)], [(1, (600,))])
    meter.advance(START_S + 3600, Measurement(1000))
    assert meter.read("prices.active_price_millipence") == 200
    meter.call("tariff_registers.run_script", 99)
    meter.commit()
    meter.release()
    assert meter.read("prices.active_price_millipence") == 100
    meter.advance(START_S + 5400, Measurement(1000))
    assert registers(meter) == {("register", 1, 1): 1100, ("register", 2, 1): 400, ("counter", 1, 1): 500}


def test_new_prices_and_tables_are_in_force_when_they_are_activated():
    meter = make_meter()
    meter.set_passive("prices.prices", [(b"\x01", 50), (b"\x05", 70)])
    meter.activate("prices.scale+prices.prices", NOW)
    meter.commit()
    meter.release()
    assert meter.read("prices.active_price_millipence") == 50
    for name, value in (("seasons", ALL_YEAR), ("weeks", ONE_WEEK), ("days", [(1, [(bytes(4), 5)])])):
        meter.set_passive("calendar." + name, value)
    meter.activate("calendar.seasons+calendar.weeks+calendar.days", START_S + 1000, b"who")
    meter.advance(START_S + 3600, Measurement(3600))
    assert registers(meter) == {1: 1000, 5: 2600}
    assert meter.read("prices.active_price_millipence") == 70


def test_a_price_has_a_scale_and_may_be_below_nothing():
    for number, scale, charge in ((12, -4, 120), (12345, -6, 1234), (-7, -5, -7), (1, 0, 100000), (99, -9, 0)):
        meter = make_meter()
        meter.write("prices.scale", scale)
        set_tariff(meter, [(0, 0, 1)], [(1, number)])
        meter.advance(START_S + 3600, Measurement(1000))
        assert meter.read("payment.meter_balance_millipence") == -charge, (number, scale)


def test_a_second_element_has_a_tariff_of_its_own():
    meter = make_meter(elements=2)
    set_tariff(meter, [(0, 0, 3)], [(3, 1000)])
    set_tariff(meter, [(0, 0, 201), (12, 0, 204)], [(1, 10), (4, 20)], which="second_")
    meter.advance(START_S + DAY_S, Measurement(1000, secondary_import_w=2000))
    assert registers(meter) == {3: 24000, ("second", 1): 24000, ("second", 4): 24000}
    assert meter.read("payment.meter_balance_millipence") == -(24000 + 24 * 10 + 24 * 20)
    assert meter.read("second_prices.active_price_millipence") == 10


def random_tariff(meter):
    scripts = (1, 2, 48, 101, 102, 108)
    actions = [(random.randrange(24), random.choice((0, 30, 17)), random.choice(scripts)) for _ in range(4)]
    indexes = (1, 2, 48, 0xA1, 0xB1, 0xC1, 0xD1, 0xA2, 0xB2, 0xA8, 0xD8)
    thresholds = [
        (time_of_use, [random.randrange(1, 9000) for _ in range(random.randrange(4))]) for time_of_use in (1, 2, 8)
    ]
    set_tariff(meter, actions, [(index, random.randrange(-200, 9000)) for index in indexes], thresholds)
    set_tariff(meter, [(random.randrange(24), 0, random.randrange(201, 205))], [(1, 30), (2, 900)], which="second_")
    meter.write("billing.block_reset_times", random.choice(([], DAILY)))


def total(found, kind):
    """Return the Wh in all registers of a kind; those by time of use alone count as "register"."""
    return sum([value for key, value in found.items() if (key[0] if isinstance(key, tuple) else "register") == kind])


def imported_wh(meter):
    return meter.read("registers.active_import_wh"), meter.read("registers.secondary_active_import_wh")


def test_energy_in_is_energy_in_registers_however_time_is_cut_and_wherever_it_restarts():
    random.seed(48)
    for _ in range(5):
        tariff = random.randrange(1 << 30)
        meters = []
        for _ in range(2):
            random.seed(tariff)
            meters.append(make_meter(elements=2))
            random_tariff(meters[-1])
        whole, cut = meters
        for _ in range(6):
            load = Measurement(random.randrange(12000), secondary_import_w=random.choice((0, random.randrange(4000))))
            end_s = whole.time_s + random.randrange(1, 40000)
            whole.advance(end_s, load)
            while cut.time_s < end_s:
                cut.advance(min(end_s, cut.time_s + random.choice((1, 700, 1799, 7000))), load)
                if random.random() < 0.2:
                    cut.commit(True)
                    cut = make_meter(journal=cut.journal, stores=cut.logs._open_store, elements=2)
            found = registers(whole)
            first, second = imported_wh(whole)
            assert sum([value for key, value in found.items() if isinstance(key, int) or key[0] == "register"]) == first
            assert (
                sum([value for key, value in found.items() if not isinstance(key, int) and key[0] == "second"])
                == second
            )
            assert found == registers(cut) and imported_wh(cut) == (first, second)
            assert whole.component("tariff").state() == cut.component("tariff").state()
            assert whole.read("payment.meter_balance_millipence") == cut.read("payment.meter_balance_millipence")


def test_what_is_charged_is_what_the_registers_cost():
    random.seed(9)
    for _ in range(5):
        meter = make_meter()
        random_tariff(meter)
        prices = {index[0]: price for index, price in meter.read("prices.prices")}
        for _ in range(5):
            meter.advance(meter.time_s + random.randrange(1, 50000), Measurement(random.randrange(9000)))
        cost = 0  # thousandths of a millipence
        for key, energy_wh in registers(meter).items():
            if isinstance(key, int):
                cost += energy_wh * prices.get(key, 0)
            elif key[0] == "register":
                cost += energy_wh * prices.get((key[1] + 9) * 16 + key[2], 0)
        assert -meter.read("payment.meter_balance_millipence") == cost // 1000
        assert meter.read("tariff.charge_rest") == cost % 1000 * 1000


def test_when_a_charge_is_reached_is_known_to_the_second():
    random.seed(3)
    for _ in range(6):
        meter = make_meter(elements=2)
        set_tariff(meter, [(0, 0, 1)], [(1, random.randrange(1, 9000))])
        set_tariff(meter, [(0, 0, 201)], [(1, random.randrange(1, 9000))], which="second_")
        load = Measurement(random.randrange(9000), secondary_import_w=random.choice((0, random.randrange(3000))))
        meter.advance(START_S + random.randrange(1, 1000), load)
        wanted = random.randrange(1, 900)
        seconds = meter.tariff.seconds_until(wanted, load)
        before = meter.read("payment.meter_balance_millipence")
        for second in range(1, 1801):
            meter.advance(meter.time_s + 1, load)
            reached = before - meter.read("payment.meter_balance_millipence") >= wanted
            assert reached == (seconds is not None and second >= seconds), (wanted, second, seconds)
            if reached:
                break


def test_a_clock_that_is_set_takes_the_tariff_along():
    meter = make_meter()
    set_tariff(meter, [(0, 0, 1), (12, 0, 2)])
    meter.advance(START_S + 13 * 3600, Measurement(1000))
    meter.write("clock.time_s", START_S + 3 * 3600)
    meter.advance(START_S + 4 * 3600, Measurement(1000))
    assert registers(meter) == {1: 13000, 2: 1000}


def test_a_leap_day_is_one_like_others():
    meter = make_meter(day_of(2028, 2, 26) * DAY_S)
    set_tariff(meter, [(0, 0, 1), (7, 0, 2)])
    meter.write("calendar.special_days", [(1, b"\xff\xff\x02\x1d\xff", 9)])  # on 29 February nothing is switched
    meter.advance(day_of(2028, 3, 3) * DAY_S, Measurement(1000))
    assert registers(meter) == {1: 7000 * 5, 2: 17000 * 5 + 24000}


def test_no_energy_is_lost_when_blocks_end_and_credit_runs_low_in_one_half_hour():
    # a block ends after 100 Wh, credit is low after 150, another block ends after 200: then the half hour is kept
    meter = prepaid(1000, low_credit_threshold=850)
    set_tariff(meter, [(0, 0, 101)], [(0xA1, 100), (0xB1, 100), (0xC1, 100)], [(1, (100, 200, 0xFFFFFFFF))])
    meter.write("prices.scale", -4)
    meter.advance(START_S + 1800, Measurement(1000))
    for now in (meter, again(meter)):
        found = registers(now)
        assert [found.get(("register", block, 1)) for block in (1, 2, 3)] == [100, 100, 300]
