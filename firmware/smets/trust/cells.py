"""Trust anchor cells: whose key may act in which role (GBCS 4.3.2.5, 12.4).

A cell is named by remote party role, key usage and cell usage, and holds one party's public key with the party's EUI.
The secret agreed with a key agreement key is computed once and kept in the cell's record; it leaves this room only as
a message key derived from it.
"""

import struct
from binascii import crc32

from micropython import const

ROOT = const(0)
SUPPLIER = const(2)
ACCESS_CONTROL_BROKER = const(4)
LOAD_CONTROLLER = const(8)
"""Remote party roles by their GBCS number. The others: 1 recovery, 3 network operator, 5 transitional change
of supplier, 6 WAN provider."""

DIGITAL_SIGNATURE = const(0)
KEY_AGREEMENT = const(4)
KEY_CERT_SIGN = const(5)
"""Key usages by their bit number in X.509's KeyUsage."""

MANAGEMENT = const(0)
PREPAYMENT = const(1)
"""Cell usages."""

_ROLES = const((0, 1, 2, 3, 4, 5, 6, 8))
_USAGES = const((0, 4, 5))
_RECORD = const(">8s64sB")
_RECORD_SIZE = const(73)
_PREFIX = const("cell/")
_SEQUENCE = const("cells/sequence/%d")


class CellError(ValueError):
    """There is no such cell, or the certificate does not fit it."""


class Cell:
    """One filled cell: `role`, `usage`, `cell_usage`, and of its key the party's `eui`, `public_key` and `key_id`.

    The root's has `contingency`: the wrapped key of its certificate (contingency.py), None where it brought none.
    """

    __slots__ = ("role", "usage", "cell_usage", "eui", "public_key", "key_id", "contingency", "_secret")

    def _name(self):
        return "%s%d/%d/%d" % (_PREFIX, self.role, self.usage, self.cell_usage)

    def _pack(self):
        head = struct.pack(_RECORD, self.eui, self.public_key, len(self.key_id))
        return head + self.key_id + (self._secret or self.contingency or b"")

    def _unpack(self, name, record):
        self.role, self.usage, self.cell_usage = [int(part) for part in name[len(_PREFIX) :].split("/")]
        self.eui, self.public_key, size = struct.unpack(_RECORD, record[:_RECORD_SIZE])
        self.key_id = record[_RECORD_SIZE : _RECORD_SIZE + size]
        rest = record[_RECORD_SIZE + size :] or None  # keys that sign certificates agree no secret
        self.contingency, self._secret = (rest, None) if self.usage == KEY_CERT_SIGN else (None, rest)


class TrustAnchors:
    """All filled cells, kept in the journal and in RAM (some 200 bytes each)."""

    SIGNING = DIGITAL_SIGNATURE
    AGREEMENT = KEY_AGREEMENT

    def __init__(self, journal, device_keys):
        self._journal = journal
        self._keys = device_keys
        self._cells = []
        for name in journal.keys(_PREFIX):
            cell = Cell()
            cell._unpack(name, journal.get(name))
            self._cells.append(cell)

    def __iter__(self):
        """Iterate over the filled cells in the order of role, key usage, cell usage."""
        return iter(self._cells)

    def place(self, role, usage, cell_usage, certificate):
        """Fill a cell with a certificate's key. On flash when this returns. Raises CellError when they do not fit."""
        if role not in _ROLES or usage not in _USAGES or cell_usage not in (MANAGEMENT, PREPAYMENT):
            raise CellError("no such trust anchor cell")
        if cell_usage == PREPAYMENT and (role != SUPPLIER or usage != KEY_AGREEMENT):
            raise CellError("only the supplier has a prepayment cell, for key agreement")
        if certificate.usage != usage:
            raise CellError("the certificate's key usage is not the cell's")
        self.put_many([new_cell(role, usage, cell_usage, certificate.link())])

    def place_root(self, public_key, key_id):
        """Fill the root cell with a bare public key (X||Y). On flash when this returns."""
        self.put_many([new_cell(ROOT, KEY_CERT_SIGN, MANAGEMENT, (bytes(8), public_key, key_id, None))])

    def put_many(self, cells, pairs=()):
        """Let new cells take the place of those of their names, and put `pairs` in the journal: all, or nothing."""
        self._journal.put_many([(cell._name(), cell._pack()) for cell in cells] + list(pairs))
        names = [cell._name() for cell in cells]
        self._cells = [other for other in self._cells if other._name() not in names] + list(cells)
        self._cells.sort(key=lambda each: each._name())

    def clear(self):
        """Empty every cell."""
        self._journal.put_many([(cell._name(), None) for cell in self._cells])
        self._cells = []

    def cell(self, role, usage, cell_usage=MANAGEMENT):
        """Return the cell of a role, or None when it is empty."""
        for cell in self._cells:
            if cell.role == role and cell.usage == usage and cell.cell_usage == cell_usage:
                return cell
        return None

    def held_by(self, eui, usage):
        """Return the management cells whose key belongs to a party, by its EUI (8 bytes)."""
        return [
            cell for cell in self._cells if cell.eui == eui and cell.usage == usage and cell.cell_usage == MANAGEMENT
        ]

    def knows(self, eui):
        """Return whether any management cell holds a key of this party."""
        return bool(self.held_by(eui, DIGITAL_SIGNATURE) or self.held_by(eui, KEY_AGREEMENT))

    def shared_secret(self, cell):
        """Return the secret agreed between a cell's key and the device's; computed once and kept in the cell."""
        if cell._secret is None:
            secret = self._keys.agree(cell.public_key)
            cell._secret = secret
            self._journal.put(cell._name(), cell._pack())
        return cell._secret

    def agree_all(self):
        """Compute the secrets that are still missing, so that no message waits for one (0.7 s each on a Pico)."""
        for cell in self._cells:
            if cell.usage == KEY_AGREEMENT:
                self.shared_secret(cell)

    def agree(self, public_key):
        """Return the secret agreed with a key that is in no cell, as a command's certificate brings it."""
        return self._keys.agree(public_key)

    def forget_secrets(self, pairs=()):
        """Drop every agreed secret; needed when the device's own key agreement key changes.

        `pairs`, that key among them, are put in the journal in the same transaction.
        """
        kept = [cell._secret for cell in self._cells]
        for cell in self._cells:
            cell._secret = None
        try:
            self.put_many(self._cells, pairs)
        except OSError:
            for cell, secret in zip(self._cells, kept):
                cell._secret = secret
            raise

    def check(self, crc):
        """Return a checksum, begun with `crc`, of who stands where and with what sequence numbers."""
        for cell in self._cells:
            crc = crc32(b"%s %d" % (cell._name().encode(), self.sequence(cell.role)), crc32(cell.key_id, crc))
        return crc

    def sequence(self, role):
        """Return the sequence number of a role's last credential update, 0 before the first."""
        return int.from_bytes(self._journal.get(_SEQUENCE % role) or b"", "big")

    def set_sequence(self, role, number):
        """Keep the sequence number of a role's last credential update."""
        self._journal.put_many([sequence_pair(role, number)])


def new_cell(role, usage, cell_usage, link):
    """Return a Cell with a certificate's key, which is in force once `TrustAnchors.put_many` has it.

    Of the certificate's `link` the first four are wanted.
    """
    cell = Cell()
    cell.role, cell.usage, cell.cell_usage = role, usage, cell_usage
    cell.eui, cell.public_key, cell.key_id, contingency = link[:4]
    cell.contingency, cell._secret = contingency if usage == KEY_CERT_SIGN else None, None
    return cell


def sequence_pair(role, number):
    """Return the journal's (key, value) of the sequence number of a role's last credential update."""
    return _SEQUENCE % role, number.to_bytes(8, "big")
