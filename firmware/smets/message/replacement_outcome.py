"""What a credential update changes, in one transaction, and what is told of it (GBCS 13.3.6). See replacement.py."""

from micropython import const

from smets.message import cell_names
from smets.on_demand import call
from smets.trust import der
from smets.trust.cells import KEY_AGREEMENT, PREPAYMENT, ROOT, sequence_pair

_SUCCESS = const(0)
_LOAD_CONTROLLER_MODES = const((10, 11))
_ALERT = const(0x00CB)
_LOAD_CONTROLLER_ALERT = const(0x0124)
_TOP_UP = const(0)
"""The specialist sequence number that is there: of prepayment top-ups."""


def respond(update, entitled, station, sink):
    """Put what is good of an update into force and write the response (DER)."""
    new = update.take_cells()
    for piece in der.pieces(der.SEQUENCE, [der.NULL_ELEMENT] + _outcome(update, new, station)):
        sink.write(piece)
    _commit(update, entitled, station, new, [])


def close(update, entitled, station, instruction):
    """Put what is good of an instruction's update into force, together with the instruction's end and its alert."""
    succeeded = not [status for status in update.statuses if status != _SUCCESS]
    code = _LOAD_CONTROLLER_ALERT if update.mode in _LOAD_CONTROLLER_MODES else _ALERT
    new = update.take_cells()
    outcome = _outcome(update, new, station)
    pairs = call("smets.message.deferred", "closing", instruction, code, succeeded, *outcome)
    _commit(update, entitled, station, new, pairs)


def _commit(update, entitled, station, new, pairs):
    """Put new cells and numbers on flash in one transaction, with `pairs`. Raises OSError, and nothing changed."""
    new = [cell for cell in new if cell]
    update.replacements = update.issuers = ()  # read to the end: their room is wanted
    if entitled:
        pairs += _numbers(update, new, station)
    station.anchors.put_many(new, pairs)


def _numbers(update, new, station):
    """Return the journal's pairs of sequence numbers and counters."""
    numbers = {update.role: max(update.sequence, station.anchors.sequence(update.role))}
    pairs = []
    if new:
        for role, floor, specialists in update.floors:
            numbers[role] = floor
            if role != ROOT:  # nobody's: whoever had the contingency key numbered its command as it liked
                pairs += _raised(role, floor, dict(specialists).get(_TOP_UP), new, station)
    return pairs + [sequence_pair(role, number) for role, number in numbers.items()]


def _raised(role, floor, top_up, new, station):
    """Return the pairs that raise the counters of who will stand in a role's cells."""
    names, pairs = [_name(cell) for cell in new], []
    staying = [cell for cell in station.anchors if _name(cell) not in names]
    for eui in {cell.eui for cell in staying + new if cell.role == role}:
        pairs += station.counters.raised(eui, floor, top_up)
    token_cells = [cell for cell in new if (cell.role, cell.cell_usage) == (role, PREPAYMENT)]
    if token_cells and top_up is not None:
        held = station.anchors.cell(role, KEY_AGREEMENT, PREPAYMENT)
        if held.public_key != token_cells[0].public_key:
            pairs.append(call("smets.message.utrn", "begun_anew", top_up))
    return pairs


def _name(cell):
    return cell.role, cell.usage, cell.cell_usage


def _outcome(update, new, station):
    """Return the execution outcome (DER) in pieces; the cells must be as before it."""
    numbers = [der.encode_unsigned(der.INTEGER, number) for number in (update.sequence, update.mode)]
    floors = [_floor(*each) for each in update.floors]
    outcomes = [
        _replacement_outcome(name, status, station.anchors.cell(*name), cell)
        for (_, name), status, cell in zip(update.replacements, update.statuses, new)
    ]
    return der.pieces(der.SEQUENCE, numbers + der.pieces(der.SEQUENCE, floors) + der.pieces(der.SEQUENCE, outcomes))


def _floor(role, floor, specialists):
    parts = [der.encode_unsigned(der.INTEGER, role), der.encode_unsigned(der.INTEGER, floor)]
    if specialists:
        pairs = [b"".join([der.encode_unsigned(der.INTEGER, number) for number in pair]) for pair in specialists]
        parts.append(der.encode(der.SEQUENCE, *[der.encode(der.SEQUENCE, pair) for pair in pairs]))
    return der.encode(der.SEQUENCE, *parts)


def _replacement_outcome(name, status, held, new):
    """Return what became of one cell: the party that stood there and the one that stands there now."""
    party = (held.eui, held.key_id) if held else (bytes(8), bytes(8))
    replacing = (new.eui, new.key_id) if new else party
    parts = [der.encode(der.OCTET_STRING, part) for part in party + replacing]
    return der.encode(der.SEQUENCE, cell_names.encode(*name), der.encode_unsigned(der.ENUMERATED, status), *parts)
