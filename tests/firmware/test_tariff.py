"""Tariffs and payment settings: what waits, what is in force, what a supplier does to the account."""

from smets.meter.errors import MeterError, OutOfRange, Refused
from smets.meter.measurement import Measurement
from smets.meter.schedule import NEVER, NOW
from tests.firmware.meter_world import START_S, events, make_meter

SEASONS = [(b"winter", b"\x07\xde\x0a\x1b\xff\x00\x00\x00\x00\x80\x00\xff", b"\x01")]
WEEKS = [(b"\x01", 1, 1, 1, 1, 1, 2, 2)]
DAYS = [(1, [(b"\x00\x00\x00\x00", 102), (b"\x07\x00\x00\x00", 101)]), (2, [(b"\x00\x00\x00\x00", 1)])]
SWITCHING_TABLE = "calendar.seasons+calendar.weeks+calendar.days"


def raised(kind, function, *arguments):
    try:
        function(*arguments)
    except kind:
        return True
    except MeterError:
        return False
    return False


def wait_for_switching_table(meter):
    meter.set_passive("calendar.seasons", SEASONS)
    meter.set_passive("calendar.weeks", WEEKS)
    meter.set_passive("calendar.days", DAYS)


def read_switching_table(meter):
    return [meter.read("calendar." + name) for name in ("seasons", "weeks", "days")]


def again(meter):
    """Return the meter after a restart, with what it had put on flash."""
    meter.commit()
    return make_meter(journal=meter.journal)


def test_a_switching_table_is_in_force_from_its_time_on_whole():
    meter = make_meter()
    wait_for_switching_table(meter)
    meter.activate(SWITCHING_TABLE, START_S + 600, b"who")
    meter = again(meter)
    meter.advance(START_S + 599, Measurement())
    assert read_switching_table(meter) == [[], [], []] and meter.activation(SWITCHING_TABLE) == START_S + 600
    meter.advance(START_S + 600, Measurement())
    assert again(meter).take_event() == (0x8F66, START_S + 600, b"who")
    assert read_switching_table(again(meter)) == [SEASONS, WEEKS, DAYS]


def test_a_cancelled_switching_table_never_comes():
    meter = make_meter()
    wait_for_switching_table(meter)
    meter.activate(SWITCHING_TABLE, START_S + 600, b"who")
    meter.activate(SWITCHING_TABLE, NEVER, b"who")
    meter.advance(START_S + 3600, Measurement())
    assert read_switching_table(meter) == [[], [], []] and events(meter) == []


def test_a_second_activation_does_not_bring_an_old_value_back():
    meter = make_meter()
    meter.set_passive("credit.max_meter_balance_millipence", 5)
    meter.activate("credit.max_meter_balance_millipence", NOW)
    meter.write("credit.max_meter_balance_millipence", 9)
    meter.activate("credit.max_meter_balance_millipence", NOW)
    assert meter.read("credit.max_meter_balance_millipence") == 9


def test_prices_of_a_new_meter_are_all_there_and_cost_nothing():
    prices = make_meter().read("prices.prices")
    assert len(prices) == 80 and prices[0] == (b"\x01", 0) and prices[48] == (b"\xa1", 0) and prices[79] == (b"\xd8", 0)
    assert [index for index, _ in make_meter().read("second_prices.prices")] == [b"\x01", b"\x02", b"\x03", b"\x04"]


def test_elements_have_tariffs_of_their_own():
    meter = make_meter(elements=2)
    meter.write("calendar.days", DAYS)
    meter.write("second_prices.prices", [(b"\x01", -5)])
    assert meter.read("second_calendar.days") == []
    assert len(meter.read("prices.prices")) == 80 and meter.read("second_prices.prices") == [(b"\x01", -5)]


def test_tables_take_their_own_shape_only():
    meter = make_meter()
    for path, bad in (
        ("calendar.seasons", SEASONS * 5), ("calendar.seasons", [(b"winter", b"", 1)]), ("calendar.days", DAYS * 9),
        ("calendar.weeks", [(b"\x01", 1, 1)]), ("prices.prices", [(b"\x01", 40000)]),
        ("prices.thresholds_1_wh", [1, 2, 3, 4]), ("non_disablement.special_days", 5),
    ):  # fmt: skip
        before = meter.read(path)
        assert raised(OutOfRange, meter.write, path, bad) and raised(OutOfRange, meter.set_passive, path, bad), path
        assert meter.read(path) == before


def test_long_lists_are_packed_as_they_come_and_go():
    meter = make_meter()
    prices = meter.component("prices").packing("prices", None)
    for number in range(80):
        prices.append((bytes((number,)), -number))
    assert raised(OutOfRange, prices.append, (b"x", 1)) and raised(OutOfRange, prices.append, (b"xx", 1))
    meter.set_passive("prices.prices", prices)
    meter.activate("prices.prices", NOW)
    assert again(meter).read("prices.prices") == list(prices) == list(meter.elements("prices.prices"))


def test_resetting_the_block_counters_leaves_the_registers():
    meter = make_meter()
    meter.write("tariff_registers.blocks_wh", list(range(1, 65)))
    meter.call("tariff_registers.run_script", 99)
    assert meter.read("tariff_registers.blocks_wh") == list(range(1, 33)) + [0] * 32
    assert raised(Refused, meter.call, "tariff_registers.run_script", 1)


def test_the_balance_is_adjusted_and_reset():
    meter = make_meter()
    meter.call("account.adjust_balance", 1200)
    meter.call("account.adjust_balance", -1500)
    assert meter.read("payment.meter_balance_millipence") == -300
    assert raised(OutOfRange, meter.call, "account.adjust_balance", -0x80000000)
    meter.call("account.reset_balance", 0)
    assert again(meter).read("payment.meter_balance_millipence") == 0


def test_credit_again_arms_a_supply_that_was_disabled_for_want_of_it():
    for method, argument in (("adjust_balance", 301), ("reset_balance", 0)):
        meter = make_meter()
        meter.write("payment.meter_balance_millipence", -300)
        meter.supply.change(0, 4)
        if argument:
            meter.call("account.adjust_balance", 300)
            assert meter.read("supply.state") == 0
        meter.write("payment.disablement_threshold_millipence", -1)
        meter.call("account." + method, argument)
        assert meter.read("supply.state") == 2


def test_debts_are_adjusted_and_their_rates_wait():
    meter = make_meter()
    for name in ("payment_debt", "time_debt_1", "time_debt_2"):
        meter.call("account.adjust_" + name, 30)
        meter.call("account.adjust_" + name, -10)
        assert meter.read("payment." + name + "_millipence") == 20
    meter.set_passive("debts.rate_1", 3)
    meter.set_passive("debts.rate_1_scale", -1)
    assert meter.read("debts.rate_1") == 0
    meter.call("debts.activate_rate_1", 0)
    assert [meter.read("debts." + name) for name in ("rate_1", "rate_1_scale", "rate_2")] == [3, -1, 0]


def test_emergency_credit_is_lent_once_and_only_when_it_is_wanted():
    meter = make_meter()
    meter.write("payment.emergency_credit_limit_millipence", 500)
    meter.write("payment.meter_balance_millipence", 100)
    meter.write("account.emergency_credit_threshold_millipence", 100)
    assert raised(Refused, meter.call, "account.activate_emergency_credit", 0)
    meter.write("payment.mode", 2)
    assert raised(Refused, meter.call, "account.activate_emergency_credit", 0)
    meter.write("payment.meter_balance_millipence", 99)
    meter.call("account.activate_emergency_credit", 0)
    meter.write("payment.emergency_credit_balance_millipence", 400)
    meter.call("account.activate_emergency_credit", 0)
    assert meter.read("payment.emergency_credit_balance_millipence") == 400
    meter.call("account.reset_emergency_credit", 0)
    assert not meter.read("payment.emergency_credit_active")


def test_the_largest_switching_table_fits():
    """16 day profiles of 48 actions, 4 weeks, 4 seasons with names of 8 octets and 50 special days (DUIS 1.1.1)."""
    meter = make_meter()
    days = [
        (day, [(bytes((at // 2, at % 2 * 30, 59, 99)), 100 + at % 8 + 1) for at in range(48)]) for day in range(1, 17)
    ]
    weeks = [(bytes((week,)),) + (16, 15, 14, 13, 12, 11, 10) for week in range(1, 5)]
    seasons = [(b"season" + bytes((0x30, 0x30 + at)), SEASONS[0][1], bytes((at,))) for at in range(1, 5)]
    special = [(at, b"\x07\xde\x0a\x1b\xff", 16) for at in range(1, 51)]
    tables = (("days", days), ("weeks", weeks), ("seasons", seasons), ("special_days", special))
    for name, table in tables:
        meter.set_passive("calendar." + name, table)
        meter.activate("calendar." + name, NOW, b"origin")
    for name, table in tables:
        assert list(again(meter).read("calendar." + name)) == table
    assert raised(OutOfRange, meter.write, "calendar.days", [(1, [(b"\x00\x00\x00", 1)])])
    assert raised(OutOfRange, meter.write, "calendar.days", [(1, [(b"\x00\x00\x00\x00", 256)])])
