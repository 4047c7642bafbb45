"""The few things the stores ask of a file system: littlefs on a board, POSIX under the unix port and CPython.

Tests hand the stores another object of the same shape to cut the power at every write.
"""

import os


class StoreCorrupt(Exception):
    """A store file is not what this firmware wrote. Nothing was changed; the text says which file and where."""


class Files:
    """File access with durable writes. Every method raises OSError as the port does."""

    in_haste = False
    """Whether synchronising is left to the operating system: a bench sets it where there is one."""

    def open(self, path, mode):
        """Open `path` unbuffered in a binary `mode`."""
        return open(path, mode, buffering=0)

    def write(self, handle, data):
        """Write all of `data` at the handle's position."""
        written = handle.write(data)
        while written < len(data):
            written += handle.write(memoryview(data)[written:])

    def sync(self, handle):
        """Return when everything written through `handle` is on flash."""
        if self.in_haste:
            return
        handle.flush()  # MicroPython's flush is the file system's sync
        if hasattr(os, "fsync"):
            os.fsync(handle.fileno())

    def rename(self, old, new):
        """Give `old` the name `new`, which must be free; atomic on littlefs and POSIX."""
        os.rename(old, new)

    def remove(self, path):
        """Delete the file."""
        os.remove(path)

    def size(self, handle):
        """Return the length of an open file in bytes; the position moves to its end."""
        return handle.seek(0, 2)


FLASH = Files()


def read_whole(handle, buffer):
    """Fill `buffer` as far as the file goes and return the number of bytes read."""
    filled = handle.readinto(buffer)
    while 0 < filled < len(buffer):
        more = handle.readinto(memoryview(buffer)[filled:])
        if not more:
            break
        filled += more
    return filled
