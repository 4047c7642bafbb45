"""What `--port auto` means: the one board or virtual device that is there."""

from __future__ import annotations

from serial.tools import list_ports

from opensmets.errors import UsageError
from opensmets.links.runtime import running_devices

AUTO = "auto"
#: USB vendor ids of the boards' own USB, and (vendor, product) ids of the serial bridges that ESP32 boards bear.
BOARD_VENDORS = {0x2E8A: "Raspberry Pi Pico", 0x303A: "ESP32"}
BRIDGES = {
    (0x10C4, 0xEA60): "ESP32 (CP210x)",
    (0x1A86, 0x7523): "ESP32 (CH340)",
    (0x1A86, 0x55D4): "ESP32 (CH9102)",
}


def candidates() -> list[tuple[str, str]]:
    """Return (port, what is there) of every virtual device that runs and every board that is plugged in."""
    found = [(device.port, f"virtual {device.role} {device.eui}") for device in running_devices()]
    for port in list_ports.comports():
        if port.vid is None or port.pid is None:
            continue
        board = BOARD_VENDORS.get(port.vid) or BRIDGES.get((port.vid, port.pid))
        if board:
            found.append((port.device, board))
    return found


def resolve_port(port: str) -> str:
    """Return `port`, or the only candidate when it is `auto`. Raises UsageError when there is none or a choice."""
    if port != AUTO:
        return port
    found = candidates()
    if not found:
        raise UsageError(
            "no board and no virtual device found: plug one in, run `smets device run`, or name a port with --port"
        )
    if len(found) > 1:
        names = ", ".join(f"{path} ({what})" for path, what in found)
        raise UsageError(f"--port auto has a choice: {names}; name one with --port")
    return found[0][0]
