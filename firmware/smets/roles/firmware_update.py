"""A meter's firmware is replaced: what the slots, CS06 and the meter model have to do with each other.

Activation puts the slot on trial and starts the device again. The instruction waits in the journal meanwhile, is
carried out once more afterwards, and then finds how the trial ended (firmware_start.py). Loaded for an activation.
"""

from micropython import const

from smets.on_demand import call, collect, fetch
from smets.update.slots import CONFIRMED, FAILED, IDLE

_ACTIVATION_FAILURE = const(3)
"""The outcome when the image does not work (GBCS 13.8)."""


class Firmware:
    """What CS06 asks of a device's slots, for its `meter`."""

    def __init__(self, device, meter):
        self._device, self._meter = device, meter

    def activate(self, image_hash, keep):
        """Return how the activation ended; None when the device starts again first, and `keep()` was called."""
        if _has_slots(self._device):
            return _activate(self._device, self._meter, image_hash, keep)
        self._meter.call("firmware.activate", image_hash)
        return self._meter.read("firmware.outcome")

    def told(self):
        """How it ended is in the journal, to be sent: the slots need not know it any more."""
        if _has_slots(self._device):
            _slots(self._device).told()


def _activate(device, meter, image_hash, keep):
    """Return how the activation of an image ended (panel.py); None when the device must start again to know.

    `keep()` puts the instruction in the journal, to be carried out again after that. An image that the bench gave the
    model alone is in no slot, and activated in the model.
    """
    if meter.read("firmware.image_hash") == image_hash:
        ended, can_try = _judge_slots(device, image_hash)
        collect()  # the slots' code, for the log that tells of the version wants its room
        if ended == FAILED:
            meter.write("firmware.outcome", _ACTIVATION_FAILURE)
            return _ACTIVATION_FAILURE
        if ended != CONFIRMED and can_try:
            _begin_trial(device, meter, keep)
            return None
        if ended != CONFIRMED and not device.with_bench:
            meter.write("firmware.image_hash", b"")
    meter.call("firmware.activate", image_hash)
    return meter.read("firmware.outcome")


def _judge_slots(device, image_hash):
    """Return how the trial of an image ended, IDLE when it was not on trial, and whether it waits to be tried."""
    slots = _slots(device)
    ended = slots.state if slots.hash_of(slots.tried) == image_hash else IDLE
    return ended, slots.hash_of(slots.spare()) == image_hash


def _slots(device):
    return fetch("smets.update.slots", "Slots")(device.store)


def _has_slots(device):
    return call("smets.roles.start", "exists", device.store + "/slots")


def _begin_trial(device, meter, keep):
    keep()
    meter.commit(True)
    _slots(device).try_spare()
    device.starts_again = True
