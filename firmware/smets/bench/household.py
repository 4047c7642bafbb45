"""A household at the meter: its loads step by step, handed over many at a time, so that a year takes few requests."""

from array import array

from micropython import const

from smets.meter import undo  # noqa: F401  # loaded once, and not for the end of each half hour

_ANSWERED = const(
    (("import_wh", "I"), ("export_wh", "I"), ("price_millipence", "i"), ("balance_millipence", "i"), ("supply", "B"))
)


def answer(meter, setting):
    """Do as `live` and return the answer to the bench: JSON octets in pieces, for which a worn heap has room.

    None when a step wants the room of this code too: whoever called lives up to `setting.until_s`, and asks again.
    """
    found, pieces = live(meter, setting), [b'{"ok": true']
    if setting.until_s is not None:
        return None
    for name, column in found.items():
        pieces.append((', "%s": %s' % (name, list(column))).encode())
    return pieces + [b"}"]


def live(meter, setting):
    """Let the meter live through the steps of `setting.later`, each up to the next multiple of their length.

    Returns an array of each of _ANSWERED (half a list's heap): registers, meter balance and the supply's state as they
    stood after each step, and the price (a kWh) with which it began.
    """
    step_s, imports, exports, *begun = setting.later[1]
    found, place = begun or ({name: array(kind, [0] * len(imports)) for name, kind in _ANSWERED}, 0)
    if begun:
        _note(meter, found, place)
        place += 1
    meter.release()
    meter.advance(meter.time_s, setting.load)  # the tariff is worked out: its price is that of the first step
    while place < len(imports) and _step(meter, setting, found, place):
        place += 1
    return found


def _step(meter, setting, found, place):
    """Let the meter live through a step; False when the heap has no room for it: `setting` says then how to go on."""
    step_s, imports, exports = setting.later[1][:3]
    found["price_millipence"][place] = meter.tariff.price_millipence()
    setting.load.import_w, setting.load.export_w = imports[place], exports[place]
    until_s = meter.time_s - meter.time_s % step_s + step_s
    try:
        meter.advance(until_s, setting.load)
    except MemoryError:
        setting.until_s = until_s
        setting.later = setting.later[0], (step_s, imports, exports, found, place)
        return False
    _note(meter, found, place)
    return True


def _note(meter, found, place):
    found["import_wh"][place] = meter.read("registers.active_import_wh")
    found["export_wh"][place] = meter.read("registers.active_export_wh")
    found["balance_millipence"][place] = meter.payment.get("meter_balance_millipence")
    found["supply"][place] = meter.supply.get("state")
