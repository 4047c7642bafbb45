"""What the non-disablement calendar (non_disablement.py) says at a time. Loaded when the supply is to be disabled.

Which entries hold on a day schedule_days.py says. Reading chosen: a period goes on, over midnight too, until an entry
ends it, but not beyond the last date of the entry that began it, nor longer than a week.
"""

from micropython import const

from smets.meter.dates import DAY_S
from smets.meter.payment import NEWLY_BELOW
from smets.meter.schedule_days import entries_of, is_between
from smets.meter.supply import CREDIT

_BEGIN = const(32)
_END = const(33)
_WEEK = const(7)
_SUSPENDED = const(0x8F83)


def decide(meter):
    """Disable the supply for want of credit, or put it off to the end of the time when it is not to be.

    That it is put off is told once, when credit has just fallen below the threshold.
    """
    is_new = meter.payment.get("recheck_s") == NEWLY_BELOW
    end_s = until_s(meter.borrow("non_disablement"), meter.time_s)
    meter.payment.put("recheck_s", end_s)
    if not end_s:
        meter.supply.disable(CREDIT)
    elif is_new:
        meter.record(_SUSPENDED)


def until_s(calendar, now_s):
    """Return when the period in which the supply is not disabled may end, 0 when there is none now.

    At most a week on; to be asked again then.
    """
    last = None  # the last switch of now or before, and what it began
    today = now_s // DAY_S
    for day in range(max(0, today - _WEEK), today + 1):
        for time_s, script, end_day in _switches(calendar, day):
            if time_s <= now_s:
                last = script, end_day
    if last is None or last[0] != _BEGIN or last[1] < today:
        return 0
    for day in range(today, min(today + _WEEK, last[1]) + 1):
        for time_s, script, _ in _switches(calendar, day):
            if time_s > now_s and script == _END:
                return time_s
    return (min(today + _WEEK, last[1]) + 1) * DAY_S


def _switches(calendar, day):
    """Return the (time_s, script, last day of its effect) of a day, in the order of their times."""
    found = []
    for second, place, script, first, last in entries_of(calendar, calendar.elements("entries"), day):
        found.append((day * DAY_S + second, place, script, _last_day(day, first, last)))
    return [(time_s, script, end_day) for time_s, _, script, end_day in sorted(found)]


def _last_day(day, first, last):
    """Return the last day up to a week on that an entry's dates cover without a gap."""
    for ahead in range(day + 1, day + _WEEK + 1):
        if not is_between(first, last, ahead):
            return ahead - 1
    return day + _WEEK
