"""Values of nested fields (cold.py) as octets. Loaded when one is read or set.

A number is packed as it is, octets follow their number, a list its count; a structure is its elements.
"""

import struct

from micropython import const

from smets.meter.errors import OutOfRange
from smets.meter.fields import BOOL, fits, unpack_from, width

MAX_NESTED = const(4096)
"""The most octets of a packed nested value, which is one value of the journal."""
_MAX_COUNT = const(0xFF)
_SHORT = const(256)
_PAGE = const(512)
_LONGEST = const(256)
"""Octets of the longest element of a long list: a day of 48 switchings has 242."""
_PART = const(200)
"""Octets above which a list that is packed begins another part."""


class Elements:
    """The elements of a list that is packed at a place, unpacked one by one as they are gone through.

    A list in an element is Elements, too: no more than a few numbers of it are in the heap at a time.
    """

    def __init__(self, shape, packed, place=0):
        self._shape, self._packed, self._place = shape, packed, place
        self.first = place + 1

    def __len__(self):
        """Return how many elements there are."""
        return self._packed[self._place]

    def __iter__(self):
        """Yield the elements."""
        place = self.first
        for _ in range(len(self)):
            value, place = self.at(place)
            yield value

    @property
    def is_long(self):
        """Whether it is a whole field, and may be more than an answer has room for."""
        return not self._place and len(self._packed) > _SHORT

    def at(self, place):
        """Return (the element that is packed at a place, where the next is); that of the first is `first`."""
        return _unpacked_so_far(self._shape[1], self._packed, place)

    def is_same(self):
        """Return whether the list is still the one that it was."""
        return True


class StoredElements(Elements):
    """The elements of a long list that is on flash, of which a page is in the heap."""

    def __init__(self, shape, value):
        self._shape, self._value = shape, value
        self.first = 1
        self._page, self._page_at = value.part(0, _PAGE), 0
        self._count = self._page[0]

    def __len__(self):
        """Return how many elements there are."""
        return self._count

    is_long = True

    def at(self, place):
        """Return (the element that is packed at a place, where the next is); that of the first is `first`."""
        at = place - self._page_at
        if not 0 <= at <= _PAGE - _LONGEST:
            self._page, self._page_at, at = self._value.part(place, _PAGE), place, 0
        value, end = _unpacked_so_far(self._shape[1], self._page, at)
        return value, self._page_at + end

    def is_same(self):
        """Return whether the list on flash is still the one that it was."""
        return self._value.is_same()


class Packing:
    """A list that is packed as its elements are appended, in parts: for all of it there may be no room in one piece.

    With a `room` bytearray it is packed into that.
    """

    def __init__(self, shape, room=None):
        self.shape = shape
        self._count, self._size = 0, 1
        self._room = room
        self._parts = [bytearray() if room is None else _Filling(room, 1)]

    def __len__(self):
        """Return how many elements there are."""
        return self._count

    def __iter__(self):
        """Yield the elements."""
        for part in self._parts if self._room is None else (self.octets()[1:],):
            for value, _ in _walk(self.shape[1], part, 0):
                yield value

    def append(self, value):
        """Add an element. Raises OutOfRange."""
        if self._count >= min(self.shape[0], _MAX_COUNT):
            raise OutOfRange("nested value")
        if self._room is None and len(self._parts[-1]) >= _PART:
            self._parts.append(bytearray())
        part = self._parts[-1]
        self._size -= len(part)
        pack(self.shape[1], value, part)
        self._size += len(part)
        if self._size > MAX_NESTED:
            raise OutOfRange("nested value")
        self._count += 1

    def inner(self):
        """Return a Packing for the list that an element has, to be a part of one; [] when it has not just one."""
        shape = self.shape[1]
        found = [each for each in shape if isinstance(each, list)] if isinstance(shape, tuple) else ()
        return Packing(found[0]) if len(found) == 1 else []

    def octets(self):
        """Return the packed list, of one in the `room` a view of that."""
        if self._room is None:
            return bytes((self._count,)) + b"".join(self._parts)  # type: ignore[arg-type]  # not of one in a room
        self._room[0] = self._count
        return memoryview(self._room)[: len(self._parts[0])]

    def put(self, packed):
        """Append the packed list to a bytearray."""
        packed.append(self._count)
        for part in self._parts:
            packed.extend(part)


class _Filling:
    """A bytearray of one size that is filled from `end` on, as one that grows is."""

    def __init__(self, buffer, end):
        self._buffer, self._end = buffer, end

    def __len__(self):
        return self._end

    def append(self, octet):
        self.extend(bytes((octet,)))

    def extend(self, octets):
        end = self._end + len(octets)
        if end > len(self._buffer):
            raise OutOfRange("nested value")
        self._buffer[self._end : end] = octets
        self._end = end


def pack(shape, value, packed):
    """Append a value of a shape to a bytearray. Raises OutOfRange."""
    if isinstance(shape, (list, tuple)):
        _pack_elements(shape, value, packed)
    elif not fits(shape, value):
        raise OutOfRange("nested value")
    elif isinstance(shape, int):
        packed.append(len(value))
        packed.extend(value)
    elif shape[-1] == "s":
        packed.extend(value)
    else:
        packed.extend(struct.pack(">B" if shape == BOOL else shape, value))
    if len(packed) > MAX_NESTED:
        raise OutOfRange("nested value")


def _pack_elements(shape, value, packed):
    if not isinstance(value, (list, tuple, Packing)):
        raise OutOfRange("nested value")
    if isinstance(shape, list):
        if isinstance(value, Packing) and value.shape is shape:
            value.put(packed)
            return
        most, element = shape
        if len(value) > min(most, _MAX_COUNT):
            raise OutOfRange("nested value")
        packed.append(len(value))
        for one in value:
            pack(element, one, packed)
        return
    if len(value) != len(shape):
        raise OutOfRange("nested value")
    for element, one in zip(shape, value):
        pack(element, one, packed)


def unpacked(shape, packed, place):
    """Return (the value that `_pack` packed at `place`, where it ends)."""
    if isinstance(shape, (list, tuple)):
        values, elements = [], None if isinstance(shape, list) else shape
        count = packed[place] if elements is None else len(elements)
        place += 1 if elements is None else 0
        for index in range(count):
            value, place = unpacked(elements[index] if elements else shape[1], packed, place)
            values.append(value)
        return (values if elements is None else tuple(values)), place
    size = packed[place] + 1 if isinstance(shape, int) else width(shape)
    return unpack_from(shape, packed, place), place + size


def _walk(shape, packed, place):
    """Yield (value, where it ends) of the values of a shape that are packed one behind the other from a place on."""
    while place < len(packed):
        value, place = unpacked(shape, packed, place)
        yield value, place


def _unpacked_so_far(shape, packed, place):
    """Return (a value, where it ends), of which lists in a structure are Elements."""
    if not isinstance(shape, tuple):
        return unpacked(shape, packed, place)
    values = []
    for element in shape:
        if isinstance(element, list):
            values.append(Elements(element, packed, place))
            place = end_of(element, packed, place)
        else:
            value, place = unpacked(element, packed, place)
            values.append(value)
    return tuple(values), place


def end_of(shape, packed, place):
    """Return where the value packed at `place` ends, nothing of it unpacked. Raises OutOfRange when it is no value."""
    if isinstance(shape, list):
        count, place = _octet(packed, place), place + 1
        if count > shape[0]:
            raise OutOfRange("nested value")
        for _ in range(count):
            place = end_of(shape[1], packed, place)
        return place
    if isinstance(shape, tuple):
        for element in shape:
            place = end_of(element, packed, place)
        return place
    if not isinstance(shape, int):
        return place + width(shape)
    if _octet(packed, place) > shape:
        raise OutOfRange("nested value")
    return place + 1 + packed[place]


def _octet(packed, place):
    if place >= len(packed):
        raise OutOfRange("nested value")
    return packed[place]


def nothing(shape):
    """Return the default of a shape: an empty list, no octets, 0, and structures of them."""
    if isinstance(shape, tuple):
        return tuple([nothing(element) for element in shape])
    if isinstance(shape, list):
        return []
    return b"" if isinstance(shape, int) else False if shape == BOOL else 0
