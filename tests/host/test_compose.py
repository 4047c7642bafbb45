"""Documents made from values are those that a person would write: the reference documents, and valid by the schema."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from lxml import etree

from opensmets.duis.compose import Address, compose, compose_signed_pre_command, write_eui, write_time
from opensmets.errors import SmetsError
from tests.reference import REFERENCE, needs_reference

SUPPLIER = bytes.fromhex("90b3d51f30010000")
DEVICE = bytes.fromhex("00db1234567890a0")
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def at(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)  # type: ignore[arg-type, misc]


PERIOD_2014 = {"StartDateTime": at(2014, 12, 31), "EndDateTime": at(2015, 1, 1)}
SAME: list[tuple[str, str, dict[str, Any], int]] = [
    ("ECS17b_4.1.1_SINGLE_SUCCESS", "4.1.1", {}, 1000),
    ("ECS45_7.4_SUCCESS", "7.4", {}, 1000),
    ("ECS42_7.1_SUCCESS", "7.1", {}, 1000),
    ("ECS43_7.2_SUCCESS", "7.2", {}, 1000),
    ("ECS44_7.3_SUCCESS", "7.3", {}, 1000),
    ("ECS52_11.2_SUCCESS", "11.2", {}, 1000),
    ("ECS70_6.11_SUCCESS", "6.11", {"CurrentDateTime": at(2014, 12, 31, 23, 59, 10), "TolerancePeriod": 60}, 1000),
    (
        "ECS70Commission_8.1.1_SUCCESS",
        "8.1.1",
        {"CurrentDateTime": at(2014, 12, 31, 23, 59, 10), "TolerancePeriod": 60},
        1000,
    ),
    ("ECS34_6.12_SUCCESS", "6.12", {"LowMediumPowerThreshold": 2300, "MediumHighPowerThreshold": 4600}, 1001),
    ("ECS35b_6.13_SUCCESS", "6.13", {"ReadLogPeriod": PERIOD_2014, "LogToRead": "Security"}, 1000),
    ("CS01a_2.2_SUCCESS", "2.2", {"UTRN": "73946144332040217315"}, 12884901888),
    ("CS02aMAC_6.24.1_SUCCESS", "6.24.1", {"RemotePartyRole": ["Supplier", "NetworkOperator"]}, 1000),
    (
        "ECS28a_6.4.1_FUTURE_DATED_SUCCESS",
        "6.4.1",
        {
            "ExecutionDateTime": at(2030, 1, 15, 9),
            "LoadLimitPeriod": 300,
            "LoadLimitPowerThreshold": 6900,
            "LoadLimitRestorationPeriod": 30,
            "LoadLimitSupplyState": "Unchanged",
        },
        1004,
    ),
]


def shape(element: Any) -> Any:
    """Reduce a document to names, attributes, texts and order, without its signature."""
    children = [shape(child) for child in element if isinstance(child.tag, str) and child.tag != SIGNATURE]
    return element.tag, dict(element.attrib), (element.text or "").strip(), children


@needs_reference
@pytest.mark.parametrize(("scenario", "variant", "content", "counter"), SAME, ids=[row[0] for row in SAME])
def test_a_composed_document_is_the_reference_one(scenario: str, variant: str, content: Any, counter: int) -> None:
    assert REFERENCE
    path = REFERENCE / "duis" / "requests" / f"{scenario}_REQUEST_DUIS.XML"
    made = etree.fromstring(compose(variant, content, Address(SUPPLIER, DEVICE, counter)))
    assert shape(made) == shape(etree.parse(path).getroot())


@needs_reference
def test_a_signed_pre_command_document_is_valid() -> None:
    assert REFERENCE
    schema = etree.XMLSchema(etree.parse(REFERENCE / "duis" / "duis-5.4.xsd"))
    document = etree.fromstring(compose_signed_pre_command("7.2", b"\xdf\x09", Address(SUPPLIER, DEVICE, 7)))
    schema.assertValid(document)
    assert document.findtext(".//{*}GBCSPayload") == "3wk="


def test_a_value_without_a_form_is_refused() -> None:
    with pytest.raises(SmetsError, match="LogToRead: a float"):
        compose("6.13", {"LogToRead": 1.5}, Address(SUPPLIER, DEVICE, 1))
    with pytest.raises(SmetsError, match=r"9\.9 is none of DUIS"):
        compose("9.9", {}, Address(SUPPLIER, DEVICE, 1))
    with pytest.raises(SmetsError, match="64 bits"):
        compose("7.4", {}, Address(SUPPLIER, DEVICE, 1 << 64))
    with pytest.raises(SmetsError, match="8 octets"):
        write_eui(b"\0" * 7)


def test_none_leaves_an_element_out() -> None:
    document = etree.fromstring(
        compose("3.1", {"ExecutionDateTime": None, "SupplierMessage": "A & <b>"}, Address(SUPPLIER, DEVICE, 1))
    )
    assert document.find(".//{*}ExecutionDateTime") is None
    assert document.findtext(".//{*}SupplierMessage") == "A & <b>"


def test_times_are_written_in_utc() -> None:
    assert write_time(datetime(2026, 7, 1, 1, 0, tzinfo=timezone(timedelta(hours=1)))) == "2026-07-01T00:00:00.00Z"
    assert write_time(datetime(2026, 7, 1)) == "2026-07-01T00:00:00.00Z"


def test_attributes_and_their_text() -> None:
    content = {"PriceScale": -5, "BlockPrice": [{"@index": 1, "": 12}, {"@index": 2, "": 34}]}
    document = etree.fromstring(compose("1.2.1", content, Address(SUPPLIER, DEVICE, 1)))
    prices = document.findall(".//{*}BlockPrice")
    assert [(price.get("index"), price.text) for price in prices] == [("1", "12"), ("2", "34")]
