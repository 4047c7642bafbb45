"""A sink that writes nowhere, to learn how long an answer would be before there is a buffer for it."""

from smets.cosem.sink import SinkFull, length_size


class MeasuringSink:
    """Counts what would be written, up to `limit` octets; `pos` is the count. Takes the calls of a BufferSink."""

    def __init__(self, limit):
        self.pos = 0
        self.limit = limit

    def byte(self, value):
        """Count one octet. Raises SinkFull above the limit."""
        self._count(1)

    def write(self, octets):
        """Count octets. Raises SinkFull above the limit."""
        self._count(len(octets))

    def begin_length(self):
        """Return a mark, as a BufferSink does."""
        return self.pos

    def end_length(self, mark):
        """Count the length of what was counted since the mark."""
        self._count(length_size(self.pos - mark))

    def _count(self, octets):
        if self.pos + octets > self.limit:
            raise SinkFull()
        self.pos += octets
