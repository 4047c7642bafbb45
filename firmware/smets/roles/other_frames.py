"""Frames that are neither messages nor the bench's, and those too long to be any. In the heap only with one."""

from micropython import const

from smets.link import framing
from smets.on_demand import call, fetch
from smets.roles.esme import ROLE
from smets.roles.integrity import STRANGER
from smets.trust.identity import answer_provisioned

_HUB_TIME_SIZE = const(5)
_UNPROVISIONED = "no meter yet: run `smets device provision --port PORT` (only provisioning requests are answered)"


def take(device, channel, payload):
    """Do what a frame asks for, or say that nothing is done with it."""
    if channel == framing.PROVISIONING:
        device.send(channel, _provision(device, payload))
    elif channel == framing.LOG and not payload:
        call("smets.store.crash_log", "tell", device.store, device.log)
    elif device.meter is None:
        device.log(_UNPROVISIONED)
    elif channel == framing.FIRMWARE_IMAGE:
        device.meter.release()
        device.images = fetch("smets.roles.image_channel", "ImageChannel")(device)
        device.images.take(payload)
    elif channel == framing.HUB_TIME and len(payload) == _HUB_TIME_SIZE:
        device.meter.hub_time(int.from_bytes(bytes(payload[:4]), "big"), payload[4])
    else:
        device.log("nothing is done with frames of channel %d and %d bytes" % (channel, len(payload)))


def refuse_long(device, most):
    """Say that a message had more than `most` octets, and refuse it."""
    device.log("a message of more than %d octets was dropped" % most)
    if device.handler:
        device.handler.refuse_long()


def _provision(device, request):
    """Return the answer to a provisioning request; after the last one the device is a meter, or starts to be one."""
    if device.meter:
        answer, is_allowed = answer_provisioned(request, device.journal, ROLE)
        if not is_allowed:
            device.trouble = STRANGER
        return answer
    if device.provisioning is None:
        from smets.trust.provisioning import Provisioning

        device.provisioning = Provisioning(device.journal, device.anchors, device.keys, ROLE)
    answer = device.provisioning.answer(request)
    device.starts_again = device.starts_afresh and device.provisioning.is_done()
    if not device.starts_again:
        device.be_a_meter()
    return answer
