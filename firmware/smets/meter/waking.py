"""The meter starts again after an outage that it did not live through. Loaded then.

It was without supply since its time was last saved: nothing was measured, no period of voltage or load ran. Standing
charge and debts went on (SMETS2 5.7.5): they are collected for all of it, once.
"""

from micropython import const

_HALF_HOUR_S = const(1800)


def wake(meter, time_s):
    """It is `time_s` now, and there is supply. Nothing happens when that is no later than the meter's time."""
    if time_s <= meter.time_s:
        return
    meter.outage.begin(meter.time_s)
    meter.clock.put("time_s", time_s)
    until_s, since_s = time_s - time_s % _HALF_HOUR_S, meter.payment.get("charged_to_s")
    if 0 < since_s < until_s:
        meter.payment.collect_between(since_s, until_s)
    meter.tell("clock", "time_s")
    meter.power(True)
