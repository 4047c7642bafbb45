"""A household at the meter: its loads step by step, handed over many at a time, so that a year takes few requests."""

import gc
import json

from micropython import const

_ANSWERED = const(("import_wh", "export_wh", "price_millipence", "balance_millipence", "supply"))
_ROOM = const(16000)
"""Octets of heap below which the meter gives back what it wants only now and then."""


def answer(meter, setting):
    """Do as `live` and return the answer to the bench as JSON octets."""
    found = live(meter, setting)
    found["ok"] = True
    return json.dumps(found).encode()


def live(meter, setting):
    """Let the meter live through the steps that were set, each up to the next multiple of their length.

    Returns a list of each of _ANSWERED: registers, meter balance and the supply's state as they stood after each step,
    and the price (a kWh) with which it began.
    """
    (step_s, imports, exports), setting.steps = setting.steps, None
    found = {name: [0] * len(imports) for name in _ANSWERED}
    meter.release()
    meter.advance(meter.time_s, setting.load)  # the tariff is worked out: its price is that of the first step
    for place, import_w in enumerate(imports):
        found["price_millipence"][place] = meter.tariff.price_millipence()
        setting.load.import_w, setting.load.export_w = import_w, exports[place]
        now_s = meter.time_s
        meter.advance(now_s - now_s % step_s + step_s, setting.load)
        _note(meter, found, place)
        _make_room(meter)
    return found


def _note(meter, found, place):
    found["import_wh"][place] = meter.read("registers.active_import_wh")
    found["export_wh"][place] = meter.read("registers.active_export_wh")
    found["balance_millipence"][place] = meter.payment.get("meter_balance_millipence")
    found["supply"][place] = meter.supply.get("state")


def _make_room(meter):
    if hasattr(gc, "mem_free") and gc.mem_free() < _ROOM:
        gc.collect()
        if gc.mem_free() < _ROOM:
            meter.release()
            gc.collect()
