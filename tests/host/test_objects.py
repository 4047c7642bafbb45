"""The catalogue's objects: the language of layouts, what it refuses, and the packed table."""

from __future__ import annotations

import pytest

from opensmets.catalogue.layout_text import Layout, parse_layout
from opensmets.catalogue.objects import objects, parse_object, right
from opensmets.catalogue.pack_objects import MAX_LAYOUT, pack_layout, pack_objects, unpack_layout
from opensmets.catalogue.use_cases import Reference, use_cases
from opensmets.errors import SmetsError
from opensmets.layouts.axdr import decode
from tests.firmware.meter_world import World, make_meter
from tests.reference import ROOT


def test_a_layout_says_type_limits_elements_binding_and_condition() -> None:
    layout = parse_layout(
        "structure(u32 @registers.active_import_wh, structure(i8 =-1, enum =30), octets[0..16] @a.b ?twin)"
    )
    energy, unit, text = layout.children
    assert energy == Layout("u32", path="registers.active_import_wh")
    assert [child.constant for child in unit.children] == [-1, 30]
    assert (text.limits, text.condition) == ((0, 16), "twin")
    assert parse_layout("date_time activation @a.b+c.d").role == "activation"
    assert list(parse_layout("date_time activation @a.b+c.d").paths()) == ["a.b", "c.d"]


def test_elements_of_a_bound_array_are_alike_and_of_an_unbound_one_each_for_itself() -> None:
    assert parse_layout("array[0..48](u32) @tariff.blocks").homogeneous
    assert parse_layout("array[0..2](structure(u8, octets =00))").homogeneous
    assert not parse_layout("array(structure(octets =, i16 @prices.standing_charge))").homogeneous
    assert parse_layout("octets =").constant == b""
    assert parse_layout("compact(structure(u32, array[4](u32))) @logs.x").homogeneous
    assert not parse_layout("array(u32 @a.b, u32 @a.c)").homogeneous
    assert not parse_layout("array(i32 @a.b)").homogeneous


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("u33", "no type"),
        ("", "no type"),
        ("u32 @a.b u8", "left over"),
        ("structure", "needs elements"),
        ("u32(u8)", "has elements"),
        ("structure(u32, u8", "missing"),
        ("u32[5..1]", "limits"),
        ("u32[x]", "limit is a number"),
        ("u32 =5 @a.b", "constant or the model's"),
        ("u32 passive", "needs a path"),
        ("u32 =zz", "no constant"),
        ("u32 @a.b ?sometimes", "none of"),
        ("array(u32) @a.b", "needs its limits"),
        ("u32 %", "nothing can start"),
        ("date_time[12]", "takes no limits"),
        ("u32[0..4294967295]", "lie within"),
        ("octets[0..70000]", "lie within"),
        ("u64 =9999999999", "lie within"),
    ],
)
def test_what_is_no_layout_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(SmetsError, match=why):
        parse_layout(text)


def test_an_object_has_class_and_obis() -> None:
    assert parse_object("3/1-0:1.8.0") == (3, bytes((1, 0, 1, 8, 0, 255)))
    assert parse_object("1/1-0:32.31.0.4") == (1, bytes((1, 0, 32, 31, 0, 4)))
    for text in ("1-0:1.8.0", "3/1-0:1.8", "3/1-0:1.8.256", "70000/1-0:1.8.0", "x"):
        with pytest.raises(SmetsError, match="not CLASS/A-B"):
            parse_object(text)


def test_packing_loses_nothing() -> None:
    for entry in objects().values():
        packed = pack_layout(entry.layout)
        assert unpack_layout(packed) == (entry.layout, len(packed)) and len(packed) <= MAX_LAYOUT


def test_the_committed_table_is_the_catalogue() -> None:
    assert (ROOT / "firmware" / "tables" / "esme.objects").read_bytes() == pack_objects(), "run `make tables`"


def test_every_item_of_a_meter_s_use_cases_has_its_object() -> None:
    verbs = {"get": "get", "range": "get", "set": "set", "action": "action", "protected": "action"}
    meters = [entry for entry in use_cases().values() if "ESME" in entry.devices]
    items = [(entry.name, item) for entry in meters for item in entry.items]
    assert len(items) > 400
    for name, item in items:
        assert right(verbs[item.verb], item.target), (name, item)
        assert item.inner is None or right("protected", item.inner), (name, item)


def test_every_path_is_a_field_log_or_method_of_the_model() -> None:
    meter = make_meter(elements=2, phases=3)
    for entry in objects().values():
        if entry.verb == "action" and entry.layout.path:
            component, _, method = entry.layout.path.partition(".")
            known = component == "logs" or method.split(".")[0] in meter.component(component).METHODS
            assert known, entry.layout.path
            continue
        for path in entry.layout.paths():
            assert (meter.log(path) if path.startswith("logs.") else meter.read(path)) is not None


def test_every_readable_value_of_a_new_meter_encodes_as_its_layout_says() -> None:
    world = World(make_meter(elements=2, phases=3))
    for entry in objects().values():
        if entry.verb == "get":
            obis = "{}-{}:{}.{}.{}.{}".format(*entry.target.obis)
            results, data = world.ask((1, entry.target.class_id, obis, entry.target.member))
            assert results == [0] and decode(data).type == (
                "octets" if entry.layout.type == "date_time" else entry.layout.type
            )


def test_a_right_that_is_not_there_is_none() -> None:
    version = Reference(1, bytes((0, 0, 0, 2, 1, 255)), 2)
    assert right("get", version) and right("set", version) is None
