"""A command that came in blocks, kept in a file: a buffer of its length finds no place in a Pico's heap.

It is written block by block, and read as a memoryview is: its length, an octet, a slice. A slice of no more than SLICE
octets is a memoryview; a longer one reads the file as it is read, and `give` hands all of it on in parts. Nothing of it
is carried out before its MAC was computed over the file, and the file is there only until the command was carried out.
"""

from micropython import const

from smets.store.files import FLASH, read_whole

SLICE = const(1024)
"""The longest slice that is put in memory: a certificate has some 600 octets."""
_PAGE = const(256)
_FILE = const("/message")


def forget(folder, files=FLASH):
    """Delete what a power cut left of a command in the device's folder."""
    try:
        files.remove(folder + _FILE)
    except OSError:
        pass  # as it is after nearly every start


class KeptMessage:
    """A message in a file in `folder`, which is gone after `close`. Raises OSError as the file system does."""

    def __init__(self, folder, files=FLASH):
        self.size = 0
        self._path, self._files = folder + _FILE, files
        self._file = files.open(self._path, "wb")

    def append(self, octets):
        """Put octets behind those that there are."""
        self._files.write(self._file, octets)
        self.size += len(octets)

    def whole(self, longest_view):
        """Return the message, which has come whole: a memoryview if it has at most so many octets, else a Kept."""
        self._file.close()
        self._file = self._files.open(self._path, "rb")
        kept = Kept(_Pages(self._file), 0, self.size)
        return kept if self.size > longest_view else kept.read(0, self.size)

    def close(self):
        """Let go of the file and delete it; one that cannot be deleted goes with the next start, or message."""
        try:
            self._file.close()
            self._files.remove(self._path)
        except OSError:
            pass


class _Pages:
    """A file of which a page is in the heap, for all slices of it."""

    def __init__(self, file):
        self.file = file
        self._page = memoryview(bytearray(_PAGE))
        self._first = self._end = 0

    def octet(self, place):
        """Return the octet at a place that the file has."""
        if not self._first <= place < self._end:
            self._read(place)
        return self._page[place - self._first]

    def part(self, place, end):
        """Return the octets from a place on, up to `end` or as many as a page has: valid until the next call."""
        self._read(place)
        return self._page[: min(end, self._end) - place]

    def _read(self, place):
        self._first = self._end = place
        self.file.seek(place)
        self._end += read_whole(self.file, self._page)
        if self._end == place:
            raise OSError("a message that was kept is cut short")


class Kept:
    """The octets from `start` to `end` of a file, to be used as a memoryview is. Raises OSError."""

    def __init__(self, pages, start, end):
        self._pages, self._start, self._end = pages, start, end

    def __len__(self):
        return self._end - self._start

    def __getitem__(self, place):
        if isinstance(place, slice):
            first = min(place.start or 0, len(self))
            end = len(self) if place.stop is None else min(place.stop, len(self))
            if end - first > SLICE:
                return Kept(self._pages, self._start + first, self._start + end)
            return self.read(first, max(end, first))
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._pages.octet(self._start + place)

    def read(self, first, end):
        """Return a slice as a memoryview, however long it is."""
        view = memoryview(bytearray(end - first))
        self._pages.file.seek(self._start + first)
        if read_whole(self._pages.file, view) != len(view):
            raise OSError("a message that was kept is cut short")
        return view

    def give(self, take):
        """Call `take` with each part of the octets in turn, memoryviews that are valid during the call."""
        place = self._start
        while place < self._end:
            part = self._pages.part(place, self._end)
            take(part)
            place += len(part)
