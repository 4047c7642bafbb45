"""General block transfer (IEC 62056-5-3 clause 7.3.13): messages longer than a link frame, in blocks, either way.

    E0 | block-control (80 last block, 40 streaming, window) | block number u16 | number confirmed u16 | length, octets

What is blocked is the whole message, MAC header to MAC: it is the APDU, and the reference set has no blocks to say
otherwise. Each message is a transfer of its own: blocks count from 1, all but the last of a window have the streaming
bit, and then the other side confirms with an APDU without octets, in which `number confirmed` is the last one that it
has without a gap and the window is how many it would have next: that is how a lost one is asked for. An APDU without
octets and with both numbers zero ends a transfer that cannot go on; the next command ends one, too. A device never
asks: the other side, which waits, sends again what was not confirmed, or its last confirmation.

What comes in is kept in a file (store/kept_message.py) until it was carried out. Loaded when the first block comes or
is to be sent, and dropped when none came for IDLE_MS.
"""

import gc
from binascii import crc32

from micropython import const

from smets.message.envelope import BLOCK, BLOCK_HEAD, MAX_MESSAGE, MAX_WHOLE, WINDOW, encode_length, read_length

TAG = const(0xE0)
IDLE_MS = const(30000)
_LAST = const(0x80)
_STREAMING = const(0x40)
_WINDOW_MASK = const(0x3F)
_FIXED = const(6)


class Blocks:
    """What is under way: one message coming in, one going out. `send(view)` sends one APDU.

    `refuse_long(most)` is called for a message of more than `most` octets. `frame` (memoryview) has room for an APDU,
    BLOCK_HEAD and BLOCK octets; nothing stays in it. `keep()` makes the KeptMessage for one that comes in. `past` is
    what `drop` returned when the last of these was let go of. `refused` counts APDUs that make no sense.
    """

    def __init__(self, send, refuse_long, frame, keep, past=()):
        self.refused = 0
        self._send, self._refuse_long = send, refuse_long
        self._frame, self._keep_new = frame, keep
        self._idle_ms = 0
        self._message = None
        self._sent = 0  # the last block that was made
        self.kept = None  # the message that comes in
        self._is_whole = bool(past)
        # the CRC of its first block, and how many have come: the same come again when a confirmation was lost
        self._first, self._received = past or (None, 0)

    @property
    def is_under_way(self):
        """Whether a message is going out, or has come in half."""
        return self._message is not None or (self.kept is not None and not self._is_whole)

    @property
    def is_done(self):
        """Whether nothing is under way, nor came in of late: what did may come again, and must be known then."""
        return self._message is None and self._first is None

    def is_over(self, passed_ms):
        """Let time go by; return whether nothing has come for so long that nothing will: let go of this then."""
        self._idle_ms += passed_ms
        if self._idle_ms < IDLE_MS:
            return False
        self._forget()
        return True

    def start(self, message):
        """Send the first window of a message: it has `size`, and `read_into` as LongMessage has."""
        self._idle_ms = self._sent = 0
        self._message = message
        self._send_from(message, 1, WINDOW)

    def take(self, apdu):
        """Take an APDU (memoryview); return the whole message when its last block has come, else None.

        It is a memoryview, or a Kept when it has more than MAX_WHOLE octets; `kept` is to be closed when it was carried
        out. Raises OSError when it cannot be kept; the other side is told that it ended.
        """
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

    def drop(self, is_for_another=False):
        """End what is under way, for time has to go on and wants the room, or for another command: then the other side
        knows that it has not sent the one before whole. Return what to know of the message that came in last, empty
        when none did or it did not come whole."""
        if self.is_under_way:
            is_told = self._message is not None or not is_for_another
            self._message = None
            if not self._is_whole:
                self._forget()
            if is_told:
                self._confirm(_LAST, 0, 0)
        return (self._first, self._received) if self._is_whole else ()

    # in

    def _collect(self, control, number, octets):
        if number == 1 and crc32(octets) != self._first:
            self._forget()
            self._first = crc32(octets)
        whole = None
        if number == self._received + 1 and not self._is_whole:
            if number > 1 and self.kept.size + len(octets) > MAX_MESSAGE:  # type: ignore[union-attr]
                self._end_long()
                return None
            whole = self._keep(octets, control & _LAST)
            self._received = number
        if self._received and self._received <= number and not control & _STREAMING:
            self._confirm(_LAST | WINDOW, number, self._received)
        return whole

    def _keep(self, octets, is_last):
        """Keep a block; return the whole message when it is the last one."""
        failed = True
        try:
            if self.kept is None:
                self.kept = self._keep_new()
            self.kept.append(octets)
            whole = self.kept.whole(MAX_WHOLE) if is_last else None
            failed = False
        finally:
            if failed:
                self._forget()
                self._confirm(_LAST, 0, 0)
        self._is_whole = whole is not None
        return whole

    def _end_long(self):
        """Refuse what is coming in: it is longer than the device takes."""
        self._forget()
        self._confirm(_LAST, 0, 0)
        self._refuse_long(MAX_MESSAGE)

    def _forget(self):
        if self.kept:
            self.kept.close()
        self.kept = self._first = None
        self._is_whole = False
        self._received = 0

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
