"""Rows of schedules (class 10) and special day tables (class 11), as GBCS's calendars use them (blue book 4.5)."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from opensmets.duis.validation import InvalidRequest
from opensmets.layouts.axdr import Data
from opensmets.transform.moments import date_octets, time_octets
from opensmets.transform.paths import find_all, text

#: A switch whose time is past when the row is activated is not made good.
NO_VALIDITY_WINDOW = 0xFFFF
ENABLED = 0xFF
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def days_of_week(element: etree._Element) -> str:
    """Return the DaysOfWeekApplicability of a schedule as seven bits from Monday, no day without that element."""
    days = {text(one, ".").strip() for one in find_all(element, _DAY)}
    return "".join("1" if day in days else "0" for day in WEEK)


_DAY = "DaysOfWeekApplicability/DayOfWeekApplicability/DayOfWeekID"


def special_days(numbers: Iterable[int], count: int) -> str:
    """Return the special days that a row is for as bits from day 1. Raises InvalidRequest when one is not defined."""
    wanted = set(numbers)
    if wanted and max(wanted) > count:
        raise InvalidRequest(f"SpecialDaysApplicability: special day {max(wanted)} is not defined; {count} are")
    return "".join("1" if number in wanted else "0" for number in range(1, count + 1))


def row(
    index: int, table: bytes, script: int, switch_time: etree._Element, bits: tuple[str, str], dates: tuple[Data, Data]
) -> Data:
    """Return one schedule row: at `switch_time` run `script` of `table`, on `bits`' days of week and special days."""
    return Data(
        "structure",
        (
            Data("u16", index), Data("bool", ENABLED), Data("octets", table), Data("u16", script),
            Data("octets", time_octets(switch_time)), Data("u16", NO_VALIDITY_WINDOW),
            Data("bits", bits[0]), Data("bits", bits[1]), *dates,
        ),
    )  # fmt: skip


def special_day(number: int, date: etree._Element, day: int) -> Data:
    """Return one entry of a special day table: its number, its date and the day profile that is in force then."""
    return Data("structure", (Data("u16", number), Data("octets", date_octets(date)), Data("u8", day)))
