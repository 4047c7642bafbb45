"""The driver of a board's USB port and UART: a host that does not read gets frames whole or not at all."""

from smets.link import framing, serial_stream, whole_frames
from smets.link.framing import FrameDecoder, encode_frame
from smets.link.serial_stream import SerialStream

WRITE_MS = 500


class Port:
    """What a Pico's USB port is to its program: a write takes what there is room for, and waits for some in vain.

    It is its own clock.
    """

    def __init__(self, room):
        self.room, self.taken, self.now_ms = room, bytearray(), 0

    def write(self, view):
        count = min(self.room, len(view))
        self.room -= count
        self.taken.extend(view[:count])
        if not count:
            self.now_ms += WRITE_MS
        return count or None

    def ticks_ms(self):
        return self.now_ms


def frames_in(data):
    decoder, found = FrameDecoder(), []
    decoder.feed(data, len(data))
    frame = decoder.next_frame()
    while frame:
        found.append((frame[0], bytes(frame[1])))
        frame = decoder.next_frame()
    return found


def test_what_a_host_does_not_read_is_dropped_whole_and_told():
    port, clock = Port(400), serial_stream.ticks_ms
    serial_stream.ticks_ms = whole_frames.ticks_ms = port.ticks_ms
    try:
        with open("/dev/null", "rb") as source:
            write = SerialStream(source, port, True).write
            out = bytearray(framing.MIN_BUFFER)
            for number in range(1, 5):
                encode_frame(framing.MESSAGES, (bytes((number,)) * 300,), out, write)
            assert port.now_ms <= 2000 + 3 * WRITE_MS  # it waited for the first that had no room, for others a write
            port.room = 10000
            encode_frame(framing.MESSAGES, (b"read again",), out, write)
    finally:
        serial_stream.ticks_ms = whole_frames.ticks_ms = clock
    first, told, last = frames_in(bytes(port.taken))
    assert first == (framing.MESSAGES, bytes((1,)) * 300) and last == (framing.MESSAGES, b"read again")
    assert told[0] == framing.LOG and told[1].startswith(b"3 frames were dropped")
