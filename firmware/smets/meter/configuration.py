"""Settings of the meter that are seldom asked for: what it is, tamper state, voltage limits."""

from micropython import const

from smets.meter.errors import OutOfRange
from smets.meter.fields import BOOL, Component

_MODEL = const(8)
_MANUFACTURER = const(32)


class Identity(Component):
    """Who made the meter and of which kind it is (ECS26e). `eui` was provisioned and is not for the bench to change.

    `variant` is a letter, A for one element, B for two, C for three phases, where none was set.
    """

    NAME = "identity"
    FIELDS = (
        ("eui", 8),
        ("variant", 1),
        ("model", _MODEL, b"VIRTUAL1"),
        ("manufacturer", _MANUFACTURER, b"OpenSMETS"),
    )

    def get(self, name, index=0):
        """Return a value, of `eui` and `variant` what the meter is."""
        value = super().get(name, index)
        if name == "eui":
            return self.meter.eui
        if name == "variant" and not value:
            return b"C" if self.meter.has("three_phase") else b"B" if self.meter.has("twin") else b"A"
        return value

    def check(self, name, value, index=None):
        """Raise OutOfRange or Unavailable when `write` would."""
        super().check(name, value, index)
        if name == "eui" and bytes(value) != self.meter.eui:
            raise OutOfRange("identity.eui")


class TamperState(Component):
    """Whether the supply is locked when a cover is opened (ECS81)."""

    NAME = "tamper_state"
    FIELDS = (("locks_supply", BOOL),)


class VoltageLimits(Component):
    """Thresholds of RMS voltage and how long it must lie beyond them: extremes, sag and swell (ECS29, ECS26b)."""

    NAME = "voltage_limits"
    FIELDS = (
        ("extreme_over_v", ">I", 276),
        ("extreme_over_s", ">I", 30),
        ("extreme_under_v", ">I", 184),
        ("extreme_under_s", ">I", 30),
        ("sag_v", ">I", 207),
        ("sag_s", ">I", 30),
        ("swell_v", ">I", 253),
        ("swell_s", ">I", 30),
    )


COLD = (Identity, TamperState, VoltageLimits)
