"""Dates with wildcards (IEC 62056-6-2 clause 4.1.6.1): which days they mean. Loaded when it is wanted.

A date is five octets: year (2), month, day of the month, day of the week from Monday, 1. FFFF or FF is any. A day of
the month FE is the last and FD the last but one, together with a day of the week the last such day, or the last but
one. A day of the month with a day of the week is that day of the week on it or following it, unless year and month are
given too: then they must agree. What no day is (30 February, month 13) never comes.
"""

from micropython import const

from smets.meter.dates import date_of, day_of, days_in, weekday_of

_ANY = const(0xFF)
_ANY_YEAR = const(0xFFFF)
_LAST = const(0xFE)
_LAST_BUT_ONE = const(0xFD)
_FIRST_YEAR = const(2000)
_LAST_YEAR = const(2136)
_YEARS = const(9)
"""A 29 February comes again within so many years, 2100 between them or not."""
DATE_SIZE = const(5)
_NO_DAYS = range(0)


def matches(date, day):
    """Return whether a date means a day."""
    if len(date) != DATE_SIZE:
        return False
    if date[4] != _ANY:
        return latest(date, day) == day
    year, month, of_month = date_of(day)
    if (date[0] << 8 | date[1]) not in (_ANY_YEAR, year) or date[2] not in (_ANY, month):
        return False
    return date[3] in (_ANY, of_month) or days_in(year, month) - of_month == _LAST - date[3]


def latest(date, day):
    """Return the last day up to `day`, or `day` itself, that a date means; None when there is none."""
    for year, month in _months(date, day, -1):
        for one in reversed(_days(date, year, month)):
            if one <= day:
                return one
    return None


def following(date, day):
    """Return the first day from `day` on that a date means; None when there is none."""
    for year, month in _months(date, max(0, day - 6), 1):  # of the month before, if it follows the month's last days
        for one in _days(date, year, month):
            if one >= day:
                return one
    return None


def _months(date, day, step):
    """Yield the (year, month) that a date may mean, from that of `day` on, forwards or backwards."""
    if len(date) != DATE_SIZE:
        return
    asked_year = date[0] << 8 | date[1]
    year, month, _ = date_of(day)
    for _ in range(12 * _YEARS) if asked_year == _ANY_YEAR else range(12):
        if asked_year not in (_ANY_YEAR, year):
            if (asked_year - year) * step < 0 or not _FIRST_YEAR <= asked_year <= _LAST_YEAR:
                return
            year, month = asked_year, 1 if step > 0 else 12
        if date[2] in (_ANY, month):
            yield year, month
        month += step
        if not 1 <= month <= 12:
            year, month = year + step, 1 if step > 0 else 12
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            return


def _days(date, year, month):
    """Return the range of days that a date means in a month, or following a day of it."""
    of_month, weekday = date[3], date[4]
    first, size = day_of(year, month, 1), days_in(year, month)
    some_weekday = weekday != _ANY
    if some_weekday and not 1 <= weekday <= 7:
        return _NO_DAYS
    if of_month == _ANY:
        start = first + (weekday - weekday_of(first)) % 7 if some_weekday else first
        return range(start, first + size, 7 if some_weekday else 1)
    if of_month in (_LAST, _LAST_BUT_ONE):
        day, before = first + size - 1, _LAST - of_month
        day -= (weekday_of(day) - weekday) % 7 + 7 * before if some_weekday else before
    elif 1 <= of_month <= size:
        day = first + of_month - 1
        ahead = (weekday - weekday_of(day)) % 7 if some_weekday else 0
        if ahead and date[2] != _ANY and (date[0] << 8 | date[1]) != _ANY_YEAR:
            return _NO_DAYS
        day += ahead
    else:
        return _NO_DAYS
    return range(day, day + 1)
