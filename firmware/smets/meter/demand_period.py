"""The configurable time of maximum demand (SMETS2 5.7.4; GBCS ECS37). Loaded for a half hour where one is set.

An entry is index, script (1 begins, 2 ends), time of day, days of the week from Monday, special days, first and last
date. Readings chosen: the entry that begins the period says on which days, and the one that ends it only at which time,
on the same day or, over midnight, on the next. A meter has no special days for this, and no time without both entries.
"""

from micropython import const

from smets.meter.dates import DAY_S, weekday_of
from smets.meter.schedule_days import bit, is_between, second_of

_BEGIN = const(1)
_END = const(2)


def holds(entries, time_s):
    """Return whether a time lies in the period."""
    begin = end = None
    for entry in entries:
        if entry[1] == _BEGIN:
            begin = entry
        elif entry[1] == _END:
            end = entry
    if begin is None or end is None:
        return False
    begin_s, end_s = second_of(begin[2]), second_of(end[2])
    today = time_s // DAY_S
    for day in (today, max(0, today - 1)):
        since_s = time_s - day * DAY_S - begin_s
        is_day = bit(begin[3], weekday_of(day)) and is_between(begin[5], begin[6], day)
        if is_day and 0 <= since_s < ((end_s - begin_s) % DAY_S or DAY_S):
            return True
    return False
