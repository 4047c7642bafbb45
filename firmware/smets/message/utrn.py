"""Top-up tokens: checking the 20 digits of a UTRN (GBCS 14.3 to 14.6).

The 20 digits are 19 of a number and a Verhoeff check digit; the number less a constant is the PTUT: 7 zero bits,
10 bits of the supplier's counter, value class (2), value (13) and 32 bits of a GMAC made with the secret between
the supplier's top-up key and the device's key agreement key.
"""

import struct

from micropython import const

from smets.crypto import compare
from smets.crypto.gcm import LONG_TAG_BYTES, Gcm
from smets.message.envelope import COMMAND
from smets.message.protection import message_key
from smets.trust.cells import PREPAYMENT, SUPPLIER

_DIGITS = const(20)
_NOT_AUTHENTIC = const(0x8F63)
_DUPLICATE = const(0x8F51)
_ENTRY_SUSPENDED = const(0x81C4)
_LOCKED_OUT = const(0x81C5)

_MAX_SEEN = const(100)
"""Token counters remembered; when full the lowest goes, and what is not above it counts as seen."""
_MAX_FAILURES = const(5)
"""Forged tokens in a row by hand after which manual entry is suspended. GBCS leaves the number to the maker."""
_SUSPENSION_S = const(3600)

_OFFSET = const(7394156990786306048)
_WINDOW = const(512)
_TRUNCATED = const(1024)
_SEEN = const("utrn/seen")
_FAILURES = const("utrn/failures")
_MAC_PREFIX = const(b"\x11\x00\x00\x00\x00\x00")

_PERMUTATIONS = const((
    b"0123456789", b"1576283094", b"5803796142", b"8916043527",
    b"9453126870", b"4286573901", b"2793806415", b"7046913258",
))  # fmt: skip
_PRODUCTS = const((
    b"0123456789", b"1234067895", b"2340178956", b"3401289567", b"4012395678",
    b"5987604321", b"6598710432", b"7659821043", b"8765932104", b"9876543210",
))  # fmt: skip


def is_well_typed(digits):
    """Return whether these bytes are 20 ASCII digits that end in their Verhoeff digit: run through, they come to 0."""
    if len(digits) != _DIGITS or not digits.isdigit():
        return False
    check = 0
    for place, digit in enumerate(digits):
        check = _PRODUCTS[check][_PERMUTATIONS[(4 + place) % 8][digit - 48] - 48] - 48
    return check == 0


class UtrnChecker:
    """Checks tokens against the supplier's top-up cell and remembers those that were accepted.

    `device` is the device's EUI. Checking changes nothing but the count of forged manual entries; what `used` returns
    goes to flash with the credit, or a power cut between the two would lose the one or give the other twice.
    """

    def __init__(self, journal, anchors, device):
        self._journal = journal
        self._anchors = anchors
        self._device = device

    def check(self, digits, by_hand, time_s):
        """Return (event code of a refusal or 0, amount in pence, the token's number) of 20 ASCII digits.

        Keyed in `by_hand` it is _LOCKED_OUT while entry is suspended. A mistyped check digit does not count;
        _MAX_FAILURES forged tokens in a row suspend entry.
        """
        digits = bytes(digits)
        failures, until_s = struct.unpack(">BI", self._journal.get(_FAILURES) or bytes(5))
        if by_hand and 0 < until_s - time_s <= _SUSPENSION_S:  # a clock set back must not make it longer
            return _LOCKED_OUT, 0, 0
        if not is_well_typed(digits):
            return _NOT_AUTHENTIC, 0, 0
        amount_pence, number = self._authenticate(int(digits[:-1]) - _OFFSET)
        if number is None:
            return (self._count_failure(failures + 1, time_s) if by_hand else _NOT_AUTHENTIC), 0, 0
        if by_hand and failures:
            self._journal.delete(_FAILURES)
        return (_DUPLICATE if self._is_seen(number) else 0), amount_pence, number

    def used(self, number):
        """Return the journal's (key, value) by which a token is known as used, by its number."""
        seen = sorted(self._seen() + [number])[-_MAX_SEEN:]
        return _SEEN, struct.pack(">%dI" % len(seen), *seen)

    def _count_failure(self, failures, time_s):
        if failures < _MAX_FAILURES:
            self._journal.put(_FAILURES, struct.pack(">BI", failures, 0))
            return _NOT_AUTHENTIC
        self._journal.put(_FAILURES, struct.pack(">BI", 0, time_s + _SUSPENSION_S))
        return _ENTRY_SUSPENDED

    def _authenticate(self, ptut):
        """Return (amount in pence, token number), the number None when the token is not the supplier's for us."""
        cell = self._anchors.cell(SUPPLIER, self._anchors.AGREEMENT, PREPAYMENT)
        if cell is None or not 0 <= ptut < 1 << 57 or ptut >> 46 & 1:
            return 0, None
        packed = struct.pack(">Q", ptut)
        seen = self._seen()
        number = _nearest(ptut >> 47, seen[-1] if seen else 0)
        counter = struct.pack(">II", number, 0)
        key = message_key(self._anchors.shared_secret(cell), COMMAND, cell.eui, counter, self._device)
        gcm = Gcm(key)
        gcm.start(cell.eui + bytes(4), _MAC_PREFIX, cell.eui, self._device, b"\x01", counter, packed[:4])
        if not compare.equal(gcm.finish(LONG_TAG_BYTES)[12:], packed[4:]):
            return 0, None
        return (ptut >> 32 & 0x1FFF) * (100 if ptut >> 45 & 1 else 1), number

    def _is_seen(self, number):
        seen = self._seen()
        return number in seen or (len(seen) == _MAX_SEEN and number < seen[0])

    def _seen(self):
        record = self._journal.get(_SEEN) or b""
        return list(struct.unpack(">%dI" % (len(record) // 4), record))


def begun_anew(floor):
    """Return the journal's (key, value) that forgets the tokens of another key; those to come are about `floor`."""
    number = floor >> 32
    return _SEEN, struct.pack(">I", number) if number else None


def _nearest(truncated, highest):
    """Return the counter with these low 10 bits that lies within 512 of the highest one seen."""
    counter = (highest & ~(_TRUNCATED - 1)) | truncated
    if counter >= highest + _WINDOW:
        counter -= _TRUNCATED
    elif counter < highest - _WINDOW:
        counter += _TRUNCATED
    return counter if counter >= 0 else counter + _TRUNCATED
