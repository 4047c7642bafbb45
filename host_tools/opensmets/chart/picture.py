"""A chart as a PNG. Matplotlib is loaded when a picture is drawn, for it takes its time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opensmets.bench.household import EPOCH
from opensmets.chart.series import Series
from opensmets.errors import SmetsError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_IMPORT, _EXPORT, _PRICE, _BALANCE = "#c8553d", "#4c9f70", "#3d5a80", "#7d4e8a"
_INCHES, _DOTS = (11, 7.5), 110
_ROOM = 1.5  # so much higher than what it shows is a panel, for its legend
MILLIPENCE_IN_PENNY, MILLIPENCE_IN_POUND = 1_000, 100_000


def draw(series: Series, path: Path, title: str) -> None:
    """Write a PNG: energy above, then price and balance where they are known. Raises SmetsError."""
    if not series.points:
        raise SmetsError("there is nothing to draw: the logs are empty")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = [_energy]
    panels += [_price] if any(point.price_millipence for point in series.points) else []
    panels += [_balance] if any(point.balance_millipence is not None for point in series.points) else []
    figure, grid = pyplot.subplots(len(panels), 1, sharex=True, figsize=_INCHES, layout="constrained", squeeze=False,
                                   height_ratios=[2, 1, 1][: len(panels)])  # fmt: skip
    figure.suptitle(title)
    for panel, axes in zip(panels, grid[:, 0], strict=True):
        panel(axes, series)
        axes.grid(alpha=0.3)
        axes.legend(loc="upper left", framealpha=0.9)
        axes.margins(x=0.01)
    _name_times(grid[-1, 0])
    try:
        figure.savefig(path, format="png", dpi=_DOTS)
    finally:
        pyplot.close(figure)


def _times(series: Series) -> list[datetime]:
    """Return the beginnings of the points, and the end of the last."""
    moments = [EPOCH + timedelta(seconds=point.time_s) for point in series.points]
    return [*moments, moments[-1] + timedelta(seconds=series.step_s)]


def _energy(axes: Axes, series: Series) -> None:
    scale = 1000 if series.by_days else 500  # so many Wh in half an hour are a kW
    times = _times(series)
    for label, sign, color in (("import", 1, _IMPORT), ("export", -1, _EXPORT)):
        values = [sign * (point.import_wh if sign > 0 else point.export_wh) / scale for point in series.points]
        axes.stairs(values, times, fill=True, color=color, alpha=0.85, label=label)  # type: ignore[arg-type]
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_ylabel("energy a day, kWh\n(export below 0)" if series.by_days else "power, kW\n(export below 0)")


def _price(axes: Axes, series: Series) -> None:
    """Draw the price; of days the lowest and the highest."""
    times = _times(series)
    bounds = [point.price_millipence or (0, 0) for point in series.points]
    low = [bound[0] / MILLIPENCE_IN_PENNY for bound in bounds]
    high = [bound[1] / MILLIPENCE_IN_PENNY for bound in bounds]
    if low != high:
        axes.stairs(high, times, baseline=low, fill=True, color=_PRICE, alpha=0.25)  # type: ignore[arg-type]
        axes.stairs(low, times, baseline=None, color=_PRICE, linestyle=":", label="lowest price")  # type: ignore[arg-type]
    label = "price" if low == high else "highest price"
    axes.stairs(high, times, baseline=None, color=_PRICE, linewidth=1.5, label=label)  # type: ignore[arg-type]
    axes.set_ylabel("pence a kWh")
    axes.set_ylim(min(0, *low) * _ROOM, max(1, *high) * _ROOM)


def _balance(axes: Axes, series: Series) -> None:
    ends = _times(series)[1:]
    known = [(end, point.balance_millipence) for end, point in zip(ends, series.points, strict=True)]
    moments = [end for end, balance in known if balance is not None]
    pounds = [balance / MILLIPENCE_IN_POUND for _, balance in known if balance is not None]
    axes.plot(moments, pounds, color=_BALANCE, linewidth=1.5, label="meter balance")  # type: ignore[arg-type]
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_ylabel("pounds")
    axes.set_ylim(min(0, *pounds) * _ROOM, max(1, *pounds) * _ROOM)


def _name_times(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("time, UTC")
