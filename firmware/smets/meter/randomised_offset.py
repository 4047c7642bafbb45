"""By how much load is switched later than scheduled. A module of its own: load control wants it at every switch."""

from binascii import crc32

from micropython import const

from smets.meter.fields import Component

_MAX_OFFSET_S = const(1799)
_WHOLE = const(10000)


class RandomisedOffset(Component):
    """By how much load is switched later than scheduled: `number` parts of 10,000 of the limit (ECS38, ECS26c).

    The number is the meter's own for all its life; here it follows from its EUI. `offset_s` follows the other two.
    """

    NAME = "randomised_offset"
    FIELDS = (
        ("offset_s", ">H", 0, 0, 0, _MAX_OFFSET_S),
        ("number", ">H", 0, 0, 0, _WHOLE),
        ("limit_s", ">H", 0, 0, 0, _MAX_OFFSET_S),
    )

    def __init__(self, meter):
        super().__init__(meter)
        Component.put(self, "number", crc32(meter.eui) % (_WHOLE + 1))
        self.unsaved = 0

    def write(self, name, value, index=None):
        """Set a field as any component does; what is switched by the offset follows."""
        super().write(name, value, index)
        self.meter.schedule.call_at("load_control.forget_calendar", self.meter.time_s + 1)

    def put(self, name, value, index=0, level=2):
        """Set a value, and the offset that follows."""
        super().put(name, value, index, level)
        if name != "offset_s":
            super().put("offset_s", self.get("number") * self.get("limit_s") // _WHOLE)


COLD = (RandomisedOffset,)
