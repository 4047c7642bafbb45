"""Dates and times in the forms that commands carry them in (COSEM blue book 4.1.6; GBCS 9.2, 9.3).

A date-time is 12 octets: year, month, day, day of week (always FF), hour, minute, second, hundredths, deviation `8000`
(not specified: all is UTC) and status FF.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from lxml import etree

from opensmets.duis.validation import SPACE, InvalidRequest, child_elements, local_name, text_of
from opensmets.layouts.axdr import Data
from opensmets.transform.paths import find, need, text_at
from opensmets.transform.scope import Conversion, Scope

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
#: The ExecutionDateTime that cancels a future-dated command (DUIS clause 2.7).
CANCELLING_DATE = (3000, 12, 31)
_TAIL = bytes.fromhex("8000FF")
IMMEDIATELY, NEVER = bytes(9) + _TAIL, b"\xff" * 9 + _TAIL
#: Octets of a date that is not specified in full.
ANY_YEAR, ANY, LAST_DAY, SECOND_LAST_DAY = 0xFFFF, 0xFF, 0xFE, 0xFD
_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?")
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?")
_DATE = re.compile(r"(\d+)-(\d\d)-(\d\d)(?:Z|[+-]\d\d:\d\d)?")
_DAYS = {"LastDayOfMonth": LAST_DAY, "SecondLastDayOfMonth": SECOND_LAST_DAY}


def parse_moment(element: etree._Element) -> datetime:
    """Return an element's xs:dateTime in UTC, to hundredths of a second; without a zone it is UTC.

    Raises InvalidRequest when it is not one that a device can be told.
    """
    written = text_of(element).strip(SPACE)
    match = _MOMENT.fullmatch(written)
    try:
        if match is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        moment = datetime(year, month, day, tzinfo=UTC) + timedelta(hours=hour, minutes=minute, seconds=second)
        return moment + _fraction(match[7]) - _offset(match[8])
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{local_name(element)}: {written!r} is no moment from year 1 to 9999") from None


def _fraction(digits: str | None) -> timedelta:
    return timedelta(milliseconds=10 * int(f"{digits or ''}00"[:2]))


def _offset(zone: str | None) -> timedelta:
    if zone in (None, "Z"):
        return timedelta()
    hours, minutes = (zone or "").split(":")
    return timedelta(hours=int(hours), minutes=int(hours[0] + minutes))


def date_time_octets(moment: datetime) -> bytes:
    """Return a moment in UTC as a date-time."""
    day = bytes(
        (moment.month, moment.day, ANY, moment.hour, moment.minute, moment.second, moment.microsecond // 10_000)
    )
    return moment.year.to_bytes(2, "big") + day + _TAIL


def date_time(element: etree._Element, _: Scope) -> Data:
    """Convert an xs:dateTime to a date-time."""
    return Data("octets", date_time_octets(parse_moment(element)))


def seconds_since_2000(moment: datetime, name: str) -> int:
    """Return a moment as logs count it. Raises InvalidRequest when it does not fit 32 bits."""
    seconds = (moment - EPOCH) // timedelta(seconds=1)
    if not 0 <= seconds < 1 << 32:
        raise InvalidRequest(f"{name}: {moment:%Y-%m-%d} lies outside 2000 to 2136, which is what a log can tell")
    return seconds


def execution_time(body: etree._Element) -> datetime | None:
    """Return when a request is to be carried out, or None for at once."""
    element = find(body, "ExecutionDateTime")
    return None if element is None else parse_moment(element)


def is_cancelling(moment: datetime) -> bool:
    """Return whether an execution time is the one that cancels."""
    return (moment.year, moment.month, moment.day) == CANCELLING_DATE


def activation(_: etree._Element, scope: Scope) -> Data:
    """Make an activation time: zeros for at once, the execution time, or all FF to cancel what was future-dated."""
    moment = execution_time(scope.body)
    if moment is None:
        return Data("octets", IMMEDIATELY)
    return Data("octets", NEVER if is_cancelling(moment) else date_time_octets(moment))


def tolerance_end(element: etree._Element, _: Scope) -> Data:
    """Make the end of a clock's validity interval: CurrentDateTime and TolerancePeriod seconds (GBCS 9.1)."""
    start = parse_moment(need(element, "CurrentDateTime"))
    seconds = int(text_at(element, "TolerancePeriod") or 0)
    return Data("octets", date_time_octets(start + timedelta(seconds=seconds)))


def time_octets(element: etree._Element) -> bytes:
    """Return an xs:time as hour, minute, second and hundredths, in UTC."""
    match = _TIME.fullmatch(text_of(element).strip(SPACE))
    if not match:
        raise InvalidRequest(f"{local_name(element)}: is no time such as 09:30:00.00Z")
    hour, minute, second = (int(part) for part in match.groups()[:3])
    since = timedelta(hours=hour, minutes=minute, seconds=second) + _fraction(match[4]) - _offset(match[5])
    moment = EPOCH + since % timedelta(days=1)
    return bytes((moment.hour, moment.minute, moment.second, moment.microsecond // 10_000))


def time(element: etree._Element, _: Scope) -> Data:
    """Convert an xs:time to four octets."""
    return Data("octets", time_octets(element))


def plain_date(element: etree._Element, _: Scope) -> Data:
    """Convert an xs:date to five octets; the year 65535 stands for any (DUIS clause 3.10.4)."""
    match = _DATE.fullmatch(text_of(element).strip(SPACE))
    if not match or int(match[1]) > ANY_YEAR:
        raise InvalidRequest(f"{local_name(element)}: is no date such as 2030-01-15Z to the year {ANY_YEAR}")
    return Data("octets", int(match[1]).to_bytes(2, "big") + bytes((int(match[2]), int(match[3]), ANY)))


def _part(element: etree._Element, name: str, any_value: int) -> int:
    """Return what a part of a Date says: a number, a special day, or that it is not specified."""
    chosen = child_elements(need(element, name))[0]
    written = text_of(chosen).strip(SPACE)
    return int(written) if written else _DAYS.get(local_name(chosen), any_value)


def date_octets(element: etree._Element) -> bytes:
    """Return a Date with its wildcards as five octets."""
    year = _part(element, "Year", ANY_YEAR)
    rest = bytes(_part(element, name, ANY) for name in ("Month", "DayOfMonth", "DayOfWeek"))
    return year.to_bytes(2, "big") + rest


def date(element: etree._Element, _: Scope) -> Data:
    """Convert a Date to five octets."""
    return Data("octets", date_octets(element))


def season_start(element: etree._Element, _: Scope) -> Data:
    """Convert a season's Date to a date-time at midnight."""
    return Data("octets", date_octets(element) + bytes(4) + _TAIL)


CONVERSIONS: dict[str, Conversion] = {
    "date_time": date_time, "activation": activation, "tolerance_end": tolerance_end, "time": time, "date": date,
    "plain_date": plain_date, "season_start": season_start,
}  # fmt: skip
