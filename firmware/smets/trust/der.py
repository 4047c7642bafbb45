"""Read and write the small part of DER that GBCS uses.

Elements are offsets into a `memoryview`; nothing is copied. Lengths need not be minimal: in structures of GBCS's own,
reference devices write `82 00 nn` for contents of 128 bytes and more, so does `encode` here. What others know too,
certificates and requests for them, has the shortest length that DER asks for: `encode_shortest`.
"""

from micropython import const

MAX_DER = const(6144)
"""Longest encoding that is looked at, bytes: above the largest reference command (3,986)."""
MAX_DEPTH = const(12)
"""Deepest nesting: a chain of certificates in a credential update needs 11."""
MAX_CHILDREN = const(64)

BOOLEAN = const(0x01)
INTEGER = const(0x02)
BIT_STRING = const(0x03)
OCTET_STRING = const(0x04)
OBJECT_IDENTIFIER = const(0x06)
ENUMERATED = const(0x0A)
GENERALIZED_TIME = const(0x18)
SEQUENCE = const(0x30)
SET = const(0x31)
NULL_ELEMENT = b"\x05\x00"

_CONSTRUCTED = const(0x20)


class DerError(ValueError):
    """The bytes are not DER, or are outside the limits above."""


def header(view, offset, stop):
    """Return (tag, content offset, end offset) of the element at `offset`. Raises DerError when it passes `stop`."""
    if offset + 2 > stop:
        raise DerError("element cut short")
    tag = view[offset]
    if tag & 0x1F == 0x1F:
        raise DerError("tag of more than one octet")
    length = view[offset + 1]
    offset += 2
    if length >= 0x80:
        size = length & 0x7F
        if not 1 <= size <= 2 or offset + size > stop:
            raise DerError("length outside limits")
        length = int.from_bytes(bytes(view[offset : offset + size]), "big")
        offset += size
    if length > MAX_DER or offset + length > stop:
        raise DerError("length outside its container")
    return tag, offset, offset + length


def expect(view, offset, stop, tag):
    """Return (first content offset, end offset) of the element at `offset`. Raises DerError on another tag."""
    found, start, end = header(view, offset, stop)
    if found != tag:
        raise DerError("unexpected tag")
    return start, end


def children(view, offset, stop):
    """Yield (tag, first content offset, end offset) of each element between `offset` and `stop`."""
    count = 0
    while offset < stop:
        tag, start, end = header(view, offset, stop)
        count += 1
        if count > MAX_CHILDREN:
            raise DerError("too many elements")
        yield tag, start, end
        offset = end


def check(view, offset, stop, depth=0):
    """Raise DerError unless `offset` to `stop` is a run of whole elements, all the way down."""
    if depth > MAX_DEPTH or stop - offset > MAX_DER:
        raise DerError("nested too deep or too long")
    for tag, start, end in children(view, offset, stop):
        if tag & _CONSTRUCTED:
            check(view, start, end, depth + 1)


def read_unsigned(view, start, stop):
    """Return the content of an INTEGER or ENUMERATED as an int. Raises DerError when negative or above 64 bits."""
    size = stop - start
    if not 1 <= size <= 9 or view[start] & 0x80 or (size == 9 and view[start]):
        raise DerError("number outside limits")
    return int.from_bytes(bytes(view[start:stop]), "big")


def encode(tag, *contents):
    """Return an element with these contents; from 128 bytes on its length takes two octets, like reference devices'."""
    return b"".join(pieces(tag, contents))


def pieces(tag, contents):
    """Return what `encode` would join, as a list: a long element need not find its place in a small heap in one."""
    length = sum([len(part) for part in contents])
    if length > MAX_DER:
        raise DerError("length outside limits")
    head = bytes((tag, length)) if length < 0x80 else bytes((tag, 0x82, length >> 8, length & 0xFF))
    return [head] + list(contents)


def encode_shortest(tag, *contents):
    """Return an element with these contents and the shortest length."""
    length = sum([len(part) for part in contents])
    if 0x80 <= length < 0x100:
        return b"".join((bytes((tag, 0x81, length)),) + contents)
    return encode(tag, *contents)


def encode_unsigned(tag, value):
    """Return an INTEGER or ENUMERATED of a number from 0 to 2^64 - 1."""
    content = value.to_bytes(9, "big")
    first = 0
    while first < 8 and content[first] == 0 and content[first + 1] < 0x80:
        first += 1
    return encode(tag, content[first:])
