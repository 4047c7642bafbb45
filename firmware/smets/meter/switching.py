"""What a switching table says at a time, and when it says something else (SMETS2 5.5.7, 5.7.5; class 20). Cold.

A day is that of the special day on its date, the first such row; else that of its weekday in the week of the season
that began last. A season begins at midnight UTC of each day that its start means; of two that begin together the later
row counts. A script holds from its action to the next, over midnight, into another season too. Tariffs switch on time:
the randomised offset delays load control alone (SMETS2 5.5.13).

What a table leaves open is safe: a day without actions, or that is not there, goes on with the script before; actions
at no time of day and scripts of no register are none; where there is no action for a year, or no table, the first time
of use counts, so that all energy is registered and none is charged at a price that nobody named.
"""

from micropython import const

from smets.meter.dates import DAY_S, weekday_of
from smets.meter.wildcards import DATE_SIZE, latest, matches

NEVER = const(0xFFFFFFFF)
_LOOK_BACK = const(366)
_LOOK_AHEAD = const(8)
"""Days. Where no switch comes within them, the table is looked at again when they are over."""


class SwitchingTable:
    """The table in a Calendar component (switching_table.py); `scripts` are those that mean a register."""

    def __init__(self, calendar, scripts):
        self._calendar, self._scripts = calendar, scripts
        self._seasons = [(start[:DATE_SIZE], week) for _, start, week in calendar.elements("seasons")]
        self._weeks = list(calendar.elements("weeks"))
        self._number, self._actions = None, []  # of the day that was asked for last

    def look(self, now_s, default, look_back=_LOOK_BACK):
        """Return (the script in force at a time, when to look again: at the next other script, or in some days).

        Where no action was within `look_back` days it is `default`.
        """
        if self.is_empty():
            return default, NEVER
        script = self._script(now_s, default, look_back)
        today = now_s // DAY_S
        for day in range(today, today + _LOOK_AHEAD):
            for action in self.actions(day):
                switch_s = day * DAY_S + (action >> 16)
                if switch_s > now_s and action & 0xFFFF != script:
                    return script, switch_s
        return script, min(NEVER, (today + _LOOK_AHEAD) * DAY_S)

    def is_empty(self):
        """Return whether there is no table."""
        return not len(self._calendar.elements("days"))

    def actions(self, day):
        """Return the actions of a day in turn, as the second of the day << 16 | script."""
        number = self._day_number(day)
        if number != self._number:
            self._number, self._actions = number, []
            for name, actions in self._calendar.elements("days"):
                if name == number:
                    self._actions = self._in_turn(actions)
                    break
        return self._actions

    def _script(self, now_s, default, look_back):
        today = now_s // DAY_S
        for day in range(today, max(-1, today - look_back), -1):
            for action in reversed(self.actions(day)):
                if day * DAY_S + (action >> 16) <= now_s:
                    return action & 0xFFFF
        return default

    def _day_number(self, day):
        """Return the number of a day's profile, None where the table has none."""
        for _, date, number in self._calendar.elements("special_days"):
            if matches(date, day):
                return number
        begun, week = -1, None
        for start, name in self._seasons:
            since = latest(start, day)
            if since is not None and since >= begun:
                begun, week = since, name
        for numbers in self._weeks:
            if numbers[0] == week:
                return numbers[weekday_of(day)]
        return None

    def _in_turn(self, actions):
        """Return the valid ones of a day's actions by time; of several at one time the last row counts."""
        found = []
        for clock, script in actions:
            if script in self._scripts and len(clock) == 4 and clock[0] < 24 and clock[1] < 60 and clock[2] < 60:
                second = clock[0] * 3600 + clock[1] * 60 + clock[2]
                for place, known in enumerate(found):
                    if known >> 16 == second:
                        found[place] = second << 16 | script
                        break
                else:
                    found.append(second << 16 | script)
        found.sort()
        return found
