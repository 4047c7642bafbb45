"""A meter whose power is cut, and which starts again when it is back."""

from smets.meter import waking
from tests.firmware.meter_world import make_meter

RELIABLE = 0


def started(meter, phases=1, elements=1):
    """Return the meter that starts with what `meter` has on flash, after a loss of supply."""
    given = {"tokens": meter.tokens, "phases": phases, "elements": elements}
    again = make_meter(journal=meter.journal, stores=meter.logs._open_store, **given)
    waking.start(again)
    return again


def dark_until(meter, time_s, phases=1, elements=1):
    """Return the meter after an outage at whose end its hub told the time at once; its clock was reliable."""
    meter.write("clock.status", RELIABLE)
    meter.commit(True)
    again = started(meter, phases, elements)
    again.hub_time(time_s, RELIABLE)
    return again
