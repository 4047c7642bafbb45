"""Selective access to the buffer of a profile (IEC 62056-6-2 class 7): the rows between two times, both included.

Two forms: the range descriptor of a get with selection, and the date range of a protected read (class 30). A date
before or after all that a row can have bounds nothing on its side.
"""

from micropython import const

from smets.cosem import axdr, dates
from smets.cosem.results import TYPE_UNMATCHED, Refusal

_NONE = const(0)
_DATE_RANGE = const(1)
_FIRST_YEAR = const(2000)
_LAST_YEAR = const(9999)
_OPEN_START = const(0)
_OPEN_END = const(0xFFFFFFFF)


def read_range(reader):
    """Return (from_s, to_s) of a range descriptor: structure(capture object, from, to, no selected columns).

    Times are u32, as the logs' first column is, or date-times. Raises AxdrError or Refusal for anything else.
    """
    reader.expect(axdr.STRUCTURE, 4)
    reader.expect(axdr.STRUCTURE, 4)
    for _ in range(4):  # the clock, whichever way it is named: the first column is the only one to be restricted
        reader.skip()
    from_s, to_s = _bound(reader), _bound(reader)
    reader.expect(axdr.ARRAY, 0)
    return from_s, to_s


def read_restriction(reader):
    """Return (from_s, to_s) of a restriction of a protected read, or None when it restricts nothing."""
    reader.expect(axdr.STRUCTURE, 2)
    reader.expect(axdr.ENUM)
    kind = reader.byte()
    if kind == _NONE:
        reader.expect(axdr.NULL)
        return None
    if kind != _DATE_RANGE:
        raise Refusal(TYPE_UNMATCHED)
    reader.expect(axdr.STRUCTURE, 2)
    return _bound(reader), _bound(reader)


def _bound(reader):
    tag = reader.byte()
    if tag == axdr.U32:
        return reader.scalar(tag)
    if tag != axdr.OCTETS:
        raise Refusal(TYPE_UNMATCHED)
    octets = reader.take(reader.length())
    try:
        return dates.decode(octets)
    except ValueError:
        return _open_bound(octets)


def _open_bound(octets):
    """Return the bound of a date whose year no row can have. Raises Refusal for what is no such date."""
    year = octets[0] << 8 | octets[1] if len(octets) == dates.SIZE else 0
    if year and year < _FIRST_YEAR:
        return _OPEN_START
    if dates.LAST_YEAR < year <= _LAST_YEAR:
        return _OPEN_END
    raise Refusal(TYPE_UNMATCHED)
