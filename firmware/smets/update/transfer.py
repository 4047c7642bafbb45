"""The image channel of the link: one request, one answer. ARCHITECTURE.md has the table.

    01 offer   u32 size, image's hash (32)      81 wanted    u32 number of the next block
    02 block   u32 number, up to 1,024 bytes    82 verified  image's hash (32)
    03 abort                                    83 refused   text

Numbers are big-endian. A block that is not wanted is answered like one that is: so a lost answer does no harm.
"""

import struct

from micropython import const

from smets.store.files import FLASH
from smets.update.image import ImageError
from smets.update.receiver import BLOCK_SIZE, Receiver
from smets.update.slots import Slots

NOTHING, BEGUN, WHOLE = const(0), const(1), const(2)
"""What a request led to: with BEGUN nothing is held any more, after WHOLE verdict.py has the answer."""
WANTED, VERIFIED, REFUSED = const(0x81), const(0x82), const(0x83)

_OFFER, _BLOCK, _ABORT = const(1), const(2), const(3)
_OFFER_SIZE = const(37)
_BLOCK_HEAD = const(5)
_MAX_TEXT = const(120)


class Transfer:
    """Takes requests. `board` and `role` are bytes; after each, `outcome` says what it led to."""

    def __init__(self, store, board, role, files=FLASH):
        self._slots = Slots(store, files)
        self._receiver = Receiver(self._slots, files, board, role)
        self.outcome = NOTHING

    def take(self, request):
        """Return the answer to a request (bytes-like, as long as a frame may be). Raises OSError as the flash does."""
        self.outcome = NOTHING
        try:
            return self._carry_out(request)
        except ImageError as error:
            return refusal(str(error))

    def close(self):
        """Let go of the open file; another Transfer takes up what it has."""
        self._receiver.close()

    def _carry_out(self, request):
        kind, size = request[0] if len(request) else 0, len(request)
        if kind == _OFFER and size == _OFFER_SIZE:
            self._offer(int.from_bytes(bytes(request[1:5]), "big"), bytes(request[5:]))
        elif kind == _BLOCK and _BLOCK_HEAD < size <= _BLOCK_HEAD + BLOCK_SIZE:
            self._block(int.from_bytes(bytes(request[1:5]), "big"), request[5:])
        elif kind == _ABORT and size == 1:
            self._receiver.forget()
            self.outcome = BEGUN
            return refusal("given up, as was asked for")
        else:
            raise ImageError("no such request")
        return struct.pack(">BI", WANTED, self._receiver.next_block)

    def _offer(self, size, image_hash):
        if self._slots.hash_of(self._slots.spare()) == image_hash:
            self.outcome = WHOLE
        elif self._receiver.begin(size, image_hash):
            self.outcome = BEGUN

    def _block(self, number, block):
        receiver = self._receiver
        if not receiver.size:
            raise ImageError("no image was offered")
        receiver.take(number, block)
        if receiver.is_whole():
            self.outcome = WHOLE


def refusal(text):
    """Return the answer that refuses a request, and says why."""
    return bytes((REFUSED,)) + text[:_MAX_TEXT].encode()
