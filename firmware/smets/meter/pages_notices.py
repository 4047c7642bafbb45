"""Pages of the meter's display: messages, the supplier, the state of things (SMETS2 5.5.11)."""

from micropython import const

from smets.meter.page_text import date, plain, wrapped

_DAY_S = const(86400)
_SUPPLY = const(("Off", "On", "Armed: press OK"))
_REASONS = const(("", "by command", "by customer", "load limit", "no credit", "tamper"))
_CLOCK = const(("right", "unreliable", "not set"))


def message(meter, unlocked):
    """Return the supplier's message while it is not acknowledged."""
    text = meter.component("display").shown()
    return wrapped(plain(text)) + ["OK: I have read"] if text else ["None"]


def number(meter, unlocked):
    """Return the customer identification number while it is not read."""
    number = meter.component("customer").number_shown()
    return [plain(number), "OK: I have read"] if number else ["None"]


def contact(meter, unlocked):
    """Return the supplier's name and telephone number."""
    customer = meter.component("customer")
    return wrapped(plain(customer.get("supplier_name"))) + wrapped(plain(customer.get("supplier_telephone")))


def status(meter, unlocked):
    """Return the state of supply and clock."""
    supply, time_s = meter.supply, meter.time_s
    found = ["Supply", " " + _SUPPLY[supply.get("state")]]
    if supply.get("reason"):
        found.append(" " + _REASONS[supply.get("reason")])
    if supply.get("locked"):
        found.append("Locked: tamper")
    found.append("Clock " + _CLOCK[meter.clock.get("status")])
    found.append("%s %02d:%02d" % (date(time_s), time_s % _DAY_S // 3600, time_s % 3600 // 60))
    return found


def privacy(meter, unlocked):
    """Return what can be done about the PIN."""
    if not meter.component("customer").get("privacy_pin"):
        return ["No PIN", "4 digits and OK", "set one"]
    if unlocked:
        return ["PIN given", "4 digits and OK", "change it", "CLEAR removes it"]
    return ["Enter your PIN", "and press OK"]
