"""The catalogue's declaration of requests against the schema itself, where the reference material is at hand."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import pytest
from lxml import etree

from opensmets.catalogue.request_content import parse_content, parse_type, request_content, request_variants
from opensmets.catalogue.service_requests import service_requests
from opensmets.duis.document import read_request
from opensmets.errors import SmetsError
from tests.reference import REFERENCE, needs_reference

NAMESPACE = "{http://www.dccinterface.co.uk/ServiceUserGateway}"
SAMPLES = (
    "-1", "0", "1", "01", "+5", "2", "7", "28", "31", "32", "255", "256", "1799", "1800", "65535", "65536",
    "4294967295", "4294967296", "2147483648", "-32769", "true", "1.5", "1.55", "abc", "x" * 23, "Enable", "Disable",
    "Monday",
    "2030-01-15T09:00:00.00Z", "2030-13-15T09:00:00Z", "2030-02-30T09:00:00Z", "3000-12-31T00:00:00", "09:00:00Z",
    "24:00:00", "2014-10-27Z", "00-DB-12-34-56-78-90-A0", "A", "  5  ",
)  # fmt: skip


def requests() -> list[Path]:
    return sorted((REFERENCE / "duis" / "requests").glob("*.XML")) if REFERENCE else []


def test_every_service_request_has_a_declared_content() -> None:
    assert set(request_variants()) == set(service_requests())
    assert all(request_content(variant).body.name for variant in request_variants())


@pytest.mark.parametrize("text", ["Year\n    Deep u8", "5Name u8", "Name int x", "Name text 1..2 /x", "Name &Nothing"])
def test_a_content_out_of_the_language_is_refused(text: str) -> None:
    with pytest.raises(SmetsError):
        parse_content(text)


def test_types() -> None:
    assert parse_type("u16") == parse_type("int 0..65535")
    assert parse_type("int ..0").most == "0" and parse_type("int ..0").least is None
    assert parse_type('"Key Agreement"|Other').values == ("Key Agreement", "Other")
    assert parse_type("text 1..20 /[0-9]+/").pattern == "[0-9]+"


@needs_reference
@pytest.mark.parametrize("path", requests(), ids=lambda path: path.name.removesuffix("_REQUEST_DUIS.XML"))
def test_reference_requests_are_read(path: Path) -> None:
    request = read_request(path.read_bytes())
    assert request.has_signature


def mutate(tree: etree._ElementTree, chance: random.Random) -> str:
    """Change one thing in the body; return what."""
    body = tree.getroot().find(f"{NAMESPACE}Body")
    elements = list(body.iter(etree.Element))[2:]
    element, other = chance.choice(elements), chance.choice(elements)
    parent, kind = element.getparent(), chance.randrange(5)
    at = parent.index(element)
    if kind == 0:
        parent.remove(element)
    elif kind == 1:
        parent.insert(at, copy.deepcopy(element))
    elif kind == 2 and element.attrib:
        element.set(chance.choice(list(element.attrib)), chance.choice(SAMPLES))
    elif kind == 3 and not len(element):
        element.text = chance.choice(SAMPLES)
    else:
        parent.insert(at, copy.deepcopy(other))
    return f"{kind} at {element.tag}"


@needs_reference
def test_mutated_requests_are_judged_as_the_schema_does() -> None:
    """Any change to a request that the schema refuses is refused, naming an element; no other is."""
    assert REFERENCE
    schema = etree.XMLSchema(etree.parse(str(REFERENCE / "duis" / "duis-5.4.xsd")))
    chance = random.Random(54)
    files = [
        path for path in requests() if len(list(etree.parse(str(path)).getroot().find(f"{NAMESPACE}Body").iter())) > 2
    ]
    refused = 0
    for _ in range(1200):
        path = chance.choice(files)
        tree = etree.parse(str(path))
        what = mutate(tree, chance)
        try:
            read_request(etree.tostring(tree))
            told = None
        except SmetsError as error:
            told = str(error)
            refused += 1
        if told and "is not base64" in told:
            continue  # libxml2 takes other characters in base64
        assert schema.validate(tree) == (told is None), f"{path.name}: {what}: {told} {schema.error_log.last_error}"
        assert told is None or ":" in told
    assert refused > 600
