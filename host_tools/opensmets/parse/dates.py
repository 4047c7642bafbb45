"""Dates as the MMC type Date has them, with wildcards, and the billing calendar (MMC ElectricityBillingCalendar)."""

from __future__ import annotations

from opensmets.layouts.axdr import Data
from opensmets.parse.nodes import Absent
from opensmets.parse.shape import Shape, text_in
from opensmets.parse.texts import Unfit, read_clock, write_clock
from opensmets.parse.tree import Element, add, local_name, qualified

_MIDNIGHT_UTC = bytes.fromhex("000000008000FF")
# parts of the MMC type Date: element, its name when unspecified (FF), and other values by name
_MONTH = ("Month", 1, 12, {0xFF: "NonSpecifiedMonth"})
_DAY = (
    "DayOfMonth", 1, 31,
    {0xFF: "NonSpecifiedDayOfMonth", 0xFE: "LastDayOfMonth", 0xFD: "SecondLastDayOfMonth"},
)  # fmt: skip
_WEEKDAY = ("DayOfWeek", 1, 7, {0xFF: "NonSpecifiedDayOfWeek"})
_YEAR = ("Year", 2014, 9999, {0xFFFF: "NonSpecifiedYear"})


def _date_part(number: int, part: tuple[str, int, int, dict[int, str]]) -> tuple[str, str, str | None]:
    name, low, high, others = part
    if number in others:
        return name, others[number], None
    if not low <= number <= high:
        raise Unfit(f"no {name}")
    return name, f"Specified{name}", str(number)


def write_date(octets: bytes, element: Element) -> None:
    """Write a COSEM date (5 octets) as the MMC type Date. Raises Unfit for what that cannot say."""
    if len(octets) != 5:
        raise Unfit("not five octets")
    numbers = (int.from_bytes(octets[:2], "big"), *octets[2:])
    parts = [_date_part(*pair) for pair in zip(numbers, (_YEAR, _MONTH, _DAY, _WEEKDAY), strict=True)]
    for name, choice, text in parts:
        add(add(element, name), choice, text)


def read_date(element: Element) -> bytes:
    """Return the 5 octets of an MMC Date."""
    numbers = []
    for name, _, _, others in (_YEAR, _MONTH, _DAY, _WEEKDAY):
        part = element.find(qualified(name))
        if part is None or not len(part):
            raise Absent
        codes = {choice: number for number, choice in others.items()}
        numbers.append(codes.get(local_name(part[0])) or int(part[0].text or ""))
    return numbers[0].to_bytes(2, "big") + bytes(numbers[1:])


def _write_midnight(octets: bytes, element: Element) -> None:
    if octets[5:] != _MIDNIGHT_UTC:
        raise Unfit("not midnight UTC, and a Date has no time")
    write_date(octets[:5], element)


_ANY, _ANY_YEAR = 0xFF, b"\xff\xff"
#: Months between the dates of a calendar that has this many, and its element.
_PERIODS = {4: (3, "Quarterly"), 2: (6, "SixMonthly"), 1: (12, "Yearly")}


def _switching_points(points: tuple[Data, ...]) -> tuple[bytes, list[bytes]]:
    """Return the one time and the dates of a single action schedule's execution times. Raises Unfit."""
    pairs = [[part.value for part in point] for point in points if point.type == "structure" and len(point) == 2]
    if len(pairs) != len(points) or not pairs or any(not isinstance(part, bytes) for pair in pairs for part in pair):
        raise Unfit("not times and dates")
    if len({time for time, _ in pairs}) != 1 or any(len(date) != 5 for _, date in pairs):
        raise Unfit("not one time and dates")
    return pairs[0][0], [date for _, date in pairs]


def _write_period(dates: list[bytes], element: Element) -> None:
    _, _, month, day, weekday = dates[0]
    if any(date[:2] != _ANY_YEAR for date in dates):
        raise Unfit("a calendar has no year")
    if len(dates) == 1 and month == _ANY:
        _write_short_period(day, weekday, element)
        return
    if weekday != _ANY or not 1 <= month <= 12 or not 1 <= day <= 28 or dates != _dates(len(dates), month, day):
        raise Unfit("no period of a calendar")
    period = add(element, _PERIODS[len(dates)][1])
    add(period, "DayOfMonth", str(day))
    add(period, "BillingPeriodStartMonth", str(month))


def _write_short_period(day: int, weekday: int, element: Element) -> None:
    if (day, weekday) == (_ANY, _ANY):
        add(element, "Daily")
    elif day == _ANY and 1 <= weekday <= 7:
        add(element, "Weekly", str(weekday))
    elif weekday == _ANY and 1 <= day <= 28:
        add(element, "Monthly", str(day))
    else:
        raise Unfit("no period of a calendar")


def _dates(count: int, month: int, day: int) -> list[bytes]:
    if count not in _PERIODS:
        raise Unfit("no period of a calendar")
    step = _PERIODS[count][0]
    return [_ANY_YEAR + bytes(((month - 1 + step * at) % 12 + 1, day, _ANY)) for at in range(count)]


def _write_calendar(points: tuple[Data, ...], element: Element) -> None:
    time, dates = _switching_points(points)
    place = add(element, "ElectricityBillingCalendar")
    try:
        add(place, "BillingTime", write_clock(time))
        _write_period(dates, place)
    except Unfit:
        element.remove(place)
        raise


def _read_period(period: Element) -> list[bytes]:
    name, number = local_name(period), period.text or ""
    if name == "Daily":
        return [_ANY_YEAR + bytes((_ANY, _ANY, _ANY))]
    if name == "Weekly":
        return [_ANY_YEAR + bytes((_ANY, _ANY, int(number)))]
    if name == "Monthly":
        return [_ANY_YEAR + bytes((_ANY, int(number), _ANY))]
    counts = {other: count for count, (_, other) in _PERIODS.items()}
    month, day = int(text_in(period, "BillingPeriodStartMonth")), int(text_in(period, "DayOfMonth"))
    return _dates(counts[name], month, day)


def _read_calendar(element: Element) -> tuple[Data, ...]:
    place = element.find(qualified("ElectricityBillingCalendar"))
    if place is None or len(place) < 2:
        raise Absent
    time = Data("octets", read_clock(text_in(place, "BillingTime")))
    return tuple(Data("structure", (time, Data("octets", date))) for date in _read_period(place[1]))


DATE_SHAPES = {
    "date": Shape(write_date, read_date),
    "date-at-midnight": Shape(_write_midnight, lambda element: read_date(element) + _MIDNIGHT_UTC),
    "billing-calendar": Shape(_write_calendar, _read_calendar),
}
