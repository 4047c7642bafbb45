"""When the supply is not disabled for want of credit (SMETS2 5.5.7, 5.7.4; GBCS ECS08). Loaded when it is wanted.

Dates are those of wildcards.py, times those of switching_table.py; all in UTC. What the calendar says at a time is
worked out by non_disablement_periods.py.
"""

from micropython import const

from smets.meter.cold import ColdComponent

_DATE = const(5)
_TIME = const(4)
_WEEK_BITS = const(3)
_SPECIAL_DAY_BITS = const(5)
"""Octets of bit strings as the meter has them: the number of bits (2 octets), then the bits, the first one highest."""
_ENTRIES = const(22)
_SPECIAL_DAYS = const(20)


class NonDisablement(ColdComponent):
    """The non-disablement calendar. An entry is number, script (32 begins a period, 33 ends it), time, days of the week
    from Monday, special days, first and last date; a special day number of the row, date, number of the day."""

    NAME = "non_disablement"
    NESTED = (
        ("entries", [_ENTRIES, (">H", ">H", _TIME, _WEEK_BITS, _SPECIAL_DAY_BITS, _DATE, _DATE)]),
        ("special_days", [_SPECIAL_DAYS, (">H", _DATE, ">B")]),
    )


COLD = (NonDisablement,)
