"""A-XDR: what is written can be read, lengths are shortest, and nothing from outside goes beyond a limit."""

import random

from smets.cosem import axdr, dates
from smets.cosem.late_list import Window
from smets.cosem.sink import BufferSink, SinkFull

NUMBERS = (
    (axdr.I8, -128), (axdr.I8, 127), (axdr.I16, -32768), (axdr.I32, -1), (axdr.I32, 2147483647), (axdr.I64, -(1 << 63)),
    (axdr.U8, 255), (axdr.U16, 0x8F01), (axdr.U32, 0xFFFFFFFF), (axdr.U64, (1 << 64) - 1), (axdr.ENUM, 30),
    (axdr.BOOL, True), (axdr.BOOL, False), (axdr.NULL, None),
)  # fmt: skip


def refused(function, *arguments, error=axdr.AxdrError):
    try:
        function(*arguments)
    except error:
        return True
    return False


def skipped(data):
    reader = axdr.Reader(memoryview(data))
    reader.skip()
    return reader.pos == len(data)


def test_numbers_go_there_and_back():
    for tag, value in NUMBERS:
        sink = BufferSink(bytearray(9))
        axdr.write_number(sink, tag, value if value is not None else 0)
        assert axdr.Reader(sink.written()).scalar(tag) == value, (tag, value)


def test_lengths_take_their_shortest_form():
    for length, form in ((0, "00"), (127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100"), (65535, "82ffff")):
        sink = BufferSink(bytearray(3))
        axdr.write_length(sink, length)
        assert bytes(sink.written()) == bytes.fromhex(form)
        assert axdr.Reader(sink.written()).length() == length
    assert refused(axdr.write_length, BufferSink(bytearray(9)), 65536, error=ValueError)
    assert refused(axdr.Reader(b"\x83\x00\x00\x00").length)


def test_an_open_length_is_closed_over_what_was_written():
    for size in (0, 1, 127, 128, 255, 256, 3000):
        content = bytes([index * 7 & 0xFF for index in range(size)])
        sink = BufferSink(bytearray(3100), 5)
        sink.byte(9)
        mark = sink.begin_length()
        sink.write(content)
        sink.end_length(mark)
        reader = axdr.Reader(sink.written())
        reader.expect(axdr.OCTETS)
        assert reader.take(reader.length()) == content and reader.pos == reader.end


def test_a_sink_refuses_what_does_not_fit():
    sink = BufferSink(bytearray(4))
    assert refused(sink.write, b"12345", error=SinkFull) and sink.pos == 0
    sink.limit = 2
    assert refused(sink.begin_length, error=SinkFull)
    sink.write(b"12")
    assert refused(sink.byte, 3, error=SinkFull)


def test_a_window_gets_the_octets_that_fall_into_it():
    whole = bytes(range(20))
    for start in range(20):
        for end in range(start, 21):
            sink, part = Window(), bytearray(end - start)
            sink.open(start, memoryview(part))
            sink.byte(0)
            sink.write(whole[1:7])
            sink.write(b"")
            sink.byte(7)
            sink.write(memoryview(whole)[8:])
            assert sink.pos == 20 and bytes(part) == whole[start:end]


def test_skip_passes_every_type():
    for data in (
        "00", "03ff", "040780", "0400", "0500000000", "0600000000", "0900", "0a0141", "0c02c2a3", "0f00", "100000",
        "1100", "120000", "140000000000000000", "150000000000000000", "1600", "0100", "020203ff0f01",
        "01020201060000000102010600000002", "1302020609" + "04" + "deadbeef", "130202060100300604" + "00112233",
    ):  # fmt: skip
        assert skipped(bytes.fromhex(data)), data


def test_skip_refuses_what_is_malformed():
    for data in ("", "06000000", "0905414243", "0202030f", "07", "ff", "01810903", "13", "1302", "0183000001"):
        assert refused(axdr.Reader(bytes.fromhex(data)).skip), data


def test_nesting_has_a_limit():
    assert skipped(b"\x02\x01" * axdr.MAX_DEPTH + b"\x00")
    assert refused(axdr.Reader(b"\x02\x01" * (axdr.MAX_DEPTH + 1) + b"\x00").skip)
    assert refused(axdr.Reader(b"\x13" + b"\x02\x01" * 9 + b"\x06\x00").skip)


def test_noise_never_does_anything_but_refuse():
    random.seed(11)
    for _ in range(3000):
        noise = bytes([random.getrandbits(8) & (0xFF if random.getrandbits(1) else 0x17) for _ in range(24)])
        reader = axdr.Reader(memoryview(noise))
        try:
            reader.skip()
        except axdr.AxdrError:
            continue
        assert reader.pos <= len(noise)


def date_time(time_s):
    buffer = bytearray(dates.SIZE)
    dates.encode(time_s, buffer)
    return bytes(buffer)


def test_date_times_are_those_of_the_reference_messages():
    for time_s, form in (
        (473385600, "07df0101ff000000008000ff"),
        (473385540, "07de0c1fff173b00008000ff"),
        (948013200, "07ee010fff090000008000ff"),
        (dates.NOW, "0000000000000000008000ff"),
        (dates.NEVER, "ffffffffffffffffff8000ff"),
    ):
        assert date_time(time_s) == bytes.fromhex(form), form
        assert dates.decode(bytes.fromhex(form)) == time_s


def test_every_day_of_a_century_goes_there_and_back():
    for day in range(1, 36525 + 36500 // 4, 1):
        time_s = day * 86400 + day % 86400
        if time_s < dates.NEVER:
            assert dates.decode(date_time(time_s)) == time_s, day


def test_a_deviation_is_taken_off_and_no_moment_is_refused():
    # minutes from local time to UTC, as IEC 62056-6-2 has the deviation's sign
    assert dates.decode(bytes.fromhex("07df0101ff00000000ffc4ff")) == 473385600 - 3600
    for form in (
        "ffff0101ff000000008000ff", "07df0d01ff000000008000ff", "07df021dff000000008000ff",
        "07df0101ff180000008000ff", "07df0101ff00ff00008000ff", "07cf0c1fff000000008000ff", "07df0101ff",
        "07d00101ff00000000ffc4ff", "07df0101ff0000000002d1ff", "07df0101ff000000008001ff",
    ):  # fmt: skip
        assert refused(dates.decode, bytes.fromhex(form), error=ValueError), form
