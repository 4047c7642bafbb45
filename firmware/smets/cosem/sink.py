"""Where an answer is written: into a buffer that was made once.

A length that is known only when its contents are written is opened with `begin_length` and closed with `end_length`,
which leaves it in its shortest form.
"""

from micropython import const

_WIDEST = const(3)
"""`82 nn nn`, the room that an open length holds."""


class SinkFull(Exception):
    """The answer is longer than its buffer."""


class BufferSink:
    """Writes into `buffer` from `start`, never beyond `limit` (the buffer's end unless set lower).

    `pos` is where the next octet goes; setting it back takes back what was written since.
    """

    def __init__(self, buffer, start=0):
        self._view = memoryview(buffer)
        self._start = start
        self.pos = start
        self.limit = len(buffer)

    def byte(self, value):
        """Write one octet. Raises SinkFull."""
        if self.pos >= self.limit:
            raise SinkFull()
        self._view[self.pos] = value
        self.pos += 1

    def write(self, octets):
        """Write octets. Raises SinkFull, and writes none of them, when they do not all fit."""
        end = self.pos + len(octets)
        if end > self.limit:
            raise SinkFull()
        self._view[self.pos : end] = octets
        self.pos = end

    def begin_length(self):
        """Leave room for a length; return the mark that `end_length` wants."""
        mark = self.pos
        if mark + _WIDEST > self.limit:
            raise SinkFull()
        self.pos = mark + _WIDEST
        return mark

    def end_length(self, mark):
        """Write the length of what was written since `begin_length` and move that up to it."""
        length = self.pos - mark - _WIDEST
        used = length_size(length)
        if used < _WIDEST:
            self._view[mark + used : mark + used + length] = self._view[mark + _WIDEST : self.pos]
        self.pos = mark
        if used > 1:
            self.byte(0x7F + used)
        if used == _WIDEST:
            self.byte(length >> 8)
        self.byte(length & 0xFF)
        self.pos += length

    def view(self, start, end):
        """Return the octets from `start` to `end` in place, for a seal to be made over them."""
        return self._view[start:end]

    def written(self):
        """Return everything written, as a view."""
        return self._view[self._start : self.pos]


def length_size(length):
    """Return how many octets a length takes in its shortest form."""
    if length < 0x80:
        return 1
    return 2 if length < 0x100 else _WIDEST
