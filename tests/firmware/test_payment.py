"""The account as energy flows and time passes: charges, debts, thresholds, emergency credit, disablement, modes."""

from smets.meter import non_disablement_periods as periods
from smets.meter.errors import MeterError, Refused
from tests.firmware.account_world import (
    ARMED,
    CREDIT_MODE,
    DISABLED,
    ENABLED,
    POUND,
    PREPAYMENT_MODE,
    account,
    codes,
    collection,
    prepaid,
    told,
    top_up,
    use,
)
from tests.firmware.dark import dark_until
from tests.firmware.meter_world import DAY_S, HOUR_S, START_S, make_meter

BELOW, LOW, OFFERED, EXHAUSTED, ACTIVATED, SUSPENDED = 0x8F0F, 0x810D, 0x8119, 0x81AA, 0x81AB, 0x8F83
ALL_WEEK, NO_SPECIAL_DAY, ANY_DATE = b"\x00\x07\xfe", b"\x00\x00", b"\xff\xff\xff\xff\xff"


def refused(function, *arguments):
    try:
        function(*arguments)
    except Refused:
        return True
    except MeterError:
        return False
    return False


def state(meter):
    return meter.read("supply.state")


def balance(meter):
    return account(meter)[0]


def test_energy_is_charged_in_both_modes_and_only_prepayment_disables():
    for mode in (CREDIT_MODE, PREPAYMENT_MODE):
        meter = prepaid(mode=mode, balance=15000)
        use(meter, HOUR_S, 1000)
        assert balance(meter) == (-15000 if mode == CREDIT_MODE else -30), mode
        assert state(meter) == (ENABLED if mode == CREDIT_MODE else DISABLED)
        assert codes(meter) == ([] if mode == CREDIT_MODE else [LOW, BELOW])


def test_the_supply_is_disabled_in_the_second_in_which_credit_falls_below_the_threshold():
    meter = prepaid(1000 * 30 - 1)
    use(meter, HOUR_S, 1000)
    assert balance(meter) == -1 and told(meter) == [(LOW, HOUR_S), (BELOW, HOUR_S)]
    # 30 000 millipence last for 1 000 Wh; the 1 001st is complete 3.6 s later
    meter = prepaid(1000 * 30)
    use(meter, 2 * HOUR_S, 1000)
    assert balance(meter) == -30 and meter.read("registers.active_import_wh") == 1001
    assert (
        told(meter) == [(LOW, HOUR_S + 4), (BELOW, HOUR_S + 4)]
        and meter.read("supply.changed_s") == START_S + HOUR_S + 4
    )


def test_each_threshold_is_told_once_for_each_crossing():
    meter = prepaid(
        10 * POUND, low_credit_threshold=5 * POUND, emergency_credit_threshold=2 * POUND, emergency_credit_limit=POUND
    )
    use(meter, 12 * HOUR_S, 1500)
    assert [code for code, _ in told(meter)] == [LOW] and balance(meter) == 460000
    use(meter, 6 * HOUR_S, 1500)
    assert [code for code, _ in told(meter)] == [OFFERED]
    top_up(meter, 1, 400)
    assert codes(meter) == [] and balance(meter) == 590000
    use(meter, 9 * HOUR_S, 1500)
    assert [code for code, _ in told(meter)] == [LOW, OFFERED] and balance(meter) == 185000


def test_a_threshold_is_not_crossed_by_reaching_it():
    meter = prepaid(30 * 1000, low_credit_threshold=15 * 1000, price=30)
    use(meter, 1800, 1000)
    assert balance(meter) == 15000 and codes(meter) == []
    use(meter, 1800, 1000)
    assert balance(meter) == 0 and codes(meter) == [LOW] and state(meter) == ENABLED
    use(meter, 4, 1000)
    assert codes(meter) == [BELOW] and state(meter) == DISABLED


def lent():
    """Return a meter of which a pound of emergency credit was just activated at a balance of 50 pence."""
    meter = prepaid(POUND // 2, emergency_credit_threshold=POUND, emergency_credit_limit=POUND)
    use(meter, 1)
    assert codes(meter) == [OFFERED]
    meter.call("account.activate_emergency_credit", 0)
    return meter


def test_emergency_credit_is_used_after_the_balance_and_then_the_supply_is_disabled():
    meter = lent()
    assert codes(meter) == [ACTIVATED] and account(meter)[:2] == [POUND // 2, POUND]
    use(meter, HOUR_S, 2000)
    assert account(meter)[:2] == [0, 90000] and state(meter) == ENABLED
    use(meter, 2 * HOUR_S, 2000)
    assert account(meter)[:2] == [-30, 0] and state(meter) == DISABLED
    assert [code for code, _ in told(meter)] == [EXHAUSTED, LOW, BELOW]


def test_a_top_up_repays_emergency_credit_and_ends_it_above_its_threshold():
    meter = lent()
    use(meter, 2 * HOUR_S, 1000)
    assert account(meter)[:2] == [0, 90000]
    top_up(meter, 1, 50)
    assert account(meter)[:2] == [40000, POUND] and meter.read("payment.emergency_credit_active")
    top_up(meter, 2, 60)
    assert account(meter)[:2] == [POUND, POUND] and not meter.read("payment.emergency_credit_active")
    codes(meter)
    use(meter, 1800, 2000)
    assert codes(meter) == [OFFERED]


def test_activating_emergency_credit_arms_a_disabled_supply():
    meter = prepaid(-1, emergency_credit_threshold=POUND, emergency_credit_limit=POUND)
    use(meter, 1)
    assert codes(meter) == [LOW, OFFERED, BELOW] and state(meter) == DISABLED
    meter.call("account.activate_emergency_credit", 0)
    assert codes(meter) == [ACTIVATED, 0x8168] and state(meter) == ARMED
    meter.call("supply.close_by_customer", 0)
    use(meter, HOUR_S, 1000)
    assert state(meter) == ENABLED and account(meter)[:2] == [-1, 70000]


def test_a_new_limit_changes_nothing_of_what_is_owed():
    meter = lent()
    use(meter, 2 * HOUR_S, 1000)
    meter.write("payment.emergency_credit_limit_millipence", 5 * POUND)
    top_up(meter, 1, 10)
    assert account(meter)[:2] == [0, POUND]


def test_the_disablement_threshold_may_lie_above_and_below_zero():
    for threshold, used_wh in ((-20000, 1667), (20000, 334)):
        meter = prepaid(30000, disablement_threshold=threshold)
        use(meter, 3 * HOUR_S, 1000)
        assert balance(meter) == 30000 - 30 * used_wh and state(meter) == DISABLED
        top_up(meter, 1, 1)
        assert state(meter) == ARMED


def test_credit_arms_and_only_the_customer_closes():
    meter = prepaid(-100)
    use(meter, HOUR_S)
    codes(meter)
    meter.call("account.adjust_balance", 100)
    assert state(meter) == DISABLED and codes(meter) == []
    meter.call("account.adjust_balance", 1)
    assert state(meter) == ARMED and codes(meter) == [0x8F32]
    use(meter, HOUR_S, 1000)
    assert meter.read("registers.active_import_wh") == 0
    meter.call("supply.close_by_customer", 0)
    assert state(meter) == ENABLED and refused(meter.call, "supply.close_by_customer", 0)


def test_what_a_command_disabled_credit_does_not_arm():
    meter = prepaid(-100)
    use(meter, 1)
    meter.call("supply.run_script", 52)
    top_up(meter, 1, 500)
    assert state(meter) == DISABLED
    meter.call("supply.run_script", 54)
    assert state(meter) == ARMED


def test_an_armed_supply_is_disabled_again_when_the_credit_goes():
    meter = prepaid(-100, standing_charge=20, standing_charge_scale=-2)
    use(meter, 1)
    top_up(meter, 1, 10)
    assert state(meter) == ARMED
    codes(meter)
    use(meter, DAY_S)
    assert state(meter) == DISABLED and balance(meter) == -10100 and codes(meter) == [LOW, BELOW]


def test_a_supply_enabled_by_command_without_credit_stays_so():
    meter = prepaid(-100)
    use(meter, 1)
    meter.call("supply.run_script", 51)
    use(meter, HOUR_S, 1000)
    assert state(meter) == ENABLED and balance(meter) == -100 - 30000


def test_the_standing_charge_is_taken_at_midnight_in_both_modes_after_the_days_row():
    for mode in (CREDIT_MODE, PREPAYMENT_MODE):
        meter = prepaid(POUND, mode=mode, standing_charge=255, standing_charge_scale=-3, time_s=START_S + 1)
        use(meter, DAY_S - 2)
        assert balance(meter) == POUND
        use(meter, 1)
        assert balance(meter) == POUND - 25500
        use(meter, 2 * DAY_S)
        assert balance(meter) == POUND - 3 * 25500
        rows = [row[1] for row in meter.log("prepayment_daily").rows()]
        assert rows == [POUND, POUND - 25500, POUND - 2 * 25500]


def test_parts_of_a_millipence_are_kept():
    meter = prepaid(POUND, standing_charge=125, standing_charge_scale=-7, time_s=START_S + 1)
    use(meter, 4 * DAY_S)
    assert balance(meter) == POUND - 5


def test_time_debts_are_taken_by_the_hour_and_by_the_day_until_they_are_paid():
    meter = prepaid(
        POUND, time_s=START_S + 1, time_debt_1=2500, rate_1=1, rate_1_scale=-2, period_1_s=HOUR_S,
        time_debt_2=50000, rate_2=2, rate_2_scale=-1, period_2_s=DAY_S,
    )  # fmt: skip
    use(meter, HOUR_S - 2)
    assert account(meter) == [POUND, 0, 2500, 50000, 0, 0]
    use(meter, 1)
    assert account(meter) == [POUND - 1000, 0, 1500, 50000, 0, 0]
    use(meter, 2 * HOUR_S)
    assert account(meter) == [POUND - 2500, 0, 0, 50000, 0, 0]
    assert told(meter) == [(0x81A7, 3 * HOUR_S)]
    use(meter, 3 * DAY_S)
    assert account(meter) == [POUND - 52500, 0, 0, 0, 0, 0]
    assert told(meter) == [(0x81A8, 3 * DAY_S)]


def test_credit_mode_collects_no_debt():
    meter = prepaid(POUND, mode=CREDIT_MODE, time_debt_1=2500, rate_1=1, rate_1_scale=-2, period_1_s=HOUR_S)
    use(meter, DAY_S)
    assert account(meter) == [POUND, 0, 2500, 0, 0, 0]


def indebted(**flags):
    """Return a meter with emergency credit active, a daily charge of 20 pence, and an hourly debt of a penny."""
    meter = prepaid(
        0, time_s=START_S + 1, standing_charge=20, standing_charge_scale=-2,
        time_debt_1=POUND, rate_1=1, rate_1_scale=-2, period_1_s=HOUR_S,
        emergency_credit_threshold=POUND, emergency_credit_limit=POUND,
    )  # fmt: skip
    meter.write("account.collection", collection(**flags))
    meter.call("account.activate_emergency_credit", 0)
    return meter


def test_emergency_credit_pays_charges_and_debts():
    meter = indebted()
    use(meter, DAY_S)
    assert account(meter) == [0, POUND - 24000 - 20000, POUND - 24000, 0, 0, 0]
    use(meter, 3 * DAY_S)
    # what emergency credit could not pay is owed
    assert account(meter) == [0, 0, POUND - 96000, 0, 0, 76000]


def test_suspend_debt_emergency_sends_charges_and_debts_to_the_accumulated_debt():
    meter = indebted(suspend_emergency=True)
    use(meter, DAY_S)
    assert account(meter) == [0, POUND, POUND - 24000, 0, 0, 44000]
    top_up(meter, 1, 100)
    assert account(meter) == [56000, POUND, POUND - 24000, 0, 0, 0]


def test_suspend_debt_disabled_stops_time_debts_and_not_the_standing_charge():
    for suspended in (False, True):
        meter = indebted(suspend_disabled=suspended)
        meter.call("account.reset_emergency_credit", 0)
        meter.call("account.adjust_balance", -1)
        meter.commit()
        meter.release()
        assert state(meter) == DISABLED
        use(meter, DAY_S)
        collected = 0 if suspended else 24000
        assert account(meter) == [-1, 0, POUND - collected, 0, 0, 20000 + collected], suspended


def calendar(meter, *entries, special_days=()):
    """Set entries of (script, hour, week bits, special day bits, first date, last date)."""
    rows = []
    for number, (script, hour, week, special, first, last) in enumerate(entries):
        rows.append((number + 1, script, bytes((hour, 0, 0, 0)), week, special, first, last))
    meter.write("non_disablement.entries", rows)
    meter.write("non_disablement.special_days", list(special_days))


def nights(meter):
    always = (ALL_WEEK, NO_SPECIAL_DAY, ANY_DATE, ANY_DATE)
    calendar(meter, (32, 18) + always, (33, 9) + always)


def test_disablement_waits_for_the_end_of_the_non_disablement_period():
    meter = prepaid(30 * 500, time_s=START_S + 17 * HOUR_S)
    nights(meter)
    use(meter, 2 * HOUR_S, 250)
    assert state(meter) == ENABLED and codes(meter) == []
    use(meter, DAY_S, 250)
    crossed_s, end_s = 19 * HOUR_S + 15, DAY_S + 9 * HOUR_S
    assert told(meter) == [(LOW, crossed_s), (BELOW, crossed_s), (SUSPENDED, crossed_s)]
    assert state(meter) == DISABLED and meter.read("supply.changed_s") == START_S + end_s
    assert balance(meter) == 15000 - (end_s - 17 * HOUR_S) * 250 // 3600 * 30


def test_a_top_up_in_the_non_disablement_period_keeps_the_supply():
    meter = prepaid(15, time_s=START_S + 19 * HOUR_S)
    nights(meter)
    use(meter, HOUR_S, 1000)
    assert [code for code, _ in told(meter)] == [LOW, BELOW, SUSPENDED]
    top_up(meter, 1, 1000)
    use(meter, 14 * HOUR_S, 1000)
    assert state(meter) == ENABLED and codes(meter) == []


def test_the_calendar_knows_weekdays_special_days_and_seasons():
    meter = make_meter()
    weekend, christmas = b"\x00\x07\x06", b"\x00\x02\x40"
    always, no_weekday = (ANY_DATE, ANY_DATE), b"\x00\x07\x00"
    winter = (b"\xff\xff\x0a\x1b\xff", b"\xff\xff\x03\x1c\xff")
    calendar(
        meter, (32, 18, weekend, NO_SPECIAL_DAY) + winter, (33, 9, ALL_WEEK, NO_SPECIAL_DAY) + always,
        (32, 12, no_weekday, christmas) + always, special_days=[(1, b"\xff\xff\x0c\x19\xff", 2)],
    )  # fmt: skip
    table = meter.component("non_disablement")

    def until_s(now_s):
        return periods.until_s(table, now_s)

    thursday = START_S  # 2015-01-01
    assert until_s(thursday + 20 * HOUR_S) == 0
    saturday = thursday + 2 * DAY_S
    assert until_s(saturday + 18 * HOUR_S - 1) == 0
    assert until_s(saturday + 18 * HOUR_S) == saturday + DAY_S + 9 * HOUR_S == until_s(saturday + DAY_S)
    assert until_s(saturday + DAY_S + 9 * HOUR_S) == 0
    summer = saturday + 26 * 7 * DAY_S
    assert until_s(summer + 20 * HOUR_S) == 0
    last = thursday + 86 * DAY_S  # Saturday 2015-03-28: the period that begins then ends with its date
    assert until_s(last + 19 * HOUR_S) == last + DAY_S and until_s(last + DAY_S) == 0
    friday = thursday + 358 * DAY_S  # 2015-12-25
    assert until_s(friday + 11 * HOUR_S) == 0 and until_s(friday + 12 * HOUR_S) == friday + DAY_S + 9 * HOUR_S


def test_prepayment_that_begins_without_credit_disables():
    meter = prepaid(-5, mode=CREDIT_MODE)
    use(meter, HOUR_S)
    assert state(meter) == ENABLED and codes(meter) == []
    meter.set_passive("payment.mode", PREPAYMENT_MODE)
    meter.activate("payment.mode", START_S + 2 * HOUR_S + 7, b"who")
    use(meter, 2 * HOUR_S)
    assert told(meter) == [(0x8F66, 7207), (LOW, 7207), (BELOW, 7207)] and state(meter) == DISABLED


def test_credit_mode_arms_the_supply_and_repays_emergency_credit_from_the_balance():
    meter = lent()
    use(meter, 3 * HOUR_S, 2000)
    assert account(meter)[:2] == [-30, 0] and state(meter) == DISABLED
    codes(meter)
    meter.write("payment.mode", CREDIT_MODE)
    use(meter, 1)
    assert account(meter)[:2] == [-30 - POUND, POUND] and state(meter) == ARMED and codes(meter) == [0x8F32]
    assert not meter.read("payment.emergency_credit_active")
    assert refused(meter.call, "account.activate_emergency_credit", 0)


def test_changes_of_mode_are_rows_of_the_billing_log():
    meter = prepaid(POUND, payment_debt=7)
    use(meter, HOUR_S, 1000)
    meter.write("payment.mode", CREDIT_MODE)
    use(meter, HOUR_S, 1000)
    rows = [meter.log("billing_change").row(index) for index in range(len(meter.log("billing_change")))]
    assert [row[0] - START_S for row in rows] == [0, HOUR_S]
    assert rows[1][1] == 1000 and rows[1][3][0] == 1000 and rows[1][-6:] == (POUND - 30000, 0, 0, 0, 7, 0)


def test_credits_and_debt_payments_are_logged_the_last_five_and_ten():
    meter = prepaid(0, payment_debt=4500, debt_share=1000)
    for number in range(1, 7):
        top_up(meter, number, 10)
        use(meter, 60)
    assert list(meter.log("credits").rows()) == [(START_S + 60 * at, 10000) for at in range(1, 6)]
    paid = list(meter.log("debt_payments").rows())
    assert paid == [(START_S + 60 * at, 1000 if at < 4 else 500) for at in range(5)]
    assert codes(meter).count(0x81A9) == 1 and account(meter)[4] == 0


def test_a_load_limit_does_not_enable_what_credit_disabled():
    meter = prepaid(3000, standing_charge=20, standing_charge_scale=-2, time_s=START_S + DAY_S - 400)
    for name, value in (("power_threshold_w", 900), ("period_s", 300), ("restoration_period_s", 600)):
        meter.write("load_limit." + name, value)
    meter.write("load_limit.disables_supply", True)
    use(meter, 301, 1000)
    assert state(meter) == ARMED
    use(meter, HOUR_S, 1000)
    assert state(meter) == DISABLED and 0x8F34 not in codes(meter)


def test_a_load_limit_is_of_both_elements():
    from smets.meter.measurement import Measurement

    meter = make_meter(elements=2)
    meter.write("load_limit.power_threshold_w", 1000)
    meter.advance(START_S + 301, Measurement(600, secondary_import_w=401))
    assert codes(meter) == [0x8F01]


def test_the_clock_adjusted_over_midnight_charges_a_day_once():
    for before_s, after_s in ((5, -3), (-5, 3)):
        meter = prepaid(POUND, standing_charge=20, standing_charge_scale=-2, time_s=START_S + 1)
        use(meter, DAY_S - 1 + before_s)
        meter.write("clock.time_s", START_S + DAY_S + after_s)
        use(meter, HOUR_S)
        assert balance(meter) == POUND - 20000


def test_setting_the_clock_charges_nothing_for_the_years_between():
    meter = prepaid(POUND, standing_charge=20, standing_charge_scale=-2, time_s=0)
    use(meter, HOUR_S)
    meter.write("clock.time_s", START_S + 1)
    use(meter, HOUR_S)
    assert balance(meter) == POUND


def test_days_without_power_are_charged_when_it_is_back():
    meter = prepaid(POUND, standing_charge=20, standing_charge_scale=-2, time_s=START_S + 1)
    use(meter, HOUR_S)
    again = dark_until(meter, START_S + 3 * DAY_S + 5)
    use(again, HOUR_S)
    assert balance(again) == POUND - 60000


def test_the_first_token_of_all_may_be_number_0_and_is_taken_once():
    meter = prepaid(0)
    top_up(meter, 0, 10)
    assert balance(meter) == 10000
    assert refused(top_up, meter, 0, 10) and codes(meter) == [0x8F51]
