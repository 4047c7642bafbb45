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


class Elements:
    """The elements of a packed list: unpacked one by one as they are gone through, packed as they are appended."""

    def __init__(self, shape, packed, place=0):
        self.shape, self.packed, self._place = shape, packed, place

    def __len__(self):
        """Return how many elements there are."""
        return self.packed[self._place]

    def __iter__(self):
        """Yield the elements."""
        place = self._place + 1
        for _ in range(len(self)):
            value, place = unpacked(self.shape[1], self.packed, place)
            yield value

    def lists(self):
        """Yield (value, Elements) of elements that are a value and a list, which may be long and is not unpacked."""
        first, inner = self.shape[1]
        place = self._place + 1
        for _ in range(len(self)):
            value, place = unpacked(first, self.packed, place)
            yield value, Elements(inner, self.packed, place)
            place = end_of(inner, self.packed, place)

    def append(self, value):
        """Add an element. Raises OutOfRange."""
        if self.packed[0] >= min(self.shape[0], _MAX_COUNT):
            raise OutOfRange("nested value")
        pack(self.shape[1], value, self.packed)
        self.packed[0] += 1


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
    if not isinstance(value, (list, tuple)):
        raise OutOfRange("nested value")
    if isinstance(shape, list):
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
