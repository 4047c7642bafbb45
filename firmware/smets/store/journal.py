"""A journal of named values that a power cut at any instruction leaves either before or after each change.

A generation is a base file and small part files, `<number, 8 hex digits>.jnl`, numbers rising by one; read in turn they
are the whole truth. Changes go to the newest part. Parts are small because littlefs keeps a file below 512 bytes in its
directory, where an append costs a fifth of the erases that it costs at the end of a longer file.

Compaction, when the parts outgrow the base and also after a cut or a failed write, copies what is live into `new.tmp`
and renames it to the next number, the base of a new generation: damage is never written over, and until the rename the
old generation is untouched.
"""

from array import array

from micropython import const

from smets.store.files import FLASH, StoreCorrupt
from smets.store.records import HEADER_SIZE, MAX_KEY, MAX_VALUE, RecordFile, record_size

_PART_SIZE = const(480)
_MAX_PARTS = const(48)
_COMPACT_ABOVE = const(16384)  # bytes in parts; below this a rewrite saves less flash than it wears
_OFFSET_BITS = const(22)  # a place is (number of the file in its generation) << 22 | offset: a small int on every port
_OFFSET = const(0x3FFFFF)
_NOWHERE = const(-1)  # the place of a key that is about to be written
_SUFFIX = ".jnl"
_NEW = "new.tmp"


class Journal:
    """Named values on flash. Keys are text of at most MAX_KEY bytes, values at most MAX_VALUE bytes.

    Opening reads the journal once and keeps only key -> place in RAM. Raises StoreCorrupt, and changes nothing, when a
    file is foreign, damaged, missing, or of a newer format; OSError as the file system does.
    """

    def __init__(self, directory, files=FLASH):
        self._directory, self._files = directory, files
        self._places = {}
        self._base, self._base_size, self._parts_size = 1, 0, 0
        self._newest = self._reader = RecordFile(files, directory, 0)  # no file yet: numbers start at 1
        self._intact = True
        numbers = self._numbers()
        if numbers:
            self._load(numbers)
        if not numbers or not self._intact:
            self._compact()

    def get(self, key):
        """Return the value of `key`, or None. Raises StoreCorrupt when the record no longer passes its CRC."""
        place = self._places.get(key)
        if place is None:
            return None
        return self._file(self._base + (place >> _OFFSET_BITS)).read(place & _OFFSET)[2]

    def put(self, key, value):
        """Set `key` to `value`; on flash when this returns. Raises ValueError when either is too long."""
        self.put_many(((key, value),))

    def delete(self, key):
        """Remove `key`, if it is there; on flash when this returns."""
        if key in self._places:
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
                self._places.setdefault(key, _NOWHERE)  # what is on flash must not fail for want of heap
            self._intact = False
            self._write(pairs, size)
            self._intact = True
        finally:
            for key, _ in pairs:
                if self._places.get(key) == _NOWHERE:
                    del self._places[key]
        self._parts_size += size
        self._compact_when_due()

    def is_writable(self):
        """Return whether the last change reached the flash; the next one tries to mend it when it did not."""
        return self._intact

    def keys(self, prefix=""):
        """Return a sorted list of the keys that start with `prefix`."""
        return sorted([key for key in self._places if key.startswith(prefix)])

    def close(self):
        """Close the files. Nothing waits to be written; the journal is of no further use."""
        self._newest.close()
        self._reader.close()

    # writing

    def _write(self, pairs, size):
        if self._newest.end + size > _PART_SIZE:
            self._start_part()
        offsets = self._newest.append(pairs)
        self._newest.sync(size)
        for (key, value), offset in zip(pairs, offsets):
            self._apply(key, None if value is None else offset, self._newest)

    def _start_part(self):
        part = self._record_file(self._newest.number + 1)
        try:
            part.create(self._base, self._newest.end)
        except OSError:
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
        number = self._newest.number + 1
        new = self._record_file(number)
        named, new.path = new.path, self._directory + "/" + _NEW
        try:
            new.create(number, 0)
            offsets = self._copy_into(new)
            new.sync(0)
        finally:
            new.close()
        self._intact = False  # should what follows fail, the old generation must take no more changes
        self._files.rename(new.path, named)
        new.path = named
        new.open()
        self._take_over(new, offsets)

    def _copy_into(self, new):
        """Write every live record; return their offsets in the order of `_places`, which needs no second one."""
        offsets = array("I")
        for key in self._places:
            value = self.get(key)
            offsets.append(new.append(((key, value),))[0])
            new.end += record_size(key, value)
        return offsets

    def _take_over(self, new, offsets):
        old_base = self._base
        self.close()
        self._newest = self._reader = new
        self._base = new.number
        for key, offset in zip(self._places, offsets):
            self._places[key] = offset
        self._base_size, self._parts_size = new.end, 0
        self._intact = True
        for number in range(old_base, new.number):
            self._files.remove(self._path(number))

    # reading

    def _numbers(self):
        """Return the numbers of the files on flash, rising; drop a new base that a cut left unfinished."""
        found = []
        for name in self._files.names(self._directory):
            if name == _NEW:
                self._files.remove(self._directory + "/" + name)
            elif name.endswith(_SUFFIX):
                found.append(self._number_of(name))
        return found

    def _number_of(self, name):
        try:
            number = int(name[: -len(_SUFFIX)], 16)
        except ValueError:
            number = 0
        if self._path(number) != self._directory + "/" + name:
            raise StoreCorrupt(self._directory + "/" + name + " is not a journal of this device: move it away")
        return number

    def _load(self, numbers):
        """Read the newest generation and delete what is left of older ones."""
        self._newest = self._opened(numbers[-1])
        if len(numbers) > 1 and self._newest.is_unborn():
            self._newest.close()
            self._files.remove(self._path(numbers.pop()))
            self._newest = self._opened(numbers[-1])
        self._newest.check_header()
        self._base = self._newest.base
        end = 0
        for number in range(self._base, self._newest.number + 1):
            end = self._load_file(number, numbers, end)
        for number in numbers:
            if number < self._base:
                self._files.remove(self._path(number))

    def _load_file(self, number, numbers, end_before):
        """Take in one file and return where it ends."""
        if number not in numbers:
            raise StoreCorrupt(self._path(number) + " is missing: nothing was changed")
        file = self._file(number)
        file.check_header()
        if file.base != self._base or file.end_before != end_before:
            raise StoreCorrupt(file.path + " does not follow the file before it: nothing was changed")
        self._intact = file.scan(self._apply, file is self._newest)
        if number == self._base:
            self._base_size = file.end
        else:
            self._parts_size += file.end - HEADER_SIZE
        return file.end

    def _file(self, number):
        """Return the open file `number`: the newest, or the one older file that is kept open."""
        if number == self._newest.number:
            return self._newest
        if self._reader.number != number:
            if self._reader is not self._newest:
                self._reader.close()
            self._reader = self._opened(number)
        return self._reader

    def _opened(self, number):
        file = self._record_file(number)
        file.open()
        return file

    def _apply(self, key, offset, file):
        """Point `key` at its record in `file`; an `offset` of None says that it is deleted."""
        if offset is None:
            self._places.pop(key, None)
        else:
            self._places[key] = (file.number - self._base) << _OFFSET_BITS | offset

    def _record_file(self, number):
        return RecordFile(self._files, self._path(number), number)

    def _path(self, number):
        return "%s/%08x%s" % (self._directory, number, _SUFFIX)


def _check(key, value):
    if not 0 < len(key.encode()) <= MAX_KEY:
        raise ValueError("a key has 1 to %d bytes: %s" % (MAX_KEY, key))
    if value is not None and len(value) > MAX_VALUE:
        raise ValueError("the value of %s has %d bytes, %d may be" % (key, len(value), MAX_VALUE))
