"""CS02a and CS02f, Provide Security Credential Details: which keys stand in the trust anchor cells (GBCS 13.2).

command   SEQUENCE { cell of the asking party SEQUENCE { role, key usage, [cell usage] }, SEQUENCE OF role }
response  SEQUENCE OF SEQUENCE { role, status, [sequence number, SEQUENCE OF cell contents] }
"""

from micropython import const

from smets.message import cell_names
from smets.trust import der
from smets.trust.cells import MANAGEMENT

_MAX_ROLES = const(8)

_SUCCESS = const(0)
_NOT_FOUND = const(25)
_OTHER = const(127)


def answer(command, use_case, cell, station, sink):
    """Write the response to a command from the holder of `cell`; return False when the payload is not CS02a's.

    A party that names another cell than its own as its authority is told nothing: status 127 for every role.
    """
    try:
        named, roles = _read(command.payload)
    except der.DerError:
        return False
    is_own = named == (cell.role, cell.usage, MANAGEMENT)
    details = [_role_details(station.anchors, role) if is_own else _status(role, _OTHER) for role in roles]
    sink.write(der.encode(der.SEQUENCE, *details))
    return True


def _read(view):
    start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
    if stop != len(view):
        raise der.DerError("bytes after the command")
    first, last = der.expect(view, start, stop, der.SEQUENCE)
    named = cell_names.decode(view, first, last)
    first, end = der.expect(view, last, stop, der.SEQUENCE)
    if end != stop:
        raise der.DerError("bytes after the roles")
    roles = []
    for tag, number, number_end in der.children(view, first, end):
        if tag != der.INTEGER or len(roles) == _MAX_ROLES:
            raise der.DerError("roles outside limits")
        roles.append(der.read_unsigned(view, number, number_end))
    return named, roles


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
    party = der.encode(der.OCTET_STRING, cell.eui), der.encode(der.OCTET_STRING, cell.key_id)
    return der.encode(der.SEQUENCE, cell_names.encode_usages(cell.usage, cell.cell_usage), *party)
