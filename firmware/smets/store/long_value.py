"""A long value of the journal, read in parts: the heap need not have it in one piece. In the heap only with one."""

import struct
from binascii import crc32

from micropython import const

from smets.store.files import StoreCorrupt
from smets.store.records import CRC_SIZE, RECORD, RECORD_SIZE

_LONG = const(256)
"""Octets above which a value is long."""


def find(journal, key):
    """Return the LongValue of `key`; None when its value is short, or there is none. Raises StoreCorrupt."""
    value = LongValue(journal, key)
    return value if value.check else None


class LongValue:
    """The value of a key; `check` is its CRC, None when it is short or there is none.

    It is checked once; every part is read from where the value is then, for the journal moves it when it is compacted.
    """

    def __init__(self, journal, key):
        self._journal, self._key = journal, key
        self.check = self._checked()

    def is_same(self):
        """Return whether the value is still the one that it was. Raises StoreCorrupt."""
        return self._checked() == self.check

    def part(self, first, size):
        """Return `size` octets from `first` on, or as many as there are; behind the value's end others may follow."""
        file, offset = self._journal.locate(self._key)
        return file.piece(offset + RECORD_SIZE + len(self._key) + first, size)

    def _checked(self):
        """Return the CRC of the record, read piece by piece; None when it is short or there is none."""
        file, offset = self._journal.locate(self._key)
        if file is None:
            return None
        head = file.piece(offset, RECORD_SIZE)
        _, key_size, size, check = struct.unpack(RECORD, head)
        if check != crc32(head[:4], file.number) & 0xFFFF:
            raise _corrupt(file, offset)
        if size <= _LONG:
            return None
        check, at, end = crc32(head, file.number), offset + RECORD_SIZE, offset + RECORD_SIZE + key_size + size
        while at < end:
            check = crc32(file.piece(at, min(end - at, _LONG)), check)
            at += _LONG
        if file.piece(end, CRC_SIZE) != struct.pack(">I", check):
            raise _corrupt(file, offset)
        return check


def _corrupt(file, offset):
    return StoreCorrupt("%s is damaged at byte %d: nothing was changed" % (file.path, offset))
