"""One file of the journal: a header, then records that are only ever appended.

    header  "SMTJ" | format u8 | 3 spare | number u32 | base u32 | end of the file before u32 | CRC-32 of the 20 bytes
    record  flags u8 | key length u8 | value length u16 | check u16 | key | value | CRC-32

All big-endian. Flag COMMIT marks the last record of a transaction; flag DELETE says that the key is gone. `check`
guards the lengths alone, so that a cut file (good lengths, file too short) can be told from a damaged one. Both checks
start from the file's number, so that no stale block of another file can pass for a record.
"""

import struct
from binascii import crc32
from io import BytesIO

from micropython import const

from smets.store.files import StoreCorrupt, is_blank, read_whole

MAX_KEY = const(24)
MAX_VALUE = const(4096)
HEADER_SIZE = const(24)
_FORMAT = const(1)
_MAGIC = b"SMTJ"
_HEADER = ">4sB3xIII"
_RECORD = ">BBHH"
_RECORD_SIZE = const(6)
_CRC_SIZE = const(4)
_COMMIT = const(1)
_DELETE = const(2)


def record_size(key, value):
    """Return the bytes that a record takes; a value of None deletes the key."""
    return _RECORD_SIZE + len(key.encode()) + len(value or b"") + _CRC_SIZE


class RecordFile:
    """The journal's file `number`; `base` is its generation's first. What is good of it ends at `end`."""

    def __init__(self, files, path, number):
        self.path, self.number = path, number
        self.base = self.end = self.end_before = 0
        self._files = files
        self._handle = BytesIO()  # until it is opened or created
        self._head = bytearray(_RECORD_SIZE)

    def create(self, base, end_before):
        """Make the file; `end_before` is that of the file before, 0 for a base. On flash after the first `sync`."""
        self._handle = self._files.open(self.path, "w+b")
        header = struct.pack(_HEADER, _MAGIC, _FORMAT, self.number, base, end_before)
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
            self._write(key, value, _COMMIT if len(offsets) == len(pairs) else 0)
            offset += record_size(key, value)
        return offsets

    def sync(self, size):
        """Bring `size` bytes that were appended to flash and count them in."""
        self._files.sync(self._handle)
        self.end += size

    def is_unborn(self):
        """Return whether a cut left the file without a whole header: short, or blank from within it on."""
        header, passes = self._read_header()
        return header is None or (not passes and is_blank(self._handle, HEADER_SIZE - 1))

    def check_header(self):
        """Take `base` and `end_before` from the header.

        Raises StoreCorrupt when the file is foreign, damaged or of a newer format.
        """
        header, passes = self._read_header()
        if header is None or header[0] != _MAGIC:
            raise StoreCorrupt(self.path + " is not a journal: move it away")
        if header[1] != _FORMAT:
            raise StoreCorrupt("%s has format %d, this firmware knows %d" % (self.path, header[1], _FORMAT))
        if not passes or header[2] != self.number:
            self._fail(0)
        self.base, self.end_before = header[3], header[4]

    def scan(self, apply, may_be_cut):
        """Call `apply(key, offset or None, self)` for each record of a whole transaction; return whether that is all.

        Raises StoreCorrupt when a record is damaged, or cut off without `may_be_cut`.
        """
        size = self._files.size(self._handle)
        self.end = offset = HEADER_SIZE
        pending = []
        while offset < size:
            try:
                flags, key, value = self.read(offset)
            except StoreCorrupt:
                if may_be_cut and self._is_cut(offset, size):
                    break
                raise
            pending.append((key, None if flags & _DELETE else offset, self))
            offset += record_size(key, value)
            if flags & _COMMIT:
                for change in pending:
                    apply(*change)
                pending = []
                self.end = offset
        if self.end < size and not may_be_cut:
            self._fail(self.end)
        return self.end == size

    def read(self, offset):
        """Return (flags, key, value) of the record at `offset`. Raises StoreCorrupt when it fails a check."""
        flags, key_size, value_size, check = struct.unpack(_RECORD, self._head_at(offset))
        if check != self._head_check() or key_size > MAX_KEY or value_size > MAX_VALUE:
            self._fail(offset)
        name, value, tail = self._handle.read(key_size), self._handle.read(value_size), self._handle.read(_CRC_SIZE)
        if tail != struct.pack(">I", crc32(value, crc32(name, crc32(self._head, self.number)))):
            self._fail(offset)
        return flags, name.decode(), value

    def _write(self, key, value, flags):
        name = key.encode()
        if value is None:
            flags, value = flags | _DELETE, b""
        struct.pack_into(_RECORD, self._head, 0, flags, len(name), len(value), 0)
        struct.pack_into(">H", self._head, 4, self._head_check())
        check = crc32(value, crc32(name, crc32(self._head, self.number)))
        self._files.write(self._handle, bytes(self._head) + name)
        if value:
            self._files.write(self._handle, value)
        self._files.write(self._handle, struct.pack(">I", check))

    def _read_header(self):
        """Return (magic, format, number, base, end before, CRC) and whether the CRC is right.

        A header that is short gives (None, False).
        """
        header = bytearray(HEADER_SIZE)
        self._handle.seek(0)
        if read_whole(self._handle, header) < HEADER_SIZE:
            return None, False
        fields = struct.unpack(_HEADER + "I", header)
        return fields, fields[5] == crc32(memoryview(header)[:-_CRC_SIZE])

    def _is_cut(self, offset, size):
        """Return whether the file stops inside the bad record at `offset`: too short, or blank from within it on."""
        if size - offset < _RECORD_SIZE:
            return True
        _, key_size, value_size, check = struct.unpack(_RECORD, self._head_at(offset))
        if check != self._head_check():
            return is_blank(self._handle, offset + _RECORD_SIZE - 1)
        end = offset + _RECORD_SIZE + key_size + value_size + _CRC_SIZE
        return end > size or is_blank(self._handle, end - 1)

    def _head_at(self, offset):
        self._handle.seek(offset)
        read_whole(self._handle, self._head)
        return self._head

    def _head_check(self):
        return crc32(memoryview(self._head)[:4], self.number) & 0xFFFF

    def _fail(self, offset):
        raise StoreCorrupt("%s is damaged at byte %d: nothing was changed" % (self.path, offset))
