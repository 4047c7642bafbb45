"""What the non-disablement calendar (non_disablement.py) says at a time. Loaded when the supply is to be disabled.

Readings chosen: on a special day the entries that name it hold, and no others. A period goes on, over midnight too,
until an entry ends it, but not beyond the last date of the entry that began it, nor longer than a week. What a first or
last date leaves open is not compared; without years the dates of an entry may go on over New Year.
"""

from micropython import const

from smets.meter.dates import DAY_S, date_of, days_in, weekday_of
from smets.meter.wildcards import matches

_BEGIN = const(32)
_END = const(33)
_ANY = const(0xFF)
_ANY_YEAR = const(0xFFFF)
_LAST_OF_MONTH = const(0xFE)
_WEEK = const(7)


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
    special = _special_day(calendar, day)
    found = []
    for place, (_, script, clock, week, special_days, first, last) in enumerate(calendar.elements("entries")):
        wanted = _bit(special_days, special) if special else _bit(week, weekday_of(day))
        if wanted and _is_between(first, last, day):
            found.append((day * DAY_S + _second(clock), place, script, _last_day(day, first, last)))
    return [(time_s, script, end_day) for time_s, _, script, end_day in sorted(found)]


def _special_day(calendar, day):
    """Return the number of the special day that a day is, 0 when it is none; the first row that names it counts."""
    for _, date, number in calendar.elements("special_days"):
        if matches(date, day):
            return number
    return 0


def _last_day(day, first, last):
    """Return the last day up to a week on that an entry's dates cover without a gap."""
    for ahead in range(day + 1, day + _WEEK + 1):
        if not _is_between(first, last, ahead):
            return ahead - 1
    return day + _WEEK


def _bit(bits, number):
    """Return whether bit `number` of a bit string, 1 the first, is set."""
    count = bits[0] << 8 | bits[1] if len(bits) > 1 else 0
    return 0 < number <= count and bool(bits[2 + (number - 1) // 8] & 0x80 >> (number - 1) % 8)


def _is_between(first, last, day):
    """Return whether a day lies from one date to another, both included."""
    after_first, before_last = _compare(day, first) >= 0, _compare(day, last) <= 0
    if _year(first) == _year(last) == _ANY_YEAR and first[2:4] > last[2:4]:
        return after_first or before_last
    return after_first and before_last


def _compare(day, date):
    """Return below 0, 0 or above 0 for a day before, at or after what a date says."""
    year, month, of_month = date_of(day)
    asked = days_in(year, month) - _LAST_OF_MONTH + date[3] if _LAST_OF_MONTH - 1 <= date[3] < _ANY else date[3]
    for own, other, wildcard in ((year, _year(date), _ANY_YEAR), (month, date[2], _ANY), (of_month, asked, _ANY)):
        if other not in (wildcard, own):
            return own - other
    return 0


def _year(date):
    return date[0] << 8 | date[1]


def _second(clock):
    """Return the second of the day of hour, minute, second and hundredths; a wildcard is 0."""
    hour, minute, second = [0 if octet == _ANY else octet for octet in clock[:3]]
    return hour * 3600 + minute * 60 + second
