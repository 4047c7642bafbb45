"""The link over a radio that carries short datagrams and loses, repeats and reorders them: bytes arrive once, in order.

    kind u8 | epoch (4) | number u16 big-endian | bytes (none in an acknowledgement)

`kind` is 1 to the device and 2 to the host, with 80 in its acknowledgement. One datagram at a time is under way: it is
sent again until it is acknowledged or time is up. The epoch is drawn by chance when a sender starts, and numbers go up
from there; a receiver takes what is newer than what it has, acknowledges all that it knows, and passes over the epoch
before. A datagram that was given up leaves a hole, which the framing's CRC finds. Nothing here protects: the messages
protect themselves.
"""

import os

from micropython import const

from smets.link.ticks import ticks_diff, ticks_ms

TO_DEVICE = const(1)
TO_HOST = const(2)
MTU = const(250)
"""Bytes of a datagram: what ESP-NOW takes. UDP has the same, so that what holds on one holds on the other."""
HEAD = const(7)
PAYLOAD = const(MTU - HEAD)
_ACKNOWLEDGED = const(0x80)
_RETRY_MS = const(40)
_WRITE_TIMEOUT_MS = const(1500)
_KEPT = const(2 * PAYLOAD)
_END_OF_FRAME = b"\x00"


def open_link(settings, outbound=TO_HOST):
    """Return the link that a board's settings name: `use` is "udp" (`group`, `port`) or "espnow" (`channel`)."""
    if settings["use"] == "udp":
        from smets.link.udp_radio import UdpRadio, join_wifi

        join_wifi()
        return RadioStream(UdpRadio(settings["group"], settings["port"]), outbound)
    from smets.link.espnow_radio import EspNowRadio

    return RadioStream(EspNowRadio(settings["channel"]), outbound)


class RadioStream:
    """Raw bytes over `radio`, which has `send(view)`, `receive(buffer, timeout_ms)` giving a size, and `close()`.

    `outbound` is TO_HOST on a device, TO_DEVICE at the other end.
    """

    def __init__(self, radio, outbound=TO_HOST):
        self._radio, self._outbound, self._inbound = radio, outbound, TO_HOST + TO_DEVICE - outbound
        self._input, self._output, self._answer = bytearray(MTU), bytearray(MTU), bytearray(HEAD)
        self._kept, self._kept_size = bytearray(_KEPT), 0
        self._output[0] = outbound
        self._output[1:5] = os.urandom(4)
        self._number, self._is_acknowledged = 0, False
        self._epoch, self._last_epoch, self._received = b"", b"", 0
        self._stalled = False

    def readinto(self, buffer, timeout_ms):
        """Wait up to `timeout_ms` for bytes, read what is there, and return how many; 0 when nothing came."""
        if not self._kept_size:
            self._receive(timeout_ms)
        count = min(len(buffer), self._kept_size)
        if count:
            kept = memoryview(self._kept)
            buffer[:count] = kept[:count]
            self._kept_size -= count
            kept[: self._kept_size] = kept[count : count + self._kept_size]
        return count

    def write(self, data):
        """Write all of `data`. When nobody acknowledges it in time, the rest is dropped."""
        if self._stalled and not self._deliver(_END_OF_FRAME, _RETRY_MS):
            return
        view, done = memoryview(data), 0
        self._stalled = False
        while done < len(view) and not self._stalled:
            part = view[done : done + PAYLOAD]
            self._stalled = not self._deliver(part, _WRITE_TIMEOUT_MS)
            done += len(part)

    def close(self):
        """Give the radio back."""
        self._radio.close()

    def _deliver(self, octets, patience_ms):
        """Send a datagram until it is acknowledged; return whether it was."""
        self._number = self._number + 1 & 0xFFFF
        end = HEAD + len(octets)
        self._output[5], self._output[6] = self._number >> 8, self._number & 0xFF
        self._output[HEAD:end] = octets
        self._is_acknowledged = False
        started_ms = ticks_ms()
        while not self._is_acknowledged:
            self._radio.send(memoryview(self._output)[:end])
            self._await_acknowledgement()
            if ticks_diff(ticks_ms(), started_ms) >= patience_ms:
                break
        return self._is_acknowledged

    def _await_acknowledgement(self):
        started_ms, left_ms = ticks_ms(), _RETRY_MS
        while left_ms > 0 and not self._is_acknowledged:
            self._receive(left_ms)
            left_ms = _RETRY_MS - ticks_diff(ticks_ms(), started_ms)

    def _receive(self, timeout_ms):
        """Take one datagram, if one comes: bytes, an acknowledgement, or something else's."""
        size = self._radio.receive(self._input, timeout_ms)
        if size < HEAD:
            return
        kind = self._input[0]
        if kind == self._outbound | _ACKNOWLEDGED:
            if self._input[1:HEAD] == self._output[1:HEAD]:
                self._is_acknowledged = True
        elif kind == self._inbound:
            self._take(self._input[1:5], self._input[5] << 8 | self._input[6], memoryview(self._input)[HEAD:size])

    def _take(self, epoch, number, octets):
        if epoch == self._last_epoch:
            return
        end = self._kept_size + len(octets)
        if epoch != self._epoch or 0 < number - self._received & 0xFFFF < 0x8000:
            if end > len(self._kept):
                return  # it comes again, and there may be room then
            if epoch != self._epoch:
                self._epoch, self._last_epoch = epoch, self._epoch
            self._received = number
            memoryview(self._kept)[self._kept_size : end] = octets
            self._kept_size = end
        self._answer[:] = self._input[:HEAD]
        self._answer[0] |= _ACKNOWLEDGED
        self._radio.send(self._answer)
