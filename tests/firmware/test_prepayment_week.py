"""A household's week on prepayment, as a story: credit, emergency credit, darkness, a top-up, light."""

from tests.firmware.account_world import (
    ARMED,
    DISABLED,
    ENABLED,
    POUND,
    account,
    collection,
    prepaid,
    told,
    top_up,
    use,
)
from tests.firmware.meter_world import DAY_S, HOUR_S


def test_a_week_that_ends_in_the_dark_and_in_the_light_again():
    # Thursday, midnight: 10 pounds; 30 pence a kWh, 40 pence a day, and 2.40 pounds of debt at 10 pence a day
    meter = prepaid(
        10 * POUND, standing_charge=40, standing_charge_scale=-2,
        time_debt_1=240000, rate_1=10, rate_1_scale=-2, period_1_s=DAY_S,
        payment_debt=20 * POUND, debt_share=1000,
        low_credit_threshold=3 * POUND, emergency_credit_threshold=POUND, emergency_credit_limit=5 * POUND,
    )  # fmt: skip
    meter.write("account.collection", collection(suspend_emergency=True, suspend_disabled=True))

    # half a kilowatt all day is 3.60 pounds: after Friday 2 times 3.60 and 2 times 0.50 are gone
    use(meter, 2 * DAY_S, 500)
    assert account(meter) == [180000, 0, 220000, 0, 20 * POUND, 0]
    # on Friday 5.90 were left: of 2.90 the last Wh, number 9 667, is complete after 69 602.4 s
    assert told(meter) == [(0x810D, DAY_S + 69603)]

    # Saturday: below a pound emergency credit is offered; the customer takes it, and the balance is used up first
    use(meter, 6 * HOUR_S, 500)
    assert [code for code, _ in told(meter)] == [0x8119] and account(meter)[0] == 90000
    meter.call("account.activate_emergency_credit", 0)
    use(meter, 18 * HOUR_S, 500)
    # the day's charge and debt fell due in emergency credit: they wait as accumulated debt
    assert account(meter) == [0, 320000, 210000, 0, 20 * POUND, 50000]
    assert [code for code, _ in told(meter)] == [0x81AB]

    # Sunday: 3.20 pounds are 10 667 Wh; the last Wh is complete after 76 802.4 s, and the lights go out
    use(meter, DAY_S, 500)
    dark_s = 3 * DAY_S + 76803
    assert meter.read("supply.state") == DISABLED
    events = told(meter)
    assert [code for code, _ in events] == [0x810D, 0x81AA, 0x8F0F] and events[-1][1] == dark_s
    imported_wh = meter.read("registers.active_import_wh")
    use(meter, 2 * DAY_S, 500)
    assert meter.read("registers.active_import_wh") == imported_wh and told(meter) == []
    # in the dark the standing charge goes on, debt does not: three midnights of 40 pence
    assert account(meter) == [-10, 0, 210000, 0, 20 * POUND, 50000 + 3 * 40000]

    # Wednesday: 10 pounds. A tenth is for the debt, 1.70 were gathered, 5.00 were lent: 2.30 are left
    top_up(meter, 1, 1000)
    assert account(meter) == [230000 - 10, 500000, 210000, 0, 19 * POUND, 0]
    assert [code for code, _ in told(meter)] == [0x8F32] and meter.read("supply.state") == ARMED
    use(meter, HOUR_S, 500)
    assert meter.read("registers.active_import_wh") == imported_wh
    meter.call("supply.close_by_customer", 0)
    use(meter, HOUR_S, 500)
    assert meter.read("supply.state") == ENABLED and meter.read("registers.active_import_wh") == imported_wh + 500
    assert account(meter)[0] == 230000 - 10 - 15000
