"""A journal of named values that a power cut at any instruction leaves either before or after each change.

One file, `<generation, 8 hex digits>.jnl`, is the whole truth. It starts with a header and grows by records:

    header  "SMTJ" | format u8 | 3 spare | generation u32 | CRC-32 of the 12 bytes
    record  flags u8 | key length u8 | value length u16 | check u16 | key | value | CRC-32

All big-endian. Flag COMMIT marks the last record of a transaction; flag DELETE says that the key is gone. `check`
guards the lengths alone, so that a cut file (good lengths, file too short) can be told from a damaged one.
Both checks start from the generation's number, so that no stale block of an older file can pass for a record.

Compaction, also after a cut or a failed write, copies what is live into `new.tmp` and renames it to the next
generation: a damaged tail is never written over, and until the rename the old file is untouched.
"""

import struct
from binascii import crc32

from micropython import const
from smets.store.files import FLASH, StoreCorrupt, is_blank, read_whole

MAX_KEY = const(24)
MAX_VALUE = const(4096)
_FORMAT = const(1)
_MAGIC = b"SMTJ"
_HEADER_SIZE = const(16)
_RECORD_HEADER = ">BBHH"
_RECORD_HEADER_SIZE = const(6)
_CRC_SIZE = const(4)
_COMMIT = const(1)
_DELETE = const(2)
_COMPACT_ABOVE = const(16384)  # bytes; below this a rewrite saves less flash than it wears
_SUFFIX = ".jnl"
_NEW = "new.tmp"


class Journal:
    """Named values on flash. Keys are text of at most MAX_KEY bytes, values at most MAX_VALUE bytes.

    Opening reads the journal once and keeps only key -> offset in RAM. Raises StoreCorrupt, and changes nothing, when a
    file is foreign, damaged, or of a newer format; OSError as the file system does.
    """

    def __init__(self, directory, files=FLASH):
        self._directory = directory
        self._files = files
        self._offsets = {}
        self._record_header = bytearray(_RECORD_HEADER_SIZE)
        self._dead = 0  # bytes of records that a compaction would leave out
        self._handle = None
        self._intact = True
        generations = self._generations()
        if not generations:
            self._generation = self._end = 0
            self._compact()
        else:
            self._generation = generations[-1]
            self._handle = files.open(self._path(self._generation), "r+b")
            self._load()
            for old in generations[:-1]:
                files.remove(self._path(old))
        if not self._intact:
            self._compact()

    def get(self, key):
        """Return the value of `key`, or None. Raises StoreCorrupt when the record no longer passes its CRC."""
        offset = self._offsets.get(key)
        if offset is None:
            return None
        return self._read(offset)[2]

    def put(self, key, value):
        """Set `key` to `value`; on flash when this returns. Raises ValueError when either is too long."""
        self.put_many(((key, value),))

    def delete(self, key):
        """Remove `key`, if it is there; on flash when this returns."""
        if key in self._offsets:
            self.put_many(((key, None),))

    def put_many(self, pairs):
        """Set every (key, value) of the sequence `pairs`, or none of them; a value of None deletes its key.

        On flash when this returns. Raises ValueError, before anything is written, when a key or value is too long, and
        OSError when the flash is full or fails: then nothing of it counts.
        """
        for key, value in pairs:
            _check(key, value)
        if not pairs:
            return
        if not self._intact:
            self._compact()
        self._intact = False
        offsets = self._append(pairs)
        self._files.sync(self._handle)
        for (key, value), offset in zip(pairs, offsets):
            self._apply(key, None if value is None else offset, offset)
        self._end = offsets[-1]
        self._intact = True
        if self._end > _COMPACT_ABOVE and self._dead > self._end // 2:
            self._try_compact()

    def keys(self, prefix=""):
        """Return a sorted list of the keys that start with `prefix`."""
        return sorted([key for key in self._offsets if key.startswith(prefix)])

    def close(self):
        """Close the file. Nothing waits to be written; the journal is of no further use."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    # writing

    def _append(self, pairs):
        """Write the records of one transaction at the end; return their offsets and, last, the new end."""
        self._handle.seek(self._end)
        offsets = [self._end]
        for key, value in pairs:
            commit = _COMMIT if len(offsets) == len(pairs) else 0
            offsets.append(offsets[-1] + self._write_record(self._handle, self._generation, key, value, commit))
        return offsets

    def _write_record(self, handle, generation, key, value, flags):
        """Write one record at the handle's position and return its size."""
        name = key.encode()
        if value is None:
            flags, value = flags | _DELETE, b""
        header = self._record_header
        struct.pack_into(_RECORD_HEADER, header, 0, flags, len(name), len(value), 0)
        struct.pack_into(">H", header, 4, _header_check(header, generation))
        check = crc32(value, crc32(name, crc32(header, generation)))
        self._files.write(handle, bytes(header) + name)
        if value:
            self._files.write(handle, value)
        self._files.write(handle, struct.pack(">I", check))
        return _record_size(len(name), len(value))

    def _compact(self):
        """Copy what is live into the next generation, which takes over when it has its name."""
        generation = self._generation + 1
        temporary = self._directory + "/" + _NEW
        new = self._files.open(temporary, "wb")
        offsets = {}
        try:
            end = self._write_generation(new, generation, offsets)
            self._files.sync(new)
        finally:
            new.close()
        self._intact = False  # should what follows fail, the old file must take no more records
        self._files.rename(temporary, self._path(generation))
        self._take_over(generation, offsets, end)

    def _try_compact(self):
        """Compact now if the flash has room; the change that led here is safe, so the next one may try again."""
        try:
            self._compact()
        except OSError:
            pass

    def _write_generation(self, new, generation, offsets):
        header = struct.pack(">4sB3xI", _MAGIC, _FORMAT, generation)
        self._files.write(new, header + struct.pack(">I", crc32(header)))
        end = _HEADER_SIZE
        for key, offset in self._offsets.items():
            offsets[key] = end
            end += self._write_record(new, generation, key, self._read(offset)[2], _COMMIT)
        return end

    def _take_over(self, generation, offsets, end):
        old, old_path = self._handle, self._path(self._generation)
        self._handle = self._files.open(self._path(generation), "r+b")
        self._generation, self._offsets, self._end = generation, offsets, end
        self._dead, self._intact = 0, True
        if old is not None:
            old.close()
            self._files.remove(old_path)

    # reading

    def _generations(self):
        """Return the numbers of the generations on flash, rising; drop a new one that a cut left unfinished."""
        found = []
        for name in self._files.names(self._directory):
            if name == _NEW:
                self._files.remove(self._directory + "/" + name)
            elif name.endswith(_SUFFIX):
                found.append(self._generation_of(name))
        return found

    def _generation_of(self, name):
        try:
            generation = int(name[: -len(_SUFFIX)], 16)
        except ValueError:
            generation = 0
        if self._path(generation) != self._directory + "/" + name:
            raise StoreCorrupt(self._directory + "/" + name + " is not a journal of this device: move it away")
        return generation

    def _load(self):
        """Read the header and every transaction; `_end` is then where the last whole one ends."""
        size = self._files.size(self._handle)
        self._read_header()
        self._end = offset = _HEADER_SIZE
        pending = []
        while offset < size:
            try:
                flags, key, _ = self._read(offset)
            except StoreCorrupt:
                if self._is_cut(offset, size):
                    break
                raise
            pending.append((key, None if flags & _DELETE else offset, offset))
            offset += self._size_at(offset)
            if flags & _COMMIT:
                for change in pending:
                    self._apply(*change)
                pending = []
                self._end = offset
        self._intact = self._end == size

    def _read_header(self):
        header = bytearray(_HEADER_SIZE)
        self._handle.seek(0)
        got = read_whole(self._handle, header)
        magic, version, generation, check = struct.unpack(">4sB3xII", header)
        if got < _HEADER_SIZE or magic != _MAGIC:
            raise StoreCorrupt(self._path(self._generation) + " is not a journal: move it away")
        if version != _FORMAT:
            raise StoreCorrupt(
                "%s has format %d, this firmware knows %d" % (self._path(self._generation), version, _FORMAT)
            )
        if check != crc32(memoryview(header)[:12]) or generation != self._generation:
            self._fail(0)

    def _is_cut(self, offset, size):
        """Return whether the file stops inside the bad record at `offset`: too short, or blank from within it on."""
        if size - offset < _RECORD_HEADER_SIZE:
            return True
        header = self._header_at(offset)
        if struct.unpack_from(">H", header, 4)[0] != _header_check(header, self._generation):
            return is_blank(self._handle, offset + _RECORD_HEADER_SIZE - 1)
        end = offset + _record_size(header[1], struct.unpack_from(">H", header, 2)[0])
        return end > size or is_blank(self._handle, end - 1)

    def _header_at(self, offset):
        self._handle.seek(offset)
        read_whole(self._handle, self._record_header)
        return self._record_header

    def _size_at(self, offset):
        header = self._header_at(offset)
        return _record_size(header[1], struct.unpack_from(">H", header, 2)[0])

    def _read(self, offset):
        """Return (flags, key, value) of the record at `offset`. Raises StoreCorrupt when it fails a check."""
        flags, key_size, value_size, check = struct.unpack(_RECORD_HEADER, self._header_at(offset))
        if (
            check != _header_check(self._record_header, self._generation)
            or key_size > MAX_KEY
            or value_size > MAX_VALUE
        ):
            self._fail(offset)
        name, value, tail = self._handle.read(key_size), self._handle.read(value_size), self._handle.read(_CRC_SIZE)
        if tail != struct.pack(">I", crc32(value, crc32(name, crc32(self._record_header, self._generation)))):
            self._fail(offset)
        return flags, name.decode(), value

    def _apply(self, key, kept_at, written_at):
        """Point `key` at its new record (None when deleted) and count what that leaves dead."""
        old = self._offsets.get(key)
        if old is not None:
            self._dead += self._size_at(old)
        if kept_at is None:
            self._offsets.pop(key, None)
            self._dead += self._size_at(written_at)
        else:
            self._offsets[key] = kept_at

    def _fail(self, offset):
        raise StoreCorrupt("%s is damaged at byte %d: nothing was changed" % (self._path(self._generation), offset))

    def _path(self, generation):
        return "%s/%08x%s" % (self._directory, generation, _SUFFIX)


def _check(key, value):
    if not 0 < len(key.encode()) <= MAX_KEY:
        raise ValueError("a key has 1 to %d bytes: %s" % (MAX_KEY, key))
    if value is not None and len(value) > MAX_VALUE:
        raise ValueError("the value of %s has %d bytes, %d may be" % (key, len(value), MAX_VALUE))


def _record_size(key_size, value_size):
    return _RECORD_HEADER_SIZE + key_size + value_size + _CRC_SIZE


def _header_check(header, generation):
    return crc32(memoryview(header)[:4], generation) & 0xFFFF
