"""The payload of CS02b and CS02g, Update Security Credentials, read (GBCS 13.3.4).

SEQUENCE {
  SEQUENCE { mode, [0] symmetric key, [1] apply time checks, [2] authority's cell, [3] sequence number, [4] floor,
             [5] specialist floors, [6] other parties' floors },
  SEQUENCE OF SEQUENCE { certificate, cell },
  SEQUENCE OF issuer's certificate,
  execution time, absent for now
}
"""

from micropython import const

from smets.message import cell_names, generalized_time
from smets.on_demand import call
from smets.trust import der

_MAX_REPLACEMENTS = const(16)
_MAX_FLOORS = const(8)
_TAG_SYMMETRIC_KEY = const(0x80)
_TAG_CHECKS = const(0x81)
_TAG_CELL = const(0xA2)
_TAG_SEQUENCE = const(0x83)
_TAG_FLOOR = const(0x84)
_TAG_SPECIALISTS = const(0xA5)
_TAG_OTHERS = const(0xA6)
_APPLY = const(0)
_MAX_KEY = const(32)
"""Longest symmetric key, bytes: AES-256's. Nobody's signature was verified when it is read."""
_MAX_NUMBER = const(0x7FFFFFFFFFFFFFFF)
"""Highest SeqNumber: RFC 5934 has INTEGER (0..9223372036854775807), so half of a message's counters lie above any."""


def read(view, update):
    """Read a payload into an Update (replacement.py); return False when it has another shape."""
    try:
        _read(view, update)
    except der.DerError:
        return False
    return True


def contingency_key(view, root):
    """Return the public key (X||Y) that a payload's symmetric key unwraps in the root's cell, or None."""
    try:
        start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
        fields = der.children(view, *der.expect(view, start, stop, der.SEQUENCE))
        places = [(first, last) for tag, first, last in fields if tag == _TAG_SYMMETRIC_KEY]
    except der.DerError:
        return None
    if len(places) != 1 or places[0][1] - places[0][0] > _MAX_KEY or not root.contingency:
        return None
    return call("smets.trust.contingency", "unwrap", root.contingency, bytes(view[places[0][0] : places[0][1]]))


def _read(view, update):
    """Read `mode`, `checks_validity`, `authority` (a cell's name or None), `sequence`, `floors` [(role, floor,
    [(usage, number)])], the sender's own first, `replacements` [(view of the certificate, (role, key usage, cell
    usage))], `issuers` [view] and `time_s` (None for now). Raises DerError.

    Time checks are off unless asked for: in the reference messages certificates of 2016 are accepted in 2015 and in
    2030 where the command says nothing.
    """
    start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
    if stop != len(view):
        raise der.DerError("bytes after the command")
    first, last = der.expect(view, start, stop, der.SEQUENCE)
    _read_control(view, first, last, update)
    first, last = der.expect(view, last, stop, der.SEQUENCE)
    update.replacements = [_replacement(view, *each) for each in der.children(view, first, last)]
    first, last = der.expect(view, last, stop, der.SEQUENCE)
    update.issuers = _elements(view, first, last)
    if not 0 < len(update.replacements) <= _MAX_REPLACEMENTS:
        raise der.DerError("replacements outside limits")
    update.time_s = None
    if last < stop:
        first, last = der.expect(view, last, stop, der.GENERALIZED_TIME)
        update.time_s = generalized_time.decode(view[first:last])
    if last != stop:
        raise der.DerError("bytes after the execution time")


def _read_control(view, start, stop, update):
    first, last = der.expect(view, start, stop, der.INTEGER)
    update.mode = der.read_unsigned(view, first, last)
    found = {tag: (first, last) for tag, first, last in der.children(view, last, stop)}
    if _TAG_SEQUENCE not in found:
        raise der.DerError("no sequence number")
    update.sequence = _sequence_number(view, *found[_TAG_SEQUENCE])
    checks, cell = found.get(_TAG_CHECKS), found.get(_TAG_CELL)
    update.checks_validity = checks is not None and der.read_unsigned(view, *checks) == _APPLY
    update.authority = cell and cell_names.decode(view, *cell)
    update.floors = _own_floor(view, found, update.role)
    if _TAG_OTHERS in found:
        update.floors += [_other(view, *each) for each in der.children(view, *found[_TAG_OTHERS])]
    if len(update.floors) > _MAX_FLOORS:
        raise der.DerError("floors outside limits")


def _own_floor(view, found, role):
    """Return the floor of the sender's own role in a list, empty when it gives none."""
    if _TAG_FLOOR not in found:
        return []
    specialists = found.get(_TAG_SPECIALISTS)
    floor = _sequence_number(view, *found[_TAG_FLOOR])
    return [(role, floor, _specialists(view, *specialists) if specialists else [])]


def _elements(view, start, stop):
    """Return views of whole elements, which are SEQUENCEs."""
    elements = []
    for tag, _first, last in der.children(view, start, stop):
        if tag != der.SEQUENCE:
            raise der.DerError("unexpected tag")
        elements.append(view[start:last])
        start = last
    return elements


def _replacement(view, tag, start, stop):
    _, end = der.expect(view, start, stop, der.SEQUENCE)
    first, last = der.expect(view, end, stop, der.SEQUENCE)
    if tag != der.SEQUENCE or last != stop:
        raise der.DerError("a replacement is a certificate and a cell")
    return view[start:end], cell_names.decode(view, first, last)


def _numbers(view, start, stop, count):
    """Return `count` INTEGERs and where they end."""
    numbers = []
    for _ in range(count):
        first, start = der.expect(view, start, stop, der.INTEGER)
        numbers.append(_sequence_number(view, first, start))
    return numbers, start


def _sequence_number(view, start, stop):
    number = der.read_unsigned(view, start, stop)
    if number > _MAX_NUMBER:
        raise der.DerError("sequence number outside limits")
    return number


def _specialists(view, start, stop):
    found = []
    for _tag, first, last in der.children(view, start, stop):
        pair, end = _numbers(view, first, last, 2)
        if end != last or len(found) == _MAX_FLOORS:
            raise der.DerError("a specialist number is two numbers")
        found.append(tuple(pair))
    return found


def _other(view, _tag, start, stop):
    (role, floor), end = _numbers(view, start, stop, 2)
    specialists = []
    if end < stop:
        first, end = der.expect(view, end, stop, der.SEQUENCE)
        specialists = _specialists(view, first, end)
    if end != stop:
        raise der.DerError("bytes after a floor")
    return role, floor, specialists
