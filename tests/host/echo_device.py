"""A device's end of the link and nothing else, on MicroPython or CPython: every frame is sent back as it came.

Run with the firmware on the path and a pty's master side as standard input and output; `nonblocking` as argument when
the starter set O_NONBLOCK on it, `usb` for the driver of a board's USB port, for which standard input stands in.
"""

import sys

from smets.link import framing, serial_stream, unix_stream

stream = serial_stream.open_usb() if "usb" in sys.argv else unix_stream.open_standard("nonblocking" in sys.argv)
decoder = framing.FrameDecoder()
buffer, out = bytearray(512), bytearray(framing.MIN_BUFFER)
view = memoryview(buffer)
while True:
    decoder.feed(view, stream.readinto(view, 1000))
    frame = decoder.next_frame()
    while frame:
        channel, payload = frame
        if channel == framing.LOG:  # a question: what was lost?
            payload = f"{decoder.dropped_crc} {decoder.dropped_length} {decoder.dropped_cobs}".encode()
        framing.encode_frame(channel, (payload,), out, stream.write)
        frame = decoder.next_frame()
