"""Switching tables: which register counts when, by season, week and day (SMETS2 5.7.5; IEC 62056-6-2 class 20, 11).

Loaded when it is wanted. Moments may hold wildcards, FF in an octet and FFFF as a year: `date` is year (2 octets),
month, day of month, day of week; `time` hour, minute, second, hundredths; `date_time` date, time, zone (2), status.
A day's action is a script of the tariff's: n counts in time of use n, 100+n in blocks of time of use n, 200+n in time
of use n of the second element.
"""

from micropython import const

from smets.meter.cold import ColdComponent

_DATE = const(5)
_DATE_TIME = const(12)
_SEASON_NAME = const(8)
_WEEK_NAME = const(1)
_SEASONS = const(4)
_WEEKS = const(4)
_DAYS = const(16)
_ACTIONS = const(48)
_SPECIAL_DAYS = const(50)


class Calendar(ColdComponent):
    """The switching table of the primary element. Rows:

    seasons: name, start (date_time), name of its week; weeks: name, number of the day from Monday to Sunday; days:
    number, actions (time, script); special days: number of the row, date, number of the day. All actions that there may
    be, 16 days of 48, have to fit one nested value: hence 5 octets for each.
    """

    NAME = "calendar"
    NESTED = (
        ("seasons", [_SEASONS, (_SEASON_NAME, _DATE_TIME, _WEEK_NAME)]),
        ("weeks", [_WEEKS, (_WEEK_NAME, ">B", ">B", ">B", ">B", ">B", ">B", ">B")]),
        ("days", [_DAYS, (">B", [_ACTIONS, ("4s", ">B")])]),
        ("special_days", [_SPECIAL_DAYS, (">H", _DATE, ">B")]),
    )


class SecondCalendar(Calendar):
    """The switching table of the second element."""

    NAME = "second_calendar"


COLD = (Calendar, SecondCalendar)
