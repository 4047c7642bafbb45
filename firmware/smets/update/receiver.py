"""An image on its way from the link into the spare slot, block by block, never whole in RAM.

Each part goes straight to its file. What the files have tells how far a transfer came: after a cut, of the line or of
the power, it goes on there, with the last block once more, which a torn write may have spoilt.
"""

import os
import struct

from micropython import const

from smets.store.listing import make_folder
from smets.update.image import HEAD, MAX_SIZE, SIGNATURE_SIZE, TABLE, ImageError
from smets.update.slots import TRIAL

BLOCK_SIZE = const(1024)
_OFFER = const(">I32s")
_OFFER_SIZE = const(36)


class Receiver:
    """Receives the image offered to the spare slot of `slots`; what it is worth, verdict.py says.

    `board` and `role` (bytes) are what it must be for; `size` is how long it is, 0 while none is offered, `next_block`
    which block is wanted next.
    """

    def __init__(self, slots, files, board, role):
        self._slots, self._files = slots, files
        self._slot = slots.spare()
        self._image = slots.image(self._slot)
        self._board, self._role = board, role
        self._handle = None
        self.next_block = self.size = self._done = 0
        offer = slots.read(self._slot, "offer", _OFFER_SIZE)
        if offer and slots.hash_of(self._slot) is None:
            self.size = struct.unpack(_OFFER, offer)[0]
            self._resume()

    def begin(self, size, image_hash):
        """Go on with the image of that size and hash, or make room for it; return whether it is a new one.

        Raises ImageError when it is too long, or too short to be one, or what is in the slot is being tried.
        """
        offer = struct.pack(_OFFER, size, image_hash)
        if not SIGNATURE_SIZE < size <= MAX_SIZE:
            raise ImageError("an image has no %d bytes" % size)
        if self._slots.state == TRIAL:
            raise ImageError("the slot is on trial")
        if self.size and self._slots.read(self._slot, "offer", _OFFER_SIZE) == offer:
            return False
        self.forget()
        self._slots.put(self._slot, "offer", offer)
        self.size = size
        self._go_on(0)
        return True

    def take(self, number, block):
        """Store a block; one that is not the next is passed over.

        Raises ImageError when the image turns out to be none for this device, and forgets it.
        """
        if number != self.next_block or self._done == self.size:
            return
        if len(block) != min(BLOCK_SIZE, self.size - self._done):
            raise ImageError("block %d has no %d bytes" % (number, len(block)))
        view = memoryview(block)
        try:
            while len(view):
                view = view[self._store(view) :]
        except ImageError:
            self.forget()
            raise
        self._files.sync(self._handle)
        self.next_block += 1

    def is_whole(self):
        """Return whether every block is there."""
        return self.size > 0 and self._done == self.size

    def forget(self):
        """Give the transfer up; the slot is empty then."""
        self.close()
        self._slots.clear(self._slot)
        self.size = self._done = self.next_block = 0

    def close(self):
        """Let go of the open file; what was stored stays."""
        if self._handle:
            self._handle.close()
            self._handle = None

    def _resume(self):
        """Go on behind what the files have, less one block; begin anew when they make no sense."""
        try:
            self._go_on(max(0, self._stored() // BLOCK_SIZE - 1))
        except (ImageError, OSError):
            self._go_on(0)

    def _stored(self):
        """Return how many bytes of the image the files have."""
        number = stored = 0
        while stored < self.size:
            path, size = self._image.part(number)
            have = min(size, _length(path))
            stored += have
            if have < size:
                break
            if number == HEAD:
                self._image.read_head()
            number += 1
        return stored

    def _go_on(self, block):
        """Be ready for a block."""
        wanted = block * BLOCK_SIZE
        self._part, self._done, self.next_block = HEAD, 0, block
        path, size = self._image.part(HEAD)
        while self._done + size <= wanted:
            self._done += size
            self._check_part()
            self._part += 1
            path, size = self._image.part(self._part)
        self._open(path, size, wanted - self._done)
        self._done = wanted

    def _store(self, view):
        """Write the start of `view` to the part that it belongs to; return how much that is."""
        while not self._left:
            self.close()
            self._check_part()
            self._part += 1
            path, size = self._image.part(self._part)
            self._open(path, size, 0)
        count = min(len(view), self._left)
        self._files.write(self._handle, view[:count])
        self._left -= count
        self._done += count
        return count

    def _check_part(self):
        """Look at a part that is complete, so that what is not for this device is refused early."""
        image = self._image
        if self._part == HEAD:
            image.read_head()
            if image.board != self._board or image.role != self._role:
                raise ImageError("the image is for %s as %s" % (image.board.decode(), image.role.decode()))
            if image.size != self.size:
                raise ImageError("the image is not as long as was offered")
        elif self._part == TABLE:
            image.read_table()

    def _open(self, path, size, place):
        """Open a part's file at a place, and make the folders above it."""
        self.close()
        end = path.find("/", len(self._slots.path(self._slot)) + 1)
        while end > 0:
            make_folder(path[:end])
            end = path.find("/", end + 1)
        self._handle = self._files.open(path, "r+b" if place else "wb")
        self._handle.seek(place)
        self._left = size - place


def _length(path):
    try:
        return os.stat(path)[6]
    except OSError:
        return 0
