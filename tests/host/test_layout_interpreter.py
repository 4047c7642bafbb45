"""The device's layout interpreter against the host's A-XDR: any layout, any value, both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensmets.bench.seeding import pack_bits
from opensmets.catalogue.layout_text import NUMBERS, Layout, parse_layout
from opensmets.catalogue.pack_objects import pack_layout
from opensmets.layouts.axdr import Compact, Data, RowType, decode, encode
from smets.cosem.axdr import AxdrError, Reader
from smets.cosem.layout import LayoutCodec, Mismatch
from smets.cosem.sink import BufferSink

Sample = tuple[Layout, Any, Data]


class OneValue:
    """A meter that has one field, `a.b`, and the log `logs.a`."""

    def __init__(self, value: Any) -> None:
        self.value, self.passives = value, {}

    def read(self, path: str) -> Any:
        return self.value

    elements = read

    def resolve(self, path: str) -> tuple[OneValue, str, None]:
        return self, path, None

    def check(self, path: str, value: Any) -> None:
        pass

    def write(self, path: str, value: Any) -> None:
        self.value = value

    def set_passive(self, path: str, value: Any) -> None:
        self.passives[path] = value

    def log(self, path: str) -> OneValue:
        return self

    def places(self, from_s: int, to_s: int) -> range:
        return range(len(self.value))

    def values(self, place: int) -> Any:
        return self.value[place]

    def has(self, condition: str) -> bool:
        return condition == "twin"


def number(name: str) -> st.SearchStrategy[Sample]:
    values = st.booleans() if name == "bool" else st.integers(*NUMBERS[name])
    wire = (lambda value: 0xFF if value else 0) if name == "bool" else (lambda value: value)
    return values.map(lambda value: (Layout(name), value, Data(name, wire(value))))


OCTETS = st.binary(max_size=300).map(lambda value: (Layout("octets"), value, Data("octets", value)))
TEXT = st.text(st.characters(codec="utf-8"), max_size=40).map(
    lambda value: (Layout("utf8"), value.encode(), Data("utf8", value))
)
BITS = st.text("01", max_size=70).map(lambda value: (Layout("bits"), pack_bits(value), Data("bits", value)))
LEAVES = st.one_of(*(number(name) for name in NUMBERS), OCTETS, TEXT, BITS)


def structure(samples: list[Sample]) -> Sample:
    layouts, values, data = zip(*samples, strict=True)
    return Layout("structure", children=tuple(layouts)), tuple(values), Data("structure", tuple(data))


def repeated(sample: Sample, count: int) -> Sample:
    layout, value, data = sample
    return Layout("array", (0, 40), (layout,)), [value] * count, Data("array", (data,) * count)


SAMPLES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(structure), st.builds(repeated, inner, st.integers(0, 3))
    ),
    max_leaves=8,
)


LONG = st.builds(repeated, number("u16"), st.integers(100, 300)).map(
    lambda sample: (replace(sample[0], limits=(0, 300)), *sample[1:])
)


def answer_of(layout: Layout, value: Any) -> bytes:
    sink = BufferSink(bytearray(1 << 17))
    LayoutCodec(OneValue(value)).encode(pack_layout(layout), sink)
    return bytes(sink.written())


@settings(max_examples=200, deadline=None)
@given(sample=st.one_of(SAMPLES, LONG))
def test_what_the_device_writes_the_host_reads_and_the_device_takes_back(sample: Sample) -> None:
    layout, value, data = sample
    layout = replace(layout, path="a.b")
    octets = encode(data)
    assert answer_of(layout, value) == octets
    meter = OneValue(None)
    LayoutCodec(meter).decode(pack_layout(layout), Reader(memoryview(octets)))
    assert meter.value == value


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(0, 0xFFFFFFFF), st.binary(max_size=16), st.integers(-9, 9)), max_size=60))
def test_rows_of_a_compact_array(rows: list[tuple[int, bytes, int]]) -> None:
    layout = parse_layout("compact(structure(u32, octets[0..16], array[2](i32), u8 ?single, i8 =5)) @logs.a")
    element = RowType(
        "structure", (RowType("u32"), RowType("octets"), RowType("array", (RowType("i32"),), 2), RowType("i8"))
    )
    data = tuple(
        structure_data(Data("u32", one), Data("octets", two), pair(three), Data("i8", 5)) for one, two, three in rows
    )
    values = [(one, two, [three, -three], 0) for one, two, three in rows]
    assert decode(answer_of(layout, values)) == Data("compact", Compact(element, data))


def structure_data(*elements: Data) -> Data:
    return Data("structure", elements)


def pair(value: int) -> Data:
    return Data("array", (Data("i32", value), Data("i32", -value)))


@pytest.mark.parametrize(
    ("layout", "data"),
    [
        ("u16[1..10] @a.b", Data("u16", 11)),
        ("u16 @a.b", Data("u32", 1)),
        ("octets[2..4] @a.b", Data("octets", b"1")),
        ("array[1..2](u8) @a.b", Data("array", ())),
        ("structure(u8, u8 =7) @a.b", Data("structure", (Data("u8", 1), Data("u8", 8)))),
        ("structure(u8 ?single, u8) @a.b", Data("structure", (Data("u8", 1), Data("u8", 8)))),
        ("date_time @a.b", Data("octets", b"\xff\xff" + bytes(10))),
    ],
)
def test_what_is_not_of_its_layout_is_refused(layout: str, data: Data) -> None:
    meter = OneValue("untouched")
    with pytest.raises((AxdrError, Mismatch)):
        LayoutCodec(meter).decode(pack_layout(parse_layout(layout)), Reader(memoryview(encode(data))))
    assert meter.value == "untouched"


def test_roles_tell_passive_values_and_activations_apart() -> None:
    meter = OneValue(1)
    layout = parse_layout("structure(u8 passive @a.b, date_time activation @a.b+a.c)")
    moment = Data("octets", bytes.fromhex("07df0101ff000000008000ff"))
    codec = LayoutCodec(meter)
    octets = encode(Data("structure", (Data("u8", 9), moment)))
    assert codec.decode(pack_layout(layout), Reader(memoryview(octets))) == [("a.b+a.c", 473385600)]
    assert (meter.value, meter.passives) == (1, {"a.b": 9})
