"""What the customer sees, and what the meter is: message, ambient power thresholds, firmware version."""

from micropython import const

from smets.meter.fields import BOOL, Component

LOW, MEDIUM, HIGH = 0, 1, 2
_MAX_MESSAGE = const(116)
_HASH_SIZE = const(32)
_VERSION_CHANGED = const(0x8F43)

_ACTIVATED = const(0)
_NO_IMAGE_HELD = const(1)
_HASH_MISMATCH = const(2)
"""Outcomes of an activation (GBCS 13.8)."""


class Display(Component):
    """The supplier's message (ECS10), shown until it is acknowledged or another takes its place; empty is none."""

    NAME = "display"
    FIELDS = (("message", _MAX_MESSAGE, b""), ("acknowledged", BOOL), ("received_s", ">I"))
    METHODS = ("acknowledge",)

    def write(self, name, value, index=None):
        """Set a field; a message is new, whatever it says."""
        super().write(name, value, index)
        if name == "message":
            self.put("acknowledged", False)
            self.put("received_s", self.meter.time_s)

    def acknowledge(self, _):
        """Show the message no longer: the customer has read it."""
        self.put("acknowledged", True)

    def shown(self):
        """Return the message that is to be shown, empty when none is; one to an earlier tenant never is (ECS12)."""
        earlier = self.get("received_s") < self.meter.component("customer").get("restrict_data_s")
        return b"" if earlier or self.get("acknowledged") else self.get("message")


class PowerThreshold(Component):
    """The thresholds of the ambient indicator between low, medium and high active power import (ECS34)."""

    NAME = "power_threshold"
    FIELDS = (("low_medium_w", ">I"), ("medium_high_w", ">I"))

    def indicator(self):
        """Return LOW, MEDIUM or HIGH for the active power import now, of both elements (SMETS2 5.7.5)."""
        return self.level(self.meter.read("registers.active_power_import_w"))

    def level(self, import_w):
        """Return LOW, MEDIUM or HIGH for a power."""
        if import_w > self.get("medium_high_w"):
            return HIGH
        return MEDIUM if import_w > self.get("low_medium_w") else LOW


class Firmware(Component):
    """The firmware that runs and the image that is held to take its place (SMETS2 5.6.3.26, CS06).

    Versions are four octets that an image brings along; `image_hash` (SHA-256) is empty where none is held. `outcome`
    is how the last activation ended.
    """

    NAME = "firmware"
    FIELDS = (
        ("version", 4, b"\x00\x01\x00\x00"),
        ("image_hash", _HASH_SIZE, b""),
        ("image_version", 4, b""),
        ("outcome", ">B"),
    )
    METHODS = ("activate",)

    def activate(self, image_hash):
        """Run the image held instead, if `image_hash` is its own; `outcome` tells."""
        held = self.get("image_hash")
        if not held:
            self.put("outcome", _NO_IMAGE_HELD)
        elif held != image_hash:
            self.put("outcome", _HASH_MISMATCH)
        else:
            self.put("version", self.get("image_version"))
            self.put("image_hash", b"")
            self.put("image_version", b"")
            self.put("outcome", _ACTIVATED)
            self.meter.record(_VERSION_CHANGED)


COLD = (Display, PowerThreshold, Firmware)
