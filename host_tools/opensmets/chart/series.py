"""What a chart shows: half hours of a run, or of a meter's logs, and their sums by days where there are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from opensmets.bench.household import DAY_S, HALF_HOUR_S, HalfHour, text_of

#: So many days are shown by half hours, more by days.
MAX_DAYS_OF_HALF_HOURS = 14


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


def of_run(half_hours: Sequence[HalfHour]) -> Series:
    """Return the series of a finished run."""
    return series_of(
        [
            Point(each.time_s, each.import_wh, each.export_wh, (each.price_millipence,) * 2, each.balance_millipence)
            for each in half_hours
        ]
    )


def series_of(points: list[Point]) -> Series:
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
