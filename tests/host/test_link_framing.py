"""The host's frames: round trips, any cut, noise; and judged against the device's framing, which shares no code."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensmets.layouts import link_frame
from opensmets.layouts.link_frame import MAX_PAYLOAD, Channel, ClockStatus, Frame
from opensmets.layouts.wire import LayoutError
from opensmets.links import cobs
from opensmets.links.framing import MAX_STUFFED, FrameReader, encode_frame
from smets.link import framing as device

# runs of zeros and of others, so that full blocks of 254 occur
payloads = st.lists(
    st.one_of(st.binary(max_size=40), st.integers(0, 300).map(bytes), st.integers(240, 520).map(lambda n: b"\x5a" * n)),
    max_size=6,
).map(b"".join)
frames = st.builds(Frame, st.integers(0, 255), payloads)


def read(stream: bytes, cut: int) -> tuple[list[Frame], int]:
    reader, found = FrameReader(), []
    for start in range(0, len(stream), cut):
        reader.feed(stream[start : start + cut])
        while frame := reader.next_frame():
            found.append(frame)
    return found, reader.dropped


def device_read(stream: bytes, cut: int) -> tuple[list[Frame], int]:
    decoder, found = device.FrameDecoder(), []
    for start in range(0, len(stream), cut):
        piece = stream[start : start + cut]
        decoder.feed(memoryview(piece), len(piece))
        while frame := decoder.next_frame():
            found.append(Frame(frame[0], bytes(frame[1])))
    return found, decoder.dropped_crc + decoder.dropped_length + decoder.dropped_cobs


def device_encode(frame: Frame) -> bytes:
    written: list[bytes] = []
    device.encode_frame(
        frame.channel, (frame.payload,), bytearray(device.MIN_BUFFER), lambda part: written.append(bytes(part))
    )
    return b"".join(written)


@pytest.mark.parametrize(
    ("octets", "stuffed"),
    [  # the examples of Cheshire and Baker's paper, as Wikipedia tabulates them
        ("00", "0101"),
        ("0000", "010101"),
        ("001100", "01021101"),
        ("11220033", "0311220233"),
        ("11223344", "0511223344"),
        ("11000000", "0211010101"),
        (bytes(range(1, 254)).hex(), "fe" + bytes(range(1, 254)).hex()),
        (bytes(range(256)).hex(), "01ff" + bytes(range(1, 255)).hex() + "02ff"),
    ],
)
def test_published_stuffing(octets: str, stuffed: str) -> None:
    assert cobs.encode(bytes.fromhex(octets)).hex() == stuffed
    assert cobs.decode(bytes.fromhex(stuffed)).hex() == octets


@given(st.lists(frames, max_size=4), st.integers(1, 3000))
@settings(deadline=None)
def test_both_ends_read_both_ends(sent: list[Frame], cut: int) -> None:
    for encode in (encode_frame, device_encode):
        stream = b"".join(encode(frame) for frame in sent)
        assert stream.count(0) == len(sent)
        assert read(stream, cut) == (sent, 0)
        assert device_read(stream, cut) == (sent, 0)


@given(st.binary(max_size=2000), frames, frames, st.integers(1, 700))
@settings(deadline=None)
def test_noise_costs_at_most_what_it_touches(noise: bytes, first: Frame, second: Frame, cut: int) -> None:
    stream = encode_frame(first) + noise + b"\0" + encode_frame(second)
    for take in (read, device_read):
        found, dropped = take(stream, cut)
        assert (found[0], found[-1]) == (first, second)
        assert len(found) - 2 + dropped <= noise.count(0) + 1


@given(payloads, st.data())
@settings(deadline=None)
def test_a_flipped_bit_is_noticed_by_both(payload: bytes, data: st.DataObject) -> None:
    good = encode_frame(Frame(0, payload))
    damaged = bytearray(good)
    damaged[data.draw(st.integers(0, len(good) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    stream = bytes(damaged) + b"\0" + good
    for take in (read, device_read):
        found, dropped = take(stream, 333)
        assert found == [Frame(0, payload)] and dropped >= 1


def test_limits() -> None:
    longest = Frame(0, b"\xff" * MAX_PAYLOAD)
    assert len(encode_frame(longest)) <= MAX_STUFFED + 1
    assert read(encode_frame(longest), 4096) == ([longest], 0) == device_read(encode_frame(longest), 4096)
    with pytest.raises(LayoutError, match="8193 octets, more than the 8192"):
        encode_frame(Frame(0, bytes(MAX_PAYLOAD + 1)))
    endless = b"\x02\x01" * 100_000 + b"\0" + encode_frame(Frame(2, b"next"))
    reader = FrameReader()
    reader.feed(endless[:150_000])
    assert len(reader._partial) <= MAX_STUFFED  # noise without end takes no memory
    assert read(endless, 999) == ([Frame(2, b"next")], 1) == device_read(endless, 999)


def test_channels_and_hub_time() -> None:
    found, _ = read(encode_frame(Frame(5, b"{}")) + encode_frame(Frame(77, b"")), 100)
    assert found[0].channel is Channel.PROVISIONING and found[1].channel == 77
    assert link_frame.encode_hub_time(0x01020304, ClockStatus.UNRELIABLE) == bytes.fromhex("0102030401")
    assert link_frame.decode_hub_time(bytes.fromhex("0102030402")) == (0x01020304, ClockStatus.INVALID)
    for bad in ("", "0102030403", "010203040000"):
        with pytest.raises(LayoutError, match="hub time"):
            link_frame.decode_hub_time(bytes.fromhex(bad))
