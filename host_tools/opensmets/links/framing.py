"""Frames on a byte stream: sans-IO, whole through any cut of the stream and found again after noise."""

from __future__ import annotations

from collections import deque

from opensmets.layouts import link_frame
from opensmets.layouts.link_frame import MAX_PAYLOAD, OVERHEAD, Frame
from opensmets.layouts.wire import LayoutError
from opensmets.links import cobs

END = b"\0"
#: The longest frame on the wire without its end: one octet of stuffing for each 254, and one more.
MAX_STUFFED = MAX_PAYLOAD + OVERHEAD + (MAX_PAYLOAD + OVERHEAD) // 254 + 1


def encode_frame(frame: Frame) -> bytes:
    """Return what goes on the wire for `frame`. Raises LayoutError when its payload is too long."""
    return cobs.encode(link_frame.encode(frame)) + END


class FrameReader:
    """Takes octets as they come with `feed`, gives whole frames with `next_frame`; counts what it `dropped`."""

    def __init__(self) -> None:
        self.dropped = 0
        self._frames: deque[Frame] = deque()
        self._partial = bytearray()
        self._skipping = False

    @property
    def is_within_frame(self) -> bool:
        """Whether a frame has begun whose end is still to come."""
        return bool(self._partial) or self._skipping

    def feed(self, octets: bytes) -> None:
        """Take what was read."""
        *whole, rest = octets.split(END)
        for piece in whole:
            self._add(piece)
            self._finish()
        self._add(rest)

    def next_frame(self) -> Frame | None:
        """Return the next whole frame, or None when more octets are needed."""
        return self._frames.popleft() if self._frames else None

    def _add(self, piece: bytes) -> None:
        if len(self._partial) + len(piece) > MAX_STUFFED:
            self._skipping = True
            self._partial.clear()
        if not self._skipping:
            self._partial += piece

    def _finish(self) -> None:
        stuffed, skipped = bytes(self._partial), self._skipping
        self._partial.clear()
        self._skipping = False
        if not stuffed and not skipped:
            return
        try:
            if skipped:
                raise LayoutError("link frame: too long")
            self._frames.append(link_frame.decode(cobs.decode(stuffed)))
        except LayoutError:
            self.dropped += 1
