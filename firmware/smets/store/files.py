"""The few things the stores ask of a file system: littlefs on a board, POSIX under the unix port and CPython.

Tests hand the stores another object of the same shape to cut the power at every write.
"""

import os
import sys

_KEPT_BY_SYSTEM = ("linux", "darwin")
"""Platforms on which what a program has written outlives it, whether or not it was synchronised."""


class StoreCorrupt(Exception):
    """A store file is not what this firmware wrote. Nothing was changed; the text says which file and where."""


class Files:
    """File access with durable writes. Every method raises OSError as the port does."""

    in_haste = False

    def hasten(self, on):
        """Leave synchronising to the operating system, where there is one, while a bench lets years pass.

        A process that is killed loses nothing by it; a computer that loses its power may. On a board nothing changes,
        nor where a flash is mounted.
        """
        self.in_haste = on and sys.platform in _KEPT_BY_SYSTEM and not _has_flash()

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

    def names(self, directory, prefix=""):
        """Return the sorted names in `directory`, which is made when it is missing, that start with `prefix`."""
        try:
            if hasattr(os, "ilistdir"):  # a list of all names of a full store is more than a small heap has room for
                return sorted([entry[0] for entry in os.ilistdir(directory) if entry[0].startswith(prefix)])
            return sorted([name for name in os.listdir(directory) if name.startswith(prefix)])
        except OSError:
            os.mkdir(directory)
            return []

    def size(self, handle):
        """Return the length of an open file in bytes; the position moves to its end."""
        return handle.seek(0, 2)


def _has_flash():
    """Return whether a file system is mounted besides the operating system's."""
    try:
        import vfs
    except ImportError:  # CPython
        return False
    return len(vfs.mount()) > 1


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


def is_blank(handle, offset):
    """Return whether the file from `offset` on is all 00 or all FF: space that a cut left allocated but unwritten."""
    handle.seek(offset)
    tail = handle.read(1)
    blank = tail
    while tail:
        if blank not in (b"\x00", b"\xff") or tail != blank * len(tail):
            return False
        tail = handle.read(64)
    return True
