"""A-XDR data and the xDLMS messages made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensmets.errors import SmetsError
from opensmets.layouts import axdr, xdlms
from opensmets.layouts.axdr import Compact, Data, RowType
from opensmets.layouts.envelope import decode
from opensmets.layouts.wire import parse
from tests.host import corpus
from tests.reference import needs_reference

#: Encodings written by hand from IEC 62056-6-2.
KNOWN = [
    ("00", Data("null")),
    ("0300", Data("bool", 0)),
    ("0301", Data("bool", 1)),
    ("0FFF", Data("i8", -1)),
    ("10FF38", Data("i16", -200)),
    ("05FFFFFFFE", Data("i32", -2)),
    ("14FFFFFFFFFFFFFFFF", Data("i64", -1)),
    ("11FF", Data("u8", 255)),
    ("1201F4", Data("u16", 500)),
    ("06000003E8", Data("u32", 1000)),
    ("150000000100000000", Data("u64", 1 << 32)),
    ("1605", Data("enum", 5)),
    ("0903010203", Data("octets", b"\x01\x02\x03")),
    ("0A0248C9", Data("visible", "H\xc9")),
    ("0C03E282AC", Data("utf8", "\u20ac")),
    ("0404C0", Data("bits", "1100")),
    ("040AC040", Data("bits", "1100000001")),
    ("02021101120002", Data("structure", (Data("u8", 1), Data("u16", 2)))),
    ("0100", Data("array", ())),
    ("1311030A0B0C", Data("compact", Compact(RowType("u8"), tuple(Data("u8", n) for n in (10, 11, 12))))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "data"), KNOWN)
def test_known_encodings(text: str, data: Data) -> None:
    assert axdr.decode(bytes.fromhex(text)) == data
    assert axdr.encode(data).hex().upper() == text


def test_true_is_ff_as_devices_send_it() -> None:
    assert axdr.encode(Data("bool", True)) == b"\x03\xff"


def test_compact_rows_of_structures_and_arrays() -> None:
    row_type = RowType("structure", (RowType("u8"), RowType("array", (RowType("u16"),), 2)))
    octets = bytes.fromhex("13 0202 11 01 0002 12 0A 01 0002 0003 04 0005 0006")
    row = lambda a, b, c: Data("structure", (Data("u8", a), Data("array", (Data("u16", b), Data("u16", c)))))  # noqa: E731
    data = Data("compact", Compact(row_type, (row(1, 2, 3), row(4, 5, 6))))
    assert axdr.decode(octets) == data
    assert axdr.encode(data) == octets


@needs_reference
def test_every_reference_dlms_payload_comes_back() -> None:
    seen = 0
    for name, octets in corpus.messages().items():
        payload = decode(octets).payload
        if payload[0] in (0xD9, 0xDA, 0x0F):
            assert xdlms.decode(payload).encode() == payload, name
            seen += 1
    assert seen == 623


@needs_reference
def test_cut_or_extended_reference_payloads_are_refused() -> None:
    payloads = [decode(octets).payload for octets in corpus.messages().values()]
    for payload in [one for one in payloads if one[0] in (0xD9, 0xDA, 0x0F) and len(one) < 300][::10]:
        for size in range(len(payload)):
            with pytest.raises(SmetsError):
                xdlms.decode(payload[:size])
        with pytest.raises(SmetsError):
            xdlms.decode(payload + b"\0")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cut short"), ("19", "type tag 25"), ("0902AA", "2"), ("098101AA", "shortest"), ("0C01FF", "utf-8"),
        ("040401", "beyond"), ("0000", "too many"), ("0201" * 20 + "00", "deeper than 16"),
        ("13" + "01FFFF" * 3 + "00" + "0100", "more than 100000"), ("13000100", "row"),
        ("13 13 11 01 00 00", "compact"),
        ("13 02 00 01 00", "row has no octets"), ("13 11 03 0001", "3"),
    ],
)  # fmt: skip
def test_bad_data_is_refused_in_one_line(text: str, why: str) -> None:
    with pytest.raises(SmetsError) as caught:
        axdr.decode(bytes.fromhex(text))
    assert why in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [Data("u8", 256), Data("u8", -1), Data("u8", "1"), Data("octets", "x"), Data("bits", "102"), Data("what", 1),
     Data("structure", 5), Data("utf8", b"x"), Data("compact", ()), Data("visible", "\u20ac"), 7],
)  # fmt: skip
def test_bad_values_are_refused(data: Data) -> None:
    with pytest.raises(SmetsError):
        axdr.encode(data)


def test_deep_values_are_refused() -> None:
    data = Data("null")
    for _ in range(5000):
        data = Data("array", (data,))
    with pytest.raises(SmetsError, match="deeper"):
        axdr.encode(data)


INTEGERS = {"i8": (-128, 127), "u8": (0, 255), "enum": (0, 255), "bool": (0, 255)} | {
    f"{sign}{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) if sign == "i" else (0, (1 << bits) - 1)
    for sign in "iu"
    for bits in (16, 32, 64)
}
LEAVES = st.one_of(
    st.just(Data("null")),
    st.sampled_from(sorted(INTEGERS)).flatmap(lambda t: st.integers(*INTEGERS[t]).map(lambda n: Data(t, n))),
    st.binary(max_size=300).map(lambda octets: Data("octets", octets)),
    st.text(max_size=40).map(lambda text: Data("utf8", text)),
    st.text(st.characters(max_codepoint=255), max_size=40).map(lambda text: Data("visible", text)),
    st.text("01", max_size=40).map(lambda bits: Data("bits", bits)),
)
ROWS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=9)), max_size=5).map(
    lambda rows: Data(
        "compact",
        Compact(
            RowType("structure", (RowType("u8"), RowType("octets"))),
            tuple(Data("structure", (Data("u8", a), Data("octets", b))) for a, b in rows),
        ),
    )
)
TREES = st.recursive(
    LEAVES | ROWS,
    lambda inner: st.tuples(st.sampled_from(["structure", "array"]), st.lists(inner, max_size=5)).map(
        lambda pair: Data(pair[0], tuple(pair[1]))
    ),
    max_leaves=20,
)


@given(TREES)
def test_round_trip(data: Data) -> None:
    octets = axdr.encode(data)
    assert axdr.decode(octets) == data
    assert axdr.encode(axdr.decode(octets)) == octets


@given(st.binary(max_size=60))
def test_noise_raises_nothing_but_our_error(octets: bytes) -> None:
    try:
        data = axdr.decode(octets)
    except SmetsError as error:
        assert "\n" not in str(error)
    else:
        assert axdr.encode(data) == octets


def declared(octets: bytes) -> Data | str:
    try:
        return parse(axdr.DECLARED, octets, "A-XDR data")  # type: ignore[no-any-return]
    except SmetsError as error:
        return str(error)


def swift(octets: bytes) -> Data | str:
    try:
        return axdr.decode(octets)
    except SmetsError as error:
        return str(error)


@given(TREES.map(axdr.encode), st.integers(0, 400), st.integers(0, 255))
def test_the_faster_reader_and_the_declared_layout_agree(octets: bytes, at: int, octet: int) -> None:
    bent = bytearray(octets)
    if at < len(bent):
        bent[at] = octet
    for one in (octets, bytes(bent), octets[:at], octets + b"\0"):
        assert swift(one) == declared(one)


@given(st.binary(max_size=60))
def test_they_agree_on_noise(octets: bytes) -> None:
    assert swift(octets) == declared(octets)


def test_they_agree_on_the_limits() -> None:
    for octets in (b"\x02\x01" * 15 + b"\0", b"\x02\x01" * 16 + b"\0", b"\x01\x83\x01\x86\xa0" + bytes(100_000)):
        assert swift(octets) == declared(octets)
    assert isinstance(swift(b"\x02\x01" * 15 + b"\0"), Data)
    assert "more than 100000" in str(swift(b"\x01\x83\x01\x86\xa0" + bytes(100_000)))


def test_access_request_fields() -> None:
    request = xdlms.decode_request(bytes.fromhex("D9200003E9000101000100005E2C0000020100"))
    assert request.items == (xdlms.AccessItem("get", 1, bytes.fromhex("00005E2C0000"), 2),)
    assert request.invoke_id == 0x200003E9 and request.data == (Data("null"),)


@pytest.mark.parametrize(
    "text", ["D9200003E9000101000100005E2C0000020200 00", "DA200003E900000100020100 0100", "0F200003E900 11 01", "AA"]
)
def test_messages_that_contradict_themselves_are_refused(text: str) -> None:
    with pytest.raises(SmetsError):
        xdlms.decode(bytes.fromhex(text))


def test_future_dated_alert() -> None:
    octets = bytes.fromhex(
        "0F200007DE000203128F66090C07EE010FFF090000008000FF0913001900000000000003F0232800005E2C020006"
    )
    alert = xdlms.decode_notification(octets)
    assert alert.alert_code == 0x8F66 and alert.encode() == octets
    assert alert.future_dated == xdlms.FutureDated(0x19, 1008, 9000, bytes.fromhex("00005E2C0200"), 6)
