"""The GBCS message envelope: [MAC header] grouping header | payload | signature [MAC] (GBCS 7.2).

`Envelope.parse` keeps offsets into the caller's buffer, no copies; an `Envelope` is made once and used for every
message. `Writer` builds responses and alerts in a kept buffer: the payload goes in first at a fixed place, the
headers are then put directly before it, for their size is only known when the payload is there.
"""

from micropython import const

from smets.cosem.sink import BufferSink

MAX_MESSAGE = const(17408)
"""Longest command accepted, bytes, in blocks: the largest tariff that DUIS can say, 16 day profiles of 48 switchings
with 50 special days, 48 registers and 8 by 4 blocks, has some 16,900."""
MAX_WHOLE = const(4352)
"""Longest command accepted in one link frame: the largest of the reference, a recovery with three chains, has 3,986."""
BLOCK_HEAD = const(9)
"""What a block has before its octets, at most: tag, control, two numbers, and a length of `82 nn nn`."""
BLOCK = const(1024)
"""Octets of a message in a block that is sent; any number up to a frame's is taken. The notes on GBCS name none, so
this is the project's: a buffer that a Pico's heap has room for, and within the 1,200 octets above which the notes count
a message as large."""
WINDOW = const(6)
"""Blocks sent before a confirmation is waited for. Block-control has room for 63 (IEC 62056-5-3 clause 7.3.13); 6 are
half a second of a serial link, and no more to be made anew when all of them are lost."""
MAX_RESPONSE = const(4352)
"""Longest response payload that is put in a buffer, bytes: of the reference's the longest has 1,402. What rows of logs
add to it is not in the buffer (cosem/late.py); anything else that is longer is refused by the service."""

COMMAND = const(1)
RESPONSE = const(2)
ALERT = const(3)
SENSITIVE = const(4)
"""CRA flags (GBCS 7.2.7); the last one stands only in the key derivation for sensitive attributes."""

_MAC_SIZE = const(12)
_SIGNATURE_SIZE = const(64)

_MAC_HEADER = const(b"\xdd\x00\x00\x00\x00\x00\x00")
_SECURITY_HEADER = const(b"\x11\x00\x00\x00\x00")
_FIXED_HEADER = const(30)
"""`DF 09 CRA counter(8) 08 EUI(8) 08 EUI(8)` and the date-time's first byte."""
_HEADROOM = const(128)
"""Room before the payload: MAC header 15, grouping header at most 75."""


class EnvelopeError(ValueError):
    """The bytes are not a well-formed GBCS message within the limits."""


def read_length(view, offset, stop):
    """Return (length, offset behind it). Raises EnvelopeError when cut short, not minimal, or too long for the rest."""
    if offset >= stop:
        raise EnvelopeError("length missing")
    length = view[offset]
    offset += 1
    if length >= 0x80:
        size = length - 0x80
        if not 1 <= size <= 2 or offset + size > stop:
            raise EnvelopeError("length outside limits")
        length = view[offset]
        if size == 2:
            length = length << 8 | view[offset + 1]
        if length < (0x80 if size == 1 else 0x100):
            raise EnvelopeError("length not minimal")
        offset += size
    if length > stop - offset:
        raise EnvelopeError("length outside the message")
    return length, offset


def give(view, take):
    """Call `take` with a view of a message, or with its parts in turn when it is in a file (store/kept_message.py)."""
    if isinstance(view, memoryview):
        take(view)
    else:
        view.give(take)


class Envelope:
    """One parsed message. Views stay valid as long as the buffer that was parsed is left alone.

    `mac` and `signature` are None when absent; `supplementary_id`, `supplementary_counter` and `certificate` likewise.
    """

    __slots__ = (
        "view", "start", "end", "cra", "counter", "originator", "recipient", "date_time", "code",
        "supplementary_id", "supplementary_counter", "certificate", "payload", "signature", "signed_end", "mac",
    )  # fmt: skip

    def parse(self, view):
        """Take a message apart, a memoryview or a Kept (store/kept_message.py). Raises EnvelopeError."""
        if not _FIXED_HEADER < len(view) <= MAX_MESSAGE:
            raise EnvelopeError("size outside limits")
        self.view = view
        self.mac = self.signature = None
        self._read_mac_header(view)
        offset = self._read_grouping_header(view, self.start)
        length, offset = read_length(view, offset, self.end)
        self.payload = view[offset : offset + length]
        self._read_signature(view, offset + length)

    def _read_mac_header(self, view):
        self.start, self.end = 0, len(view)
        if view[0] != 0xDD:
            return
        if bytes(view[:7]) != _MAC_HEADER:
            raise EnvelopeError("another MAC header")
        length, offset = read_length(view, 7, self.end)
        if offset + length != self.end or length < _MAC_SIZE + _FIXED_HEADER + 5:
            raise EnvelopeError("ciphered service length")
        if bytes(view[offset : offset + 5]) != _SECURITY_HEADER:
            raise EnvelopeError("security header")
        self.start, self.end = offset + 5, self.end - _MAC_SIZE
        self.mac = view[self.end :]

    def _read_grouping_header(self, view, at):
        if view[at] != 0xDF or view[at + 1] != 9 or view[at + 11] != 8 or view[at + 20] != 8:
            raise EnvelopeError("grouping header")
        self.cra = view[at + 2]
        self.counter = view[at + 3 : at + 11]
        self.originator = view[at + 12 : at + 20]
        self.recipient = view[at + 21 : at + 29]
        offset = at + _FIXED_HEADER
        size = view[offset - 1]
        if size not in (0, 12) or not COMMAND <= self.cra <= ALERT:
            raise EnvelopeError("grouping header")
        self.date_time = view[offset : offset + size] if size else None
        length, offset = read_length(view, offset + size, self.end)
        self._read_other_information(view[offset : offset + length])
        return offset + length

    def _read_other_information(self, view):
        self.supplementary_id = self.supplementary_counter = self.certificate = None
        length = len(view)
        if length not in (2, 10, 18) and length <= 18:
            raise EnvelopeError("other information length")
        self.code = view[0] << 8 | view[1]
        if length > 2:
            self.supplementary_id = view[2:10]
        if length > 10:
            self.supplementary_counter = view[10:18]
        if length > 18:
            self.certificate = view[18:]

    def _read_signature(self, view, offset):
        self.signed_end = offset
        if offset >= self.end or view[offset] not in (0, _SIGNATURE_SIZE):
            raise EnvelopeError("signature length")
        offset += 1
        if view[offset - 1]:
            self.signature = view[offset : offset + _SIGNATURE_SIZE]
            offset += _SIGNATURE_SIZE
        if offset != self.end:
            raise EnvelopeError("bytes after the signature")

    @property
    def signed(self):
        """The part that the signature covers: behind the `DF` byte to the payload's end."""
        return self.view[self.start + 1 : self.signed_end]

    @property
    def authenticated(self):
        """The part that the MAC covers, behind its fixed beginning: grouping header to signature as sent."""
        return self.view[self.start : self.end]


class Writer:
    """Builds one outgoing message at a time in a kept buffer.

    Order of calls: `begin`, the payload into `sink`, `head`, `finish`, and `append_mac` where one is needed.
    """

    __slots__ = ("sink", "_view", "_start", "_end")

    def __init__(self, payload_size=MAX_RESPONSE):
        buffer = bytearray(_HEADROOM + payload_size + 1 + _SIGNATURE_SIZE + _MAC_SIZE)
        self._view = memoryview(buffer)
        self.sink = BufferSink(buffer, _HEADROOM)
        self.sink.limit = _HEADROOM + payload_size
        self._start = self._end = _HEADROOM

    def begin(self):
        """Forget what was written and return the sink for the payload; it raises SinkFull when that gets too long."""
        self.sink.pos = self._start = self._end = _HEADROOM
        self.sink.late = None
        return self.sink

    def head(self, cra, counter, originator, recipient, code, date_time=b"", supplementary=()):
        """Put the grouping header before the payload. `supplementary` follows the message code, in parts of 8 bytes."""
        self._end = self.sink.pos
        size = 2 + 8 * len(supplementary)
        parts = (
            bytes((0xDF, 9, cra)), counter, b"\x08", originator, b"\x08", recipient,
            bytes((len(date_time),)), date_time, bytes((size, code >> 8, code & 0xFF)),
        )  # fmt: skip
        self._before(encode_length(self._end - _HEADROOM + self.sink.late_size()))
        for part in reversed(supplementary):
            self._before(part)
        for part in reversed(parts):
            self._before(part)

    def signed(self):
        """Return the part to sign: call after `head`."""
        return self._view[self._start + 1 : self._end]

    def finish(self, signature):
        """Append the signature field, `00` for b""."""
        self.finish_late(len(signature))
        self._view[self._end : self._end + len(signature)] = signature
        self._end += len(signature)

    def finish_late(self, size):
        """Append the length of a signature that is not made yet."""
        self._view[self._end] = size
        self._end += 1

    def authenticated(self):
        """Return the part the MAC covers: call after `finish`."""
        return self._view[self._start : self._end]

    def append_mac(self, mac):
        """Put the MAC behind and the MAC header before the message."""
        self._view[self._end : self._end + _MAC_SIZE] = mac
        self._end += _MAC_SIZE
        self.put_mac_header()

    def put_mac_header(self, late_size=0):
        """Put the MAC header before a message of which `late_size` octets, the MAC perhaps, are not in the buffer."""
        length = len(_SECURITY_HEADER) + self._end - self._start + late_size
        self._before(_SECURITY_HEADER)
        self._before(encode_length(length))
        self._before(_MAC_HEADER)

    def message(self):
        """Return a view of the whole message; valid until the next `begin`."""
        return self._view[self._start : self._end]

    def room(self, size):
        """Return a view of the buffer, for something else to be put together in between two messages."""
        return self._view[:size]

    def late(self):
        """Give away the parts that are not in the buffer, each with its place in `message()`."""
        parts, self.sink.late = self.sink.late or (), None
        return [(place - self._start, source) for place, source in parts]

    def _before(self, part):
        self._start -= len(part)
        self._view[self._start : self._start + len(part)] = part


def encode_length(length):
    """Return a length as the envelope writes it: one byte below 0x80, else `81 nn`, `82 nn nn` or `83 nn nn nn`."""
    if length < 0x80:
        return bytes((length,))
    if length < 0x100:
        return bytes((0x81, length))
    if length < 0x10000:
        return bytes((0x82, length >> 8, length & 0xFF))
    return b"\x83" + length.to_bytes(3, "big")
