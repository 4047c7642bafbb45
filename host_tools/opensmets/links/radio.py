"""A link over datagrams that get lost, repeated and reordered, as a stream with the calls of a serial port.

`udp:239.255.83.77:17983` names a multicast group; one device and one host share it. The device's side, and how it
comes that octets arrive once and in order, is in firmware/smets/link/radio_stream.py.
"""

from __future__ import annotations

import ipaddress
import os
import select
import socket
import time

from opensmets.errors import SmetsError, UsageError
from opensmets.layouts.radio_datagram import PAYLOAD, TO_DEVICE, TO_HOST, Datagram, decode, encode
from opensmets.layouts.wire import LayoutError
from opensmets.links.runtime import RADIO

RETRY_S = 0.04
#: A device that has much to do acknowledges nothing meanwhile: certificates to check, days to live on a bench.
PATIENCE_S = 20.0
_MAX_DATAGRAM = 2048
_HALF = 0x8000


class RadioSilent(OSError):
    """Nobody acknowledged what was sent."""


def parse_group(port: str) -> tuple[str, int]:
    """Return the address and number of a port named `udp:GROUP:PORT`. Raises UsageError when it is no such name."""
    group, _, number = port.removeprefix(RADIO).rpartition(":")
    try:
        is_group = ipaddress.IPv4Address(group).is_multicast
    except ValueError:
        is_group = False
    if not port.startswith(RADIO) or not is_group or not number.isdecimal() or not 0 < int(number) < 1 << 16:
        raise UsageError(f"{port} names no multicast group: write udp:239.255.83.77:17983 or the like")
    return group, int(number)


class RadioStream:
    """The host's end. `timeout` is how long `read` waits for the first octet, in seconds."""

    def __init__(self, air: socket.socket, address: tuple[str, int]) -> None:
        self.timeout: float | None = None
        self._air, self._address = air, address
        self._epoch, self._number = os.urandom(4), 0
        self._peer, self._last_peer, self._received = b"", b"", 0
        self._octets = bytearray()
        self._acknowledged = -1

    @property
    def in_waiting(self) -> int:
        """How many octets can be read at once."""
        return len(self._octets)

    def read(self, size: int = 1) -> bytes:
        """Return up to `size` octets, or none when none came within `timeout`."""
        deadline = time.monotonic() + (self.timeout or 0.0)
        self._receive(0.0)
        while not self._octets and (left := deadline - time.monotonic()) > 0:
            self._receive(left)
        taken = bytes(self._octets[:size])
        del self._octets[:size]
        return taken

    def write(self, octets: bytes) -> int:
        """Send all octets. Raises RadioSilent when nobody has them in time."""
        for at in range(0, len(octets), PAYLOAD):
            self._deliver(octets[at : at + PAYLOAD])
        return len(octets)

    def close(self) -> None:
        """Leave the group."""
        self._air.close()

    def _deliver(self, octets: bytes) -> None:
        self._number = self._number + 1 & 0xFFFF
        sent = encode(Datagram(TO_DEVICE, self._epoch, self._number, octets))
        deadline = time.monotonic() + PATIENCE_S
        while self._acknowledged != self._number:
            if time.monotonic() >= deadline:
                raise RadioSilent(f"nobody answers on the air in {PATIENCE_S:g} s")
            self._send(sent)
            again = time.monotonic() + RETRY_S
            while self._acknowledged != self._number and (left := again - time.monotonic()) > 0:
                self._receive(left)

    def _send(self, octets: bytes) -> None:
        try:
            self._air.sendto(octets, self._address)
        except BlockingIOError:
            return  # lost, as it may be on the air

    def _receive(self, timeout_s: float) -> None:
        """Take one datagram, if one comes."""
        if not select.select([self._air], [], [], timeout_s)[0]:
            return
        try:
            datagram = decode(self._air.recv(_MAX_DATAGRAM))
        except (LayoutError, BlockingIOError):
            return
        mine = Datagram(TO_DEVICE, self._epoch, datagram.number).acknowledgement
        if datagram == mine:
            self._acknowledged = datagram.number
        elif datagram.kind == TO_HOST and datagram.epoch != self._last_peer:
            self._take(datagram)

    def _take(self, datagram: Datagram) -> None:
        is_new_peer = datagram.epoch != self._peer
        if is_new_peer:
            self._last_peer, self._peer = self._peer, datagram.epoch
        if is_new_peer or 0 < (datagram.number - self._received & 0xFFFF) < _HALF:
            self._received = datagram.number
            self._octets += datagram.octets
        self._send(encode(datagram.acknowledgement))


def open_radio(port: str) -> RadioStream:
    """Join the group that a port names. Raises UsageError when it names none, SmetsError when it cannot be joined."""
    group, number = parse_group(port)
    air = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        air.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        air.bind((group, number))
        air.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + bytes(4))
        air.setblocking(False)
    except OSError as error:
        air.close()
        raise SmetsError(f"cannot join {port}: {error.strerror}; is there a network?") from None
    return RadioStream(air, (group, number))
