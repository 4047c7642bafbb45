"""Time-based debts: how fast they are recovered (SMETS2 5.7.4; GBCS ECS07). Loaded when it is wanted.

A rate is an amount of `rate` x 10^`scale` pounds (or euros) a period of `period_s` seconds: an hour or a day.
"""

from micropython import const

from smets.meter.fields import Component
from smets.meter.schedule import NOW

_DAY_S = const(86400)
_MILLIPENCE_SCALE = const(-5)


class Debts(Component):
    """The rates of time debts 1 and 2. New ones wait as passive values until they are activated."""

    NAME = "debts"
    FIELDS = (
        ("rate_1", ">h"),
        ("rate_1_scale", ">b", _MILLIPENCE_SCALE),
        ("period_1_s", ">I", _DAY_S),
        ("rate_2", ">h"),
        ("rate_2_scale", ">b", _MILLIPENCE_SCALE),
        ("period_2_s", ">I", _DAY_S),
    )
    METHODS = ("activate_rate_1", "activate_rate_2")

    def activate_rate_1(self, _):
        """Let the rate that waits for time debt 1 be in force."""
        self.meter.activate("debts.rate_1_scale+debts.rate_1", NOW)

    def activate_rate_2(self, _):
        """Let the rate that waits for time debt 2 be in force."""
        self.meter.activate("debts.rate_2_scale+debts.rate_2", NOW)


COLD = (Debts,)
