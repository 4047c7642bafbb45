"""The Raspberry Pi Pico: what its core has of its own. Pins and links are in board.toml."""

WATCHDOG_MS = 8000
"""Without being fed so long the board starts again; the RP2040's longest is 8,388."""


def open_link(settings):
    """Return the driver of the link that the settings name: the board's USB, or a UART."""
    from smets.link import serial_stream

    return serial_stream.open_link(settings)


def watch(pin, handler):
    """Have `handler(pin)` called whenever `pin` is pulled down, from a hard interrupt: at once, whatever runs."""
    pin.irq(handler, pin.IRQ_FALLING, hard=True)
