"""A chart in a terminal, of block characters, as wide as the terminal is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from opensmets.bench.household import text_of
from opensmets.chart.picture import MILLIPENCE_IN_PENNY, MILLIPENCE_IN_POUND
from opensmets.chart.series import Point, Series
from opensmets.errors import SmetsError

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_MARGIN = 10
MIN_WIDTH = 40


def lines(series: Series, width: int) -> list[str]:
    """Return the chart's lines, none longer than `width` (at least MIN_WIDTH). Raises SmetsError when it is empty."""
    if not series.points:
        raise SmetsError("there is nothing to draw: the logs are empty")
    columns = max(MIN_WIDTH, width) - _MARGIN - 1
    unit, scale = ("kWh a day", 1000) if series.by_days else ("kW", 500)
    found = list(_panel(f"import, {unit}", _columns(series, columns, lambda p: p.import_wh / scale), 6))
    if any(point.export_wh for point in series.points):
        found += _panel(f"export, {unit}", _columns(series, columns, lambda p: p.export_wh / scale), 4)
    if any(point.price_millipence for point in series.points):
        what = "highest price" if series.by_days else "price"
        found += _panel(f"{what}, pence a kWh", _columns(series, columns, _price), 3)
    if any(point.balance_millipence is not None for point in series.points):
        found += _panel("balance, pounds", _columns(series, columns, _balance), 5)
    return [*found, _times(series, columns)]


def _price(point: Point) -> float | None:
    return point.price_millipence[1] / MILLIPENCE_IN_PENNY if point.price_millipence else None


def _balance(point: Point) -> float | None:
    return None if point.balance_millipence is None else point.balance_millipence / MILLIPENCE_IN_POUND


def _columns(series: Series, count: int, value: Callable[[Point], float | None]) -> list[float | None]:
    """Return the average of each column's points, or the value of the one that it is a part of; None: none is known."""
    points, found = series.points, list[float | None]()
    for column in range(count):
        first = column * len(points) // count
        end = max(first + 1, (column + 1) * len(points) // count)
        values = [each for point in points[first:end] if (each := value(point)) is not None]
        found.append(sum(values) / len(values) if values else found[-1] if found else None)
    return found


def _panel(title: str, values: Sequence[float | None], height: int) -> Iterator[str]:
    """Yield a title and rows of blocks from the lowest value, or 0 if that is lower, to the highest."""
    known = [value for value in values if value is not None]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    span = (high - low) or 1.0
    yield " " * _MARGIN + " " + title
    for row in range(height - 1, -1, -1):
        label = f"{high:.2f}" if row == height - 1 else f"{low:.2f}" if row == 0 else ""
        blocks = [_block(value, low, span, height, row) for value in values]
        yield f"{label:>{_MARGIN}}│" + "".join(blocks)


def _block(value: float | None, low: float, span: float, height: int, row: int) -> str:
    if value is None:
        return " "
    eighths = round((value - low) / span * height * 8) - row * 8
    return _EIGHTHS[max(0, min(8, eighths))]


def _times(series: Series, columns: int) -> str:
    first, last = text_of(series.points[0].time_s), text_of(series.points[-1].time_s + series.step_s)
    if columns < len(first) + len(last) + 1:
        first, last = first[:10], last[:10]
    return " " * _MARGIN + "└" + first + " " * (columns - len(first) - len(last)) + last
