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

DIGITS = const(20)
NOT_AUTHENTIC = const(0x8F63)
DUPLICATE = const(0x8F51)
ENTRY_SUSPENDED = const(0x81C4)
LOCKED_OUT = const(0x81C5)

MAX_SEEN = const(100)
"""Token counters remembered; when full the lowest goes, and what is not above it counts as seen."""
MAX_FAILURES = const(5)
"""Forged tokens in a row by hand after which manual entry is suspended. GBCS leaves the number to the maker."""
SUSPENSION_S = const(3600)

_OFFSET = 7394156990786306048
_WINDOW = const(512)
_TRUNCATED = const(1024)
_SEEN = "utrn/seen"
_FAILURES = "utrn/failures"
_MAC_PREFIX = b"\x11\x00\x00\x00\x00\x00"

_PERMUTATIONS = (
    b"0123456789", b"1576283094", b"5803796142", b"8916043527",
    b"9453126870", b"4286573901", b"2793806415", b"7046913258",
)  # fmt: skip
_PRODUCTS = (
    b"0123456789", b"1234067895", b"2340178956", b"3401289567", b"4012395678",
    b"5987604321", b"6598710432", b"7659821043", b"8765932104", b"9876543210",
)  # fmt: skip


class UtrnRefused(Exception):
    """The token is refused; `code` is the event code that says why."""

    def __init__(self, code):
        super().__init__("token refused: 0x%04X" % code)
        self.code = code


class Token:
    """An authentic token not used before: `counter` (its number) and `amount_pence`."""

    __slots__ = ("counter", "amount_pence")


def is_well_typed(digits):
    """Return whether these bytes are 20 ASCII digits that end in their Verhoeff digit: run through, they come to 0."""
    if len(digits) != DIGITS or not digits.isdigit():
        return False
    check = 0
    for place, digit in enumerate(digits):
        check = _PRODUCTS[check][_PERMUTATIONS[(4 + place) % 8][digit - 48] - 48] - 48
    return check == 0


class UtrnChecker:
    """Checks tokens against the supplier's top-up cell and remembers those that were accepted.

    `device` is the device's EUI. Checking changes nothing but the count of forged manual entries; `accept` is
    called once the meter has taken the credit's amount.
    """

    def __init__(self, journal, anchors, device):
        self._journal = journal
        self._anchors = anchors
        self._device = device

    def check(self, digits):
        """Return the Token of 20 ASCII digits (bytes). Raises UtrnRefused: not authentic, or a duplicate."""
        if not is_well_typed(digits):
            raise UtrnRefused(NOT_AUTHENTIC)
        number = int(digits[:-1]) - _OFFSET
        if not 0 <= number < 1 << 57:
            raise UtrnRefused(NOT_AUTHENTIC)
        seen = self._seen()
        token = self._authenticate(struct.pack(">Q", number), seen[-1] if seen else 0)
        if token.counter in seen or (len(seen) == MAX_SEEN and token.counter < seen[0]):
            raise UtrnRefused(DUPLICATE)
        return token

    def check_manual(self, digits, time_s):
        """Like `check`, for digits keyed in by hand: refused with LOCKED_OUT while entry is suspended.

        A mistyped check digit does not count; MAX_FAILURES forged tokens in a row raise ENTRY_SUSPENDED.
        """
        failures, until_s = struct.unpack(">BI", self._journal.get(_FAILURES) or bytes(5))
        if time_s < until_s:
            raise UtrnRefused(LOCKED_OUT)
        try:
            token = self.check(digits)
        except UtrnRefused as refusal:
            if refusal.code == NOT_AUTHENTIC and is_well_typed(digits):
                self._count_failure(failures + 1, time_s)
            raise
        if failures:
            self._journal.delete(_FAILURES)
        return token

    def accept(self, token):
        """Remember a token as used; on flash when this returns."""
        seen = self._seen()
        seen.append(token.counter)
        seen.sort()
        self._journal.put(_SEEN, struct.pack(">%dI" % len(seen[-MAX_SEEN:]), *seen[-MAX_SEEN:]))

    def _count_failure(self, failures, time_s):
        if failures < MAX_FAILURES:
            self._journal.put(_FAILURES, struct.pack(">BI", failures, 0))
            return
        self._journal.put(_FAILURES, struct.pack(">BI", 0, time_s + SUSPENSION_S))
        raise UtrnRefused(ENTRY_SUSPENDED)

    def _authenticate(self, ptut, highest):
        cell = self._anchors.cell(SUPPLIER, self._anchors.AGREEMENT, PREPAYMENT)
        if cell is None:
            raise UtrnRefused(NOT_AUTHENTIC)
        high = struct.unpack(">I", ptut[:4])[0]
        token = Token()
        token.counter = _nearest(high >> 15 & _TRUNCATED - 1, highest)
        token.amount_pence = (high & 0x1FFF) * (1, 100, 0, 0)[high >> 13 & 3]
        counter = struct.pack(">II", token.counter, 0)
        key = message_key(self._anchors.shared_secret(cell), COMMAND, cell.eui, counter, self._device)
        gcm = Gcm(key)
        gcm.start(cell.eui + bytes(4), _MAC_PREFIX, cell.eui, self._device, b"\x01", counter, ptut[:4])
        if not compare.equal(gcm.finish(LONG_TAG_BYTES)[12:], ptut[4:]) or high >> 14 & 1:
            raise UtrnRefused(NOT_AUTHENTIC)
        return token

    def _seen(self):
        record = self._journal.get(_SEEN) or b""
        return list(struct.unpack(">%dI" % (len(record) // 4), record))


def _nearest(truncated, highest):
    """Return the counter with these low 10 bits that lies within 512 of the highest one seen."""
    counter = (highest & ~(_TRUNCATED - 1)) | truncated
    if counter >= highest + _WINDOW:
        counter -= _TRUNCATED
    elif counter < highest - _WINDOW:
        counter += _TRUNCATED
    return counter if counter >= 0 else counter + _TRUNCATED
