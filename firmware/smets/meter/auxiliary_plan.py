"""What the calendar of the auxiliary controllers says about one of them (ECS46c, ECS46d). Loaded when it is wanted.

An entry's script holds from its time to the next one for the same controller, over midnight and months too; which hold
on a day schedule_days.py says. Of two at one time the later row counts.
"""

from smets.meter.schedule_days import entries_of
from smets.meter.switching import SwitchingTable


class ControllerTable(SwitchingTable):
    """The entries of a calendar (auxiliary_calendar.py) for the controller at a place, read as a switching table."""

    def __init__(self, calendar, place):
        self._calendar = calendar
        self._entries = calendar.packing("schedule", None)  # they stay packed: 120 of them take some 40 KB otherwise
        for entry in calendar.elements("schedule"):
            if entry[1] >> 8 & 15 == place + 1:
                self._entries.append(entry)
        self._day, self._actions = None, []  # of the day that was asked for last

    def is_empty(self):
        """Return whether the calendar says nothing of the controller."""
        return not len(self._entries)

    def actions(self, day):
        """Return the actions of a day in turn, as the second of the day << 16 | script."""
        if day != self._day:
            found = {}
            for second, _, script, _, _ in entries_of(self._calendar, self._entries, day):
                found[second] = script
            self._day, self._actions = day, sorted([second << 16 | found[second] for second in found])
        return self._actions


def look(calendar, place, now_s, script, look_back):
    """Return (a controller's script at a time, when to look again); `script` where none is in `look_back` days."""
    return ControllerTable(calendar, place).look(now_s, script, look_back)
