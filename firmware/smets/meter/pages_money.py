"""Pages of the meter's display: account, prices, debts, credits, emergency credit (SMETS2 5.5.11)."""

from micropython import const

from smets.meter.page_text import date, money, newest, pence, rate
from smets.meter.payment import PREPAYMENT_MODE

_DAY_S = const(86400)
_FIRST_BLOCK_SCRIPT = const(101)
_SUPPLY = const(("off", "on", "armed"))


def account(meter, unlocked):
    """Return mode, meter balance, what is left of emergency credit that is in use, and state of supply."""
    payment = meter.component("payment")
    prepaid = payment.get("mode") == PREPAYMENT_MODE
    found = ["Prepayment" if prepaid else "Credit mode"]
    found.extend(("Balance", money(meter, payment.get("meter_balance_millipence"))))
    if payment.get("emergency_credit_active"):
        found.extend(("Emergency left", money(meter, payment.get("emergency_credit_balance_millipence"))))
    found.append("Supply " + _SUPPLY[meter.supply.get("state")])
    if meter.component("display").shown():
        found.append("Message waiting")
    return found


def tariff(meter, unlocked):
    """Return what a kWh and a day cost."""
    tariff, prices = meter.component("tariff"), meter.component("prices")
    script = tariff.get("script")
    if script >= _FIRST_BLOCK_SCRIPT:
        found = ["Rate %d block %d" % (script - _FIRST_BLOCK_SCRIPT + 1, tariff.get("block") + 1)]
    else:
        found = ["Rate %d" % script]
    found.append(pence(prices.get("active_price_millipence")) + "/kWh")
    if meter.has("twin"):
        second_millipence = meter.component("second_prices").get("active_price_millipence")
        found.extend(("Second element", pence(second_millipence) + "/kWh"))
    standing_charge = rate(prices.get("standing_charge"), prices.get("standing_charge_scale"))
    found.extend(("Standing charge", standing_charge + "/day"))
    return found


def credits(meter, unlocked):
    """Return the last credits, the newest first."""
    rows = newest(meter, "credits", 0)
    return ["%s %s" % (date(row[0]), money(meter, row[1])[:-4]) for row in rows] or ["None yet"]


def debt(meter, unlocked):
    """Return each debt, and how fast it is recovered."""
    payment, debts = meter.component("payment"), meter.component("debts")
    found = []
    for number in (1, 2):
        found.extend(("Debt %d" % number, money(meter, payment.get("time_debt_%d_millipence" % number))))
        recovered = rate(debts.get("rate_%d" % number), debts.get("rate_%d_scale" % number))
        per = "day" if debts.get("period_%d_s" % number) == _DAY_S else "hour"
        found.append(" %s/%s" % (recovered, per))
    found.extend(("From payments", money(meter, payment.get("payment_debt_millipence"))))
    found.extend(("Gathered", money(meter, payment.get("accumulated_debt_millipence"))))
    return found


def emergency(meter, unlocked):
    """Return whether emergency credit is to be had, or what is left of it."""
    payment = meter.component("payment")
    if payment.get("emergency_credit_active"):
        if unlocked:
            return ["In use, left:", money(meter, payment.get("emergency_credit_balance_millipence"))]
        return ["In use"]
    if meter.component("account").lends():
        return ["Available:", money(meter, payment.get("emergency_credit_limit_millipence")), "OK activates it"]
    return ["Not available"]
