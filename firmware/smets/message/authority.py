"""Who may send what: the packed use-case table, and the trust anchor cell whose holder sends a command.

The table is read by seek and `readinto` into buffers made once; how it is laid out stands in
host_tools/opensmets/catalogue/pack_use_cases.py, which writes it.
"""

import struct

from micropython import const

from smets.trust.cells import KEY_CERT_SIGN, ROOT

_PROTECTED = const(4)
_INNER = const(5)
"""Verbs of items besides read, write and invoke (1 to 3); _INNER is what the _PROTECTED read before it asks for."""

_COMMAND_SIGNED = const(1)

_HEADER = const(">2sBxHH")
_HEADER_SIZE = const(8)
_RECORD = const(">HBBHHH")
_ITEM = const(">BH6sb")
_SIZE = const(10)
_MAX_RECORDS = const(512)
_MAX_ITEMS = const(256)
"""Most items of one use case that are read, so that their buffer has a bound."""


class TableError(ValueError):
    """The table's file is not a use-case table of the version this firmware reads."""


class UseCase:
    """One record: `code`, `payload` (0 DLMS, 2 ASN.1), `protection` (flags as packed), `roles` (mask by role number)
    and its items' place, or of an ASN.1 use case `service` and `form` (numbers as packed) in the same two."""

    __slots__ = ("code", "payload", "protection", "roles", "first_item", "item_count")

    def __init__(self, record):
        fields = struct.unpack(_RECORD, record)
        self.code, self.payload, self.protection, self.roles, self.first_item, self.item_count = fields

    @property
    def service(self):
        """The number of an ASN.1 use case's service, 0 for none."""
        return self.first_item

    @property
    def form(self):
        """Which form of its service an ASN.1 use case is; of CS02b, the credentials replacement mode."""
        return self.item_count

    def is_critical(self):
        """Return whether the command has to bear its originator's signature."""
        return bool(self.protection & _COMMAND_SIGNED)


class UseCaseTable:
    """The use-case table in a file. Raises TableError when it is no such table, OSError when it cannot be read."""

    def __init__(self, path):
        self._file = open(path, "rb")
        self._record = bytearray(_SIZE)
        magic, version, self._count, self._item_count = struct.unpack(_HEADER, self._file.read(_HEADER_SIZE))
        if magic != b"UC" or version != 2 or self._count > _MAX_RECORDS:
            raise TableError("not a use-case table of version 2: " + path)
        self._items = b""
        self._items_of = -1

    def find(self, code, variant=0):
        """Return the record of a message code, or None. Variants of one code follow each other from 0."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._code_at(middle) < code:
                low = middle + 1
            else:
                high = middle
        index = low + variant
        if index >= self._count or self._code_at(index) != code:
            return None
        return UseCase(self._record)

    def allows(self, use_case, verb, class_id, obis, member, inner=None):
        """Return whether an access belongs to a use case.

        `inner` names what a protected read asks for, as (class id, OBIS, attribute); without it any one will do.
        """
        outer = struct.pack(_ITEM, verb, class_id, obis, member)
        items = self._items_for(use_case)
        for place in range(0, len(items), _SIZE):
            if items[place : place + _SIZE] == outer:
                if inner is None:
                    return True
                if items[place + _SIZE : place + 2 * _SIZE] == struct.pack(_ITEM, _INNER, *inner):
                    return True
        return False

    def _code_at(self, index):
        self._file.seek(_HEADER_SIZE + index * _SIZE)
        if self._file.readinto(self._record) != _SIZE:
            raise TableError("use-case table cut short")
        return self._record[0] << 8 | self._record[1]

    def _items_for(self, use_case):
        if self._items_of != use_case.first_item or len(self._items) != use_case.item_count * _SIZE:
            if use_case.item_count > _MAX_ITEMS:
                raise TableError("too many items in a use case")
            self._file.seek(_HEADER_SIZE + (self._count + use_case.first_item) * _SIZE)
            self._items = self._file.read(use_case.item_count * _SIZE)
            self._items_of = use_case.first_item
        return self._items


def entitled_cell(anchors, use_case, originator):
    """Return the cell by whose authority `originator` (EUI) may send a use case, or None (GBCS 4.3.1).

    It is a management cell, of a role that the use case allows, that holds a key with that EUI: the signing key
    where the command is signed, the key agreement key otherwise. The role in the certificate does not count.

    What is the root's to send is sent by whoever has the contingency key: its cell names nobody.
    """
    if use_case.roles == 1 << ROOT:
        return anchors.cell(ROOT, KEY_CERT_SIGN)
    usage = anchors.SIGNING if use_case.is_critical() else anchors.AGREEMENT
    for cell in anchors.held_by(originator, usage):
        if use_case.roles & 1 << cell.role:
            return cell
    return None
