"""GBZ components and DER trees: exact round trip, limits, bad input."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensmets.errors import SmetsError
from opensmets.layouts import asn1, gbz
from opensmets.layouts.asn1 import Element
from opensmets.layouts.envelope import ALERT, decode
from opensmets.layouts.gbz import Component, GbzPayload
from tests.host import corpus
from tests.reference import needs_reference


@needs_reference
def test_every_reference_payload_comes_back() -> None:
    kinds = {"gbz": 0, "asn1": 0}
    for name, octets in corpus.messages().items():
        message = decode(octets)
        if message.payload.startswith(gbz.PROFILE):
            assert gbz.decode(message.payload, alert=message.cra_flag == ALERT).encode() == message.payload, name
            kinds["gbz"] += 1
        elif message.payload[0] not in (0xD9, 0xDA, 0x0F):
            elements = asn1.decode_all(message.payload)
            assert b"".join(one.encode() for one in elements) == message.payload, name
            kinds["asn1"] += 1
    assert kinds == {"gbz": 306, "asn1": 165}


@needs_reference
def test_cut_or_extended_reference_payloads_are_refused() -> None:
    for octets in list(corpus.messages().values())[::9]:
        message = decode(octets)
        payload = message.payload
        if message.cra_flag == ALERT or payload[0] in (0xD9, 0xDA, 0x0F) or len(payload) > 400:
            continue
        read = gbz.decode if payload.startswith(gbz.PROFILE) else asn1.decode
        for size in range(len(payload)):
            with pytest.raises(SmetsError):
                read(payload[:size])
        with pytest.raises(SmetsError):
            read(payload + b"\0")


def test_component_fields() -> None:
    component = gbz.decode(_sealed()).components[0]
    assert (component.cluster, component.frame_counter, component.from_date) == (0x0702, 0, 0x1C374A80)
    assert component.encrypted and len(component.payload) == 15


def _sealed() -> bytes:
    body = bytes.fromhex("1C374A80 0000 180001 0014 3100000000 00112233445566778899AABBCCDDEE")
    return bytes.fromhex("010901 13 0702") + len(body).to_bytes(2, "big") + body


def test_manufacturer_code_is_little_endian() -> None:
    component = Component(1, 0x0702, 0x05, 3, 4, b"x", manufacturer=0x1234)
    octets = gbz.encode_component(component)
    assert octets.hex() == "01070200060534120304" + b"x".hex()
    assert gbz.decode_components(octets) == (component,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0108 01", "profile"), ("0109", "count"), ("0109 02 01 0702 0003 010000", "announced"),
        ("0109 01 41 0702 0003 010000", "control"), ("0109 01 01 0702 0002 0100", "cut short"),
        ("0109 01 01 0702 0009 010000", "announced"),
        ("0109 01 03 0702 0003 010000", "additional_header/control: 01 in place of 00"),
        ("0109 00 00", "GBZ component 1"),
    ],
)  # fmt: skip
def test_bad_gbz_names_the_field(text: str, why: str) -> None:
    with pytest.raises(SmetsError) as caught:
        gbz.decode(bytes.fromhex(text))
    assert why in str(caught.value) and "\n" not in str(caught.value)


def test_gbz_future_dated_alert() -> None:
    octets = bytes.fromhex("0109018F66388188900E006B00000000000003ED07070900")
    alert = gbz.decode(octets, alert=True)
    assert alert.future_dated == gbz.FutureDated(0x6B, 1005, 0x0707, 9, 0)
    assert alert.encode() == octets


COMPONENTS = st.builds(
    Component, st.sampled_from([0, 1, 16, 17]), st.integers(0, 0xFFFF), st.sampled_from([0x00, 0x01, 0x09, 0x18]),
    st.integers(0, 255), st.integers(0, 255), st.binary(max_size=80),
)  # fmt: skip


@given(st.lists(COMPONENTS, max_size=6))
def test_gbz_round_trip(components: list[Component]) -> None:
    dated = tuple(
        Component(one.control, one.cluster, one.frame_control, one.sequence, one.command, one.payload,
                  from_date=7 if one.control & gbz.FROM_DATE else None)
        for one in components
    )  # fmt: skip
    payload = GbzPayload(dated, count=len(dated))
    assert gbz.decode(payload.encode()) == payload


def test_long_lengths_are_kept() -> None:
    octets = bytes.fromhex("30820006 02810105 0500")
    element = asn1.decode(octets)
    assert element.encode() == octets
    assert element.children[0].integer == 5


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "one element expected"), ("30", "length"), ("3080", "length octet 80"), ("308300000100", "83"),
     ("0401", "announced"), ("1F0100", "long tag"), ("0500 0500", "one element expected"), ("3003020200", "announced")],
)  # fmt: skip
def test_bad_der_is_refused(text: str, why: str) -> None:
    with pytest.raises(SmetsError) as caught:
        asn1.decode(bytes.fromhex(text))
    assert why in str(caught.value) and "\n" not in str(caught.value)


def test_der_limits() -> None:
    deep = b"\x05\x00"
    for _ in range(asn1.MAX_DEPTH + 1):
        deep = b"\x30" + bytes((len(deep),)) + deep
    with pytest.raises(SmetsError, match="deeper"):
        asn1.decode(deep)
    with pytest.raises(SmetsError, match="more than"):
        asn1.decode_all(b"\x05\x00" * (asn1.MAX_ELEMENTS + 1))


TREES = st.recursive(
    st.tuples(st.sampled_from([1, 2, 3, 4, 6, 0x81]), st.binary(max_size=200)).map(lambda p: asn1.make(*p)),
    lambda inner: st.lists(inner, min_size=1, max_size=4).map(lambda kids: asn1.make(0x30, tuple(kids))),
    max_leaves=12,
)


@given(TREES)
def test_der_round_trip(element: Element) -> None:
    assert asn1.decode(element.encode()) == element


@given(st.binary(max_size=60))
def test_noise_raises_nothing_but_our_error(octets: bytes) -> None:
    for read in (asn1.decode_all, gbz.decode, lambda data: gbz.decode(data, alert=True)):
        try:
            read(octets)
        except SmetsError as error:
            assert "\n" not in str(error)
