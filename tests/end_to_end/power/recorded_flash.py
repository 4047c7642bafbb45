"""A flash of 4 KB blocks and 256-byte pages for MicroPython's VfsLfs2, kept in a file and recorded write by write.

The recording is entries of a kind (u8), a place (u32) and a length (u16, little-endian), with so many bytes: PROGRAM
what was written at a place of the flash, ERASE the block there (no bytes), SENT what left on the link.
"""

import struct

BLOCK_BYTES = 4096
PAGE_BYTES = 256
BLOCKS = 160
PROGRAM, ERASE, SENT = 0, 1, 2
ENTRY = "<BIH"
ENTRY_BYTES = 7


class RecordedFlash:
    """The block device (MicroPython's extended interface) over an open file, with an open recording or None."""

    def __init__(self, image, recording=None):
        self._image, self._recording = image, recording

    def readblocks(self, block, buffer, offset=0):
        """Read from the flash."""
        self._image.seek(block * BLOCK_BYTES + offset)
        self._image.readinto(buffer)

    def writeblocks(self, block, buffer, offset=0):
        """Program erased bytes, and record it."""
        self.record(PROGRAM, block * BLOCK_BYTES + offset, buffer)
        self._image.seek(block * BLOCK_BYTES + offset)
        self._image.write(buffer)

    def ioctl(self, operation, argument):
        """Tell the sizes, erase a block."""
        if operation == 4:
            return BLOCKS
        if operation == 5:
            return BLOCK_BYTES
        if operation == 6:
            self.record(ERASE, argument * BLOCK_BYTES, b"")
            self._image.seek(argument * BLOCK_BYTES)
            self._image.write(b"\xff" * BLOCK_BYTES)
        return 0

    def record(self, kind, place, data):
        """Put an entry into the recording."""
        if self._recording:
            self._recording.write(struct.pack(ENTRY, kind, place, len(data)) + bytes(data))
