"""What an image is worth whose last block is there: its hash as it lies on flash, and whose signature that has.

Apart from the receiver, which is gone from the heap when this is loaded.
"""

from micropython import const

from smets.crypto import p256
from smets.store.files import FLASH
from smets.update.image import SIGNATURE_SIZE, ImageError
from smets.update.slots import Slots

_VERIFIED = const(0x8F72)
_NOT_VERIFIED = const(0x8F1C)
"""Events: firmware verification successful, and failed (GBCS 16.2)."""


def judge(store, manufacturer, files=FLASH):
    """Return (event, hash, version) of the image in the spare slot; it is verified then, or the slot is empty.

    `manufacturer` is the key (X||Y) that must have signed it. The event is 0 when it was told before, the version empty
    when the image is not verified.
    """
    slots = Slots(store, files)
    slot = slots.spare()
    image, digest = slots.image(slot), slots.hash_of(slot)
    if digest is None:
        digest = _hash_on_flash(image)
        signature = slots.read(slot, "signature", SIGNATURE_SIZE) or b""
        if not p256.verify(manufacturer, digest, signature):
            slots.clear(slot)
            return _NOT_VERIFIED, digest, b""
        slots.put(slot, "verified", digest)
    image.read_head()
    return _VERIFIED if slots.untold() else 0, digest, image.version


def settle(store, files=FLASH):
    """The verdict is known to those who are to know."""
    slots = Slots(store, files)
    if slots.untold():
        slots.settle()


def _hash_on_flash(image):
    try:
        return image.digest() or bytes(32)
    except (ImageError, OSError):
        return bytes(32)
