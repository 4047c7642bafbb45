"""Consumption and what it cost, of this day, week, month and billing period, and of those before (SMETS2 5.7.5).

Loaded at midnight, when a billing period ends, and when somebody asks. All is the growth of two totals, the import
registers of both elements and what the tariff charged for them, so what periods had adds up to the watt-hour and the
millipence. Weeks begin on Monday, all periods at midnight (UTC).

Readings chosen: it is the cost of energy, at the price in force when it flowed; standing charge and debts are not of
it. In credit mode energy has its price too. A period whose end nobody saw, for want of supply or because the clock was
set, is counted with the one in which the meter went on; those between are empty.
"""

from micropython import const

from smets.meter.dates import DAY_S, date_of
from smets.meter.fields import Component

DAY, WEEK, MONTH, BILL = 0, 1, 2, 3
"""Places in the lists of what is now."""
_TURN = const(0xFFFFFFFF)
_SIGN = const(0x80000000)
_KEPT = (("days", 8), ("weeks", 5), ("months", 13))
_MONDAY = const(5)
"""2000-01-01 was the day of the week after five others."""


class Consumption(Component):
    """`now_wh` and `now_millipence` are of DAY, WEEK, MONTH and BILL; of each period before, the newest is the first.

    `begun` are the numbers of the periods that run, 0 before the first midnight; `begun_wh` and `begun_millipence` the
    totals as they began.
    """

    NAME = "consumption"
    FIELDS = (
        ("now_wh", ">I", 0, 4),
        ("now_millipence", ">i", 0, 4),
        ("begun_wh", ">I", 0, 4),
        ("begun_millipence", ">I", 0, 4),
        ("begun", ">H", 0, 3),
        ("days_wh", ">I", 0, 8),
        ("days_millipence", ">i", 0, 8),
        ("weeks_wh", ">I", 0, 5),
        ("weeks_millipence", ">i", 0, 5),
        ("months_wh", ">I", 0, 13),
        ("months_millipence", ">i", 0, 13),
    )

    def get(self, name, index=0):
        """Return a value; what is now is worked out."""
        if name == "now_wh":
            return (self._total_wh() - super().get("begun_wh", index)) & _TURN
        if name == "now_millipence":
            grown = self.meter.tariff.get("charged_millipence") - super().get("begun_millipence", index)
            return ((grown + _SIGN) & _TURN) - _SIGN
        return super().get(name, index)

    def midnight(self, now_s):
        """End the day, and the week and the month if another begins."""
        of_yesterday = _numbers(now_s // DAY_S - 1)
        for place, number in enumerate(_numbers(now_s // DAY_S)):
            ended = number - (self.get("begun", place) or of_yesterday[place])
            if ended > 0:
                self._keep(place, ended)
                self._begin(place)
            self.put("begun", number, place)

    def end_bill(self):
        """End the billing period."""
        self._begin(BILL)

    def _begin(self, place):
        """Begin one of the periods anew."""
        self.put("begun_wh", self._total_wh(), place)
        self.put("begun_millipence", self.meter.tariff.get("charged_millipence"), place)

    def _total_wh(self):
        registers = self.meter.component("registers")
        return (registers.get("active_import_wh") + registers.get("secondary_active_import_wh")) & _TURN

    def _keep(self, place, ended):
        """Put what the running period had before those that ended; `ended` periods did, of which the others are empty.

        The running one has all of it, as it is the last.
        """
        name, count = _KEPT[place]
        for unit in ("_wh", "_millipence"):
            kept = [self.get("now" + unit, place)] + [0] * min(ended - 1, count) + self.read(name + unit)
            for index in range(count):
                self.put(name + unit, kept[index], index)


def _numbers(day):
    """Return the number of the day, its week and its month."""
    year, month, _ = date_of(day)
    return day, (day + _MONDAY) // 7, 12 * (year - 2000) + month


COLD = (Consumption,)
