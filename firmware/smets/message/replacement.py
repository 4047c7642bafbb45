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

Mode 9 is the contingency key's, which replaces the root with all that stand under it. Its command comes from whoever
has that key, under any EUI, straight to the device without a MAC. The symmetric key in it unwraps the contingency key
in the root's certificate (contingency.py), and that key has to have signed the command. Where it cannot be unwrapped
nothing is authentic and nothing answered, but the alert 8F3D raised: RFC 5934's statuses 22 and 28 would be told to
whoever asks. The authority is the root's cell, its sequence number the root's. A new root is its own word: it has to
have signed itself, and the others must lead up to it then, not to the old one. It brings its own contingency key, if
any: the old one is spent with the old root.

It is done in stages, each with code of its own that is gone before the next: reading, following the chains, committing.
"""

import struct

from micropython import const

from smets.on_demand import call
from smets.trust.cells import KEY_CERT_SIGN, MANAGEMENT, ROOT, new_cell

_SUCCESS = const(0)
_NO_TRUST_ANCHOR = const(10)
_OTHER = const(127)
_UPDATED = const(0x8F70)

_AUTHORITIES = const(b"\xff\xff\x02\x03\x04\x06\x05\x05\x01\x00\x08\x02")
_REPLACED = const(b"\xff\xff\x02\x03\x04\x06\x05\x02\xff\xff\x08\x08")
"""By credentials replacement mode, the role of its authority (FF where there is no such mode here) and the role whose
cells it replaces (FF for any)."""
_BY_CONTINGENCY = const(9)
_ANY = const(0xFF)
_ALL = const(b"\x00\x01\x02\x03\x04\x05\x06\x08")

_KEY = const(">8s64sB20s")
_KEY_SIZE = const(93)
"""A certificate's EUI, public key, and key identifier after its length, as Update keeps them."""

_READING = const("smets.message.update_command")
_CHECKING = const("smets.message.replacement_check")
_CHAIN = const("smets.trust.chain")
_OUTCOME = const("smets.message.replacement_outcome")


class Update:
    """One command as update_command.py reads it: `role` and `sequence` number of its authority, `mode`, `authority`,
    `floors`, `replacements`, `issuers`, `checks_validity` and `time_s`; and of each replacement one of `statuses`.

    What the cells need of the certificates is kept in one buffer, made before any code for them is loaded: pieces of it
    between that code would leave the heap no place for what is loaded next.
    """

    def __init__(self, role):
        self.role = role
        self.replacements = self.statuses = ()
        self.time_s = None
        self._keys, self._contingency = bytearray(0), {}

    def make_room(self):
        """Make room for the keys of the replacements."""
        self._keys = bytearray(len(self.replacements) * _KEY_SIZE)

    def keep(self, place, link):
        """Keep the key of the replacement at `place`, by its certificate's link."""
        struct.pack_into(_KEY, self._keys, place * _KEY_SIZE, link[0], link[1], len(link[2]), link[2])
        if link[3] and self.replacements[place][1][1] == KEY_CERT_SIGN:
            self._contingency[place] = link[3]

    def take_cells(self):
        """Return the cell that each replacement makes, None where it makes none; what was kept for them is gone."""
        cells = [self._cell(place) for place in range(len(self.replacements))]
        self._keys = bytearray(0)
        return cells

    def _cell(self, place):
        if self.statuses[place] != _SUCCESS:
            return None
        eui, public_key, size, key_id = struct.unpack_from(_KEY, self._keys, place * _KEY_SIZE)
        role, usage, cell_usage = self.replacements[place][1]
        return new_cell(role, usage, cell_usage, (eui, public_key, key_id[:size], self._contingency.get(place)))


def answer(command, use_case, cell, station, sink):
    """Carry out a command from the holder of `cell`, now or at its time, and write the response; return False when the
    payload is not CS02b's."""
    update = Update(cell.role)
    if not call(_READING, "read", command.payload, update):
        return False
    entitled = _is_entitled(update, use_case.form, cell, station)
    if update.time_s is None:
        _judge(update, entitled, station)
        call(_OUTCOME, "respond", update, entitled, station, sink)
        _report(update, station)
        return True
    body = bytes((cell.role, cell.usage, entitled)) + bytes(command.payload)
    if not call("smets.message.deferred", "schedule", station, command, update.time_s, __name__, body):
        return False
    sink.write(b"\x30\x02\x05\x00")  # accepted, no outcome yet
    return True


def carry_out(instruction, station):
    """Carry out an instruction whose time has come; see deferred.py."""
    originator, body = instruction[3], instruction[5]
    role, usage, entitled = body[0], body[1], body[2]
    update, cell = Update(role), station.anchors.cell(role, usage)
    call(_READING, "read", body[3:], update)
    # who lost its cell since has no say any more
    entitled = bool(entitled) and cell is not None and _still_holds(cell, originator, body[3:])
    _judge(update, entitled, station)
    call(_OUTCOME, "close", update, entitled, station, instruction)
    _report(update, station)


def _report(update, station):
    """Put into the security log that credentials were replaced, when the code that did it is gone."""
    if _SUCCESS in update.statuses:
        station.report(_UPDATED)


def _still_holds(cell, originator, payload):
    """Return whether a cell is that of the one who sent a command; of the root, whose contingency key signed it."""
    if cell.role == ROOT:
        return call(_READING, "contingency_key", payload, cell) is not None
    return cell.eui == originator


def _is_entitled(update, form, cell, station):
    """Return whether the holder of `cell` may send this: the use case's mode, its own cell, a fresh number."""
    if update.mode != form or form >= len(_AUTHORITIES) or _AUTHORITIES[form] != cell.role:
        return False
    if update.authority not in (None, (cell.role, cell.usage, MANAGEMENT)):
        return False
    roles = _roles(form)
    if [role for role, _, _ in update.floors if role != cell.role and role not in roles]:
        return False
    return update.sequence > station.anchors.sequence(cell.role)


def _roles(mode):
    """Return the roles whose cells a mode replaces."""
    return _ALL if _REPLACED[mode] == _ANY else _REPLACED[mode : mode + 1]


def _judge(update, entitled, station):
    """Find the `statuses` of an update's replacements: one at a time, for each takes room."""
    if entitled:
        update.make_room()
        update.statuses = _statuses(update, station)
    else:
        update.statuses = [_OTHER] * len(update.replacements)


def _statuses(update, station):
    issuers = call(_CHECKING, "read_issuers", update)
    root = _new_root(update, station) or station.anchors.cell(ROOT, KEY_CERT_SIGN)
    statuses, verified = [_OTHER] * len(update.replacements), {}
    for place in range(len(statuses)):
        status, link = call(_CHECKING, "read_replacement", update, place, _roles(update.mode), station)
        if status == _SUCCESS and not call(_CHAIN, "reaches", link, issuers, root, verified):
            status = _NO_TRUST_ANCHOR
        statuses[place] = status
    return statuses


def _new_root(update, station):
    """Return the cell of the new root that the contingency key brings, None when it brings none or a bad one."""
    if update.mode == _BY_CONTINGENCY:
        link = call(_CHECKING, "read_root", update, _ALL, station)
        root = link and new_cell(ROOT, KEY_CERT_SIGN, MANAGEMENT, link)
        if root and call(_CHAIN, "reaches", link, (), root, {}):
            return root
    return None
