"""A board at the host's end of a radio link: what comes over its USB goes out over the radio, and back.

From the REPL of an ESP32 with this package in `lib`, or in its main.py:

    from smets.link import bridge; bridge.run({"use": "espnow", "channel": 6})
"""

from smets.link import radio_stream, serial_stream

_WAIT_MS = 5


def run(settings):
    """Be a bridge from the USB port to the radio that `settings` name, as a board.toml does. Never returns."""
    wired, radio = serial_stream.open_usb(), radio_stream.open_link(settings, radio_stream.TO_DEVICE)
    buffer = bytearray(256)
    while True:
        pass_on(wired, radio, buffer)
        pass_on(radio, wired, buffer)


def pass_on(source, sink, buffer):
    """Pass on what `source` has, waiting a moment for it, in parts that end where a frame ends: `write` wants that."""
    count, done = source.readinto(buffer, _WAIT_MS), 0
    view = memoryview(buffer)
    for end in range(1, count + 1):
        if end == count or not buffer[end - 1]:
            sink.write(view[done:end])
            done = end
