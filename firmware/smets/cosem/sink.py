"""Where an answer is written: into a buffer that was made once.

A length that is known only when its contents are written is opened with `begin_length` and closed with `end_length`,
which leaves it in its shortest form.

Rows of a log that are more than the buffer holds are written when they are sent (late.py): `late` has their places.
"""

from micropython import const

_WIDEST = const(3)
"""`82 nn nn`, the room that an open length holds; with late octets it may become `83 nn nn nn`."""


class SinkFull(Exception):
    """The answer is longer than its buffer."""


class BufferSink:
    """Writes into `buffer` from `start`, never beyond `limit` (the buffer's end unless set lower).

    `pos` is where the next octet goes. `late` are the parts that are not in the buffer, in order, each a list of the
    place that it has there and a source with `size`; None, as it is made, where the answer must all be in the buffer.
    """

    def __init__(self, buffer, start=0):
        self._view = memoryview(buffer)
        self._start = start
        self.pos = start
        self.limit = len(buffer)
        self.late = None

    def back_to(self, mark):
        """Take back what was written since `pos` was `mark`."""
        self.pos = mark
        while self.late and self.late[-1][0] > mark:
            self.late.pop()

    def late_size(self, mark=-1):
        """Return how many octets of the answer behind `mark` are not in the buffer."""
        return sum([source.size for place, source in self.late or () if place > mark])

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
        written = self.pos - mark - _WIDEST
        length = written + self.late_size(mark)
        used = length_size(length)
        if used != _WIDEST:
            self._move(mark, used, written)
        self.pos = mark
        if used > 1:
            self.byte(0x7F + used)
        for shift in range(8 * max(used - 2, 0), -1, -8):
            self.byte(length >> shift & 0xFF)
        self.pos += written

    def _move(self, mark, used, written):
        """Move what stands behind an open length to behind the `used` octets that the length takes."""
        if mark + used + written > self.limit:
            raise SinkFull()
        self._view[mark + used : mark + used + written] = self._view[mark + _WIDEST : self.pos]
        for place in self.late or ():
            if place[0] > mark:
                place[0] += used - _WIDEST

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
    if length < 0x10000:
        return 2 if length < 0x100 else 3
    return 4
