"""The calendar of the auxiliary controllers, and the special days on which it goes another way (ECS46c, ECS46d)."""

from smets.meter.cold import ColdComponent


class AuxiliaryCalendar(ColdComponent):
    """A `schedule` entry is index, script, time of day, week days and special days as bits, first and last date.

    A script's low octet is 01 on, 02 off or, in the newer form, a level with a high bit (load_control.py). A special
    day is index, date and number.
    """

    NAME = "auxiliary_calendar"
    NESTED = (
        ("special_days", [20, (">H", 5, ">B")]),
        ("schedule", [120, (">H", ">H", 4, 3, 5, 5, 5)]),
    )


COLD = (AuxiliaryCalendar,)
