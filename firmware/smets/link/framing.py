"""Link frames: `COBS( channel u8 | payload | CRC-32 of both, little-endian ) 00`.

COBS (consistent overhead byte stuffing) leaves the byte 00 to mark nothing but a frame's end, so a receiver that lost
its way is right again at the next 00. Bytes are decoded as they come into one kept buffer; encoding needs a buffer of
as little as MIN_BUFFER bytes when it may hand on what it has. Neither allocates per byte.
"""

from binascii import crc32

from micropython import const

MESSAGES = const(0)
HUB_TIME = const(1)
BENCH = const(2)
FIRMWARE_IMAGE = const(3)
LOG = const(4)
PROVISIONING = const(5)
HAN_EVENT = const(6)

MAX_PAYLOAD = const(8192)
MIN_BUFFER = const(512)  # for encode_frame with `write`: a COBS block of 255 bytes, and as much again to fill a write
_OVERHEAD = const(5)  # channel and CRC
_BLOCK = const(255)
# CRC-32 over data and its own CRC is always this: a small int on every port, so a check allocates nothing
_RESIDUE = const(0x2144DF1C)


class FrameDecoder:
    """Finds the frames in a byte stream of any cut, noise included.

    `feed` it what was read, then call `next_frame` until it returns None. `dropped_crc`, `dropped_length` (too short,
    or more than `max_payload` bytes: these are `dropped_long` too) and `dropped_cobs` count the frames that were lost.
    """

    def __init__(self, max_payload=MAX_PAYLOAD):
        self.dropped_crc = self.dropped_length = self.dropped_long = self.dropped_cobs = 0
        self._frame = bytearray(max_payload + _OVERHEAD)
        self._view = memoryview(self._frame)
        self._input = b""
        self._position = self._end = 0
        self._length = self._left = 0  # where the frame ends so far, and what is to come of its block
        self._implied = False  # a 00 stands for the end of the block before, if another block follows

    def feed(self, buffer, n):
        """Take the first `n` bytes of `buffer`, which must stay as they are until `next_frame` has returned None."""
        self._input, self._position, self._end = buffer, 0, n

    def next_frame(self):
        """Return (channel, payload) of the next whole frame, or None when more bytes are needed.

        The payload is a memoryview, valid until the next call of `next_frame` or `feed`.
        """
        while self._position < self._end:
            if self._decode() and self._is_good():
                end = self._length
                self._restart()
                return self._frame[0], self._view[1 : end - 4]
        return None

    def _decode(self):
        """Decode up to a frame's end (return True) or the end of the input (False)."""
        data, frame = self._input, self._frame  # one or two at a time: a longer tuple would be allocated
        position, size = self._position, len(frame)
        length, left = self._length, self._left
        complete = False
        while position < self._end:
            byte = data[position]
            position += 1
            if not byte:
                complete = True
                break
            if left:
                left -= 1
            else:  # `byte` opens a block; the one before it ended in a 00, unless it was the first or a full one
                left = byte - 1
                implied, self._implied = self._implied, byte != _BLOCK
                if not implied:
                    continue
                byte = 0
            if length < size:
                frame[length] = byte
            length += 1
        self._position = position
        self._length, self._left = length, left
        return complete

    def _is_good(self):
        """Judge the frame that just ended; count and forget a bad one. An empty one is no frame at all."""
        length = self._length
        if self._left:
            self.dropped_cobs += 1
        elif _OVERHEAD <= length <= len(self._frame):
            if crc32(self._view[:length]) == _RESIDUE:
                return True
            self.dropped_crc += 1
        elif length or self._implied:
            self.dropped_length += 1
            if length > len(self._frame):
                self.dropped_long += 1
        self._restart()
        return False

    def _restart(self):
        self._length = self._left = 0
        self._implied = False


def encode_frame(channel, payload_parts, out, write=None):
    """Encode one frame whose payload is the buffers of `payload_parts` in turn; return its length on the wire.

    The frame goes into the bytearray `out`. With `write` (a driver's call), `out` of at least MIN_BUFFER bytes is
    passed on as it fills, in memoryviews that are valid during the call only. Raises ValueError when the payload is
    longer than MAX_PAYLOAD or `out` is too small: 7 bytes and 1 for each 254 more than the payload are enough.
    """
    size, head = 0, bytes((channel,))
    check = crc32(head)
    for part in payload_parts:
        size += len(part)
        check = crc32(part, check)
    needed = MIN_BUFFER if write else size + _OVERHEAD + (size + _OVERHEAD) // 254 + 2
    if size > MAX_PAYLOAD or len(out) < needed:
        raise ValueError("a frame of %d bytes is too long" % size)
    coder = _Encoder(out, write)
    coder.add(head)
    for part in payload_parts:
        coder.add(part)
    coder.add(check.to_bytes(4, "little"))
    return coder.finish()


class _Encoder:
    """COBS as a stream: `_code_at` is where the open block's code goes, `_end` is where its next byte goes."""

    def __init__(self, out, write):
        self._out, self._write = out, write
        self._code_at, self._end, self._written = 0, 1, 0

    def add(self, part):
        """Stuff the bytes of `part`."""
        out, code_at, end = self._out, self._code_at, self._end
        for byte in part:
            if byte:
                out[end] = byte
                end += 1
            if not byte or end - code_at == _BLOCK:
                out[code_at] = end - code_at
                if self._write and end + _BLOCK + 2 > len(out):
                    self._pass_on(end)
                    end = 0
                code_at = end
                end += 1
        self._code_at, self._end = code_at, end

    def finish(self):
        """Close the last block and the frame; return the length of it all."""
        self._out[self._code_at] = self._end - self._code_at
        self._out[self._end] = 0
        length = self._written + self._end + 1
        if self._write:
            self._pass_on(self._end + 1)
        return length

    def _pass_on(self, end):
        self._write(memoryview(self._out)[:end])
        self._written += end
