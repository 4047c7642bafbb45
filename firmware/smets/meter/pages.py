"""The pages of the meter's display (SMETS2 5.5.11): a title and lines of 16 ASCII characters. Loaded when shown.

With a privacy PIN that was not given, what is personal is withheld: balance, debt, consumption, payments, the message
and the customer identification number. After a change of tenancy (ECS12) days, payments and a message from before its
date are not shown, whether it has come or not; the registers and the account as they stand are. The supplier's reads
are of all rows.
"""

from micropython import const

from smets.meter.dates import DAY_S, date_of
from smets.meter.payment import PREPAYMENT_MODE
from smets.meter.user_interface import DONE, REFUSED, WAIT, WRONG_PIN

_WIDTH = const(16)
_PIN_DIGITS = const(4)
_DAYS = const(14)
_PENNY = const(1000)
_FIRST_BLOCK_SCRIPT = const(101)
_MONTHS = const("JanFebMarAprMayJunJulAugSepOctNovDec")
_OPEN = const(("tariff", "emergency", "contact", "status", "privacy"))
"""Pages on which nothing is personal."""
_OUTCOMES = {DONE: "Done", REFUSED: "Not accepted", WRONG_PIN: "Wrong PIN"}
_SUPPLY = const(("Off", "On", "Armed: press OK"))
_REASONS = const(("", "by command", "by customer", "load limit", "no credit", "tamper"))
_CLOCK = const(("right", "unreliable", "not set"))


def lines(meter, interface, page):
    """Return the title and the lines of a page, what was typed or became of it before them."""
    found = [page.upper()]
    if interface.get("typed"):
        found.extend(_typed(interface.get("typed").decode(), interface.is_unlocked()))
    elif interface.get("outcome") == WAIT or (page == "privacy" and interface.wait_s()):
        found.append("Wait %d s" % interface.wait_s())
    elif interface.get("outcome"):
        found.append(_OUTCOMES[interface.get("outcome")])
    if page in _OPEN or interface.is_unlocked():
        found.extend(_PAGES[page](meter, interface))
    else:
        found.extend(("Enter your PIN", "and press OK"))
    return [line[:_WIDTH] for line in found]


def _typed(digits, is_unlocked):
    """Return digits in groups of four; what may be a PIN that is asked for is not shown."""
    if len(digits) <= _PIN_DIGITS and not is_unlocked:
        return ["*" * len(digits)]
    return _wrapped(" ".join([digits[place : place + 4] for place in range(0, len(digits), 4)]))


def _account(meter, interface):
    payment = meter.component("payment")
    prepaid = payment.get("mode") == PREPAYMENT_MODE
    found = ["Prepayment" if prepaid else "Credit mode", "Balance", _money(meter, payment.combined_credit())]
    if payment.get("emergency_credit_active"):
        found.append("Emergency in use")
    found.append("Supply " + _SUPPLY[meter.supply.get("state")].split(":")[0].lower())
    if meter.component("display").shown():
        found.append("Message waiting")
    return found


def _tariff(meter, interface):
    tariff, prices = meter.component("tariff"), meter.component("prices")
    script = tariff.get("script")
    if script >= _FIRST_BLOCK_SCRIPT:
        found = ["Rate %d block %d" % (script - _FIRST_BLOCK_SCRIPT + 1, tariff.get("block") + 1)]
    else:
        found = ["Rate %d" % script]
    found.append(_pence(prices.get("active_price_millipence")) + "/kWh")
    if meter.has("twin"):
        second_millipence = meter.component("second_prices").get("active_price_millipence")
        found.extend(("Second element", _pence(second_millipence) + "/kWh"))
    places = prices.get("standing_charge_scale") + 5
    charge = prices.get("standing_charge")
    charge_millipence = charge * 10**places if places >= 0 else charge // 10**-places
    found.extend(("Standing charge", _pence(charge_millipence) + "/day"))
    return found


def _energy(meter, interface):
    read = meter.component("registers").get
    found = ["Import", _kwh(read("active_import_wh"))]
    if meter.has("twin"):
        found.extend(("Second element", _kwh(read("secondary_active_import_wh"))))
    found.extend(("Export", _kwh(read("active_export_wh")), "Power now", "%d W" % read("active_power_import_w")))
    registers = meter.component("tariff_registers")
    for rate, energy_wh in enumerate(registers.read("tou_wh")):
        if energy_wh:
            found.extend(("Rate %d" % (rate + 1), _kwh(energy_wh)))
    for place, energy_wh in enumerate(registers.read("blocks_wh")[:32]):
        if energy_wh:
            found.extend(("Rate %d block %d" % (place % 8 + 1, place // 8 + 1), _kwh(energy_wh)))
    return found


def _days(meter, interface):
    """The last days' consumption, the newest first."""
    rows = _newest(meter, "daily_consumption", DAY_S)
    return ["%s %s" % (_date(row[0] - DAY_S), _kwh(row[1])[:-4]) for row in rows] or ["None yet"]


def _credits(meter, interface):
    rows = _newest(meter, "credits", 0)
    return ["%s %s" % (_date(row[0]), _money(meter, row[1])) for row in rows] or ["None yet"]


def _newest(meter, name, period_s):
    """Return a log's newest rows whose period began when the present tenancy had."""
    since_s = meter.component("customer").get("restrict_data_s")
    log = meter.log(name)
    count = len(log)
    found = [log.row(index) for index in range(count - 1, max(count - _DAYS, 0) - 1, -1)]
    meter.logs.release()
    return [row for row in found if row[0] >= since_s + period_s]


def _debt(meter, interface):
    payment, debts = meter.component("payment"), meter.component("debts")
    found = []
    for number in (1, 2):
        found.extend(("Debt %d" % number, _money(meter, payment.get("time_debt_%d_millipence" % number))))
        places = debts.get("rate_%d_scale" % number) + 5
        rate = debts.get("rate_%d" % number)
        rate_millipence = rate * 10**places if places >= 0 else rate // 10**-places
        per = "day" if debts.get("period_%d_s" % number) == DAY_S else "hour"
        found.append(" %s/%s" % (_pence(rate_millipence), per))
    found.extend(("From payments", _money(meter, payment.get("payment_debt_millipence"))))
    found.extend(("Gathered", _money(meter, payment.get("accumulated_debt_millipence"))))
    return found


def _emergency(meter, interface):
    payment = meter.component("payment")
    if payment.get("emergency_credit_active"):
        if interface.is_unlocked():
            return ["In use, left:", _money(meter, payment.get("emergency_credit_balance_millipence"))]
        return ["In use"]
    if meter.component("account").lends():
        return ["Available:", _money(meter, payment.get("emergency_credit_limit_millipence")), "OK activates it"]
    return ["Not available"]


def _message(meter, interface):
    text = meter.component("display").shown()
    return _wrapped(_ascii(text)) + ["OK: I have read"] if text else ["None"]


def _number(meter, interface):
    number = meter.component("customer").number_shown()
    return [_ascii(number), "OK: I have read"] if number else ["None"]


def _contact(meter, interface):
    customer = meter.component("customer")
    return _wrapped(_ascii(customer.get("supplier_name"))) + _wrapped(_ascii(customer.get("supplier_telephone")))


def _status(meter, interface):
    supply = meter.supply
    found = ["Supply", " " + _SUPPLY[supply.get("state")]]
    if supply.get("reason"):
        found.append(" " + _REASONS[supply.get("reason")])
    if supply.get("locked"):
        found.append("Locked: tamper")
    found.extend(("Clock " + _CLOCK[meter.clock.get("status")], _clock(meter.time_s)))
    return found


def _privacy(meter, interface):
    if not meter.component("customer").get("privacy_pin"):
        return ["No PIN", "4 digits and OK", "set one"]
    if interface.is_unlocked():
        return ["PIN given", "4 digits and OK", "change it", "CLEAR removes it"]
    return ["Enter your PIN", "and press OK"]


def _money(meter, amount_millipence):
    pence = abs(amount_millipence) // _PENNY
    sign = "-" if amount_millipence < 0 and pence else ""
    return "%s%d.%02d" % (sign, pence // 100, pence % 100) + _currency(meter)


def _currency(meter):
    return " GBP" if meter.component("prices").get("in_sterling") else " EUR"


def _pence(amount_millipence):
    return "%d.%02d p" % (amount_millipence // _PENNY, amount_millipence % _PENNY // 10)


def _kwh(energy_wh):
    return "%d.%03d kWh" % (energy_wh // 1000, energy_wh % 1000)


def _date(time_s):
    _, month, day = date_of(time_s // DAY_S)
    return "%02d %s" % (day, _MONTHS[3 * month - 3 : 3 * month])


def _clock(time_s):
    return "%s %02d:%02d" % (_date(time_s), time_s % DAY_S // 3600, time_s % 3600 // 60)


def _ascii(octets):
    """Return what a display of ASCII can show of a text."""
    return "".join([chr(octet) if 32 <= octet < 127 else "?" for octet in octets])


def _wrapped(text):
    """Return a text as lines, broken between words where that can be done."""
    found = []
    while len(text) > _WIDTH:
        end = text.rfind(" ", 0, _WIDTH + 1)
        end = end if end > 0 else _WIDTH
        found.append(text[:end])
        text = text[end:].lstrip()
    return found + [text] if text else found


_PAGES = {
    "account": _account, "tariff": _tariff, "energy": _energy, "days": _days, "credits": _credits, "debt": _debt,
    "emergency": _emergency, "message": _message, "number": _number, "contact": _contact, "status": _status,
    "privacy": _privacy,
}  # fmt: skip
