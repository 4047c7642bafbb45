"""Writes what passes over a link to a pcapng file that Wireshark and tshark dissect, GBCS messages included.

The dissector knows no blocks: each is kept as data, and the message that they make is added when its last has passed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from opensmets.blocks import Incoming, TransferFailed
from opensmets.errors import SmetsError
from opensmets.layouts import blocks, pcapng
from opensmets.layouts.link_frame import Channel, Frame
from opensmets.layouts.pcapng import INBOUND, OUTBOUND
from opensmets.layouts.wire import LayoutError

__all__ = ["INBOUND", "OUTBOUND", "Capture"]

_DISSECTORS = {
    Channel.MESSAGES: "gbcs_message",
    Channel.BENCH: "json",
    Channel.PROVISIONING: "json",
    Channel.LOG: "data-text-lines",
}


class Capture:
    """A pcapng file that grows by every frame and is whole after each. Raises SmetsError when it cannot be written."""

    def __init__(self, path: Path, port: str, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._path, self._clock_ns = path, clock_ns
        self._moving: dict[int, Incoming] = {}
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise SmetsError(f"cannot write the capture {path}: {error.strerror}") from None
        self._write(pcapng.section_header("OpenSMETS") + pcapng.interface(port))

    def add(self, direction: int, frame: Frame) -> None:
        """Add one frame that went OUTBOUND to the device or came INBOUND from it."""
        known = frame.channel in list(Channel)
        name = Channel(frame.channel).name.lower() if known else str(frame.channel)
        dissector = _DISSECTORS[Channel(frame.channel)] if known and frame.channel in _DISSECTORS else "data"
        time_us, comment = self._clock_ns() // 1000, f"channel {name}"
        if frame.channel != Channel.MESSAGES or not blocks.is_block(frame.payload):
            self._write(pcapng.packet(time_us, direction, dissector, frame.payload, comment))
            return
        self._write(pcapng.packet(time_us, direction, "data", frame.payload, f"{comment}, a block"))
        whole = self._put_together(direction, frame.payload)
        if whole is not None:
            self._write(pcapng.packet(time_us, direction, dissector, whole, f"{comment}, put together from blocks"))

    def _put_together(self, direction: int, octets: bytes) -> bytes | None:
        """Take a block that passed; return the message when this one made it whole."""
        try:
            block = blocks.decode(octets)
            if not block.octets:
                return None
            moving = self._moving.get(direction)
            if moving is None or moving.begins_another(block):
                moving = self._moving[direction] = Incoming()
            was_done = moving.done
            moving.take(block)
        except (LayoutError, TransferFailed):
            return None  # a capture shows what passed, sense or not
        return moving.octets if moving.done and not was_done else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, block: bytes) -> None:
        try:
            self._file.write(block)
            self._file.flush()
        except OSError as error:
            raise SmetsError(f"cannot write the capture {self._path}: {error.strerror}") from None
