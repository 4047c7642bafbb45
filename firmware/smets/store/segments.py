"""An append-only log of records of one size, kept in segment files; the oldest is dropped by deleting a whole file.

Records count up from 0 for ever; that number is a record's absolute index. A segment `<name>.<absolute index of its
first record, 8 hex digits>` is a header and then records, each with a CRC-32 (little-endian) that starts from the
absolute index, so that a record in the wrong place does not pass:

    header  "SMTS" | format u8 | spare | record size u16 | base u32 | first live u32 | CRC-32, big-endian

`first live` makes `clear` one write: a new segment that says that nothing before it counts. Nothing is overwritten
but last records that a power cut left torn. Opening, appending and reading cost the same however full the log is: of
the segments only the newest is looked into before something is read of an older one.
"""

import struct
from binascii import crc32

from micropython import const

from smets.store.files import FLASH, StoreCorrupt, read_whole
from smets.store.listing import is_blank, names

MAX_RECORD = const(1024)
MAX_NAME = const(24)
_FORMAT = const(1)
_MAGIC = b"SMTS"
_HEADER = ">4sBxHIII"
_HEADER_SIZE = const(20)
_CRC_SIZE = const(4)
_SMALL_SEGMENT = const(480)  # bytes: littlefs keeps a file below 512 in its directory and appends without an erase
_MANY_SEGMENTS = const(8)  # in a directory a file of 480 bytes takes 2 KB of flash
_SEGMENTS = const(16)  # of a long log, or a few more: what is dropped at once is kept beyond the capacity until then
_BLOCK = const(4088)  # bytes of a file that fit in a block of littlefs at least, beside its own pointers
_MAX_UNSYNCED = const(64)  # records that a power cut may tear: so many at most are appended without `sync`
_SPARE = const(8)  # records kept beyond the capacity: an answer that is on its way may still want them
# CRC-32 over data and its own CRC is always this, whatever it started from: a small int, so a check allocates nothing
_RESIDUE = const(0x2144DF1C)


class SegmentLog:
    """The newest `capacity` records of `record_size` bytes under `directory`/`name`.*

    A segment holds `segment_records` (None: chosen here); up to a segment and 8 records more than `capacity` are on
    flash. `end` is the absolute index of the record that is appended next. Raises StoreCorrupt, and changes nothing,
    when a segment is foreign, short or holds other records: the newest when the log is opened, another when it is read.
    ValueError for sizes out of range.
    """

    def __init__(self, directory, name, record_size, capacity, segment_records=None, files=FLASH):
        if not (0 < record_size <= MAX_RECORD and capacity > 0 and 0 < len(name) <= MAX_NAME):
            raise ValueError("record size, capacity or name of a log is out of range: " + name)
        self._stem = directory + "/" + name + "."
        self._record_size, self._capacity = record_size, capacity
        self._segment_records = segment_records or _records_of_a_segment(record_size + _CRC_SIZE, capacity)
        self._files = files
        self._slot = bytearray(record_size + _CRC_SIZE)
        self._record = memoryview(self._slot)[:record_size]
        self._writer = self._reader = None
        self._reader_base = self._reader_end = self._unsynced = 0
        self._bases = self._find_bases(directory, name + ".")
        self._first, self.end = self._load()
        self._live = self._first  # the oldest that was neither cleared nor deleted, in the ring or no longer
        self._drop_oldest()

    def __len__(self):
        """Return how many records can be read."""
        return min(self.end - self._first, self._capacity)

    @property
    def oldest(self):
        """The absolute index of record 0."""
        return self.end - len(self)

    def append(self, record, at_once=True):
        """Add one record, `record_size` bytes; on flash when this returns, or if not `at_once` when `sync` does.

        Raises OSError when the flash fails.
        """
        if len(record) != self._record_size:
            raise ValueError("a record of this log has %d bytes" % self._record_size)
        if not self._bases or self.end - self._bases[-1] >= self._segment_records:
            self._start_segment(max(self._live, self._first - _SPARE))
        self._record[:] = record
        struct.pack_into("<I", self._slot, self._record_size, crc32(self._record, self.end))
        self._write_slot(at_once or self._unsynced == _MAX_UNSYNCED - 1)
        self.end += 1
        self._drop_oldest()

    def sync(self):
        """Bring to flash what was appended and is not there yet. Raises OSError when it fails."""
        if self._unsynced:
            self._files.sync(self._newest())
            self._unsynced = 0

    def read_into(self, index, buffer):
        """Copy record `index` (0 is the oldest) into the first `record_size` bytes of `buffer`.

        A negative index is of one that left the ring: the last 8 are still there unless they were cleared. Raises
        IndexError when there is no such record, StoreCorrupt when it no longer passes its CRC.
        """
        number = self.oldest + index
        if not (self._bases and max(self._live, self._bases[0]) <= number < self.end):
            raise IndexError("the log has no record %d" % index)
        self._read_slot(number)
        if crc32(self._slot, number) != _RESIDUE:
            raise StoreCorrupt("%s*: record %d is damaged" % (self._stem, number))
        buffer[: self._record_size] = self._record

    def clear(self):
        """Remove every record: all or none after a power cut."""
        if self.end > self._first:
            self._start_segment(self.end)
            self._first = self._live = self.end
            self._drop_oldest()

    def close(self):
        """Close the files. Nothing waits to be written; the log is of no further use."""
        self._close_reader()
        self._close_writer()

    # writing

    def _write_slot(self, at_once):
        writer = self._newest()
        try:
            writer.seek(self._offset(self._bases[-1], self.end))
            self._files.write(writer, self._slot)
            self._unsynced += 1
            if at_once:
                self.sync()
        except OSError:
            self._close_writer()  # a handle that failed may stay failed; the next append opens anew
            raise

    def _start_segment(self, first):
        """Make the segment whose first record is the next one to be written; records from `first` on are live."""
        header = struct.pack(">4sBxHII", _MAGIC, _FORMAT, self._record_size, self.end, first)
        self.sync()
        self._close_writer()
        new = self._files.open(self._path(self.end), "wb")
        try:
            self._files.write(new, header + struct.pack(">I", crc32(header)))
            self._files.sync(new)
        finally:
            new.close()
        if self.end not in self._bases:
            self._bases.append(self.end)

    def _drop_oldest(self):
        """Delete the segments all of whose records are dead or beyond the capacity."""
        oldest = max(self._first, self.end - self._capacity)
        unwanted = max(self._live, oldest - _SPARE)
        while len(self._bases) > 1 and self._bases[1] <= unwanted:
            if self._reader_base == self._bases[0]:
                self._close_reader()
            self._files.remove(self._path(self._bases[0]))
            del self._bases[0]
        self._first = oldest

    # reading

    def _find_bases(self, directory, prefix):
        bases = []
        for name in names(directory, prefix):
            bases.append(self._base_of(name[len(prefix) :]))
        return bases

    def _base_of(self, digits):
        try:
            base = int(digits, 16)
        except ValueError:
            base = 0
        if "%08x" % base != digits:
            raise StoreCorrupt(self._stem + digits + " is not a segment of this log: move it away")
        return base

    def _load(self):
        """Look into the newest segment; return the absolute indices of the first live record and of the next one."""
        if self._bases and self._is_unborn(self._bases[-1]):
            self._files.remove(self._path(self._bases.pop()))
        if not self._bases:
            return 0, 0
        base = self._bases[-1]
        handle = self._files.open(self._path(base), "rb")
        try:
            first = self._read_header(handle, base)
            return max(first, self._bases[0]), self._end_of(handle, base)
        finally:
            handle.close()

    def _is_unborn(self, base):
        """Return whether a cut left the newest segment without a whole header: short, or blank from within it on."""
        handle = self._files.open(self._path(base), "rb")
        header = bytearray(_HEADER_SIZE)
        try:
            short = read_whole(handle, header) < _HEADER_SIZE
            return short or (not _passes(header) and is_blank(handle, _HEADER_SIZE - 1))
        finally:
            handle.close()

    def _read_header(self, handle, base):
        """Return the first live index that the segment names. Raises StoreCorrupt when the header is not ours."""
        header = bytearray(_HEADER_SIZE)
        handle.seek(0)
        got = read_whole(handle, header)
        magic, version, record_size, stated_base, first, _ = struct.unpack(_HEADER, header)
        path = self._path(base)
        if got < _HEADER_SIZE or magic != _MAGIC:
            raise StoreCorrupt(path + " is not a log segment: move it away")
        if version != _FORMAT:
            raise StoreCorrupt("%s has format %d, this firmware knows %d" % (path, version, _FORMAT))
        if not _passes(header) or stated_base != base:
            raise StoreCorrupt(path + " has a damaged header: nothing was changed")
        if record_size != self._record_size:
            raise StoreCorrupt("%s holds records of %d bytes, not %d" % (path, record_size, self._record_size))
        return first

    def _end_of(self, handle, base):
        """Return the absolute index after the newest segment's last whole record; torn ones behind it do not count."""
        end = base + (self._files.size(handle) - _HEADER_SIZE) // len(self._slot)
        for _ in range(min(end - base, _MAX_UNSYNCED)):
            handle.seek(self._offset(base, end - 1))
            read_whole(handle, self._slot)
            if crc32(self._slot, end - 1) == _RESIDUE:
                break
            end -= 1
        return end

    def _read_slot(self, number):
        if number >= self._bases[-1]:
            handle, base = self._newest(), self._bases[-1]
        else:
            if self._reader is None or not self._reader_base <= number < self._reader_end:
                self._open_reader(number)
            handle, base = self._reader, self._reader_base
        handle.seek(self._offset(base, number))
        read_whole(handle, self._slot)

    def _newest(self):
        """Return the handle of the segment that grows, opened on first use."""
        if self._writer is None:
            self._writer = self._files.open(self._path(self._bases[-1]), "r+b")
        return self._writer

    def _open_reader(self, number):
        """Open the older segment that holds the record `number`."""
        self._close_reader()
        position = len(self._bases) - 2
        while self._bases[position] > number:
            position -= 1
        base, end = self._bases[position], self._bases[position + 1]
        self._reader = self._files.open(self._path(base), "rb")
        self._reader_base = self._reader_end = base  # of which nothing is read until it has passed
        self._read_header(self._reader, base)
        if base + (self._files.size(self._reader) - _HEADER_SIZE) // len(self._slot) < end:
            raise StoreCorrupt("%s%08x has lost records: nothing was changed" % (self._stem, base))
        self._reader_end = end

    def _offset(self, base, number):
        return _HEADER_SIZE + (number - base) * len(self._slot)

    def _path(self, base):
        return "%s%08x" % (self._stem, base)

    def _close_reader(self):
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _close_writer(self):
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._unsynced = 0


def _records_of_a_segment(slot_size, capacity):
    """Choose small segments, which cost a fifth of the erases, or where they make a crowd of files those of blocks."""
    small = (_SMALL_SEGMENT - _HEADER_SIZE) // slot_size
    if capacity <= small * _MANY_SEGMENTS:
        return small
    blocks = max(1, capacity * slot_size // (_SEGMENTS * _BLOCK))
    return (blocks * _BLOCK - _HEADER_SIZE) // slot_size


def _passes(header):
    return struct.unpack_from(">I", header, _HEADER_SIZE - _CRC_SIZE)[0] == crc32(memoryview(header)[:-_CRC_SIZE])
