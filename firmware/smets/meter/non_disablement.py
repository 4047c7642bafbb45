"""When the supply is not disabled for want of credit (SMETS2 5.5.7, 5.7.4; GBCS ECS08). Loaded when it is wanted.

Dates are those of wildcards.py, times those of switching_table.py; all in UTC. Readings chosen: on a special day the
entries that name it hold, and no others. A period goes on, over midnight too, until an entry ends it, but not beyond
the last date of the entry that began it, nor longer than a week. What a first or last date leaves open is not compared;
without years the dates of an entry may go on over New Year.
"""

from micropython import const

from smets.meter.cold import ColdComponent
from smets.meter.dates import DAY_S, date_of, days_in, weekday_of
from smets.meter.wildcards import matches

_DATE = const(5)
_TIME = const(4)
_WEEK_BITS = const(3)
_SPECIAL_DAY_BITS = const(5)
"""Octets of bit strings as the meter has them: the number of bits (2 octets), then the bits, the first one highest."""
_ENTRIES = const(22)
_SPECIAL_DAYS = const(20)
_BEGIN = const(32)
_END = const(33)
_ANY = const(0xFF)
_ANY_YEAR = const(0xFFFF)
_LAST_OF_MONTH = const(0xFE)
_WEEK = const(7)


class NonDisablement(ColdComponent):
    """The non-disablement calendar. An entry is number, script (32 begins a period, 33 ends it), time, days of the week
    from Monday, special days, first and last date; a special day number of the row, date, number of the day."""

    NAME = "non_disablement"
    NESTED = (
        ("entries", [_ENTRIES, (">H", ">H", _TIME, _WEEK_BITS, _SPECIAL_DAY_BITS, _DATE, _DATE)]),
        ("special_days", [_SPECIAL_DAYS, (">H", _DATE, ">B")]),
    )

    def write(self, name, value, index=None):
        """Set a field as any cold component does; what follows from it is done before time goes on."""
        super().write(name, value, index)
        self.meter.component("payment").look_at_once()

    def adopt(self, name, packed):
        """Set a field to what waited for it, as any cold component does, and let thresholds be looked at."""
        super().adopt(name, packed)
        self.meter.component("payment").look_at_once()

    def until_s(self, now_s):
        """Return when the period in which the supply is not disabled may end, 0 when there is none now.

        At most a week on; to be asked again then.
        """
        last = None  # the last switch of now or before, and what it began
        today = now_s // DAY_S
        for day in range(max(0, today - _WEEK), today + 1):
            for time_s, script, end_day in self._switches(day):
                if time_s <= now_s:
                    last = script, end_day
        if last is None or last[0] != _BEGIN or last[1] < today:
            return 0
        for day in range(today, min(today + _WEEK, last[1]) + 1):
            for time_s, script, _ in self._switches(day):
                if time_s > now_s and script == _END:
                    return time_s
        return (min(today + _WEEK, last[1]) + 1) * DAY_S

    def _switches(self, day):
        """Return the (time_s, script, last day of its effect) of a day, in the order of their times."""
        special = self._special_day(day)
        found = []
        for place, (_, script, clock, week, special_days, first, last) in enumerate(self.elements("entries")):
            wanted = _bit(special_days, special) if special else _bit(week, weekday_of(day))
            if wanted and _is_between(first, last, day):
                found.append((day * DAY_S + _second(clock), place, script, self._last_day(day, first, last)))
        return [(time_s, script, end_day) for time_s, _, script, end_day in sorted(found)]

    def _special_day(self, day):
        """Return the number of the special day that a day is, 0 when it is none; the first row that names it counts."""
        for _, date, number in self.elements("special_days"):
            if matches(date, day):
                return number
        return 0

    def _last_day(self, day, first, last):
        """Return the last day up to a week on that an entry's dates cover without a gap."""
        for ahead in range(day + 1, day + _WEEK + 1):
            if not _is_between(first, last, ahead):
                return ahead - 1
        return day + _WEEK


def _bit(bits, number):
    """Return whether bit `number` of a bit string, 1 the first, is set."""
    count = bits[0] << 8 | bits[1] if len(bits) > 1 else 0
    return 0 < number <= count and bool(bits[2 + (number - 1) // 8] & 0x80 >> (number - 1) % 8)


def _is_between(first, last, day):
    """Return whether a day lies from one date to another, both included."""
    after_first, before_last = _compare(day, first) >= 0, _compare(day, last) <= 0
    if _year(first) == _year(last) == _ANY_YEAR and first[2:4] > last[2:4]:
        return after_first or before_last
    return after_first and before_last


def _compare(day, date):
    """Return below 0, 0 or above 0 for a day before, at or after what a date says."""
    year, month, of_month = date_of(day)
    asked = days_in(year, month) - _LAST_OF_MONTH + date[3] if _LAST_OF_MONTH - 1 <= date[3] < _ANY else date[3]
    for own, other, wildcard in ((year, _year(date), _ANY_YEAR), (month, date[2], _ANY), (of_month, asked, _ANY)):
        if other not in (wildcard, own):
            return own - other
    return 0


def _year(date):
    return date[0] << 8 | date[1]


def _second(clock):
    """Return the second of the day of hour, minute, second and hundredths; a wildcard is 0."""
    hour, minute, second = [0 if octet == _ANY else octet for octet in clock[:3]]
    return hour * 3600 + minute * 60 + second


COLD = (NonDisablement,)
