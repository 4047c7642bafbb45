"""No money is made or lost, and every threshold is met in its second: random accounts, against a simple reference."""

import random
import sys

from smets.meter import waking
from smets.meter.errors import MeterError
from tests.firmware.account_reference import DAY_S, Account, random_terms
from tests.firmware.account_world import account, collection, prepaid, told, top_up, use
from tests.firmware.meter_world import START_S, make_meter
from tests.firmware.test_meter import raised, state_of

ACCOUNTS = 2 if sys.implementation.name == "micropython" else 8
"""How many random accounts a test has: there it takes twenty times as long."""


def meter_of(terms):
    """Return a meter with the terms of account_reference.random_terms."""
    meter = prepaid(
        terms["balance"], price=terms["price"], standing_charge=terms["standing_charge"], standing_charge_scale=-5,
        payment_debt=terms["payment_debt"], debt_share=terms["debt_share"],
        time_debt_1=terms["time_debt_1"], rate_1=terms["rate_1"], period_1_s=3600,
        time_debt_2=terms["time_debt_2"], rate_2=terms["rate_2"], period_2_s=DAY_S,
        low_credit_threshold=terms["low"], emergency_credit_threshold=terms["emergency"],
        emergency_credit_limit=terms["limit"], disablement_threshold=terms["disablement"],
    )  # fmt: skip
    meter.write("account.collection", collection(terms["suspend_emergency"], terms["suspend_disabled"]))
    if terms["nights"]:
        every_day = (b"\x00\x07\xfe", b"\x00\x00", b"\xff" * 5, b"\xff" * 5)
        entries = [(1, 32, b"\x12\x00\x00\x00") + every_day, (2, 33, b"\x09\x00\x00\x00") + every_day]
        meter.write("non_disablement.entries", entries)
    return meter


def random_days(count):
    """Return what happens in some days: (method, argument, argument)."""
    steps = []
    for number in range(count):
        steps.append(("live", random.randrange(1, 30000), random.choice((0, 300, 1000, random.randrange(12000)))))
        what = random.randrange(4)
        if what == 0:
            steps.append(("top_up", number + 1, random.choice((1, 10, 50, random.randrange(1, 200)))))
        elif what < 3:
            steps.append((("activate", "close")[what - 1], 0, 0))
    return steps


def carry_out(meter, step, cut_s=1 << 30):
    """Let a meter do a step, its time cut into pieces; what it refuses is not done."""
    what, first, second = step
    if what == "live":
        while first:
            use(meter, min(first, cut_s), second)
            first -= min(first, cut_s)
    elif what == "top_up":
        top_up(meter, first, second)
    else:
        method = "account.activate_emergency_credit" if what == "activate" else "supply.close_by_customer"
        raised(MeterError, meter.call, method, 0)


def agree(meter, reference):
    expected = [reference.balance, reference.emergency] + reference.debts + [reference.payment_debt, reference.gathered]
    if not reference.active:
        expected[1] = account(meter)[1]
    assert account(meter) == expected and meter.read("supply.state") == reference.supply
    assert meter.read("registers.active_import_wh") == reference.energy_wh


def test_random_accounts_agree_with_the_reference_to_the_unit_and_the_second():
    for seed in range(ACCOUNTS):
        random.seed(seed)
        terms = random_terms(random)
        meter, reference = meter_of(terms), Account(terms)
        for step in random_days(8):
            carry_out(meter, step)
            what, first, second = step
            if what == "live":
                reference.live(first, second)
            elif what == "top_up":
                reference.top_up(second)
            else:
                getattr(reference, what)()
            agree(meter, reference)
            assert told(meter) == reference.events, (seed, step)
            reference.events = []


def test_cutting_time_changes_nothing_of_an_account():
    for seed in range(ACCOUNTS):
        random.seed(seed)
        terms, steps = random_terms(random), random_days(8)
        whole, cut = meter_of(terms), meter_of(terms)
        for step in steps:
            carry_out(whole, step)
            carry_out(cut, step, random.randrange(7, 5000))
        assert state_of(whole) == state_of(cut), seed


def wealth(meter):
    """Return what the account is worth: what it holds less all that it owes."""
    balance, emergency, debt_1, debt_2, payment_debt, gathered = account(meter)
    owed = meter.read("payment.emergency_credit_lent_millipence") - emergency
    owed = owed if meter.read("payment.emergency_credit_active") else 0
    return balance - owed - debt_1 - debt_2 - payment_debt - gathered


def spent(meter, terms):
    """Return what energy and standing charge have cost since the start, by registers and calendar."""
    days = meter.time_s // DAY_S - START_S // DAY_S
    return meter.read("registers.active_import_wh") * terms["price"] + days * terms["standing_charge"]


def disturb(meter, number):
    """Do what is seldom done to an account; return (the meter, which may be another, what it gained thereby)."""
    what = random.randrange(7)
    if what == 0:
        amount = random.randrange(-20000, 20000)
        meter.call("account.adjust_balance", amount)
        return meter, amount
    if what == 1:
        amount = random.randrange(9000)
        meter.call("account.adjust_time_debt_1", amount)
        return meter, -amount
    if what == 2:
        before = wealth(meter)
        for name in ("balance", "emergency_credit", "accumulated_debt"):
            meter.call("account.reset_" + name, 0)
        return meter, wealth(meter) - before
    if what == 3:
        meter.write("payment.mode", random.randrange(1, 3))
        meter.commit()
        return meter, 0
    if what == 4:
        meter.call("supply.run_script", random.choice((51, 52, 54)))
        return meter, 0
    meter.write("clock.status", 0)
    meter.commit()
    if what == 5:  # the power is cut: what is on flash is all there is
        use(meter, random.randrange(1, 3000), 2000)
    again = make_meter(journal=meter.journal, stores=meter.logs._open_store, tokens=meter.tokens)
    if what == 5:
        waking.start(again)
        use(again, random.randrange(1, 3000), 2000)
        again.hub_time(again.time_s + random.randrange(1, 200000), 0)
    return again, 0


def test_no_money_is_made_or_lost_whatever_happens():
    for seed in range(ACCOUNTS):
        random.seed(1000 + seed)
        terms = random_terms(random)
        meter = meter_of(terms)
        begun, paid = wealth(meter), 0
        for number, step in enumerate(random_days(20)):
            carry_out(meter, step)
            if step[0] == "top_up":
                paid += 1000 * step[2]
            meter, gained = disturb(meter, number)
            paid += gained
            assert wealth(meter) == begun + paid - spent(meter, terms), (seed, number)


def test_a_restart_changes_nothing_of_an_account():
    for seed in range(ACCOUNTS):
        random.seed(2000 + seed)
        terms, steps = random_terms(random), random_days(8)
        one, other = meter_of(terms), meter_of(terms)
        for step in steps:
            for meter in (one, other):
                carry_out(meter, step)
                meter.commit(True)
            other = make_meter(journal=other.journal, stores=other.logs._open_store, tokens=other.tokens)
        assert account(one) == account(other) and told(one) == told(other)
