"""The unix port as a board: its link is standard input and output, its pins are those of machine.py."""

WATCHDOG_MS = 8000


def open_link(settings):
    """Return the driver of standard input and output, on which whoever starts this has set O_NONBLOCK."""
    from smets.link.unix_stream import open_standard

    return open_standard(nonblocking=True)


def watch(pin, handler):
    """Have `handler(pin)` called whenever `pin` is pulled down by `Pin.pull_down`."""
    pin.irq(handler, pin.IRQ_FALLING)
