"""A list of an answer that is written when it is sent: a switching table's days, of which the buffer holds a third.

Its elements are read from flash one by one (meter/nested.py), and written by the same layout every time, so that any
part of the answer can be made again, until the list is set anew.
"""


class LateList:
    """The contents of an array whose `elements` are packed ones; `node` is an element's, `codec` its LayoutCodec."""

    def __init__(self, codec, node, elements):
        self._codec, self._node, self._elements = codec, node, elements
        self._window = Window()
        self._starts, self._places = [], []  # of each element: its first octet in the answer, and where it is packed
        place = elements.first
        for _ in range(len(elements)):
            self._starts.append(self._window.pos)
            self._places.append(place)
            place = self._write(place)
        self.size = self._window.pos

    def read_into(self, offset, view):
        """Fill `view` with the octets from `offset` on. Raises ValueError when the list is another by now."""
        if not self._elements.is_same():
            raise ValueError("a list that was to be sent was set meanwhile")
        index = len(self._starts) - 1
        while self._starts[index] > offset:
            index -= 1
        self._window.pos = self._starts[index]
        self._window.open(offset, view)
        place = self._places[index]
        while self._window.pos < offset + len(view):
            place = self._write(place)
        self._window.open(0, b"")

    def _write(self, place):
        """Write the element that is packed at a place; return where the next one is."""
        element, end = self._elements.at(place)
        self._codec.encode_element(self._node, element, self._window, True)
        return end


class Window:
    """A sink (sink.py) that keeps only the octets that fall into a window, and counts all; `pos` is the count."""

    late = None

    def __init__(self):
        self.pos = 0
        self.open(0, b"")

    def open(self, start, view):
        """Let the octets from `start` on go into `view` (memoryview), as many as it has room for."""
        self._start, self._view = start, view

    def byte(self, value):
        """Write one octet."""
        at = self.pos - self._start
        if 0 <= at < len(self._view):
            self._view[at] = value
        self.pos += 1

    def write(self, octets):
        """Write octets."""
        at = self.pos - self._start
        first, end = max(-at, 0), min(len(self._view) - at, len(octets))
        if first < end:
            self._view[at + first : at + end] = octets[first:end]
        self.pos += len(octets)
