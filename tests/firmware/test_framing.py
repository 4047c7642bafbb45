"""Link frames: whole through any cut of the stream, found again after noise, and made without garbage."""

import random
import sys

from smets.link.framing import MAX_PAYLOAD, MIN_BUFFER, FrameDecoder, encode_frame
from tests.firmware.skipping import SkipTest

random.seed(20)


def some_bytes(size):
    """Bytes as messages have them: runs of zeros and of others, 254-byte blocks among them."""
    data = bytearray()
    while len(data) < size:
        run = random.choice((1, 2, 7, 40, 253, 254, 255, 300))
        data += bytes(run) if random.randint(0, 3) == 0 else bytes([random.randint(1, 255) for _ in range(run)])
    return bytes(data[:size])


def encoded(channel, *parts):
    out = bytearray(10000)
    return bytes(out[: encode_frame(channel, parts, out)])


def frames_of(decoder, stream, cut):
    """Feed `stream` in pieces of at most `cut` bytes from one kept buffer."""
    buffer, found = bytearray(cut), []
    for start in range(0, len(stream), cut):
        piece = stream[start : start + cut]
        buffer[: len(piece)] = piece
        decoder.feed(memoryview(buffer), len(piece))
        frame = decoder.next_frame()
        while frame:
            found.append((frame[0], bytes(frame[1])))
            frame = decoder.next_frame()
    return found


def test_known_frames():
    # stuffed by hand from the definition
    import binascii

    assert binascii.crc32(b"\x00") == 0xD202EF8D
    assert encoded(0) == b"\x01\x05\x8d\xef\x02\xd2\x00"
    check = binascii.crc32(b"\x02A").to_bytes(4, "little")
    assert 0 not in check
    assert encoded(2, b"A") == b"\x07\x02A" + check + b"\x00"


def test_round_trips_at_every_cut():
    payloads = [b"", b"\x00", bytes(MAX_PAYLOAD), b"\xff" * MAX_PAYLOAD]
    payloads += [some_bytes(size) for size in (1, 3, 248, 249, 250, 251, 252, 253, 254, 255, 509, 1200)]
    stream = b"".join([encoded(index % 6, payload) for index, payload in enumerate(payloads)])
    expected = [(index % 6, payload) for index, payload in enumerate(payloads)]
    for cut in (1, 2, 3, 255, 256, 4096, len(stream)):
        decoder = FrameDecoder()
        assert frames_of(decoder, stream, cut) == expected
        assert decoder.dropped_crc == decoder.dropped_length == decoder.dropped_cobs == 0


def test_parts_and_streaming_make_the_same_frame():
    for size in (0, 1, 253, 254, 255, 600, 3000, MAX_PAYLOAD):
        payload = some_bytes(size)
        whole = encoded(1, payload)
        assert encoded(1, payload[: size // 3], memoryview(payload)[size // 3 :]) == whole
        written = []
        length = encode_frame(1, (payload,), bytearray(MIN_BUFFER), lambda view, to=written: to.append(bytes(view)))
        assert b"".join(written) == whole and length == len(whole)
        assert whole.count(b"\x00") == 1


def test_too_long_or_too_small_is_refused():
    for parts, size in (((bytes(MAX_PAYLOAD), b"x"), 10000), ((bytes(100),), 100)):
        try:
            encode_frame(0, parts, bytearray(size))
        except ValueError:
            pass
        else:
            raise AssertionError(size)


def test_noise_costs_the_frame_it_hits_and_no_other():
    good = encoded(0, b"good")
    cases = (
        (b"\x05\x01\x02\x00", "dropped_cobs"),  # the block says four bytes, a 00 comes after two
        (b"\x07\x01\x02\x03\x04\x05\x06\x00", "dropped_crc"),
        (b"\x03\x01\x02\x00", "dropped_length"),
        (b"\x01\x00", "dropped_length"),  # an empty block alone
        (b"\x02\x01" * 300 + b"\x00", "dropped_length"),
        (bytes([random.randint(1, 254) for _ in range(5000)]) + b"\x00", None),
    )
    for noise, counter in cases:
        decoder = FrameDecoder(300)
        assert frames_of(decoder, noise + good + good, 7) == [(0, b"good")] * 2, noise[:10]
        total = decoder.dropped_crc + decoder.dropped_length + decoder.dropped_cobs
        assert total == 1 and (counter is None or getattr(decoder, counter) == 1), (counter, noise[:10])
    decoder = FrameDecoder(300)
    assert frames_of(decoder, b"\x00\x00" + good + b"\x00\x00\x00" + good, 3) == [(0, b"good")] * 2
    assert decoder.dropped_length == 0  # a 00 alone is silence


def test_a_frame_longer_than_the_limit_is_skipped_whole():
    decoder = FrameDecoder(100)
    stream = encoded(0, bytes(100)) + encoded(0, bytes(101)) + encoded(0, some_bytes(8000)) + encoded(3, b"next")
    assert frames_of(decoder, stream, 50) == [(0, bytes(100)), (3, b"next")]
    assert decoder.dropped_length == 2


def test_any_damaged_bit_is_noticed():
    good = encoded(0, b"payload\x00with\x00zeros")
    for position in range(len(good)):
        for bit in range(8):
            damaged = bytearray(good)
            damaged[position] ^= 1 << bit
            found = frames_of(FrameDecoder(), bytes(damaged) + b"\x00" + good, 11)
            assert found == [(0, b"payload\x00with\x00zeros")], (position, bit)


def test_decoding_allocates_nothing_per_byte():
    if sys.implementation.name != "micropython":
        raise SkipTest("CPython has no heap to lock; MicroPython proves it")
    import micropython

    decoder = FrameDecoder()
    stream = memoryview(encoded(0, some_bytes(4000))[:-1])
    decoder.feed(stream, len(stream))
    micropython.heap_lock()
    try:
        frame = decoder.next_frame()
    finally:
        micropython.heap_unlock()
    assert frame is None
    decoder.feed(b"\x00", 1)
    assert len(decoder.next_frame()[1]) == 4000
