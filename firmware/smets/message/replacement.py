"""CS02b and CS02g, Update Security Credentials: other keys in the trust anchor cells (GBCS 13.3).

Each replacement is judged for itself, and what is good of a command is put into the cells in one transaction with the
sequence numbers and counters, so that a power cut leaves all of it or nothing. Statuses are those of RFC 5934 5:

| status | when |
|---|---|
| 5 bad certificate | it cannot be read, is for another use than its cell, or is not valid now where that is asked for |
| 10 no trust anchor | it does not lead up to the root cell, each link verified |
| 25 trust anchor not found | the meter has no such cell |
| 127 other | the command may not replace it: mode, authority or sequence number are not those of its sender |

Who stands in a cell commands the meter from then on. A floor raises what the party in a role must number its next
command above, and never lowers it: what was sent once stays spent.
"""

from micropython import const

from smets.message import cell_names, deferred, generalized_time
from smets.message.update_command import UpdateCommand
from smets.message.utrn import begun_anew
from smets.trust import der
from smets.trust.cells import KEY_AGREEMENT, MANAGEMENT, PREPAYMENT, new_cell, sequence_pair
from smets.trust.certificate import Certificate, CertificateError
from smets.trust.chain import Chain

_SUCCESS = const(0)
_BAD_CERTIFICATE = const(5)
_NO_TRUST_ANCHOR = const(10)
_NOT_FOUND = const(25)
_OTHER = const(127)

_ALL = (0, 1, 2, 3, 4, 5, 6, 8)
_MODES = {
    2: (2, (2,)), 3: (3, (3,)), 4: (4, (4,)), 5: (6, (6,)), 6: (5, (5,)), 7: (5, (2,)), 8: (1, _ALL), 10: (8, (8,)),
    11: (2, (8,)),
}  # fmt: skip
"""Of each credentials replacement mode, the role that it is the authority of, and the roles whose cells it replaces."""
_LOAD_CONTROLLER_MODES = const((10, 11))

_UPDATED = const(0x8F70)
_ALERT = const(0x00CB)
_LOAD_CONTROLLER_ALERT = const(0x0124)
_TOP_UP = const(0)
"""The specialist sequence number that is there: of prepayment top-ups."""


def answer(command, use_case, cell, station, sink):
    """Carry out a command from the holder of `cell`, now or at its time, and write the response; return False when the
    payload is not CS02b's."""
    try:
        update = UpdateCommand(command.payload)
    except der.DerError:
        return False
    entitled = _is_entitled(update, use_case.form, cell, station)
    if update.time_s is None:
        result = _Update(update, cell.role, station, entitled)
        result.commit()
        sink.write(der.encode(der.SEQUENCE, der.NULL_ELEMENT, result.outcome))
        return True
    body = bytes((cell.role, cell.usage, entitled)) + bytes(command.payload)
    if not deferred.schedule(station, command, update.time_s, deferred.CREDENTIALS, body):
        return False
    sink.write(der.encode(der.SEQUENCE, der.NULL_ELEMENT))
    return True


def carry_out(instruction, station):
    """Carry out an instruction whose time has come; see deferred.py."""
    role, usage, entitled = instruction.body[:3]
    update = UpdateCommand(memoryview(instruction.body)[3:])
    cell = station.anchors.cell(role, usage)
    # who lost its cell since has no say any more
    entitled = bool(entitled) and cell is not None and cell.eui == instruction.originator
    result = _Update(update, role, station, entitled)
    code = _LOAD_CONTROLLER_ALERT if update.mode in _LOAD_CONTROLLER_MODES else _ALERT
    result.commit(deferred.closing(instruction, code, result.succeeded, result.outcome))


def _is_entitled(update, form, cell, station):
    """Return whether the holder of `cell` may send this: the use case's mode, its own cell, a fresh number."""
    if update.mode != form or update.mode not in _MODES or _MODES[update.mode][0] != cell.role:
        return False
    if update.authority not in (None, (cell.role, cell.usage, MANAGEMENT)):
        return False
    roles = _MODES[update.mode][1]
    if [role for role, _, _ in update.others if role not in roles]:
        return False
    return update.sequence > station.anchors.sequence(cell.role)


class _Update:
    """What becomes of a command: `outcome` (DER), and whether all of it `succeeded`. `commit` makes it so."""

    def __init__(self, update, role, station, entitled):
        self._station, self._update, self._role, self._entitled = station, update, role, entitled
        self._new = []
        anchors = station.anchors
        chain = Chain(update.issuers, anchors.cell(0, 5))
        outcomes = []
        self.succeeded = True
        for encoded, name in update.replacements:
            status = self._replace(encoded, name, chain) if entitled else _OTHER
            self.succeeded = self.succeeded and status == _SUCCESS
            outcomes.append(_replacement_outcome(name, status, anchors.cell(*name), self._new))
        self.outcome = der.encode(
            der.SEQUENCE,
            der.encode_unsigned(der.INTEGER, update.sequence),
            der.encode_unsigned(der.INTEGER, update.mode),
            der.encode(der.SEQUENCE, *[_floor(*each) for each in update.floors(role)]),
            der.encode(der.SEQUENCE, *outcomes),
        )

    def commit(self, pairs=()):
        """Put all that is good of it into force, with `pairs`, in one transaction. Raises OSError, nothing changed."""
        pairs = list(pairs)
        if self._entitled:
            pairs += self._numbers()
        self._station.anchors.put_many(self._new, pairs)
        if self._new:
            self._station.report(_UPDATED)

    def _replace(self, encoded, name, chain):
        """Return the status of one replacement, and keep its new cell when that is success."""
        role, usage, _ = name
        if role not in _MODES[self._update.mode][1] or [cell for cell in self._new if _name(cell) == name]:
            return _OTHER
        if self._station.anchors.cell(*name) is None:
            return _NOT_FOUND
        try:
            certificate = Certificate(encoded)
        except CertificateError:
            return _BAD_CERTIFICATE
        if certificate.usage != usage or not self._is_in_time(certificate):
            return _BAD_CERTIFICATE
        if not chain.reaches(certificate):
            return _NO_TRUST_ANCHOR
        self._new.append(new_cell(role, usage, name[2], certificate))
        return _SUCCESS

    def _is_in_time(self, certificate):
        if not self._update.checks_validity:
            return True
        return certificate.is_valid_at(generalized_time.encode(self._station.clock())[:14])

    def _numbers(self):
        """Return the journal's pairs of sequence numbers and counters."""
        numbers = {self._role: max(self._update.sequence, self._station.anchors.sequence(self._role))}
        pairs = []
        if self._new:
            for role, floor, specialists in self._update.floors(self._role):
                numbers[role] = floor
                pairs += self._raised(role, floor, specialists)
        return pairs + [sequence_pair(role, number) for role, number in numbers.items()]

    def _raised(self, role, floor, specialists):
        """Return the pairs that raise the counters of who will stand in a role's cells."""
        top_up, pairs = dict(specialists).get(_TOP_UP), []
        replaced = [_name(cell) for cell in self._new]
        staying = [cell for cell in self._station.anchors if _name(cell) not in replaced]
        for eui in {cell.eui for cell in staying + self._new if cell.role == role}:
            pairs += self._station.counters.raised(eui, floor, top_up)
        token_cells = [cell for cell in self._new if (cell.role, cell.cell_usage) == (role, PREPAYMENT)]
        if token_cells and top_up is not None:
            held = self._station.anchors.cell(role, KEY_AGREEMENT, PREPAYMENT)
            if held.public_key != token_cells[0].public_key:
                pairs.append(begun_anew(top_up))
        return pairs


def _name(cell):
    return cell.role, cell.usage, cell.cell_usage


def _floor(role, floor, specialists):
    parts = [der.encode_unsigned(der.INTEGER, role), der.encode_unsigned(der.INTEGER, floor)]
    if specialists:
        pairs = [b"".join([der.encode_unsigned(der.INTEGER, number) for number in pair]) for pair in specialists]
        parts.append(der.encode(der.SEQUENCE, *[der.encode(der.SEQUENCE, pair) for pair in pairs]))
    return der.encode(der.SEQUENCE, *parts)


def _replacement_outcome(name, status, held, new):
    """Return what became of one cell: the party that stood there and the one that stands there now."""
    party = (held.eui, held.key_id) if held else (bytes(8), bytes(8))
    replacing = (new[-1].eui, new[-1].key_id) if status == _SUCCESS else party
    parts = [der.encode(der.OCTET_STRING, part) for part in party + replacing]
    return der.encode(der.SEQUENCE, cell_names.encode(*name), der.encode_unsigned(der.ENUMERATED, status), *parts)
