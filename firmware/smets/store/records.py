"""One file of the journal, being written and read: a header, then records that are only ever appended.

    header  "SMTJ" | format u8 | 3 spare | number u32 | base u32 | end of the file before u32 | CRC-32 of the 20 bytes
    record  flags u8 | key length u8 | value length u16 | check u16 | key | value | CRC-32

All big-endian. Flag COMMIT marks the last record of a transaction; flag DELETE says that the key is gone; flag GOES_ON,
with neither key nor value, ends a file that another follows (opening.py misses that one when it is gone). `check`
guards the lengths alone, so that a cut file (good lengths, file too short) can be told from a damaged one. Both checks
start from the file's number, so that no stale block of another file can pass for a record.
"""

import struct
from binascii import crc32
from io import BytesIO

from micropython import const

from smets.store.files import StoreCorrupt, read_whole

MAX_KEY = const(24)
MAX_VALUE = const(4096)
HEADER_SIZE = const(24)
FORMAT = const(1)
MAGIC = b"SMTJ"
HEADER = ">4sB3xIII"
RECORD = ">BBHH"
RECORD_SIZE = const(6)
CRC_SIZE = const(4)
COMMIT = const(1)
DELETE = const(2)
GOES_ON = const(4)


def path_of(directory, number):
    """Return the path of the file `number`."""
    return "%s/%08x.jnl" % (directory, number)


def record_size(key, value):
    """Return the bytes that a record takes; a value of None deletes the key."""
    return RECORD_SIZE + len(key.encode()) + len(value or b"") + CRC_SIZE


class RecordFile:
    """The journal's file `number`; `base` is its generation's first. What is good of it ends at `end`."""

    def __init__(self, files, path, number):
        self.path, self.number = path, number
        self.base = self.end = self.end_before = 0
        self._files = files
        self._handle = BytesIO()  # until it is opened or created
        self._head = bytearray(RECORD_SIZE)

    def create(self, base, end_before):
        """Make the file; `end_before` is that of the file before, 0 for a base. On flash after the first `sync`."""
        self._handle = self._files.open(self.path, "w+b")
        header = struct.pack(HEADER, MAGIC, FORMAT, self.number, base, end_before)
        self._files.write(self._handle, header + struct.pack(">I", crc32(header)))
        self.base, self.end, self.end_before = base, HEADER_SIZE, end_before

    def open(self):
        """Open the file for reading and appending."""
        self._handle = self._files.open(self.path, "r+b")

    def close(self):
        """Close the file."""
        self._handle.close()

    def append(self, pairs):
        """Write (key, value) pairs as one transaction after `end`; return their offsets. Call `sync` to keep them."""
        self._handle.seek(self.end)
        offset, offsets = self.end, []
        for key, value in pairs:
            offsets.append(offset)
            self._write(key, value, COMMIT if len(offsets) == len(pairs) else 0)
            offset += record_size(key, value)
        return offsets

    def end_with_next(self):
        """Write behind the last record that another file goes on; on flash when this returns."""
        self._handle.seek(self.end)
        self._write("", None, GOES_ON)
        self._files.sync(self._handle)

    def sync(self, size):
        """Bring `size` bytes that were appended to flash and count them in."""
        self._files.sync(self._handle)
        self.end += size

    def read(self, offset):
        """Return (flags, key, value) of the record at `offset`. Raises StoreCorrupt when it fails a check."""
        flags, key_size, value_size, check = struct.unpack(RECORD, self._head_at(offset))
        if check != self._head_check() or key_size > MAX_KEY or value_size > MAX_VALUE:
            self._fail(offset)
        name, value, tail = self._handle.read(key_size), self._handle.read(value_size), self._handle.read(CRC_SIZE)
        if tail != struct.pack(">I", crc32(value, crc32(name, crc32(self._head, self.number)))):
            self._fail(offset)
        return flags, name.decode(), value

    def piece(self, at, size):
        """Return `size` octets from a place on, or as many as there are, unchecked."""
        self._handle.seek(at)
        return self._handle.read(size)

    def _write(self, key, value, flags):
        name = key.encode()
        if value is None:
            flags, value = flags if flags & GOES_ON else flags | DELETE, b""
        struct.pack_into(RECORD, self._head, 0, flags, len(name), len(value), 0)
        struct.pack_into(">H", self._head, 4, self._head_check())
        check = crc32(value, crc32(name, crc32(self._head, self.number)))
        self._files.write(self._handle, bytes(self._head) + name)
        if value:
            self._files.write(self._handle, value)
        self._files.write(self._handle, struct.pack(">I", check))

    def _head_at(self, offset):
        self._handle.seek(offset)
        read_whole(self._handle, self._head)
        return self._head

    def _head_check(self):
        return crc32(memoryview(self._head)[:4], self.number) & 0xFFFF

    def _fail(self, offset):
        raise StoreCorrupt("%s is damaged at byte %d: nothing was changed" % (self.path, offset))
