"""A HAN-style radio in its first form: datagrams to a UDP multicast group, on a Pico W, the unix port and CPython.

One device and one host share a group and port.
"""

import json
import select
import socket
import sys
import time

from micropython import const

WIFI_FILE = "wifi.json"
"""The network's `ssid` and `key`, put on the board by its owner: no image holds them."""
_CONNECT_S = const(20)
_POLL_MS = const(100)


def join_wifi():
    """Join the network of WIFI_FILE. Raises OSError when there is no such file, or no connection in time."""
    import network

    with open(WIFI_FILE) as file:
        wifi = json.load(file)
    station = network.WLAN(network.STA_IF)
    station.active(True)
    station.connect(wifi["ssid"], wifi["key"])
    for _ in range(_CONNECT_S * 1000 // _POLL_MS):
        if station.isconnected():
            return
        time.sleep_ms(_POLL_MS)
    raise OSError("no connection to the network of " + WIFI_FILE)


class UdpRadio:
    """Datagrams to and from all in `group` (four numbers with dots) at `port`. Raises OSError when it cannot join."""

    def __init__(self, group, port):
        self._address = socket.getaddrinfo(group, port)[0][-1]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(self._address if sys.platform in ("linux", "darwin") else ("0.0.0.0", port))
        membership = bytes([int(part) for part in group.split(".")]) + bytes(4)
        self._socket.setsockopt(0, _add_membership(), membership)
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._wait = getattr(self._poll, "ipoll", self._poll.poll)

    def send(self, view):
        """Send a datagram. What the network does not take is lost, as it may be on the air."""
        try:
            self._socket.sendto(view, self._address)
        except OSError:
            pass

    def receive(self, buffer, timeout_ms):
        """Return the size of the next datagram, 0 when none came in time; what is longer than `buffer` is cut."""
        try:
            for _ in self._wait(timeout_ms):
                datagram = self._socket.recv(len(buffer))  # MicroPython's readinto would go on into the next one
                buffer[: len(datagram)] = datagram
                return len(datagram)
        except OSError:  # EAGAIN: it had a bad checksum
            pass
        return 0

    def close(self):
        """Leave the group."""
        self._socket.close()


def _add_membership():
    """Return IP_ADD_MEMBERSHIP, which MicroPython's unix port does not name and each system numbers as it likes."""
    return getattr(socket, "IP_ADD_MEMBERSHIP", 12 if sys.platform == "darwin" else 35)
