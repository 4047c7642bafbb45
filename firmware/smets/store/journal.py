"""A journal of named values that a power cut at any instruction leaves either before or after each change.

A generation is a base file and small part files, `<number, 8 hex digits>.jnl`, numbers rising by one; read in turn they
are the whole truth. Changes go to the newest part. Parts are small because littlefs keeps a file below 512 bytes in its
directory, where an append costs a fifth of the erases that it costs at the end of a longer file.

Compaction, when the parts outgrow the base and also after a cut or a failed write, copies what is live into `new.tmp`
and renames it to the next number, the base of a new generation: damage is never written over, and until the rename the
old generation is untouched.
"""

from micropython import const

from smets.on_demand import fetch
from smets.store.files import FLASH, StoreCorrupt
from smets.store.records import MAX_KEY, MAX_VALUE, RecordFile, path_of, record_size

_PART_SIZE = const(480)
_MAX_PARTS = const(48)
_COMPACT_ABOVE = const(8192)  # bytes in parts: so many take 60 KB of flash, and rewriting more seldom wears no less
_OFFSET_BITS = const(22)  # a place is (number of the file in its generation) << 22 | offset: a small int on every port
_OFFSET = const(0x3FFFFF)
_NOWHERE = const(-1)  # the place of a key that is about to be written
_SHARES = const(8)
"""Dicts that the keys are shared out to: one for all would want a place of kilobytes in one piece when it grows."""


class Journal:
    """Named values on flash. Keys are text of at most MAX_KEY bytes, values at most MAX_VALUE bytes.

    Opening reads the journal once and keeps only key -> place in RAM. Raises StoreCorrupt, and changes nothing, when a
    file is foreign, damaged, missing, or of a newer format; OSError as the file system does.
    """

    def __init__(self, directory, files=FLASH):
        self._directory, self._files = directory, files
        self._places = [{} for _ in range(_SHARES)]
        self._base, self._base_size, self._parts_size = 1, 0, 0
        self._newest = self._reader = RecordFile(files, directory, 0)  # no file yet: numbers start at 1
        self._intact = False
        found = fetch("smets.store.opening", "open_journal")(directory, files, self._apply)
        if found:
            self._base, self._newest, self._intact = found.base, found.newest, found.intact
            self._reader = self._newest
            self._base_size, self._parts_size = found.base_size, found.parts_size
        if not self._intact:
            try:
                self._compact()
            except (OSError, MemoryError, StoreCorrupt):
                self.close()
                raise

    def get(self, key):
        """Return the value of `key`, or None. Raises StoreCorrupt when the record no longer passes its CRC."""
        file, offset = self.locate(key)
        return file and file.read(offset)[2]

    def locate(self, key):
        """Return (the RecordFile that has `key`, the offset of its record), (None, 0) when there is none."""
        place = self._share(key).get(key)
        if place is None:
            return None, 0
        return self._file(self._base + (place >> _OFFSET_BITS)), place & _OFFSET

    def view(self, key):
        """Return the value of `key` as a LongValue (long_value.py) to be read in parts; None of a short one, or none.

        Raises StoreCorrupt as `get` does.
        """
        return fetch("smets.store.long_value", "find")(self, key)

    def put(self, key, value):
        """Set `key` to `value`; on flash when this returns. Raises ValueError when either is too long."""
        self.put_many(((key, value),))

    def delete(self, key):
        """Remove `key`, if it is there; on flash when this returns."""
        if key in self._share(key):
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
        size = sum([record_size(key, value) for key, value in pairs])
        try:
            for key, _ in pairs:
                self._share(key).setdefault(key, _NOWHERE)  # what is on flash must not fail for want of heap
            self._intact = False
            self._write(pairs, size)
            self._intact = True
        finally:
            for key, _ in pairs:
                if self._share(key).get(key) == _NOWHERE:
                    del self._share(key)[key]
        self._parts_size += size
        self._compact_when_due()

    def is_writable(self):
        """Return whether the last change reached the flash; the next one tries to mend it when it did not."""
        return self._intact

    def keys(self, prefix=""):
        """Return a sorted list of the keys that start with `prefix`."""
        return sorted([key for share in self._places for key in share if key.startswith(prefix)])

    def close(self):
        """Close the files. Nothing waits to be written; the journal is of no further use."""
        try:
            self._newest.close()
        finally:
            self._reader.close()

    # writing

    def _write(self, pairs, size):
        if self._newest.end + size > _PART_SIZE:
            self._start_part()
        offsets = self._newest.append(pairs)
        self._newest.sync(size)
        for (key, value), offset in zip(pairs, offsets):
            self._apply(key, self._newest.number - self._base, None if value is None else offset)

    def _start_part(self):
        part = self._record_file(self._newest.number + 1)
        try:
            part.create(self._base, self._newest.end)
            part.sync(0)
            self._newest.end_with_next()
        except (OSError, MemoryError):
            part.close()
            raise
        if self._reader is not self._newest:
            self._reader.close()
        self._reader, self._newest = self._newest, part

    def _compact_when_due(self):
        """Compact if it pays and there is room; the change that led here is safe, so the next one may try again."""
        parts = self._newest.number - self._base
        if parts > _MAX_PARTS or self._parts_size > max(_COMPACT_ABOVE, self._base_size):
            try:
                self._compact()
            except (OSError, MemoryError):
                pass

    def _compact(self):
        """Copy what is live into the base of the next generation, which takes over when it has its name."""
        compact = fetch("smets.store.compaction", "compact")
        where = self._directory, self._files, self._newest.number + 1
        self._take_over(*compact(*where, self._keys(), self.get, self._distrust))

    def _distrust(self):
        """Should what follows fail, the old generation must take no more changes."""
        self._intact = False

    def _take_over(self, new, offsets):
        old_base = self._base
        try:
            self.close()
        finally:
            self._newest = self._reader = new
        self._base = new.number
        for key, offset in zip(self._keys(), offsets):
            self._share(key)[key] = offset
        self._base_size, self._parts_size = new.end, 0
        self._intact = True
        for number in range(old_base, new.number):
            self._files.remove(path_of(self._directory, number))

    # reading

    def _keys(self):
        for share in self._places:
            yield from share

    def _share(self, key):
        return self._places[hash(key) & (_SHARES - 1)]

    def _file(self, number):
        """Return the open file `number`: the newest, or the one older file that is kept open."""
        if number == self._newest.number:
            return self._newest
        if self._reader.number != number:
            if self._reader is not self._newest:
                closed, self._reader = self._reader, self._newest  # opening may fail: a closed file must not be read
                closed.close()
            self._reader = self._opened(number)
        return self._reader

    def _opened(self, number):
        file = self._record_file(number)
        file.open()
        return file

    def _apply(self, key, index, offset):
        """Point `key` at its record in file `index` of the generation; an `offset` of None says that it is deleted."""
        if offset is None:
            self._share(key).pop(key, None)
        else:
            self._share(key)[key] = index << _OFFSET_BITS | offset

    def _record_file(self, number):
        return RecordFile(self._files, path_of(self._directory, number), number)


def _check(key, value):
    if not 0 < len(key.encode()) <= MAX_KEY or len(value or b"") > MAX_VALUE:
        raise ValueError("a key has 1 to %d bytes, a value %d at most: %s" % (MAX_KEY, MAX_VALUE, key))
