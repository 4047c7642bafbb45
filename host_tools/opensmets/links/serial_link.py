"""A link to a device over a serial port or a pty: frames out, frames in, one user at a time."""

from __future__ import annotations

import errno
import os
import termios
import time
from pathlib import Path
from typing import Any, Protocol

import serial

from opensmets.errors import SmetsError
from opensmets.layouts.link_frame import Frame
from opensmets.links.capture import INBOUND, OUTBOUND, Capture
from opensmets.links.finding import resolve_port
from opensmets.links.framing import END, FrameReader, encode_frame
from opensmets.links.radio import open_radio
from opensmets.links.runtime import RADIO, PortBusy, PortLock

BAUD = 115200
WRITE_TIMEOUT_S = 5.0
READ_SIZE = 4096
#: How long the rest of a frame is waited for that has begun to come; the device sends a frame in one go.
REST_TIMEOUT_S = 1.0
_FAILURES = (OSError, serial.SerialException, termios.error)


#: What the system's error numbers mean for a port.
_REASONS = {
    errno.ENOENT: "there is no such port",
    errno.ENOTTY: "it is not a serial port",
    errno.EACCES: "you may not use it; on Linux, join the group that owns it",
    errno.EIO: "the other end closed it",
}


class LinkLost(SmetsError):
    """The port vanished or stopped taking data while it was in use."""


class _Port(serial.Serial):
    """A raw serial port or pty that keeps what came before it was opened: an alert may wait there."""

    def _reset_input_buffer(self) -> None:
        pass


class Stream(Protocol):
    """What carries a link's octets: a serial port or pty (pyserial), or a radio (radio.py)."""

    timeout: float | None

    @property
    def in_waiting(self) -> int:
        """How many octets can be read at once."""

    def read(self, size: int = 1) -> Any:
        """Return up to `size` octets, what came within `timeout`."""

    def write(self, octets: bytes) -> Any:
        """Send all octets."""

    def close(self) -> None:
        """Give the port back."""


class Link:
    """Frames to and from the device at `port`, made by `open_link`. Closing or leaving `with` gives the port back."""

    def __init__(self, port: str, stream: Stream, lock: PortLock, capture: Capture | None = None) -> None:
        self.port = port
        self._stream, self._lock, self._capture = stream, lock, capture
        self._reader = FrameReader()

    @property
    def dropped(self) -> int:
        """How many frames arrived damaged."""
        return self._reader.dropped

    def send(self, channel: int, payload: bytes) -> None:
        """Send one frame. Raises LinkLost when the port is gone or takes nothing, LayoutError when it is too long."""
        frame = Frame(channel, payload)
        octets = encode_frame(frame)
        if self._capture:
            self._capture.add(OUTBOUND, frame)
        try:
            self._stream.write(octets)
        except serial.SerialTimeoutException:
            raise LinkLost(f"{self.port} takes no data: is the device running? Restart it and try again") from None
        except _FAILURES as error:
            raise self._lost(error) from None

    def receive(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came within `timeout_s`. Raises LinkLost when the port is gone."""
        deadline = time.monotonic() + timeout_s
        frame = self._reader.next_frame()
        while frame is None and (left := deadline - time.monotonic()) > 0:
            self._reader.feed(self._read(left))
            frame = self._reader.next_frame()
        if frame is not None and self._capture:
            self._capture.add(INBOUND, frame)
        return frame

    def receive_waiting(self) -> Frame | None:
        """Return the next frame of what has come already, or begun to, or None. Raises LinkLost when the port is gone.

        A frame whose end is still to come is waited for: whoever uses the port next would get the rest alone.
        """
        if (frame := self.receive(0.0)) is not None:
            return frame
        self._reader.feed(self._read(0.0))
        return self.receive(REST_TIMEOUT_S if self._reader.is_within_frame else 0.0)

    def close(self) -> None:
        """Close the port and the capture, and let others have the port."""
        self._stream.close()
        if self._capture:
            self._capture.close()
        self._lock.close()

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self, timeout_s: float) -> bytes:
        """Return what is there, having waited for the first octet at most `timeout_s`."""
        try:
            self._stream.timeout = timeout_s
            first: bytes = self._stream.read(1)
            waiting = self._stream.in_waiting if first else 0
            return first + bytes(self._stream.read(min(waiting, READ_SIZE))) if waiting else first
        except _FAILURES as error:
            raise self._lost(error) from None

    def _lost(self, error: Exception) -> LinkLost:
        return LinkLost(f"{self.port} went away ({_reason(error)}): plug it in or start the device, and try again")


def _reason(error: Exception) -> str:
    """Return why a port failed in plain words, whichever layer said so and however."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else getattr(error, "errno", None)
    if number is not None:
        return _REASONS.get(number, os.strerror(number).lower())
    if "Inappropriate ioctl" in str(error):
        return _REASONS[errno.ENOTTY]
    if "returned no data" in str(error) or "disconnected" in str(error):
        return _REASONS[errno.EIO]
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def open_link(port: str, *, pcap: Path | None = None, write_timeout_s: float = WRITE_TIMEOUT_S) -> Link:
    """Open `port` (a serial port, a pty, `udp:GROUP:PORT`, or `auto`) for this process alone.

    `pcap` names a capture file to write; a frame that takes longer than `write_timeout_s` loses the link.

    Raises PortBusy naming who has it, UsageError when `auto` finds none or several, SmetsError when it cannot be
    opened.
    """
    path = resolve_port(port)
    lock = PortLock(path)
    try:
        stream = _open_stream(path, write_timeout_s)
        try:
            capture = Capture(pcap, path) if pcap else None
        except SmetsError:
            stream.close()
            raise
    except SmetsError:
        lock.close()
        raise
    return Link(path, stream, lock, capture)


def _open_stream(path: str, write_timeout_s: float) -> Stream:
    if path.startswith(RADIO):
        return open_radio(path)
    try:
        stream = _Port(path, BAUD, write_timeout=write_timeout_s, exclusive=True)
        stream.write(END)  # ends whatever noise the device has taken in so far
    except BlockingIOError:
        raise PortBusy(f"{path} is in use by another user's process: end it first") from None
    except _FAILURES as error:
        if "exclusively lock" in str(error):
            raise PortBusy(f"{path} is in use by another program: end it first") from None
        raise SmetsError(f"cannot open {path} ({_reason(error)}): name the device's port, or use auto") from None
    return stream
