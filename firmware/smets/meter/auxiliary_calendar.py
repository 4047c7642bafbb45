"""The calendar of the auxiliary controllers, and the special days on which it goes another way (ECS46c, ECS46d)."""

from smets.meter.cold import ColdComponent


class AuxiliaryCalendar(ColdComponent):
    """A `schedule` entry is index, script, time of day, week days and special days as bits, first and last date.

    A script's low octet is 01 on, 02 off or, in the newer form, a level with a high bit (load_control.py). A special
    day is index, date and number. What is set holds from the next second on, when all that comes with it is set too.
    """

    NAME = "auxiliary_calendar"
    NESTED = (
        ("special_days", [20, (">H", 5, ">B")]),
        ("schedule", [120, (">H", ">H", 4, 3, 5, 5, 5)]),
    )

    def write(self, name, value, index=None):
        """Set a field as any component does."""
        super().write(name, value, index)
        self._tell()

    def adopt(self, name, packed):
        """Set a whole field as any component does."""
        super().adopt(name, packed)
        self._tell()

    def is_empty(self):
        """Return whether it says nothing at all, without the code that reads an entry."""
        packed = self.meter.stored(self._key("schedule"))
        return packed is None or not packed[0]

    def _tell(self):
        """Let load control look at the calendar when there is room for it: a command that sets it takes much."""
        self.meter.schedule.call_at("load_control.forget_calendar", self.meter.time_s + 1)


COLD = (AuxiliaryCalendar,)
