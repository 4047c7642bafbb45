"""What a chart shows: half hours of a run, or of a device's logs, and their sums by days where there are many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

from opensmets.bench.household import DAY_S, HALF_HOUR_S, HalfHour, text_of

#: So many days are shown by half hours, more by days.
MAX_DAYS_OF_HALF_HOURS = 14
#: Rows that a small heap reads and answers at once.
_ROWS = 20


@dataclass(frozen=True, slots=True)
class Point:
    """A stretch of time that began at `time_s`: energy in Wh; price a kWh (lowest, highest) and balance in millipence.

    The balance is that of the end; where nothing is known of price or balance there is None.
    """

    time_s: int
    import_wh: int
    export_wh: int
    price_millipence: tuple[int, int] | None = None
    balance_millipence: int | None = None

    def fields(self) -> dict[str, Any]:
        """Return it for a program."""
        low, high = self.price_millipence or (None, None)
        return {
            "time": text_of(self.time_s),
            "import_wh": self.import_wh,
            "export_wh": self.export_wh,
            "price_low_millipence": low,
            "price_high_millipence": high,
            "balance_millipence": self.balance_millipence,
        }


@dataclass(frozen=True, slots=True)
class Series:
    """Points in the order of time, each `step_s` long."""

    points: tuple[Point, ...]
    step_s: int

    @property
    def by_days(self) -> bool:
        """Whether each point is a day."""
        return self.step_s == DAY_S


class Asks(Protocol):
    """The part of the bench that logs are read through."""

    def __call__(self, do: str, **fields: Any) -> dict[str, Any]:
        """Send a request and return its answer."""


def of_run(half_hours: Sequence[HalfHour]) -> Series:
    """Return the series of a finished run."""
    return _fitting(
        [
            Point(each.time_s, each.import_wh, each.export_wh, (each.price_millipence,) * 2, each.balance_millipence)
            for each in half_hours
        ]
    )


def of_device(bench: Asks, days: int) -> Series:
    """Return the last days of a device's profile logs, with the balances that its daily log has of midnights.

    What the price was a meter does not log. Raises DeviceRefused, NoAnswer.
    """
    imported = {row[0]: row[1] + row[2] for row in _last(bench, "import_profile", days * DAY_S // HALF_HOUR_S)}
    exported = {row[0]: row[1] for row in _last(bench, "export_profile", days * DAY_S // HALF_HOUR_S)}
    balances = {row[0]: row[1] for row in _last(bench, "prepayment_daily", days + 1)}
    points = [
        Point(end_s - HALF_HOUR_S, import_wh, exported.get(end_s, 0), None, balances.get(end_s))
        for end_s, import_wh in sorted(imported.items())
    ]
    return _fitting(points)


def _last(bench: Asks, log: str, count: int) -> Iterator[list[Any]]:
    length = bench("rows", log=log, count=0)["length"]
    for start in range(max(0, length - count), length, _ROWS):
        yield from bench("rows", log=log, **{"from": start}, count=_ROWS)["rows"]


def _fitting(points: list[Point]) -> Series:
    """Return half hours as they are, or day by day when there are more than a picture can show."""
    if len(points) <= MAX_DAYS_OF_HALF_HOURS * DAY_S // HALF_HOUR_S:
        return Series(tuple(points), HALF_HOUR_S)
    days = groupby(points, lambda point: point.time_s // DAY_S)
    return Series(tuple(_day(number * DAY_S, list(day)) for number, day in days), DAY_S)


def _day(time_s: int, points: list[Point]) -> Point:
    prices = [price for point in points if point.price_millipence for price in point.price_millipence]
    balances = [point.balance_millipence for point in points if point.balance_millipence is not None]
    return Point(
        time_s,
        sum(point.import_wh for point in points),
        sum(point.export_wh for point in points),
        (min(prices), max(prices)) if prices else None,
        balances[-1] if balances else None,
    )
