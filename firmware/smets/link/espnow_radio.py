"""A HAN-style radio in its first form: ESP-NOW broadcasts between ESP32s, no network needed.

At the host's end is another ESP32 that runs `bridge.py`.
"""

import espnow  # type: ignore[import-not-found]  # an RP2040 has none
import network

_EVERYBODY = b"\xff" * 6
_MTU = 250  # MicroPython wants room for the longest


class EspNowRadio:
    """Datagrams to and from all on a Wi-Fi `channel` (1 to 13). Raises OSError when the radio cannot be used."""

    def __init__(self, channel):
        station = network.WLAN(network.STA_IF)
        station.active(True)
        station.config(channel=channel)
        self._radio = espnow.ESPNow()
        self._radio.active(True)
        self._radio.add_peer(_EVERYBODY)
        self._datagram = [bytearray(6), bytearray(_MTU)]

    def send(self, view):
        """Send a datagram. What the radio does not take is lost, as it may be on the air."""
        try:
            self._radio.send(_EVERYBODY, view, False)
        except OSError:
            pass

    def receive(self, buffer, timeout_ms):
        """Return the size of the next datagram, 0 when none came in time; what is longer than `buffer` is cut."""
        count = min(self._radio.recvinto(self._datagram, timeout_ms), len(buffer))
        buffer[:count] = memoryview(self._datagram[1])[:count]
        return count

    def close(self):
        """Switch the radio off."""
        self._radio.active(False)
