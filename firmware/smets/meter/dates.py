"""Days of the Gregorian calendar, counted from 2000-01-01, which is day 0. All of it is UTC."""

from micropython import const

DAY_S = const(86400)
_FIRST_YEAR = const(2000)
_DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def is_leap(year):
    """Return whether a year has a 29 February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in(year, month):
    """Return how many days a month has."""
    if month == 2:
        return 29 if is_leap(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def day_of(year, month, day):
    """Return the number of the day of a date."""
    before = year - 1
    days = (year - _FIRST_YEAR) * 365 + before // 4 - before // 100 + before // 400 - 484
    return days + _DAYS_BEFORE[month - 1] + (1 if month > 2 and is_leap(year) else 0) + day - 1


def date_of(day):
    """Return (year, month, day of the month) of a day."""
    year = _FIRST_YEAR + day // 366
    while day_of(year + 1, 1, 1) <= day:
        year += 1
    month = 12
    while day_of(year, month, 1) > day:
        month -= 1
    return year, month, day - day_of(year, month, 1) + 1


def weekday_of(day):
    """Return the day of the week, 1 Monday to 7 Sunday."""
    return (day + 5) % 7 + 1
