"""The link over a board's own USB serial port or a UART, behind the same three calls as `unix_stream`.

USB CDC is also the board's REPL: taking it over switches the interrupt character off, because a frame may hold it.
"""

import select
import sys

import micropython

from smets.link.ticks import ticks_diff, ticks_ms
from smets.link.whole_frames import WholeFrames


def open_link(settings):
    """Return the link that a board's settings name: `use` is "usb", "uart" with its `id`, `baud`, `tx`, `rx`, or a
    radio, "udp" or "espnow" (radio_stream.py)."""
    if settings["use"] == "usb":
        return open_usb()
    if settings["use"] != "uart":
        from smets.link import radio_stream

        return radio_stream.open_link(settings)
    return open_uart(settings["id"], settings["baud"], tx=settings["tx"], rx=settings["rx"])


def open_usb():
    """Return a SerialStream over the board's USB CDC port. Ctrl-C no longer stops the program."""
    micropython.kbd_intr(-1)
    return SerialStream(sys.stdin.buffer, sys.stdout.buffer, False)


def open_uart(number, baud, **pins):
    """Return a SerialStream over UART `number` at `baud`; `pins` are the board's `tx` and `rx`."""
    from machine import UART

    uart = UART(number, baud, timeout=0, rxbuf=1024, **pins)
    return SerialStream(uart, uart, True)


class SerialStream:
    """Bytes to and from the host. `reads_what_is_there`: `readinto` of `source` returns early, as a UART's does.

    `write(data)` takes the next part of a frame, which is sent whole or not at all (whole_frames.py).
    """

    def __init__(self, source, sink, reads_what_is_there):
        self._source, self._sink = source, sink
        self._reads_what_is_there = reads_what_is_there
        self._poll = select.poll()
        self._poll.register(source, select.POLLIN)
        self._one = bytearray(1)
        self.write = WholeFrames(self._write_some).write

    def readinto(self, buffer, timeout_ms):
        """Wait up to `timeout_ms` for bytes, read what is there, and return how many; 0 when nothing came."""
        if not self._is_ready(timeout_ms):
            return 0
        if self._reads_what_is_there:
            return self._source.readinto(buffer) or 0
        count = 0
        while count < len(buffer) and self._is_ready(0) and self._source.readinto(self._one):
            buffer[count] = self._one[0]
            count += 1
        return count

    def _write_some(self, view, timeout_ms):
        """Write the start of `view` once there is room; return how much, 0 when there was none in time.

        Whether there is room only a write tells on every board; a Pico's USB waits half a second for it by itself.
        """
        begun_ms = ticks_ms()
        while True:
            sent = self._sink.write(view) or 0
            if sent or ticks_diff(ticks_ms(), begun_ms) >= timeout_ms:
                return sent

    def _is_ready(self, timeout_ms):
        for _ in self._poll.ipoll(timeout_ms):  # unlike poll, it allocates nothing
            return True
        return False

    def close(self):
        """Give the port back: the interrupt character works again."""
        micropython.kbd_intr(3)
