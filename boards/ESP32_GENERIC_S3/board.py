"""ESP32-S3 modules: what their core has of its own. Pins and links are in board.toml."""

WATCHDOG_MS = 30000
"""Without being fed so long the board starts again."""


def open_link(settings):
    """Return the driver of the link that the settings name: the port of the REPL, or a UART."""
    from smets.link import serial_stream

    return serial_stream.open_link(settings)


def watch(pin, handler):
    """Have `handler(pin)` called whenever `pin` is pulled down, between two steps of the program."""
    pin.irq(handler, pin.IRQ_FALLING)
