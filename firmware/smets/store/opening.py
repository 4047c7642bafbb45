"""Reading a journal back: which of its files count, and where each value lies. Loaded when the device boots.

Nothing is changed while anything is wrong. What a power cut may leave is put in order: an unfinished base, a new part
without its header, files of an older generation. A part that says that another goes on must have that other: the
newest, deleted, would take the meter back in time unnoticed.
"""

import struct
from binascii import crc32

from micropython import const

from smets.store.files import StoreCorrupt, read_whole
from smets.store.listing import NEW, is_blank, names
from smets.store.records import (
    COMMIT,
    CRC_SIZE,
    DELETE,
    FORMAT,
    GOES_ON,
    HEADER,
    HEADER_SIZE,
    MAGIC,
    RECORD,
    RECORD_SIZE,
    RecordFile,
    path_of,
)

_SUFFIX = ".jnl"
_NEWEST = const(-1)


class Found:
    """What a journal was found to be: its first file, the open newest, and whether more may be written to that."""

    def __init__(self, base, newest, intact):
        self.base, self.newest, self.intact = base, newest, intact
        self.base_size = self.parts_size = 0


def open_journal(directory, files, apply):
    """Return a Found, or None when there is no journal yet.

    Calls `apply(key, index of the file from the base, offset)` for each record, in order; an offset of None deletes.
    Raises StoreCorrupt, and changes nothing, when a file is foreign, damaged, missing, or of a newer format.
    """
    numbers = _numbers(directory, files)
    if not numbers:
        return None
    newest = _open(files, directory, numbers[-1])
    if len(numbers) > 1 and newest.is_unborn():
        newest.close()
        files.remove(path_of(directory, numbers.pop()))
        newest = _open(files, directory, numbers[-1])
    try:
        newest.check_header()
        found = Found(newest.base, newest, True)
        _read_generation(found, directory, files, numbers, apply)
        for number in numbers:
            if number < found.base:
                files.remove(path_of(directory, number))
    finally:
        newest.close()
    found.newest = newest.as_written()
    return found


def _read_generation(found, directory, files, numbers, apply):
    newest, end = found.newest, 0
    for number in range(found.base, newest.number + 1):
        if number not in numbers:
            raise StoreCorrupt(path_of(directory, number) + " is missing: nothing was changed")
        file = newest if number == newest.number else _open(files, directory, number)
        try:
            file.check_follows(found.base, end)
            whole = _read_file(file, newest, directory, files, numbers, apply)
            found.intact = whole and found.intact
        finally:
            if file is not newest:
                file.close()
        end = file.end
        if number == found.base:
            found.base_size = end
        else:
            found.parts_size += end - HEADER_SIZE


def _read_file(file, newest, directory, files, numbers, apply):
    """Apply one file's records; return whether it may be gone on with as it is."""
    if file is newest:
        return file.scan(apply, _NEWEST)
    if not file.scan(apply, _end_before_next(directory, files, numbers, file.number)):
        raise StoreCorrupt(
            path_of(directory, file.number + 1) + " does not follow the file before it: nothing was changed"
        )
    return file.goes_on(file.number + 1 == newest.number)


def _end_before_next(directory, files, numbers, number):
    """Return where the file after `number` says that this one ends."""
    if number + 1 not in numbers:
        raise StoreCorrupt(path_of(directory, number + 1) + " is missing: nothing was changed")
    following = _open(files, directory, number + 1)
    try:
        following.check_header()
        return following.end_before
    finally:
        following.close()


def _numbers(directory, files):
    """Return the numbers of the files on flash, rising; drop a new base that a cut left unfinished."""
    found = []
    for name in names(directory):
        if name == NEW:
            files.remove(directory + "/" + name)
        elif name.endswith(_SUFFIX):
            found.append(_number_of(directory, name))
    return found


def _number_of(directory, name):
    try:
        number = int(name[: -len(_SUFFIX)], 16)
    except ValueError:
        number = 0
    if path_of(directory, number) != directory + "/" + name:
        raise StoreCorrupt(directory + "/" + name + " is not a journal of this device: move it away")
    return number


def _open(files, directory, number):
    file = OldFile(files, path_of(directory, number), number)
    file.open()
    return file


class OldFile(RecordFile):
    """A file of the journal that was there when the device booted."""

    def as_written(self):
        """Return the file as one to go on writing to, without what only reading it back wants."""
        file = RecordFile(self._files, self.path, self.number)
        file.base, file.end, file.end_before = self.base, self.end, self.end_before
        file.open()
        return file

    def is_unborn(self):
        """Return whether a cut left the file without a whole header: short, or blank from within it on."""
        header, passes = self._read_header()
        return header is None or (not passes and is_blank(self._handle, HEADER_SIZE - 1))

    def check_header(self):
        """Take `base` and `end_before` from the header.

        Raises StoreCorrupt when the file is foreign, damaged or of a newer format.
        """
        header, passes = self._read_header()
        if header is None or header[0] != MAGIC:
            raise StoreCorrupt(self.path + " is not a journal: move it away")
        if header[1] != FORMAT:
            raise StoreCorrupt("%s has format %d, this firmware knows %d" % (self.path, header[1], FORMAT))
        if not passes or header[2] != self.number:
            self._fail(0)
        self.base, self.end_before = header[3], header[4]

    def check_follows(self, base, end_before):
        """Raise StoreCorrupt when the file is not the one of its generation that follows one of that end."""
        self.check_header()
        if self.base != base or self.end_before != end_before:
            raise StoreCorrupt(self.path + " does not follow the file before it: nothing was changed")

    def scan(self, apply, stop):
        """Apply each record of a whole transaction up to `stop`, in the newest file as far as they are good.

        Returns whether they end there, in the newest file at its end. Raises StoreCorrupt when a record is damaged, or
        the newest file is not the last one.
        """
        size = self._files.size(self._handle)
        self.end = offset = HEADER_SIZE
        end = size if stop == _NEWEST else stop
        pending = []
        while offset < end:
            try:
                flags, key, value = self.read(offset)
            except StoreCorrupt:
                if stop == _NEWEST and self._is_cut(offset, size):
                    break
                raise
            if flags & GOES_ON:
                raise StoreCorrupt("the file after %s is missing: nothing was changed" % self.path)
            pending.append((key, self.number - self.base, None if flags & DELETE else offset))
            offset += RECORD_SIZE + len(key.encode()) + len(value) + CRC_SIZE
            if flags & COMMIT:
                for change in pending:
                    apply(*change)
                pending = []
                self.end = offset
        return self.end == end

    def goes_on(self, may_be_cut):
        """Return whether the word that another file goes on ends this one; it may be missing, or cut off if it
        `may_be_cut`. Raises StoreCorrupt when something else is there."""
        size = self._files.size(self._handle)
        if size == self.end:
            return False
        try:
            if self.read(self.end)[0] & GOES_ON and size == self.end + RECORD_SIZE + CRC_SIZE:
                return True
        except StoreCorrupt:
            if may_be_cut and self._is_cut(self.end, size):
                return False
        return self._fail(self.end)

    def _read_header(self):
        """Return (magic, format, number, base, end before, CRC) and whether the CRC is right.

        A header that is short gives (None, False).
        """
        header = bytearray(HEADER_SIZE)
        self._handle.seek(0)
        if read_whole(self._handle, header) < HEADER_SIZE:
            return None, False
        fields = struct.unpack(HEADER + "I", header)
        return fields, fields[5] == crc32(memoryview(header)[:-CRC_SIZE])

    def _is_cut(self, offset, size):
        """Return whether the file stops inside the bad record at `offset`: too short, or blank from within it on."""
        if size - offset < RECORD_SIZE:
            return True
        _, key_size, value_size, check = struct.unpack(RECORD, self._head_at(offset))
        if check != self._head_check():
            return is_blank(self._handle, offset + RECORD_SIZE - 1)
        end = offset + RECORD_SIZE + key_size + value_size + CRC_SIZE
        return end > size or is_blank(self._handle, end - 1)
