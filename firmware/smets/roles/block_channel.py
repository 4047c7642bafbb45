"""How the device takes and sends messages in blocks: what a transfer is given of it. In the heap only with one."""

from smets.message.envelope import BLOCK, BLOCK_HEAD
from smets.on_demand import call, fetch


def begin(device, past):
    """Return the Blocks of a device; `past` is what those before have known of the message that came in last."""

    def refuse_long(most):
        call("smets.roles.other_frames", "refuse_long", device, most)

    def keep():
        return fetch("smets.store.kept_message", "KeptMessage")(device.store)

    kind = fetch("smets.message.block_transfer", "Blocks")
    return kind(device.send_message, refuse_long, device.writer.room(BLOCK_HEAD + BLOCK), keep, past)
