"""Reading and writing A-XDR data (IEC 62056-6-2 clause 4.1.6, encoding of IEC 61334-6) in kept buffers.

A Reader walks a memoryview and never copies more than the octets it is asked for; a sink (sink.py) is written to by the
functions here. Every length is checked against what is left of the buffer before anything is done with it.
"""

from micropython import const

NULL = const(0)
ARRAY = const(1)
STRUCTURE = const(2)
BOOL = const(3)
BITS = const(4)
I32 = const(5)
U32 = const(6)
OCTETS = const(9)
VISIBLE = const(10)
UTF8 = const(12)
I8 = const(15)
I16 = const(16)
U8 = const(17)
U16 = const(18)
COMPACT = const(19)
I64 = const(20)
U64 = const(21)
ENUM = const(22)

MAX_DEPTH = const(8)
"""How deep elements may lie in elements; the reference messages reach 7."""
_MAX_ELEMENTS = const(1024)
"""The most elements that one array or structure may have."""
_LENGTH_OCTETS = const(2)
"""Lengths and counts of `82 nn nn` at most: no buffer of the device is larger."""

_SIZES = {NULL: 0, BOOL: 1, I8: 1, U8: 1, ENUM: 1, I16: 2, U16: 2, I32: 4, U32: 4, I64: 8, U64: 8}
_SIGNED = (I8, I16, I32, I64)


class AxdrError(ValueError):
    """The octets are not the data they should be: cut short, of another type, too long, too deep."""


def size_of(tag):
    """Return the octets of a type of fixed size, None for the others."""
    return _SIZES.get(tag)


class Reader:
    """A place in a memoryview of A-XDR data. `pos` is the next octet, `end` where the data stops."""

    def __init__(self, data, pos=0, end=None):
        self.data = data
        self.pos = pos
        self.end = len(data) if end is None else end

    def byte(self):
        """Return the next octet. Raises AxdrError at the end."""
        if self.pos >= self.end:
            raise AxdrError("cut short")
        self.pos += 1
        return self.data[self.pos - 1]

    def take(self, count):
        """Return the next `count` octets as a view. Raises AxdrError when there are fewer."""
        if count > self.end - self.pos:
            raise AxdrError("cut short")
        self.pos += count
        return self.data[self.pos - count : self.pos]

    def number(self, size, signed=False):
        """Return a big-endian number of `size` octets."""
        octets = self.take(size)
        value = 0
        for octet in octets:
            value = value << 8 | octet
        if signed and octets[0] & 0x80:
            value -= 1 << (8 * size)
        return value

    def length(self):
        """Return a length or count (one octet below 0x80, else 81 nn or 82 nn nn)."""
        first = self.byte()
        if first < 0x80:
            return first
        if first - 0x80 not in (1, _LENGTH_OCTETS):
            raise AxdrError("length")
        return self.number(first - 0x80)

    def count(self):
        """Return how many elements follow. Raises AxdrError above the limit."""
        count = self.length()
        if count > _MAX_ELEMENTS:
            raise AxdrError("too many elements")
        return count

    def expect(self, tag, count=None):
        """Take a tag, and a container's count where one is given. Raises AxdrError when it is another."""
        if self.byte() != tag:
            raise AxdrError("another type")
        if count is not None and self.length() != count:
            raise AxdrError("elements")

    def scalar(self, tag):
        """Return the number of a type of fixed size whose tag was taken: bool as True or False, null as None."""
        if tag == NULL:
            return None
        value = self.number(_SIZES[tag], tag in _SIGNED)
        return value != 0 if tag == BOOL else value

    def skip(self, depth=0):
        """Pass over one element. Raises AxdrError when it is malformed or deeper than MAX_DEPTH."""
        if depth > MAX_DEPTH:
            raise AxdrError("too deep")
        tag = self.byte()
        if tag in _SIZES:
            self.take(_SIZES[tag])
        elif tag in (OCTETS, VISIBLE, UTF8):
            self.take(self.length())
        elif tag == BITS:
            self.take((self.length() + 7) // 8)
        elif tag in (ARRAY, STRUCTURE):
            for _ in range(self.count()):
                self.skip(depth + 1)
        elif tag == COMPACT:
            self.skip_type(depth + 1)
            self.take(self.length())
        else:
            raise AxdrError("no type")

    def skip_type(self, depth=0):
        """Pass over a compact array's type description; its contents are octets to whoever does not want them."""
        if depth > MAX_DEPTH:
            raise AxdrError("too deep")
        tag = self.byte()
        if tag == STRUCTURE:
            for _ in range(self.count()):
                self.skip_type(depth + 1)
        elif tag == ARRAY:
            self.take(2)
            self.skip_type(depth + 1)
        elif tag not in _SIZES and tag not in (OCTETS, VISIBLE, UTF8, BITS):
            raise AxdrError("no type")


def write_number(sink, tag, value):
    """Write a number, bool or null of a type of fixed size, without its tag. True is FF, as the references have it."""
    if tag == BOOL:
        sink.byte(0xFF if value else 0)
        return
    shift = 8 * _SIZES[tag]
    while shift:
        shift -= 8
        sink.byte(value >> shift & 0xFF)


def write_length(sink, length):
    """Write a length or count in its shortest form. Raises ValueError above FFFF."""
    if length > 0xFFFF:
        raise ValueError("length")
    if length >= 0x100:
        sink.byte(0x82)
        sink.byte(length >> 8)
    elif length >= 0x80:
        sink.byte(0x81)
    sink.byte(length & 0xFF)
