"""The packed object table in flash: which attributes and methods there are, and the layout of each one's value.

Written by host_tools/opensmets/catalogue/pack_objects.py, where the format stands. Records are sorted by OBIS code,
class, member and kind. They are read a block at a time into a kept buffer, and a layout into another: the table never
stands in the heap.
"""

import struct

from micropython import const

READ = const(1)
WRITE = const(2)
INVOKE = const(3)
PROTECTED = const(4)
INNER = const(5)
"""What is done to an attribute or method; PROTECTED is a read through class 30, INNER what it asks for."""

OBJECT = const(0)
CLASS = const(1)
MEMBER = const(2)
RIGHT = const(3)
"""What a failed look-up lacks."""

MAX_LAYOUT = const(512)
_HEADER = ">4sBBH"
_HEADER_SIZE = const(8)
_RECORD = const(14)
_BLOCK = const(16)
"""Records read at once: the items of one request lie close together."""


class TableError(ValueError):
    """The file is no object table of the format that this firmware reads, or is cut short."""


class ObjectTable:
    """The object table in the file `path`. Raises TableError when it is none, OSError when it cannot be read.

    `layout` is the buffer with the layout of the record found last.
    """

    def __init__(self, path):
        self._file = open(path, "rb")
        magic, version, record, self._count = struct.unpack(_HEADER, self._file.read(_HEADER_SIZE))
        if magic != b"SMTO" or version != 1 or record != _RECORD:
            raise TableError("not an object table of format 1: " + path)
        self._block = bytearray(_BLOCK * _RECORD)
        self._first = -1
        self._layout_at = 0
        self.layout = bytearray(MAX_LAYOUT)

    def find(self, class_id, obis, member, kind):
        """Load the layout of one right into `layout` and return True; False when there is no such right."""
        index = self._lower_bound(_key(class_id, obis, member, kind))
        if index == self._count or self._key_at(index) != _key(class_id, obis, member, kind):
            return False
        self._load(index)
        return True

    def why_not(self, class_id, obis, member):
        """Tell what a failed `find` lacks: RIGHT, MEMBER, CLASS (the OBIS code is another class's) or OBJECT."""
        for lacking, key in (
            (RIGHT, _key(class_id, obis, member, 0)[:9]),
            (MEMBER, _key(class_id, obis, 0, 0)[:8]),
            (CLASS, obis),
        ):
            index = self._lower_bound(key)
            if index < self._count and self._key_at(index).startswith(key):
                return lacking
        return OBJECT

    def _lower_bound(self, key):
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._key_at(middle) < key:
                low = middle + 1
            else:
                high = middle
        return low

    def _key_at(self, index):
        at = self._record(index)
        return bytes(memoryview(self._block)[at : at + 10])

    def _record(self, index):
        """Return where record `index` stands in the block buffer, which is read when it holds another block."""
        first = index - index % _BLOCK
        if first != self._first:
            self._file.seek(_HEADER_SIZE + first * _RECORD)
            if self._file.readinto(self._block) < min(_BLOCK, self._count - first) * _RECORD:
                raise TableError("table cut short")
            self._first = first
        return (index - first) * _RECORD

    def _load(self, index):
        offset, size = struct.unpack_from(">HH", self._block, self._record(index) + 10)
        if offset == self._layout_at:
            return
        if size > MAX_LAYOUT:
            raise TableError("layout too long")
        self._file.seek(offset)
        if self._file.readinto(memoryview(self.layout)[:size]) != size:
            raise TableError("table cut short")
        self._layout_at = offset


def _key(class_id, obis, member, kind):
    return struct.pack(">6sHBB", bytes(obis), class_id, member & 0xFF, kind)
