"""Components: parts of the meter whose state is declared as typed fields and lives packed in one kept buffer.

A declaration is a tuple `(name, code[, default[, count[, low, high]]])`. `code` is a struct code with its byte order
(`">I"`), BOOL, or a number: octets of at most that many. `count` above 0 makes it a list. Units stand in the name. What
is stored on flash is the buffer as it is, so fields are added at the end of a declaration only.
"""

import struct

from smets.meter.errors import OutOfRange, Unavailable

BOOL = "?"
RANGES = {
    BOOL: (0, 1), ">b": (-0x80, 0x7F), ">B": (0, 0xFF), ">h": (-0x8000, 0x7FFF), ">H": (0, 0xFFFF),
    ">i": (-0x80000000, 0x7FFFFFFF), ">I": (0, 0xFFFFFFFF), ">Q": (0, 0xFFFFFFFFFFFFFFFF),
}  # fmt: skip
CLEAN, FLOWING, CHANGED = 0, 1, 2
"""How much of a component is not on flash: nothing, what flows all the time, or what must be there at once."""


class Component:
    """A part of the meter: `NAME`, `FIELDS` and `METHODS` (callable by path) are its declaration.

    The hooks `flow`, `next_boundary_s`, `arrive`, `half_hour` and `midnight` are called as time goes by.
    """

    NAME = ""
    FIELDS: tuple = ()
    METHODS: tuple = ()

    def __init__(self, meter):
        self.meter = meter
        self.unsaved = CLEAN
        self._places = {}  # name -> where its value starts << 8 | the field's index: an int, where a tuple costs heap
        size = 0
        for index, field in enumerate(self.FIELDS):
            self._places[field[0]] = size << 8 | index
            size += _width(field) * (_count(field) or 1)
        self._buffer = bytearray(size)
        for field in self.FIELDS:
            self._reset(field)

    # by name, checked: for the wire and the bench

    def read(self, name, index=None):
        """Return a field's value; of a list the whole, or the element `index`. Raises Unavailable."""
        _, field = self._place(name)
        if _count(field) and index is None:
            return [self.get(name, place) for place in range(_count(field))]
        self._check_index(field, index)
        return self.get(name, index or 0)

    def check(self, name, value, index=None):
        """Raise OutOfRange when a field may not have the value, Unavailable when there is no such field."""
        _, field = self._place(name)
        if _count(field) and index is None:
            if not isinstance(value, (list, tuple)) or len(value) != _count(field):
                raise OutOfRange(self.NAME + "." + name)
            for element in value:
                self._check_one(field, element)
            return
        self._check_index(field, index)
        self._check_one(field, value)

    def write(self, name, value, index=None):
        """Set a field, all of a list or one element of it. Raises as `check`, and then nothing changed."""
        self.check(name, value, index)
        if isinstance(value, (list, tuple)):
            for place, element in enumerate(value):
                self.put(name, element, place)
        else:
            self.put(name, value, index or 0)

    def pack(self, name, value):
        """Return a whole field's value as octets, for a passive value to be kept. Raises as `check`."""
        self.check(name, value)
        _, field = self._place(name)
        values = value if isinstance(value, (list, tuple)) else (value,)
        packed = bytearray(_width(field) * len(values))
        for place, element in enumerate(values):
            pack_into(field[1], packed, place * _width(field), element)
        return bytes(packed)

    def unpack(self, name, packed):
        """Return the value that `pack` packed."""
        _, field = self._place(name)
        values = [unpack_from(field[1], packed, place) for place in range(0, len(packed), _width(field))]
        return values if _count(field) else values[0]

    def check_packed(self, name, packed):
        """Raise OutOfRange or Unavailable when `adopt` would."""
        self.check(name, self.unpack(name, packed))

    def adopt(self, name, packed):
        """Set a whole field to the value that `pack` packed. Raises as `check`, and then nothing changed."""
        self.write(name, self.unpack(name, packed))

    # by name, unchecked: for the component itself

    def get(self, name, index=0):
        """Return a number, truth value or octets; of a list one element."""
        start, field = self._place(name)
        return unpack_from(field[1], self._buffer, start + index * _width(field))

    def put(self, name, value, index=0, level=CHANGED):
        """Set a number, truth value or octets; of a list one element."""
        start, field = self._place(name)
        pack_into(field[1], self._buffer, start + index * _width(field), value)
        if level > self.unsaved:
            self.unsaved = level

    def let(self, name, value, index=0):
        """Like `put`, for what changes all the time and is saved every half hour."""
        self.put(name, value, index, FLOWING)

    # stored state

    def state(self):
        """Return the buffer to be stored."""
        return self._buffer

    def restore(self, packed):
        """Take stored state back; fields declared since keep their defaults."""
        size = min(len(packed), len(self._buffer))
        self._buffer[:size] = packed[:size]
        self.unsaved = CLEAN

    # hooks

    def flow(self, start_s, duration_s, load):
        """`duration_s` seconds passed from `start_s` under a constant load."""

    def next_boundary_s(self, now_s, load):
        """Return the next time, after `now_s`, at which `arrive` has something to do under this load, or None."""

    def arrive(self, now_s, load):
        """Time has come to `now_s`, which may be a boundary of any component."""

    def half_hour(self, now_s):
        """A half hour of UTC ends."""

    def midnight(self, now_s):
        """A day of UTC ends; follows `half_hour`."""

    def written(self, name, field, at_once):
        """A field of the component `name` was set; `at_once`: by a command or activation, else by the bench."""

    def _place(self, name):
        place = self._places.get(name)
        if place is None:
            raise Unavailable("the meter has no " + self.NAME + "." + name)
        return place >> 8, self.FIELDS[place & 0xFF]

    def _check_index(self, field, index):
        if index is not None and not 0 <= index < _count(field):
            raise Unavailable("%s.%s has no element %d" % (self.NAME, field[0], index))

    def _check_one(self, field, value):
        if not fits(field[1], value, field[4:6]):
            raise OutOfRange(self.NAME + "." + field[0])

    def _reset(self, field):
        if len(field) > 2:
            start, _ = self._place(field[0])
            for index in range(_count(field) or 1):
                pack_into(field[1], self._buffer, start + index * _width(field), field[2])


def _count(field):
    return field[3] if len(field) > 3 else 0


def _width(field):
    return width(field[1])


def width(code):
    """Return the octets that a value of a code takes."""
    if isinstance(code, int):
        return code + 1
    return 1 if code == BOOL else struct.calcsize(code)


def pack_into(code, buffer, start, value):
    """Put a value into a buffer."""
    if isinstance(code, int):
        buffer[start] = len(value)
        buffer[start + 1 : start + 1 + len(value)] = value
    elif code == BOOL:
        buffer[start] = 1 if value else 0
    else:
        struct.pack_into(code, buffer, start, value)


def unpack_from(code, buffer, start):
    """Return the value that `pack_into` put."""
    if isinstance(code, int):
        return bytes(memoryview(buffer)[start + 1 : start + 1 + buffer[start]])
    if code == BOOL:
        return buffer[start] != 0
    return struct.unpack_from(code, buffer, start)[0]


def fits(code, value, limits=None):
    """Return whether a value is of a code's type and within its range, or the narrower `limits`."""
    if isinstance(code, int):
        return isinstance(value, (bytes, bytearray, memoryview)) and len(value) <= code
    if code[-1] == "s":
        return isinstance(value, (bytes, bytearray, memoryview)) and len(value) == int(code[:-1])
    low, high = limits or RANGES[code]
    # on MicroPython a truth value is no int
    return isinstance(value, (int, bool)) and low <= value <= high
