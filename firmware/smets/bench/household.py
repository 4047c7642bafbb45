"""A household at the meter: its loads step by step, handed over many at a time, so that a year takes few requests."""

from array import array

from micropython import const

from smets.meter import undo  # noqa: F401  # loaded once, and not for the end of each half hour

_ANSWERED = const(
    (("import_wh", "I"), ("export_wh", "I"), ("price_millipence", "i"), ("balance_millipence", "i"), ("supply", "B"))
)


def answer(meter, setting):
    """Do as `live` and return the answer to the bench: JSON octets in pieces, for which a worn heap has room."""
    pieces = [b'{"ok": true']
    for name, column in live(meter, setting).items():
        pieces.append((', "%s": %s' % (name, list(column))).encode())
    return pieces + [b"}"]


def live(meter, setting):
    """Let the meter live through the steps of `setting.later`, each up to the next multiple of their length.

    Returns an array of each of _ANSWERED (half a list's heap): registers, meter balance and the supply's state as they
    stood after each step, and the price (a kWh) with which it began.
    """
    step_s, imports, exports = setting.later[1]
    found = {name: array(kind, [0] * len(imports)) for name, kind in _ANSWERED}
    meter.release()
    meter.advance(meter.time_s, setting.load)  # the tariff is worked out: its price is that of the first step
    for place, import_w in enumerate(imports):
        found["price_millipence"][place] = meter.tariff.price_millipence()
        setting.load.import_w, setting.load.export_w = import_w, exports[place]
        now_s = meter.time_s
        meter.advance(now_s - now_s % step_s + step_s, setting.load)
        _note(meter, found, place)
    return found


def _note(meter, found, place):
    found["import_wh"][place] = meter.read("registers.active_import_wh")
    found["export_wh"][place] = meter.read("registers.active_export_wh")
    found["balance_millipence"][place] = meter.payment.get("meter_balance_millipence")
    found["supply"][place] = meter.supply.get("state")
