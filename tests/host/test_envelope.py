"""The envelope: exact round trip, and no cut, extended or bent message is taken for a whole one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensmets.errors import SmetsError
from opensmets.layouts import envelope
from opensmets.layouts.envelope import ALERT, COMMAND, RESPONSE, Message
from tests.host import corpus
from tests.reference import needs_reference

DEVICE, PARTY = bytes.fromhex("00DB1234567890A0"), bytes.fromhex("90B3D51F30010000")
COMMAND_TEXT = (
    "DD0000000000005D1100000000DF090100000000000003E90890B3D51F300100000800DB1234567890A00002003D29D9200003E9000301"
    "000100005E2C00000201000100005E2C00020201000100005E2C00010203000000006353878EDAD4AD0F1BF2AA8F"
)
SAMPLE = bytes.fromhex(COMMAND_TEXT)


def refused(octets: bytes) -> str:
    with pytest.raises(SmetsError) as caught:
        envelope.decode(octets)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_fields_of_a_command() -> None:
    message = envelope.decode(SAMPLE)
    assert (message.cra_flag, message.counter, message.message_code) == (COMMAND, 1001, 0x3D)
    assert (message.originator, message.recipient, message.time) == (PARTY, DEVICE, b"")
    assert message.signature == b"" and message.mac == bytes.fromhex("6353878EDAD4AD0F1BF2AA8F")
    assert message.signed_octets == SAMPLE[14:-13]
    assert message.maced_octets == bytes.fromhex("110000000000") + SAMPLE[13:-12]


@needs_reference
def test_every_reference_message_comes_back_octet_for_octet() -> None:
    assert len(corpus.messages()) == 1094
    for name, octets in corpus.messages().items():
        assert envelope.encode(envelope.decode(octets)) == octets, name


@pytest.mark.parametrize("size", range(len(SAMPLE)))
def test_every_cut_is_refused(size: int) -> None:
    refused(SAMPLE[:size])


@needs_reference
def test_cut_or_extended_reference_messages_are_refused() -> None:
    for name, octets in list(corpus.messages().items())[::40]:
        # a signed command without a MAC header, cut after its payload, is its own pre-command
        precommand_end = envelope.decode(octets).payload_end if octets[0] == 0xDF else -1
        command = envelope.decode(octets).cra_flag == COMMAND
        for size in range(len(octets)):
            if not (command and size == precommand_end):
                assert refused(octets[:size]), name
        refused(octets + b"\0")
        refused(octets + b"\x40")


@pytest.mark.parametrize(
    ("at", "octet", "field"),
    [
        (0, 0xDE, "tag"), (3, 1, "ciphering_tag"), (7, 0x5C, "ciphered_length"), (8, 0x31, "security_header"),
        (13, 0xDE, "tag"), (14, 8, "transaction_id_length"), (15, 4, "cra_flag"), (24, 7, "originator_length"),
        (33, 9, "recipient_length"), (42, 1, "time_length"), (43, 3, "other_information"), (46, 0x80, "content_length"),
        (88, 1, "signature_length"),
    ],
)  # fmt: skip
def test_a_bent_octet_names_its_field(at: int, octet: int, field: str) -> None:
    bent = bytearray(SAMPLE)
    bent[at] = octet
    assert field in refused(bytes(bent))


def test_lengths_must_be_shortest() -> None:
    longer = SAMPLE[:7] + b"\x81\x5d" + SAMPLE[8:]
    assert "shortest" in refused(longer)
    assert "none of 00..7F, 81, 82, 83" in refused(SAMPLE[:7] + b"\x84\0\0\0\x5d" + SAMPLE[8:])


def test_a_message_beyond_the_limit_is_refused_before_it_is_read() -> None:
    assert str(envelope.MAX_MESSAGE) in refused(b"\xdd" * (envelope.MAX_MESSAGE + 1))


def test_nothing_unprotected_is_a_message() -> None:
    bare = envelope.encode(Message(RESPONSE, 1, DEVICE, PARTY, 0x3D, b"x", signature=b""))
    assert "nothing protects" in refused(bare)
    precommand = envelope.encode(Message(COMMAND, 1, PARTY, DEVICE, 0x3D, b"x"))
    assert envelope.decode(precommand).is_precommand
    alert = bytearray(precommand)
    alert[2] = ALERT
    assert "signature_length" in refused(bytes(alert))


@pytest.mark.parametrize("other", [3, 9, 11, 17, 19, 25])
def test_other_information_of_no_known_form_is_refused(other: int) -> None:
    head = SAMPLE[13:43] + bytes((other, 0, 0x3D)) + bytes(other - 2) + b"\x01x"
    assert "other_information" in refused(head) or "supplementary" in refused(head)


@pytest.mark.parametrize(
    "change",
    [{"originator": b"short"}, {"counter": 1 << 64}, {"counter": -1}, {"cra_flag": 9}, {"time": b"1"},
     {"signature": b"x"}, {"supplementary_counter": 5}, {"payload": "text"}, {"message_code": 1 << 16}],
)  # fmt: skip
def test_what_does_not_fit_is_not_encoded(change: dict[str, object]) -> None:
    with pytest.raises(SmetsError):
        envelope.encode(replace(envelope.decode(SAMPLE), **change))  # type: ignore[arg-type]


EUI = st.binary(min_size=8, max_size=8)
COUNTER = st.integers(0, (1 << 64) - 1)


@st.composite
def whole_messages(draw: st.DrawFn) -> Message:
    flag = draw(st.sampled_from([COMMAND, RESPONSE, ALERT]))
    party = draw(st.none() | EUI)
    counter = draw(st.none() | COUNTER) if party else None
    second = draw(st.none() | COUNTER) if counter is not None and flag != COMMAND else None
    mac = draw(st.none() | st.binary(min_size=12, max_size=12))
    signature = draw(st.binary(min_size=64, max_size=64) if mac is None else st.sampled_from([b"", bytes(64)]))
    return Message(
        flag, draw(COUNTER), draw(EUI), draw(EUI), draw(st.integers(0, 0xFFFF)), draw(st.binary(max_size=700)),
        time=draw(st.sampled_from([b"", bytes(12)])), supplementary_party=party, supplementary_counter=counter,
        supplementary_originator_counter=second, signature=signature, mac=mac,
    )  # fmt: skip


@given(whole_messages())
def test_round_trip(message: Message) -> None:
    octets = envelope.encode(message)
    assert envelope.decode(octets) == message
    assert envelope.encode(envelope.decode(octets)) == octets


@given(st.binary(max_size=200), st.sampled_from([b"", SAMPLE[:14], SAMPLE[13:47]]))
def test_noise_raises_nothing_but_our_error(octets: bytes, head: bytes) -> None:
    try:
        envelope.decode(head + octets)
    except SmetsError as error:
        assert "\n" not in str(error)
