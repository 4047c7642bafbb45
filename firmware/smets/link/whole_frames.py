"""Frames to a host that may have stopped reading: each is sent whole or not at all.

It must not stop the meter, whose time waits meanwhile; so a frame waits for a while and no longer, and those that
follow not at all until there is room again. Then a line on the log channel says how many were dropped: nothing is lost
in silence. Of a frame that was under way the host has a part, which its CRC gives away.
"""

from micropython import const

from smets.link import framing
from smets.link.ticks import ticks_diff, ticks_ms

_PATIENCE_MS = const(2000)  # of a frame: nothing else is done meanwhile
_CHUNK = const(256)  # what a pty always takes at once when it says that it takes any
_END_OF_FRAME = const(b"\x00")
_TOLD = const("%d frames were dropped: nobody read them")
_NOTICE_SIZE = const(80)


class WholeFrames:
    """Sends each frame whole or not at all, and tells the host what it missed. `dropped`: what it was not told of yet.

    `write_some(view, timeout_ms)` writes the start of a view when there is room for it, and returns how much; 0 when
    there was no room in time.
    """

    def __init__(self, write_some):
        self._write_some = write_some
        self.dropped = 0
        self._is_inside = self._is_lost = self._is_cut = False
        self._begun_ms = self._patience_ms = 0

    def write(self, view):
        """Write all of a memoryview, the next part of a frame; the last part ends in 00."""
        if not self._is_inside:
            self._begin()
        if not self._is_lost:
            self._is_lost = not self._put(view)
        if view[-1] == 0:
            self._is_inside = False
            self.dropped += self._is_lost

    def _begin(self):
        """Begin a frame, behind what is to be sent before it; it is lost when there is no room for that."""
        self._begun_ms, self._patience_ms = ticks_ms(), 0 if self._is_lost else _PATIENCE_MS
        self._is_inside = True
        self._is_lost = self._is_cut and not self._write_some(_END_OF_FRAME, 0)
        if self.dropped and not self._is_lost:
            notice = bytearray(_NOTICE_SIZE)
            length = framing.encode_frame(framing.LOG, ((_TOLD % self.dropped).encode(),), notice)
            self._is_lost = not self._put(memoryview(notice)[:length])
            if not self._is_lost:
                self.dropped = 0

    def _put(self, view):
        """Write octets; return whether they all went. From the first on there is patience for the rest."""
        done = 0
        while done < len(view):
            left_ms = max(0, self._patience_ms - ticks_diff(ticks_ms(), self._begun_ms))
            sent = self._write_some(view[done : done + _CHUNK], left_ms)
            if not sent:
                return False
            done += sent
            self._is_cut = view[done - 1] != 0
            self._patience_ms = _PATIENCE_MS
        return True
