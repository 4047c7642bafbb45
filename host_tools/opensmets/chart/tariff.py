"""What a kilowatt-hour costs at a time, by the tariff that Read Tariff (4.11.1) tells (SMETS2 5.7.5; class 20).

A day is that of the special day on its date, else that of its weekday in the week of the season that began last. An
action holds until the next one, over midnight too; before any, and without a table, the first time of use counts.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from opensmets.bench.household import DAY_S, EPOCH
from opensmets.errors import SmetsError
from opensmets.parse.dates import read_date
from opensmets.parse.tree import Element

_ANY, _LAST, _LAST_BUT_ONE, _ANY_YEAR = 0xFF, 0xFE, 0xFD, 0xFFFF
_MILLIPENCE_SCALE = 5
_BLOCK_SCRIPT = 100
_LOOK_BACK_DAYS = 9 * 366
"""A season that begins on 29 February began so long ago at most."""
_ACTIONS_BACK_DAYS = 366
_UNLIMITED = 0xFFFFFFFF
_MIDNIGHT = EPOCH.date()

Action = tuple[int, int]
"""Second of the day, and the time of use from then on; above _BLOCK_SCRIPT one whose price depends on the block."""


class AnswerIncomplete(SmetsError):
    """A meter's answer lacks what the request asks for."""


@dataclass(frozen=True, slots=True)
class DateRule:
    """A date with wildcards (IEC 62056-6-2 clause 4.1.6.1)."""

    year: int
    month: int
    day: int
    weekday: int

    @classmethod
    def of(cls, element: Element) -> DateRule:
        """Return the rule that an MMC Date says."""
        octets = read_date(element)
        return cls(int.from_bytes(octets[:2], "big"), octets[2], octets[3], octets[4])

    def means(self, day: date) -> bool:
        """Return whether it means a day."""
        if self.weekday == _ANY:
            return self._is_in(day) and self._has_number(day)
        if day.isoweekday() != self.weekday:
            return False
        if self.day in (_LAST, _LAST_BUT_ONE):
            weeks_left = (monthrange(day.year, day.month)[1] - day.day) // 7
            return self._is_in(day) and weeks_left == _LAST - self.day
        if self.day == _ANY or (self.year != _ANY_YEAR and self.month != _ANY):
            return self._is_in(day) and self.day in (_ANY, day.day)
        week = [day - timedelta(days=back) for back in range(7)]  # that weekday on the day of the month, or after it
        return any(self._is_in(one) and one.day == self.day for one in week)

    def _is_in(self, day: date) -> bool:
        return self.year in (_ANY_YEAR, day.year) and self.month in (_ANY, day.month)

    def _has_number(self, day: date) -> bool:
        return self.day in (_ANY, day.day) or monthrange(day.year, day.month)[1] - day.day == _LAST - self.day


@dataclass(frozen=True)
class Tariff:
    """The primary element's. `prices` are (lowest, highest) millipence a kWh by time of use, those of blocks too.

    `seasons` are starts and names of weeks, `weeks` numbers of days from Monday, `days` actions, `special_days` dates
    and numbers of days.
    """

    price_millipence: int
    standing_charge_millipence: int
    prices: dict[int, tuple[int, int]]
    seasons: list[tuple[DateRule, str]] = field(default_factory=list)
    weeks: dict[str, list[int]] = field(default_factory=dict)
    days: dict[int, list[Action]] = field(default_factory=dict)
    special_days: list[tuple[DateRule, int]] = field(default_factory=list)
    _actions: dict[date, list[Action]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, electricity: Element) -> Tariff:
        """Return the tariff in an answer to 4.11.1, of which this is the element Electricity."""
        scale, charge_scale = (_number(electricity, name) for name in ("PriceScale", "StandingChargeScale"))
        return cls(
            _number(electricity, "PrimaryActiveTariffPrice"),
            _millipence(_number(electricity, "StandingCharge"), charge_scale),
            dict(_prices(electricity, scale)),
            [(DateRule.of(_child(one, "SeasonStartDate")), _text(one, "ReferencedWeekName"))
             for one in electricity.iterfind(".//{*}Season")],
            {_text(one, "WeekName"): [int(day.text or 0) for day in one.iterfind("{*}ReferencedElecDay")]
             for one in electricity.iterfind(".//{*}WeekProfile")},
            {_number(one, "Day"): sorted(_action(entry) for entry in one.iterfind("{*}ProfileSchedule"))
             for one in electricity.iterfind(".//{*}DayProfile")},
            [(DateRule.of(_child(one, "Date")), _number(one, "ReferencedDay"))
             for one in electricity.iterfind(".//{*}SpecialDay")],
        )  # fmt: skip

    def at(self, time_s: int) -> tuple[int, int]:
        """Return the lowest and highest price at a time: one and the same unless blocks of energy have their own."""
        return self.prices.get(self._time_of_use(time_s), (0, 0))

    def _time_of_use(self, time_s: int) -> int:
        today = _MIDNIGHT + timedelta(days=time_s // DAY_S)
        for back in range(min(_ACTIONS_BACK_DAYS, time_s // DAY_S + 1) if self.days else 0):
            for second, time_of_use in reversed(self._actions_of(today - timedelta(days=back))):
                if back or second <= time_s % DAY_S:
                    return time_of_use
        return 1

    def _actions_of(self, day: date) -> list[Action]:
        if day not in self._actions:
            self._actions[day] = self.days.get(self._day_number(day), [])
        return self._actions[day]

    def _day_number(self, day: date) -> int:
        for rule, number in self.special_days:
            if rule.means(day):
                return number
        numbers = self.weeks.get(self._week(day), [])
        return numbers[day.weekday()] if day.weekday() < len(numbers) else 0

    def _week(self, day: date) -> str:
        for back in range(min(_LOOK_BACK_DAYS, (day - _MIDNIGHT).days + 1) if self.seasons else 0):
            for rule, week in reversed(self.seasons):
                if rule.means(day - timedelta(days=back)):
                    return week
        return ""


def _prices(electricity: Element, scale: int) -> Iterator[tuple[int, tuple[int, int]]]:
    for price in electricity.iterfind(".//{*}TariffTOUPrice"):
        yield int(price.get("index") or 0), (_millipence(int(price.text or 0), scale),) * 2
    for blocks in electricity.iterfind(".//{*}TariffBlockPrices"):
        reached = _reached(electricity, blocks.get("index") or "")
        found = [
            _millipence(int(price.text or 0), scale) for price in blocks if int(price.get("index") or 0) <= reached
        ]
        if found:
            yield _BLOCK_SCRIPT + int(blocks.get("index") or 0), (min(found), max(found))


def _reached(electricity: Element, time_of_use: str) -> int:
    """Return the number of the last block of a time of use that its thresholds let energy come to."""
    thresholds = electricity.findall(f".//{{*}}ElecTariffThresholds[@index='{time_of_use}']/{{*}}BlockThreshold")
    limits = [int(threshold.text or 0) for threshold in thresholds]
    return (limits.index(_UNLIMITED) if _UNLIMITED in limits else len(limits)) + 1


def _action(entry: Element) -> Action:
    hour, minute, second = (int(part) for part in _text(entry, "StartTime")[:8].split(":"))
    block = entry.findtext("{*}BlockTariffAction")
    time_of_use = int(_text(entry, "TOUTariffAction")) if block is None else _BLOCK_SCRIPT + int(block)
    return hour * 3600 + minute * 60 + second, time_of_use


def _millipence(number: int, scale: int) -> int:
    """Return `number` x 10^`scale` pounds in millipence; what is less than one is cut."""
    places = scale + _MILLIPENCE_SCALE
    return int(number * 10**places) if places >= 0 else number // 10**-places


def _child(element: Element, name: str) -> Element:
    found = element.find(f"{{*}}{name}")
    if found is None:
        raise AnswerIncomplete(f"the meter's tariff has no {name}")
    return found


def _text(element: Element, name: str) -> str:
    return _child(element, name).text or ""


def _number(element: Element, name: str) -> int:
    return int(_text(element, name) or 0)
