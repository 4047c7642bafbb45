"""The meter model: energy, load limit, credit, clock, outages and voltage, whatever way time is cut."""

import random
import struct

from smets.meter.errors import MeterError, NotNow, OutOfRange, Refused, Unavailable
from smets.meter.measurement import Measurement
from smets.meter.panel import HIGH, LOW, MEDIUM
from smets.meter.pending import MAX_PENDING
from smets.meter.schedule import NEVER
from tests.firmware.meter_world import DAY_S, HOUR_S, START_S, Stores, Tokens, events, make_meter


def raised(kind, function, *arguments):
    try:
        function(*arguments)
    except kind:
        return True
    except MeterError:
        return False
    return False


def state_of(meter):
    """Return everything the meter keeps: components, waiting events and logs."""
    meter.log("logs.voltage_1")  # rows that wait for their logs get there
    logs = {name: list(log.records) for name, log in meter.logs._open_store.logs.items()}
    return [bytes(part.state()) for part in meter._components.values()], meter.events.state(), logs


def test_energy_is_power_times_time():
    meter = make_meter()
    meter.advance(START_S + HOUR_S, Measurement(1500, 250, 120, 30, 700))
    names = ("active_import_wh", "active_export_wh", "reactive_import_varh", "reactive_export_varh")
    assert [meter.read("registers." + name) for name in names] == [1500, 250, 120, 30]
    assert meter.read("registers.secondary_active_import_wh") == 700


def test_watt_seconds_are_never_lost():
    meter = make_meter()
    for second in range(1, HOUR_S + 1):
        meter.advance(START_S + second, Measurement(7))
    assert meter.read("registers.active_import_wh") == 7 and meter.read("registers.active_import_ws") == 0


def test_cutting_time_changes_nothing():
    random.seed(3)
    for _ in range(5):
        load = Measurement(random.randrange(9000), 10, 20, 30, 0, (random.randrange(1900, 2700),) * 3)
        whole, cut = make_meter(), make_meter()
        for meter in (whole, cut):
            meter.write("load_limit.power_threshold_w", 5000)
            meter.write("load_limit.disables_supply", True)
        end_s = START_S + 2 * DAY_S
        whole.advance(end_s, load)
        now_s = START_S
        while now_s < end_s:
            now_s = min(end_s, now_s + random.randrange(1, 9000))
            cut.advance(now_s, load)
        assert state_of(whole) == state_of(cut)


def test_nothing_flows_through_an_open_switch():
    meter = make_meter()
    meter.call("supply.run_script", 52)
    meter.advance(START_S + HOUR_S, Measurement(1000, 1000))
    assert meter.read("registers.active_import_wh") == meter.read("registers.active_export_wh") == 0


def test_registers_roll_over():
    meter = make_meter()
    meter.write("registers.active_import_wh", 0xFFFFFFFF)
    meter.advance(START_S + HOUR_S, Measurement(3))
    assert meter.read("registers.active_import_wh") == 2


def limited(disables):
    meter = make_meter()
    for name, value in (
        ("power_threshold_w", 5000), ("period_s", 300), ("restoration_period_s", 60), ("disables_supply", disables),
    ):  # fmt: skip
        meter.write("load_limit." + name, value)
    return meter


def test_a_load_above_the_limit_trips_once_and_is_only_reported():
    meter = limited(False)
    meter.advance(START_S + 299, Measurement(5001))
    assert events(meter) == []
    meter.advance(START_S + 300, Measurement(5001))
    assert meter.take_event() == (0x8F01, START_S + 300, b"")
    meter.advance(START_S + HOUR_S, Measurement(5001))
    assert events(meter) == [] and meter.read("load_limit.counter") == 1
    meter.advance(START_S + HOUR_S + 1, Measurement(5000))
    meter.advance(START_S + HOUR_S + 301, Measurement(5001))
    assert events(meter) == [0x8F01] and meter.read("load_limit.counter") == 2


def test_a_limit_that_disables_arms_the_supply_and_restores_it():
    meter = limited(True)
    meter.advance(START_S + 359, Measurement(6000))
    assert events(meter) == [0x8F01, 0x8F33] and meter.read("supply.state") == 2
    assert meter.read("registers.active_import_wh") == 500
    meter.advance(START_S + 360, Measurement(6000))
    assert events(meter) == [0x8F34] and meter.read("supply.state") == 1
    meter.advance(START_S + 660, Measurement(6000))
    assert events(meter) == [0x8F01, 0x8F33] and meter.read("load_limit.counter") == 2


def test_a_load_that_goes_on_after_the_supply_was_closed_at_once_trips_again():
    meter = limited(True)
    meter.advance(START_S + 300, Measurement(6000))
    assert events(meter) == [0x8F01, 0x8F33] and meter.read("supply.state") == 2
    meter.call("supply.close_by_customer", None)
    meter.advance(START_S + 599, Measurement(6000))
    assert meter.read("supply.state") == 1 and meter.read("load_limit.counter") == 1
    meter.advance(START_S + 600, Measurement(6000))
    assert meter.read("supply.state") == 2 and meter.read("load_limit.counter") == 2


def test_a_command_during_restoration_wins():
    meter = limited(True)
    meter.advance(START_S + 310, Measurement(6000))
    meter.call("supply.run_script", 52)
    meter.advance(START_S + HOUR_S, Measurement(6000))
    assert meter.read("supply.state") == 0 and 0x8F34 not in events(meter)


def test_the_switch_moves_as_it_may():
    meter = make_meter()
    meter.call("supply.run_script", 54)
    assert meter.read("supply.state") == 1
    assert raised(Refused, meter.call, "supply.close_by_customer", None)
    meter.call("supply.lock", None)
    assert raised(Refused, meter.call, "supply.close_by_customer", None)
    meter.supply.arm(4)
    assert meter.read("supply.state") == 0
    meter.call("supply.run_script", 54)
    meter.call("supply.close_by_customer", None)
    assert meter.read("supply.state") == 1 and events(meter) == [0x81BE, 0x8F32]


CREDIT_FIELDS = ("max_credit_millipence", "max_meter_balance_millipence", "debt_share", "recovery_cap_pence")


def credit(pence, **fields):
    """Return the meter and its balance after a top-up of an account with these fields."""
    meter = make_meter(tokens=Tokens({b"1" * 20: (0, pence, 9)}))
    meter.write("payment.mode", 2)
    for name, value in fields.items():
        meter.write(("credit." if name in CREDIT_FIELDS else "payment.") + name, value)
    return meter


def account(meter):
    names = ("meter_balance", "payment_debt", "accumulated_debt", "emergency_credit_balance")
    return [meter.read("payment." + name + "_millipence") for name in names]


def test_a_credit_pays_debts_in_their_order():
    meter = credit(
        1000,
        meter_balance_millipence=-50000,
        payment_debt_millipence=900000,
        debt_share=2500,
        accumulated_debt_millipence=100000,
        emergency_credit_active=True,
        emergency_credit_limit_millipence=500000,
        emergency_credit_balance_millipence=200000,
    )
    meter.call("credit.enter_token", b"1" * 20)
    assert account(meter) == [300000, 650000, 0, 500000]


def test_the_cap_limits_debt_for_a_week():
    meter = credit(1000, payment_debt_millipence=900000, debt_share=5000, recovery_cap_pence=300)
    for _ in range(3):
        meter.call("credit.enter_token", b"1" * 20)
    assert account(meter)[:2] == [2700000, 600000]
    meter.advance(START_S + 7 * DAY_S, Measurement())
    meter.call("credit.enter_token", b"1" * 20)
    assert account(meter)[:2] == [3400000, 300000]


def test_a_token_is_used_in_the_very_write_that_keeps_its_credit():
    meter = credit(1000)
    meter.commit()
    before = dict(meter.journal.values)
    put, writes = meter.journal.put_many, []
    meter.journal.put_many = lambda pairs: (writes.append([key for key, _ in pairs]), put(pairs))
    meter.call("credit.enter_token", b"1" * 20)
    (write,) = [keys for keys in writes if "meter/payment" in keys]
    assert "utrn/seen" in write and "utrn/seen" not in before
    assert not [keys for keys in writes if keys is not write and "utrn/seen" in keys]


def test_no_credit_creates_or_loses_money():
    random.seed(5)
    for _ in range(200):
        pence = random.randrange(0, 8192)
        fields = {
            "payment_debt_millipence": random.randrange(10**6), "debt_share": random.randrange(10001),
            "accumulated_debt_millipence": random.randrange(10**6), "recovery_cap_pence": random.randrange(1000),
            "emergency_credit_active": random.randrange(2), "emergency_credit_limit_millipence": 10**6,
            "emergency_credit_balance_millipence": random.randrange(10**6),
        }  # fmt: skip
        meter = credit(pence, **fields)
        before = account(meter)
        meter.call("credit.enter_token", b"1" * 20)
        after = account(meter)
        assert after[0] - before[0] + before[1] - after[1] + before[2] - after[2] + after[3] - before[3] == pence * 1000
        assert min(after) >= 0


def test_limits_refuse_a_credit_and_leave_the_token():
    for field, code in (("max_credit_millipence", 0x8F5B), ("max_meter_balance_millipence", 0x8F47)):
        meter = credit(1000, **{field: 999999})
        assert raised(Refused, meter.call, "credit.enter_token", b"1" * 20)
        assert events(meter) == [code] and meter.tokens.accepted == [] and account(meter)[0] == 0
        meter.write("credit." + field, 1000000)
        meter.call("credit.enter_token", b"1" * 20)
        assert meter.tokens.accepted == [9]


def test_a_flash_that_fails_keeps_neither_credit_nor_token():
    meter = credit(1000)
    meter.commit()
    meter.journal.put_many = failing(OSError)
    assert raised(OSError, meter.call, "credit.enter_token", b"1" * 20)
    assert raised(Refused, meter.call, "credit.enter_token", b"1" * 20) and account(meter)[0] == 1000000
    del meter.journal.put_many
    again = make_meter(journal=meter.journal, tokens=meter.tokens)  # the power went before it could be kept
    assert account(again)[0] == 0 and again.stored("utrn/seen") is None
    again.call("credit.enter_token", b"1" * 20)
    assert account(again)[0] == 1000000 and again.stored("utrn/seen") == b"9"


def test_a_credit_at_the_meter_is_reported_and_arms_a_disabled_supply():
    meter = credit(1000)
    meter.supply.change(0, 4)
    meter.call("credit.enter_token_locally", b"1" * 20)
    meter.commit()
    meter.release()
    assert events(meter) == [0x810E, 0x8F32] and meter.read("supply.state") == 2
    assert raised(Unavailable, make_meter().call, "credit.enter_token", b"1" * 20)


def keyed_in_on_a_failing_device(error, calls):
    """Key a token in at a meter whose journal and logs fail after so many writes; return whether that was too few."""
    meter = credit(1000, payment_debt_millipence=90000, debt_share=5000)
    meter.commit()
    stores, before = meter.logs._open_store, account(meter)
    limit = Failing(error, calls)
    meter.journal.put_many = limit.around(meter.journal.put_many)
    meter.logs._open_store = limit.around(stores)
    fails = raised(error, meter.call, "credit.enter_token_locally", b"1" * 20)
    del meter.journal.put_many
    meter.logs._open_store = stores
    if fails:
        assert account(meter) == before, (error, calls)
        meter.call("credit.enter_token_locally", b"1" * 20)
    assert account(meter) == [910000, 0, 0, 0], (error, calls)
    return fails


def test_a_token_keyed_in_is_taken_whole_or_not_at_all_wherever_heap_or_flash_fail():
    for error in (OSError, MemoryError):
        calls = 0
        while keyed_in_on_a_failing_device(error, calls):
            calls += 1
        assert calls > 1


class Failing:
    """Lets so many calls of the functions that it stands around pass, and then raises."""

    def __init__(self, error, calls):
        self.error, self.left = error, calls

    def around(self, function):
        def call(*given):
            self.left -= 1
            if self.left < 0:
                raise self.error()
            return function(*given)

        return call


def test_midnight_writes_the_daily_row():
    meter = make_meter(START_S + 1)
    meter.write("payment.meter_balance_millipence", -7)
    meter.advance(START_S + 2 * DAY_S, Measurement())
    rows = list(meter.log("logs.prepayment_daily").rows())
    assert rows == [(START_S + DAY_S, -7, 0, 0, 0, 0, 0), (START_S + 2 * DAY_S, -7, 0, 0, 0, 0, 0)]


def test_the_clock_is_compared_with_the_hub_once_a_day():
    meter = make_meter()
    meter.write("clock.status", 0)
    meter.hub_time(START_S + 10, 0)
    assert meter.time_s == START_S + 10 and events(meter) == [0x8145]
    meter.hub_time(START_S + 15, 0)
    assert meter.time_s == START_S + 10
    meter.advance(START_S + DAY_S + 10, Measurement())
    meter.hub_time(START_S + DAY_S + 21, 0)
    assert meter.time_s == START_S + DAY_S + 10 and events(meter) == [0x8F0C] and meter.read("clock.status") == 1


def test_a_half_hour_that_the_clock_is_moved_over_is_lived():
    meter, midnight_s = make_meter(), START_S + DAY_S
    meter.write("clock.status", 0)
    meter.advance(midnight_s - 5, Measurement(1000, 200, voltage_dv=(2400, 0, 0)))
    energy_wh = meter.read("registers.active_import_wh")
    meter.hub_time(midnight_s + 4, 0)
    assert meter.time_s == midnight_s + 4 and 0x8145 in events(meter)
    assert meter.read("registers.active_import_wh") == energy_wh
    meter.advance(midnight_s + 3600, Measurement())
    for name, times_s in (
        ("daily_read", [midnight_s]),
        ("prepayment_daily", [midnight_s]),
        ("export_daily", [midnight_s]),
        ("import_profile", [midnight_s - 1800 + 1800 * i for i in range(4)]),
    ):
        log = meter.log(name)
        found_s = [log.row(i)[0] for i in range(len(log))]
        assert found_s[-len(times_s) :] == times_s and len(set(found_s)) == len(found_s), name
    voltages = meter.log("voltage_1")
    assert [voltages.row(i)[:2] for i in range(len(voltages) - 3, len(voltages) - 2)] == [(midnight_s, 240)]


def test_the_hub_is_not_moved_by_setting_the_clock():
    meter = make_meter()
    meter.hub_time(START_S + 100, 0)
    meter.write("clock.time_s", START_S + 50)
    meter.call("clock.preset_adjusting_time", (NEVER, START_S, START_S + 200))
    meter.call("clock.adjust_to_preset_time", 0)
    assert meter.time_s == START_S + 100
    meter.call("clock.preset_adjusting_time", (NEVER, START_S, START_S + 99))
    assert raised(NotNow, meter.call, "clock.adjust_to_preset_time", 0) and 0x81C6 in events(meter)


def test_an_outage_is_told_by_its_length():
    meter = make_meter()
    meter.power(False)
    meter.advance(START_S + 179, Measurement(1000))
    meter.power(True)
    assert meter.read("registers.active_import_wh") == 0 and meter.take_event()[0] == 0x8F57
    body = struct.pack(">II", START_S, START_S + 179)
    assert meter.take_event() == (0x8F35, START_S + 179, body) and meter.take_event() is None
    meter.power(False)
    meter.power(False)
    meter.advance(START_S + 179 + 180, Measurement(1000))
    meter.power(True)
    meter.power(True)
    assert meter.take_event()[0] == 0x8F57
    body = struct.pack(">II", START_S + 179, START_S + 359)
    assert meter.take_event() == (0x8F36, START_S + 359, body) and meter.take_event() is None


def test_a_polyphase_meter_tells_of_each_phase():
    meter = make_meter(phases=3)
    for passed_s, codes in ((179, [0x8F57, 0x8F37, 0x8F39, 0x8F3B]), (359, [0x8F57, 0x8F38, 0x8F3A, 0x8F3C])):
        meter.power(False)
        meter.advance(START_S + passed_s, Measurement())
        meter.power(True)
        assert events(meter) == codes


def test_voltage_is_averaged_and_judged():
    meter = make_meter()
    meter.write("voltage.over_threshold_v.0", 250)
    for half_hour, decivolts in enumerate((2300, 2510, 2505, 2504, 2100)):
        start_s = START_S + 1800 * half_hour
        meter.advance(start_s + 600, Measurement(voltage_dv=(decivolts - 10,) * 3))
        meter.advance(start_s + 1200, Measurement(voltage_dv=(decivolts,) * 3))
        meter.advance(start_s + 1800, Measurement(voltage_dv=(decivolts + 10,) * 3))
    rows = list(meter.log("logs.voltage_1").rows())
    assert rows == [(START_S + 1800 * (at + 1), volts) for at, volts in enumerate((230, 251, 251, 250, 210))]
    assert events(meter) == [0x8002, 0x8085, 0x8006]
    assert [meter.read("voltage." + name + ".0") for name in ("over_counter", "under_counter")] == [1, 1]
    meter.call("voltage.reset_over_counter.0", 0)
    assert meter.read("voltage.over_counter") == [0, 0, 0]


def test_three_phases_have_their_own_codes_and_logs():
    meter = make_meter(phases=3)
    meter.advance(START_S + 1800, Measurement(voltage_dv=(2300, 2600, 2000)))
    assert events(meter) == [0x8026, 0x802F, 0x8004, 0x8009]
    assert list(meter.log("logs.voltage_3").rows()) == [(START_S + 1800, 200)]
    assert raised(Unavailable, make_meter().log, "logs.voltage_2")


def test_a_period_without_supply_has_no_average():
    meter = make_meter()
    meter.power(False)
    meter.advance(START_S + 1800, Measurement())
    assert len(meter.log("logs.voltage_1")) == 0


def test_activations_happen_in_the_order_of_their_times():
    meter = make_meter()
    paths = ("load_limit.period_s", "load_limit.power_threshold_w", "load_limit.restoration_period_s")
    for at, path in enumerate(paths):
        meter.set_passive(path, 1000 + at)
        meter.activate(path, START_S + (300, 100, 100)[at], bytes([at]))
    meter.commit()
    again = make_meter(journal=meter.journal, stores=meter.logs._open_store)
    again.advance(START_S + HOUR_S, Measurement())
    found = [again.take_event() for _ in range(3)]
    assert found == [
        (0x8F66, START_S + 100, b"\x01"), (0x8F66, START_S + 100, b"\x02"), (0x8F66, START_S + 300, b"\x00"),
    ]  # fmt: skip
    assert [again.read(path) for path in paths] == [1000, 1001, 1002]


def test_an_activation_that_finds_no_heap_or_flash_is_carried_out_later():
    for failure, restarts in ((MemoryError, False), (OSError, False), (MemoryError, True)):
        meter = make_meter()
        for path, at in (("load_limit.period_s", 100), ("load_limit.restoration_period_s", 50)):
            meter.set_passive(path, 1234)
            meter.activate(path, START_S + at, b"%d" % at)
        meter.commit()
        limit = meter.component("load_limit")
        works, limit.adopt = limit.adopt, failing(failure)
        assert raised(failure, meter.advance, START_S + 200, Measurement())
        limit.adopt = works
        meter.commit()
        if restarts:
            meter = make_meter(journal=meter.journal, stores=meter.logs._open_store)
        meter.advance(START_S + 300, Measurement())
        assert meter.read("load_limit.period_s") == meter.read("load_limit.restoration_period_s") == 1234
        assert [meter.take_event()[2] for _ in range(2)] == [b"50", b"100"] and meter.take_event() is None
        assert meter.activation("load_limit.period_s") == NEVER


def failing(failure):
    def fail(*arguments):
        raise failure()

    return fail


def test_an_activation_that_has_passed_happens_at_once_and_is_told():
    meter = make_meter()
    meter.set_passive("load_limit.period_s", 5)
    meter.activate("load_limit.period_s", START_S - 1, b"origin")
    assert meter.read("load_limit.period_s") == 5 and meter.take_event() == (0x8F66, START_S - 1, b"origin")


def test_several_values_become_active_together():
    meter = make_meter()
    meter.set_passive("power_threshold.low_medium_w", 10)
    meter.set_passive("power_threshold.medium_high_w", 20)
    together = "power_threshold.low_medium_w+power_threshold.medium_high_w"
    meter.activate(together, START_S + 60, b"")
    assert meter.activation(together) == START_S + 60
    meter.advance(START_S + 60, Measurement())
    assert [meter.component("power_threshold").level(watts) for watts in (10, 11, 21)] == [LOW, MEDIUM, HIGH]
    assert len(events(meter)) == 1


def test_pending_activations_have_a_limit():
    meter = make_meter()
    for number in range(MAX_PENDING):
        meter.activate("voltage.band." + str(number), START_S + 10, b"")
    assert raised(Refused, meter.activate, "load_limit.period_s", START_S + 10, b"")


def test_passive_values_are_checked_when_they_are_set():
    meter = make_meter()
    assert raised(OutOfRange, meter.set_passive, "load_limit.period_s", -1)
    assert raised(Unavailable, meter.set_passive, "load_limit.nothing", 1)
    assert meter.passive("load_limit.period_s") == 300


def test_fields_take_their_own_values_only():
    meter = make_meter()
    for path, bad in (
        ("supply.state", 3), ("clock.status", -1), ("registers.active_import_wh", 1 << 32),
        ("firmware.version", b"12345"),
        ("voltage.over_counter", [1, 2]), ("voltage.over_counter", 1), ("voltage.over_counter.0", -1),
        ("display.message", 5), ("credit.debt_share", 10001),
    ):  # fmt: skip
        before = meter.read(path)
        assert raised(OutOfRange, meter.write, path, bad), path
        assert meter.read(path) == before
    for path in (
        "nothing.here",
        "supply",
        "supply.nothing",
        "voltage.over_counter.3",
        "voltage.over_counter.x",
        "a.b.c.d",
    ):
        assert raised(Unavailable, meter.read, path), path
    assert raised(Unavailable, meter.call, "supply.change", 1)
    assert raised(Unavailable, meter.call, "supply.state", 1)
    assert raised(Unavailable, meter.call, "logs.nothing", 1)


def test_the_rings_of_logs_turn():
    meter = make_meter(flags_of=lambda code: 0)
    for index in range(130):
        meter.log("event").append((index, 0x8154, b""))
    rows = list(meter.log("event").rows())
    assert len(rows) == 100 and rows[0][0] == 30 and rows[-1][0] == 129
    meter.call("logs.clear_event", 0)
    assert len(meter.log("event")) == 0
    for bad in ((1,), (1, 2, 3), (1, 2, b"x" * 17), (-1, 2, b"")):
        assert raised(OutOfRange, meter.log("event").append, bad), bad


def test_events_go_to_the_logs_of_their_code_and_the_queue_keeps_the_newest():
    flags = {1: 2, 2: 4, 3: 8, 4: 16 | 2, 5: 0}
    meter = make_meter(flags_of=lambda code: flags[code])
    for code in sorted(flags):
        meter.record(code, b"body", information=b"\x00\x43")
    assert events(meter) == [1, 4]
    assert list(meter.log("event").rows()) == [(START_S, 2, b"\x00\x43")]
    assert list(meter.log("security").rows()) == [(START_S, 3)]
    assert list(meter.log("power_event").rows()) == [(START_S, 4, 0)]
    for second in range(40):
        meter.record(1, b"", START_S + second)
    meter.commit()
    again = make_meter(journal=meter.journal, stores=Stores())
    assert meter.events.dropped == 8 and again.take_event() == (1, START_S + 8, b"")


def test_what_flows_is_saved_every_half_hour_and_what_changes_at_once():
    meter = make_meter()
    meter.commit(True)
    writes = []
    keep = meter.journal.put_many

    def put_many(pairs):
        writes.append(sorted([key for key, _ in pairs]))
        keep(pairs)

    meter.journal.put_many = put_many
    meter.advance(START_S + 30, Measurement(500))  # the tariff is worked out
    writes.clear()
    for minute in range(1, 30):
        meter.advance(START_S + 60 * minute, Measurement(500))
    assert writes == []
    meter.advance(START_S + 1800, Measurement(500))
    flowing = ["clock", "demand", "payment", "registers", "tariff", "voltage"]
    assert writes == [["meter/" + name for name in flowing] + ["rows/0"]]  # its rows too, of the same moment
    meter.call("supply.run_script", 52)
    meter.commit()
    assert writes[1:] == [["meter/supply"]]
