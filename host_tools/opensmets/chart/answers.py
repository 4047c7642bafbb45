"""What a meter answers to a supplier's requests, as a chart: profiles by 4.8.1 and 4.8.3, tariff by 4.11.1, balances.

A profile is asked for day by day, so that a small meter has it in one message and a reader sees how far it is. The
tariff is the one in force now: prices before it are not in the meter. Balances are those of the midnights that Read
Prepayment Daily Read Log (4.14) has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from opensmets.bench.household import DAY_S, EPOCH, HALF_HOUR_S, time_of
from opensmets.chart.series import Point, Series, series_of
from opensmets.chart.tariff import Tariff
from opensmets.parse.tree import Element

IMPORT_PROFILE, EXPORT_PROFILE, TARIFF, DAILY_BALANCES, BALANCE = "4.8.1", "4.8.3", "4.11.1", "4.14", "4.18"
_LAST_S = 100 * 366 * DAY_S
"""Later than any row: all that a log has."""

#: Sends a request and returns what was asked for (MMC); None when the meter does not tell that, or not to who asks.
Read = Callable[[str, Mapping[str, Any]], Element | None]
#: Gets how many of how many requests are answered.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Told:
    """A meter's half hours, and what it tells of now: its tariff, and its balance in millipence; None: not told."""

    series: Series
    tariff: Tariff | None
    balance_millipence: int | None


def of_meter(read: Read, days: int, progress: Progress, until_s: int | None = None) -> Told:
    """Ask a meter for `days` up to `until_s`; None: its last ones. Raises what `read` does, AnswerIncomplete."""
    requests = 3 + 2 * days
    balances = dict(_balances(read(DAILY_BALANCES, {"ReadLogPeriod": _period(0, _LAST_S)})))
    end_s = _end_s(balances) if until_s is None else until_s
    progress(1, requests)
    electricity = _electricity(read(TARIFF, {}))
    tariff = None if electricity is None else Tariff.of(electricity)
    progress(2, requests)
    balance = read(BALANCE, {})
    progress(3, requests)
    profiles: tuple[dict[int, int], dict[int, int]] = {}, {}
    for number in range(2 * days):
        day, kind = divmod(number, 2)
        first_s = max(0, end_s - (days - day) * DAY_S)
        content = {"ReadLogPeriod": _period(first_s + 1, first_s + DAY_S)}
        profiles[kind].update(_profile(read((IMPORT_PROFILE, EXPORT_PROFILE)[kind], content)))
        progress(4 + number, requests)
    points = list(_points(*profiles, tariff, balances))
    now = None if balance is None else int(balance.findtext("{*}MeterBalance") or 0)
    return Told(series_of(points), tariff, now)


def _end_s(balances: Mapping[int, int | None]) -> int:
    """Return the end of the day that a meter is in, which logs at each midnight; of one that did not yet, its first."""
    return max(balances, default=0) + DAY_S


def _points(
    imported: Mapping[int, int], exported: Mapping[int, int], tariff: Tariff | None, balances: Mapping[int, int]
) -> Iterator[Point]:
    for end_s in sorted({*imported, *exported}):
        time_s = end_s - HALF_HOUR_S
        price = tariff.at(time_s) if tariff else None
        yield Point(time_s, imported.get(end_s, 0), exported.get(end_s, 0), price, balances.get(end_s))


def _profile(answer: Element | None) -> Iterator[tuple[int, int]]:
    """Yield the end of each half hour and its energy in Wh, both elements' together."""
    for entry in _entries(answer):
        names = ("Electricity/{*}PrimaryValue", "Electricity/{*}SecondaryValue", "ActiveEnergyExportedValue")
        yield _time_s(entry), sum(int(entry.findtext(f"{{*}}{name}") or 0) for name in names)


def _balances(answer: Element | None) -> Iterator[tuple[int, int]]:
    for entry in _entries(answer):
        yield _time_s(entry), int(entry.findtext("{*}MeterBalance") or 0)


def _entries(answer: Element | None) -> Iterator[Element]:
    return iter(()) if answer is None else answer.iter("{*}LogEntry")


def _electricity(answer: Element | None) -> Element | None:
    return None if answer is None else answer.find("{*}Electricity")


def _time_s(entry: Element) -> int:
    return time_of(entry.findtext("{*}Timestamp") or "")


def _period(first_s: int, last_s: int) -> dict[str, datetime]:
    """Return a ReadLogPeriod, both ends included."""
    return {
        "StartDateTime": EPOCH + timedelta(seconds=first_s),
        "EndDateTime": EPOCH + timedelta(seconds=min(last_s, _LAST_S)),
    }
