"""Auxiliary controllers: what the five are called and are, what they do now, and which of them the customer may boost.

What makes them do it stands in load_control.py, their calendar in auxiliary_calendar.py (SMETS2 5.5.13, 5.7.4).
"""

from micropython import const

from smets.meter.cold import ColdComponent
from smets.meter.fields import BOOL

_CONTROLLERS = const(5)
_LABEL = const(22)
_IDENTITY = const(8)
_INFORMATION = const(240)
_FULL = const(100)


class Auxiliary(ColdComponent):
    """Five of everything but `boost_available`. Levels are in percent.

    `kind` is empty for no controller, FF for a proportional one, zeros for the meter's own switch, else an EUI.
    A controller that is `stuck` (the bench makes it so) stays as it is. `information_n` is JSON text of a controller:
    what it gave itself, else its levels; room for 240 octets of the 1,200 that a controller may give at most.
    """

    NAME = "auxiliary"
    FIELDS = (
        ("description", _LABEL, b"", _CONTROLLERS),
        ("kind", _IDENTITY, b"", _CONTROLLERS),
        ("on", BOOL, 0, _CONTROLLERS),
        ("output_level", ">B", 0, _CONTROLLERS, 0, _FULL),
        ("input_level", ">B", 0, _CONTROLLERS, 0, _FULL),
        ("boosted", BOOL, 0, _CONTROLLERS),
        ("boost_available", BOOL),
        ("stuck", BOOL, 0, _CONTROLLERS),
    )
    NESTED = (
        ("information_1", _INFORMATION),
        ("information_2", _INFORMATION),
        ("information_3", _INFORMATION),
        ("information_4", _INFORMATION),
        ("information_5", _INFORMATION),
    )

    def get_nested(self, name):
        """Return the information that a controller last gave, else its levels, as JSON text."""
        given = super().get_nested(name)
        place = int(name[-1]) - 1
        levels = (self.get("output_level", place), self.get("input_level", place))
        return given or ('{"outputState": %d, "inputState": %d}' % levels).encode()

    def is_at(self, place, output, input_):
        """Return whether a controller has these levels."""
        return (output, input_) == (self.get("output_level", place), self.get("input_level", place))

    def change(self, place, output, input_):
        """Give a controller its levels; return whether it follows."""
        if self.get("stuck", place):
            return False
        self.put("output_level", output, place)
        self.put("input_level", input_, place)
        self.put("on", output > 0, place)
        self.forget_nested("information_%d" % (place + 1))  # what it gave told of another state
        return True


COLD = (Auxiliary,)
