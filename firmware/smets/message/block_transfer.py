"""General block transfer (IEC 62056-5-3 clause 7.3.13): messages longer than a link frame, in blocks, either way.

    E0 | block-control (80 last block, 40 streaming, window) | block number u16 | number confirmed u16 | length, octets

What is blocked is the whole message, MAC header to MAC: it is the APDU, and the reference set has no blocks to say
otherwise. Each message is a transfer of its own: blocks count from 1, all but the last of a window have the streaming
bit, and then the other side confirms with an APDU without octets, in which `number confirmed` is the last one that it
has without a gap and the window is how many it would have next: that is how a lost one is asked for. An APDU without
octets and with both numbers zero ends a transfer that cannot go on; the next command ends one, too. A device never
asks: the other side, which waits, sends again what was not confirmed, or its last confirmation.

Loaded when the first block comes or is to be sent, and dropped when none came for IDLE_MS.
"""

import gc
from binascii import crc32

from micropython import const

from smets.message.envelope import BLOCK, BLOCK_HEAD, MAX_MESSAGE, WINDOW, encode_length, read_length

TAG = const(0xE0)
IDLE_MS = const(30000)
_LAST = const(0x80)
_STREAMING = const(0x40)
_WINDOW_MASK = const(0x3F)
_FIXED = const(6)


class Blocks:
    """What is under way: one message coming in, one going out. `send(view)` sends one APDU.

    `room` is where the message that comes in is put together (link/framing.py's `keep` and `forget`): a buffer of that
    length would find no place in a small heap. `refuse_long()` is called for a message that is longer than MAX_MESSAGE.
    `frame` (memoryview) has room for an APDU, BLOCK_HEAD and BLOCK octets; nothing stays in it. `refused` counts APDUs
    that make no sense. `past` is what `drop` returned when the last of these was let go of.
    """

    def __init__(self, send, room, refuse_long, frame, past=()):
        self.refused = 0
        self._send, self._room, self._refuse_long = send, room, refuse_long
        self._frame = frame
        self._idle_ms = 0
        self._message = None
        self._sent = 0  # the last block that was made
        self._size = 0
        # the CRC of the message's first block: the same comes again when a confirmation was lost
        self._first, self._received = past or (None, 0)
        self._ended = bool(past)

    @property
    def is_sending(self):
        """Whether a message is going out."""
        return self._message is not None

    @property
    def is_done(self):
        """Whether nothing is under way, nor came in of late: what did may come again, and must be known then."""
        return self._message is None and self._first is None

    def is_over(self, passed_ms):
        """Let time go by; return whether nothing has come for so long that nothing will: let go of this then."""
        self._idle_ms += passed_ms
        if self._idle_ms < IDLE_MS:
            return False
        self._room.forget()
        return True

    def start(self, message):
        """Send the first window of a message: it has `size`, and `read_into` as LongMessage has."""
        self._idle_ms = self._sent = 0
        self._message = message
        self._send_from(message, 1, WINDOW)

    def take(self, apdu):
        """Take an APDU (memoryview); return the whole message (memoryview) when its last block has come, else None."""
        self._idle_ms = 0
        control, number, confirmed, octets = _parse(apdu)
        if control is None:
            self.refused += 1
        elif octets:
            return self._collect(control, number, octets)
        elif not (number or confirmed):
            self._message = None
        elif self._message:
            self._go_on(self._message, control & _WINDOW_MASK, confirmed)
        return None

    def drop(self):
        """End what is going out, for there is another command; return what to know of the message that came in last,
        empty while one is coming in or none did."""
        if self._message:
            self._message = None
            self._confirm(_LAST, 0, 0)
        return (self._first, self._received) if self._ended else ()

    # in

    def _collect(self, control, number, octets):
        if number == 1 and crc32(octets) != self._first:
            self._begin(octets)
        whole = None
        if number == self._received + 1 and not self._ended:
            self._size += len(octets)
            if self._size > MAX_MESSAGE:
                self.end_long()
                return None
            self._received = number
            whole = self._room.keep(octets)
            if not control & _LAST:
                whole = None
            else:
                self._end()
        if self._received and self._received <= number and not control & _STREAMING:
            self._confirm(_LAST | WINDOW, number, self._received)
        return whole

    def _begin(self, octets):
        self._room.forget()
        self._first = crc32(octets)
        self._size = self._received = 0
        self._ended = False

    def _end(self):
        self._ended = True
        self._room.forget()

    def end_long(self):
        """Refuse what is coming in: it is longer than the device takes, or its last block left no room for more."""
        if self._received and not self._ended:
            self._confirm(_LAST, 0, 0)
        self._end()
        self._refuse_long()

    def _confirm(self, control, number, confirmed):
        _put_head(self._frame, control, number, confirmed)
        self._frame[_FIXED] = 0
        self._send(self._frame[: _FIXED + 1])

    # out

    def _go_on(self, message, window, confirmed):
        if confirmed * BLOCK >= message.size:
            self._message = None
        elif confirmed > self._sent or not window:
            self.refused += 1
        else:
            self._send_from(message, confirmed + 1, min(window, WINDOW))

    def _send_from(self, message, number, count):
        """Send up to `count` blocks from `number` on. What cannot be made any more is ended on both sides.

        When the heap is full the other side asks again, and there may be room then.
        """
        gc.collect()
        last = (message.size + BLOCK - 1) // BLOCK
        failed = True
        try:
            end = min(number + count, last + 1)
            while number < end:
                flags = (_LAST if number == last else 0) | (_STREAMING if number + 1 < end else 0)
                self._send_block(message, number, flags)
                number += 1
            failed = False
        except MemoryError:
            failed = False
            raise
        finally:
            if failed:
                self._message = None
                self._confirm(_LAST, 0, 0)

    def _send_block(self, message, number, flags):
        start = (number - 1) * BLOCK
        size = min(BLOCK, message.size - start)
        message.read_into(start, self._frame[BLOCK_HEAD : BLOCK_HEAD + size])
        self._sent = max(self._sent, number)
        length = encode_length(size)
        head = self._frame[BLOCK_HEAD - _FIXED - len(length) : BLOCK_HEAD + size]
        _put_head(head, flags | WINDOW, number, self._received)
        head[_FIXED : _FIXED + len(length)] = length
        self._send(head)


def _put_head(view, control, number, confirmed):
    view[0], view[1] = TAG, control
    view[2], view[3] = number >> 8, number & 0xFF
    view[4], view[5] = confirmed >> 8, confirmed & 0xFF


def _parse(apdu):
    """Return (control, block number, number confirmed, octets); the first is None when it is no such APDU."""
    if len(apdu) <= _FIXED or apdu[0] != TAG:
        return None, 0, 0, None
    try:
        length, start = read_length(apdu, _FIXED, len(apdu))
    except ValueError:
        return None, 0, 0, None
    if start + length != len(apdu):
        return None, 0, 0, None
    return apdu[1], apdu[2] << 8 | apdu[3], apdu[4] << 8 | apdu[5], apdu[start:]
