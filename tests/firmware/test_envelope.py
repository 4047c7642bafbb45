"""The envelope: what is well formed is taken apart and built again, everything else is refused."""

from smets.cosem.sink import SinkFull
from smets.message import envelope
from smets.message.envelope import ALERT, COMMAND, MAX_MESSAGE, RESPONSE, Envelope, EnvelopeError, Writer

PARTY = b"\x90\xb3\xd5\x1f\x30\x01\x00\x00"
DEVICE = b"\x00\xdb\x12\x34\x56\x78\x90\xa0"
COUNTER = bytes(6) + b"\x03\xe8"
THIRD = b"\x90\xb3\xd5\x1f\x30\x02\x00\x00"


def build(payload=b"payload", signature=b"", mac=bytes(12), supplementary=(), cra=COMMAND):
    writer = Writer(MAX_MESSAGE)
    writer.sink.write(payload)
    writer.head(cra, COUNTER, PARTY, DEVICE, 0x0062, supplementary=supplementary)
    writer.finish(signature)
    if mac:
        writer.append_mac(mac)
    return bytes(writer.message())


def parse(message):
    parsed = Envelope()
    parsed.parse(memoryview(message))
    return parsed


def is_refused(message):
    try:
        parse(message)
    except EnvelopeError:
        return True
    return False


def test_fields_come_back():
    parsed = parse(build(signature=bytes(range(64)), mac=b"m" * 12))
    assert (parsed.cra, parsed.code, bytes(parsed.counter)) == (COMMAND, 0x0062, COUNTER)
    assert (bytes(parsed.originator), bytes(parsed.recipient)) == (PARTY, DEVICE)
    assert (bytes(parsed.payload), bytes(parsed.signature), bytes(parsed.mac)) == (
        b"payload",
        bytes(range(64)),
        b"m" * 12,
    )
    assert parsed.supplementary_id is None and parsed.certificate is None and parsed.date_time is None
    assert bytes(parsed.signed)[:2] == b"\x09\x01" and bytes(parsed.signed).endswith(b"payload")
    assert bytes(parsed.authenticated)[0] == 0xDF and bytes(parsed.authenticated).endswith(b"\x3f")


def test_lengths_around_each_form():
    for size in (0, 1, 0x7F, 0x80, 0xFF, 0x100, 4200):
        payload = bytes(size)
        assert bytes(parse(build(payload)).payload) == payload
        assert bytes(parse(build(payload, mac=b"")).payload) == payload


def test_supplementary_fields():
    parsed = parse(build(supplementary=(THIRD, COUNTER)))
    assert bytes(parsed.supplementary_id) == THIRD and bytes(parsed.supplementary_counter) == COUNTER
    assert parsed.certificate is None
    parsed = parse(build(supplementary=(THIRD,)))
    assert bytes(parsed.supplementary_id) == THIRD and parsed.supplementary_counter is None
    certificate = bytes(range(200)) + bytes(56)
    pieces = tuple([certificate[i : i + 8] for i in range(0, 256, 8)])
    message = build(mac=b"")
    head, rest = message[:30], message[33:]
    length = envelope.encode_length(2 + 16 + 256)
    parsed = parse(head + length + b"\x00\x34" + THIRD + COUNTER + b"".join(pieces) + rest)
    assert bytes(parsed.certificate) == certificate and bytes(parsed.payload) == b"payload"


def test_cut_or_extended_anywhere_is_refused():
    for message in (build(), build(signature=bytes(64)), build(signature=bytes(64), mac=b""), build(bytes(300))):
        for size in range(len(message)):
            assert is_refused(message[:size]), size
        assert is_refused(message + b"\x00")


def test_every_bit_of_lengths_and_tags_counts():
    message = build(bytes(300), signature=b"s" * 64)
    parsed = parse(message)
    start = parsed.start
    places = list(range(start)) + [start, start + 1, start + 11, start + 20, start + 29, start + 30]
    places += [start + 33, start + 34, start + 35, parsed.signed_end]
    for place in places:
        for bit in range(8):
            flipped = bytearray(message)
            flipped[place] ^= 1 << bit
            assert is_refused(bytes(flipped)), (place, bit)


def test_lengths_are_minimal():
    message = build(mac=b"")
    assert message[33] == 7
    assert is_refused(message[:33] + b"\x81\x07" + message[34:])
    assert is_refused(message[:33] + b"\x82\x00\x07" + message[34:])


def test_size_limits():
    assert is_refused(b"")
    assert is_refused(bytes(envelope.MAX_MESSAGE + 1))
    assert is_refused(build(bytes(envelope.MAX_MESSAGE)))


def test_writer_refuses_what_does_not_fit():
    writer = Writer(32)
    writer.sink.write(bytes(32))
    try:
        writer.sink.write(b"x")
    except SinkFull:
        pass
    else:
        raise AssertionError
    writer.begin()
    writer.sink.write(b"again")
    assert bytes(writer.sink.written()) == b"again"


def test_response_and_alert_with_time_and_largest_header():
    writer = Writer(16)
    writer.sink.write(bytes(16))
    writer.head(RESPONSE, COUNTER, DEVICE, PARTY, 0x0034, bytes(range(12)), (THIRD, COUNTER, COUNTER))
    writer.finish(bytes(64))
    writer.append_mac(bytes(12))
    message = bytes(writer.message())
    assert message[:7] == b"\xdd\x00\x00\x00\x00\x00\x00"
    assert b"\x0c" + bytes(range(12)) + b"\x1a\x00\x34" + THIRD in message
    assert parse(build(cra=ALERT)).cra == ALERT
