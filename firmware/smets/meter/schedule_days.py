"""Which entries of a schedule hold on a day, and when (IEC 62056-6-2 class 10). Loaded when it is wanted.

A calendar has `special_days`, rows of number, date and number of the day. An entry is number, script, time of day, days
of the week and special days as bit strings, first and last date. Readings chosen: on a special day the entries that
name it hold, and no others. What a first or last date leaves open is not compared; without years the dates of an entry
may go on over New Year.
"""

from micropython import const

from smets.meter.dates import date_of, days_in, weekday_of
from smets.meter.wildcards import matches

_ANY = const(0xFF)
_ANY_YEAR = const(0xFFFF)
_LAST_OF_MONTH = const(0xFE)


def entries_of(calendar, entries, day):
    """Yield the (second of the day, place, script, first date, last date) of the `entries` that hold on a day."""
    special = _special_day(calendar, day)
    for place, (_, script, clock, week, special_days, first, last) in enumerate(entries):
        wanted = bit(special_days, special) if special else bit(week, weekday_of(day))
        if wanted and is_between(first, last, day):
            yield second_of(clock), place, script, first, last


def _special_day(calendar, day):
    """Return the number of the special day that a day is, 0 when it is none; the first row that names it counts."""
    for _, date, number in calendar.elements("special_days"):
        if matches(date, day):
            return number
    return 0


def bit(bits, number):
    """Return whether bit `number` of a bit string, 1 the first, is set."""
    count = bits[0] << 8 | bits[1] if len(bits) > 1 else 0
    return 0 < number <= count and bool(bits[2 + (number - 1) // 8] & 0x80 >> (number - 1) % 8)


def is_between(first, last, day):
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


def second_of(clock):
    """Return the second of the day of hour, minute, second and hundredths; a wildcard is 0."""
    hour, minute, second = [0 if octet == _ANY else octet for octet in clock[:3]]
    return hour * 3600 + minute * 60 + second
