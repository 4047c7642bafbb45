"""What a request on the image channel led to: the meter holds another image, or none, and somebody is told."""

from micropython import const

from smets.on_demand import call
from smets.trust.manufacturer import manufacturer_key

_BEGUN = const(1)
_VERIFIED, _REFUSED = const(0x82), const(0x83)
"""See update/transfer.py, which must not be in the heap with this."""


def conclude(device, outcome, answer):
    """Return the answer to the request that had an `outcome`; `answer` is the transfer's own."""
    key = manufacturer_key(device.journal)
    if outcome == _BEGUN:
        hold(device.meter, 0, b"", b"")
        return answer if key else bytes((_REFUSED,)) + b"no manufacturer's key was provisioned"
    event, image_hash, version = call("smets.update.verdict", "judge", device.store, key or b"")
    hold(device.meter, event, image_hash, version)
    if not version:
        return bytes((_REFUSED,)) + b"the manufacturer did not sign this image"
    call("smets.update.verdict", "settle", device.store)
    return bytes((_VERIFIED,)) + image_hash


def hold(meter, event, image_hash, version):
    """Let the meter hold an image, or none when there is no `version`; an `event` that is not 0 tells its hash."""
    meter.write("firmware.image_version", version)
    meter.write("firmware.image_hash", image_hash if version else b"")
    if event:
        meter.record(event, image_hash)
    meter.commit()
    meter.release()
