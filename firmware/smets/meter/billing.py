"""When billing periods end and block counters are reset; apart from other settings: each switch of a tariff asks."""

from micropython import const

from smets.meter.cold import ColdComponent

_BILLING_TIMES = const(12)
_MOMENT = (4, 5)
"""Time of day (hour, minute, second, hundredths) and date (year, month, day, weekday), FF where any will do."""


class Billing(ColdComponent):
    """When a billing period ends (ECS30), and when the block counters are reset besides, none or daily (ECS48)."""

    NAME = "billing"
    NESTED = (("times", [_BILLING_TIMES, _MOMENT]), ("block_reset_times", [1, _MOMENT]))


COLD = (Billing,)
