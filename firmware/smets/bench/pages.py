"""The meter's display for the bench: a key pressed, or the page as it is. Loaded with the bench's own code gone."""

import json

from smets.meter.errors import MeterError
from smets.on_demand import call


def answer(meter, setting):
    """Do as `perform` and return the answer to the bench as JSON octets."""
    try:
        found = perform(meter, setting)
        meter.commit()
        found["ok"] = True
    except (MeterError, ValueError) as error:
        found = {"ok": False, "why": str(error)}
    return json.dumps(found).encode()


def perform(meter, setting):
    """Press the key of `setting.later`, or return the page, its lines and for which event the meter sounds."""
    key, sounds = setting.later[1]
    if key is not None:
        call("smets.meter.screen", "press", meter, key)
        return {}
    page, lines = call("smets.meter.screen", "show", meter)
    return {"page": page, "lines": lines, "sounds": sounds}
