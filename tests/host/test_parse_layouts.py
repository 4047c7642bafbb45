"""The language of response layouts, the data files in it, and the codecs and shapes that it names."""

from __future__ import annotations

import pytest
from lxml import etree

from opensmets.catalogue.responses import response_elements, response_entries
from opensmets.catalogue.use_cases import use_cases
from opensmets.layouts.axdr import Compact, Data, RowType
from opensmets.parse import NAMESPACE, ParseError
from opensmets.parse.layout import compile_layout
from opensmets.parse.layouts import Layouts, layouts_of
from opensmets.parse.nodes import Absent
from opensmets.parse.texts import nearest_date_time
from opensmets.parse.tree import Path, prune, sort_children
from tests.reference import REFERENCE, needs_reference


def place() -> etree._Element:
    return etree.Element(f"{{{NAMESPACE}}}At", nsmap={None: NAMESPACE})


def xml(element: etree._Element) -> str:
    text = etree.tostring(element, encoding="unicode").replace(f' xmlns="{NAMESPACE}"', "")
    return text.removeprefix("<At>").removesuffix("</At>").replace("<At/>", "")


def both_ways(layout: str, data: Data, expected: str) -> None:
    node, at = compile_layout(layout), place()
    node.write(data, at)
    assert xml(at) == expected
    assert node.read(at) == data


def left_out(layout: str, data: Data) -> None:
    node, at = compile_layout(layout), place()
    node.write(data, at)
    assert xml(at) == ""
    with pytest.raises(Absent):
        node.read(at)


@pytest.mark.parametrize(
    ("layout", "data", "expected"),
    [
        ("u32 A/B", Data("u32", 7), "<A><B>7</B></A>"),
        ("i8 A/@b", Data("i8", -7), '<A b="-7"/>'),
        ("u32:seconds A", Data("u32", 0xFFFFFFFF), "<A>2136-02-07T06:28:15Z</A>"),
        ("bool A", Data("bool", 255), "<A>true</A>"),
        ("octets A", Data("octets", b"\x01\xff"), "<A>01FF</A>"),
        ("octets:text A", Data("octets", b"CSW "), "<A>CSW </A>"),
        ("octets:eui A", Data("octets", bytes(8)), "<A>00-00-00-00-00-00-00-00</A>"),
        (
            "octets:date-time A", Data("octets", bytes.fromhex("07DF0101FF0000003C8000FF")),
            "<A>2015-01-01T00:00:00.60Z</A>",
        ),
        ("octets:plain-date A", Data("octets", bytes.fromhex("FFFF041DFF")), "<A>65535-04-29Z</A>"),
        ("octets:clock A", Data("octets", bytes.fromhex("173B0000")), "<A>23:59:00</A>"),
        ("packed(hex2 A, number8 B)", Data("octets", bytes(9) + b"\x05"), "<A>0000</A><B>5</B>"),
        ("u16:tariff-action", Data("u16", 108), "<BlockTariffAction>8</BlockTariffAction>"),
        ("u16:tariff-action", Data("u16", 48), "<TOUTariffAction>48</TOUTariffAction>"),
        ("u8:controller", Data("u8", 0x23), "<AuxiliaryControllerN>3</AuxiliaryControllerN><InputFromControlledLoad/>"),
        ("octets:switch-type A", Data("octets", bytes(8)), "<A><ALCS/></A>"),
        ("octets:switch-type A", Data("octets", bytes(7) + b"\1"), "<A><HCALCS>00-00-00-00-00-00-00-01</HCALCS></A>"),
        ("octets:controller-type", Data("octets", b""), "<AuxiliaryControllerType>None</AuxiliaryControllerType>"),
    ],
)  # fmt: skip
def test_a_value_and_its_text(layout: str, data: Data, expected: str) -> None:
    both_ways(layout, data, expected)


@pytest.mark.parametrize(
    ("layout", "data"),
    [
        ("u8<1..16> A", Data("u8", 17)),
        ("u8<1..16> A", Data("u8", 0)),
        ("bool A", Data("bool", 1)),
        ("octets:text<0..3> A", Data("octets", b"ABCD")),
        ("octets:text A", Data("octets", b"\0")),
        ("octets:octet<1..4> A", Data("octets", b"\x05")),
        ("octets:eui A", Data("octets", bytes(7))),
        ("octets:date-time A", Data("octets", bytes.fromhex("07DF010105000000008000FF"))),
        ("octets:date-time A", Data("octets", bytes.fromhex("07DF021EFF000000008000FF"))),
        ("octets:date-time A", Data("octets", bytes.fromhex("07DF0101FF00000000000000"))),
        ("octets:date A", Data("octets", bytes.fromhex("07D0FFFFFF"))),
        ("octets:date A", Data("octets", bytes.fromhex("FFFFFEFFFF"))),
        ("octets:plain-date A", Data("octets", bytes.fromhex("07DFFF01FF"))),
        ("octets:clock A", Data("octets", b"\x18\0\0\0")),
        ("u16:tariff-action", Data("u16", 49)),
        ("octets:warning", Data("octets", b"\x00\x0a")),
        ("any", Data("u8", 1)),
    ],
)
def test_what_the_schema_has_no_room_for_is_left_out(layout: str, data: Data) -> None:
    left_out(layout, data)


def test_a_date_keeps_its_wildcards() -> None:
    both_ways(
        "octets:date A", Data("octets", bytes.fromhex("FFFF0CFE07")),
        "<A><Year><NonSpecifiedYear/></Year><Month><SpecifiedMonth>12</SpecifiedMonth></Month>"
        "<DayOfMonth><LastDayOfMonth/></DayOfMonth><DayOfWeek><SpecifiedDayOfWeek>7</SpecifiedDayOfWeek></DayOfWeek></A>",
    )  # fmt: skip


def point(date: str, time: str = "0C000000") -> Data:
    return Data("structure", (Data("octets", bytes.fromhex(time)), Data("octets", bytes.fromhex(date))))


@pytest.mark.parametrize(
    ("dates", "period"),
    [
        (["FFFFFFFFFF"], "<Daily/>"),
        (["FFFFFFFF03"], "<Weekly>3</Weekly>"),
        (["FFFFFF1CFF"], "<Monthly>28</Monthly>"),
        (["FFFF0B01FF", "FFFF0201FF", "FFFF0501FF", "FFFF0801FF"], "<Quarterly>1 11</Quarterly>"),
        (["FFFF0302FF", "FFFF0902FF"], "<SixMonthly>2 3</SixMonthly>"),
        (["FFFF0C1CFF"], "<Yearly>28 12</Yearly>"),
    ],
)
def test_billing_calendars(dates: list[str], period: str) -> None:
    if " " in period:
        name, day, month = period[1:].split(">")[0], *period.split(">")[1].split("<")[0].split()
        start = f"<DayOfMonth>{day}</DayOfMonth><BillingPeriodStartMonth>{month}</BillingPeriodStartMonth>"
        period = f"<{name}>{start}</{name}>"
    calendar = f"<ElectricityBillingCalendar><BillingTime>12:00:00</BillingTime>{period}</ElectricityBillingCalendar>"
    both_ways("array:billing-calendar", Data("array", tuple(point(date) for date in dates)), calendar)


@pytest.mark.parametrize(
    "points",
    [
        (), (point("FFFFFF1DFF"),), (point("FFFFFF01FF"), point("FFFFFF02FF")), (point("07DF0101FF"),),
        (point("FFFF0101FF"), point("FFFF0701FF", "0D000000")), (point("FFFF0101FF"), point("FFFF0601FF")),
        (Data("octets", b""),), (point("FFFFFF01FF", "FFFFFFFF"),),
    ],
)  # fmt: skip
def test_other_schedules_are_no_billing_calendar(points: tuple[Data, ...]) -> None:
    left_out("array:billing-calendar", Data("array", points))


def test_rows_and_what_may_be_missing() -> None:
    layout = "compact{2}(structure(u8 A, ?u8 B, array[2](u8) C@index)) R"
    short = RowType("structure", (RowType("u8"), RowType("array", (RowType("u8"),), 2)))
    row = Data("structure", (Data("u8", 1), Data("array", (Data("u8", 2), Data("u8", 3)))))
    text = '<R><A>1</A><C index="1">2</C><C index="2">3</C></R>'
    both_ways(layout, Data("compact", Compact(short, (row, row))), text * 2)
    both_ways(layout, Data("compact", Compact(short, ())), "")
    whole = RowType("structure", (RowType("u8"), *short.elements))
    row = Data("structure", (row[0], Data("u8", 9), row[1]))
    both_ways(layout, Data("compact", Compact(whole, (row,))), text.replace("</A>", "</A><B>9</B>"))


def test_a_scaler_brings_a_number_to_the_unit_of_the_schema() -> None:
    for exponent, unit, number, shown in (
        (2, 30, 5, "<A>500</A>"),
        (-1, 30, 50, "<A>5</A>"),
        (-1, 30, 5, ""),
        (0, 31, 5, ""),
    ):
        at = place()
        compile_layout("u32 A").write(Data("u32", number), at)
        scaler = Data("structure", (Data("i8", exponent), Data("enum", unit)))
        compile_layout("scaler[0;30](A)").write(scaler, at)
        assert xml(at) == shown


@pytest.mark.parametrize(
    ("layout", "complaint"),
    [
        ("u33 A", "no such thing as 'u33'"),
        ("u32:nothing A", "no codec, shape or map 'nothing'"),
        ("structure(u8 A", "its end"),
        ("u8 A)", "after its end"),
        ("u8 A[", "no step"),
        ("$missing", r"no piece \$missing"),
        ("scaler[0;30](A", "where '\\)' belongs"),
    ],
)
def test_a_layout_that_is_none_is_refused(layout: str, complaint: str) -> None:
    with pytest.raises(ParseError, match=complaint):
        compile_layout(layout)


def test_data_of_another_shape_are_refused() -> None:
    for layout, data in (
        ("u8 A", Data("u16", 1)), ("structure(u8 A, ?u8 B)", Data("structure", ())),
        ("compact(u8) A", Data("u8", 1)), ("packed(hex2 A)", Data("octets", b"\0")),
        ("scaler[0;30](A)", Data("structure", (Data("u8", 0), Data("enum", 30)))),
    ):  # fmt: skip
        with pytest.raises(ParseError, match="where the use case has|is a structure of"):
            compile_layout(layout).write(data, place())


def test_paths_choose_among_elements() -> None:
    at = place()
    Path.parse("A[@n=1]/X").put(at, "1")
    Path.parse("A[B=2]/X").put(at, "2")
    Path.parse("A[@n=1]/Y@z").put(at, "3")
    Path.parse("C[#]/X").put(at, "4", row=0)
    Path.parse("C[#]/X").put(at, "5", row=1)
    assert xml(at) == '<A n="1"><X>1</X><Y z="3"/></A><A><B>2</B><X>2</X></A><C><X>4</X></C><C><X>5</X></C>'
    assert Path.parse("A[B=2]/X").text(at) == "2"
    assert Path.parse("C[#]/X").text(at, 1) == "5"


def test_order_and_completeness() -> None:
    at = place()
    for path in ("A/Late", "A/Early", "B/Late", "B/Early", "C/D/Only"):
        Path.parse(path).make(at)
    sort_children(at, ["Early", "Late", "B/Early"])
    prune(at, {"D": ["Only", "Other"], "C": ["*"], "A": ["Late|None"]})
    assert xml(at) == "<A><Early/><Late/></A><B><Late/><Early/></B>"


def test_the_nearest_date_time() -> None:
    assert nearest_date_time(bytes.fromhex("07EAFFFFFF0CFFFFFF8000FF")) == "2026-01-01T12:00:00Z"
    assert nearest_date_time(b"\xff" * 12) == "2000-01-01T00:00:00Z"
    assert nearest_date_time(bytes.fromhex("07EA0D01FF0C0000008000FF")) == "2000-01-01T00:00:00Z"
    assert nearest_date_time(b"") == "2000-01-01T00:00:00Z"


def test_every_entry_is_an_entry_of_the_catalogue() -> None:
    for name, entry in response_entries().items():
        if entry.message_code is not None:
            continue
        layouts = layouts_of(use_cases()[name])
        assert isinstance(layouts, Layouts) and len(layouts.items) == len(entry.items)


def test_every_reading_answer_of_a_meter_has_a_layout() -> None:
    for case in use_cases().values():
        reads = any(item.verb in ("get", "range", "protected") for item in case.items)
        if "ESME" in case.devices and case.payload == "dlms" and reads and not case.alert:
            assert response_entries().get(case.name), case.name


@needs_reference
def test_every_service_request_is_answered_in_an_element_of_the_schema() -> None:
    assert REFERENCE is not None
    schema = etree.parse(REFERENCE / "duis" / "mmc-5.4.xsd")
    names = set(schema.xpath("//@name"))
    assert set(response_elements().values()) <= names
    services = {
        case.service_request for case in use_cases().values() if case.service_request and "ESME" in case.devices
    }
    assert services <= set(response_elements())
