"""What the customer sees, and what the meter is: message, ambient power thresholds, firmware version."""

from micropython import const

from smets.meter.fields import Component

LOW, MEDIUM, HIGH = 0, 1, 2
_MAX_MESSAGE = const(116)


class Display(Component):
    """The supplier's message, shown until another takes its place (ECS10); empty is none."""

    NAME = "display"
    FIELDS = (("message", _MAX_MESSAGE, b""),)


class PowerThreshold(Component):
    """The thresholds of the ambient indicator between low, medium and high active power import (ECS34)."""

    NAME = "power_threshold"
    FIELDS = (("low_medium_w", ">I"), ("medium_high_w", ">I"))

    def level(self, import_w):
        """Return LOW, MEDIUM or HIGH for a power."""
        if import_w > self.get("medium_high_w"):
            return HIGH
        return MEDIUM if import_w > self.get("low_medium_w") else LOW


class Firmware(Component):
    """The version of the running firmware (ECS52), four octets that the image brings along."""

    NAME = "firmware"
    FIELDS = (("version", 4, b"\x00\x01\x00\x00"),)
