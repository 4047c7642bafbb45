"""CS02a, Provide Security Credential Details: which keys stand in the trust anchor cells (GBCS 13.2).

command   SEQUENCE { cell of the asking party SEQUENCE { role, key usage, [cell usage] }, SEQUENCE OF role }
response  SEQUENCE OF SEQUENCE { role, status, [sequence number, SEQUENCE OF cell contents] }
"""

from micropython import const

from smets.trust import der
from smets.trust.cells import MANAGEMENT, PREPAYMENT

_MAX_ROLES = const(8)

_SUCCESS = const(0)
_NOT_FOUND = const(25)
_OTHER = const(127)
_USAGE_BITS = {0: b"\x07\x80", 4: b"\x03\x08", 5: b"\x02\x04"}
"""Key usage by bit number as the BIT STRING's content."""


def answer(payload, cell, anchors, sink):
    """Write the response to a command from the holder of `cell`; return False when the payload is not CS02a's.

    A party that names another cell than its own as its authority is told nothing: status 127 for every role.
    """
    try:
        named, roles = _read(payload)
    except der.DerError:
        return False
    is_own = named == (cell.role, _USAGE_BITS[cell.usage], MANAGEMENT)
    details = [_role_details(anchors, role) if is_own else _status(role, _OTHER) for role in roles]
    sink.write(der.encode(der.SEQUENCE, *details))
    return True


def _read(view):
    start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
    if stop != len(view):
        raise der.DerError("bytes after the command")
    first, last = der.expect(view, start, stop, der.SEQUENCE)
    named = _read_cell(view, first, last)
    first, end = der.expect(view, last, stop, der.SEQUENCE)
    if end != stop:
        raise der.DerError("bytes after the roles")
    roles = []
    for tag, number, number_end in der.children(view, first, end):
        if tag != der.INTEGER or len(roles) == _MAX_ROLES:
            raise der.DerError("roles outside limits")
        roles.append(der.read_unsigned(view, number, number_end))
    return named, roles


def _read_cell(view, start, stop):
    first, last = der.expect(view, start, stop, der.INTEGER)
    role = der.read_unsigned(view, first, last)
    first, last = der.expect(view, last, stop, der.BIT_STRING)
    usage, cell_usage = bytes(view[first:last]), MANAGEMENT
    if last < stop:
        first, last = der.expect(view, last, stop, der.INTEGER)
        cell_usage = der.read_unsigned(view, first, last)
    if last != stop:
        raise der.DerError("bytes after the cell")
    return role, usage, cell_usage


def _role_details(anchors, role):
    contents = [_cell_contents(cell) for cell in anchors if cell.role == role]
    if not contents:
        return _status(role, _NOT_FOUND)
    sequence = der.encode_unsigned(der.INTEGER, anchors.sequence(role))
    return _status(role, _SUCCESS, sequence, der.encode(der.SEQUENCE, *contents))


def _status(role, status, *rest):
    head = der.encode_unsigned(der.INTEGER, role), der.encode_unsigned(der.ENUMERATED, status)
    return der.encode(der.SEQUENCE, *(head + rest))


def _cell_contents(cell):
    parts = [der.encode(der.BIT_STRING, _USAGE_BITS[cell.usage])]
    if cell.cell_usage == PREPAYMENT:
        parts.append(der.encode_unsigned(der.INTEGER, cell.cell_usage))
    parts.append(der.encode(der.OCTET_STRING, cell.eui))
    parts.append(der.encode(der.OCTET_STRING, cell.key_id))
    return der.encode(der.SEQUENCE, *parts)
