"""Every request for an electricity meter, changed in one place at a time: refused when the schema refuses it, by name.

Each element is taken away, put in twice, filled with what is no value of it; each attribute is taken away and altered.
Where a place stands in several documents of one service request the first of them is changed.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from lxml import etree

from opensmets.catalogue.request_content import Particle, TextType, parse_type, request_content, request_variants
from opensmets.catalogue.service_requests import service_request
from opensmets.catalogue.use_cases import use_cases
from opensmets.duis.compose import DCC_ONLY, SEND, TRANSFORM
from opensmets.duis.document import read_request
from opensmets.errors import SmetsError
from tests.host.duis_documents import document
from tests.host.duis_strategies import bodies
from tests.reference import REFERENCE, needs_reference

NAMESPACE = "{http://www.dccinterface.co.uk/ServiceUserGateway}"
#: Below, on and above the ends of the ranges and lengths that the schema has, and of other types than most.
TEXTS = (
    "", " ", "-1", "0", "3", "5", "8", "17", "49", "101", "1800", "86401", "-32769", "65536", "4294967296",
    "2147483648", "1.5", "wrong", "true", "enable", "12345678901234", "x" * 16, "x" * 23, "x" * 117, "\u00e9",
    "2026-13-01T00:00:00Z", "2026-02-30Z", "24:00:01Z", "00-DB-12-34-56-78-90-A", "1234567890123456789x",
)  # fmt: skip
Place = tuple[str, ...]


@cache
def schema() -> etree.XMLSchema:
    assert REFERENCE
    return etree.XMLSchema(etree.parse(REFERENCE / "duis" / "duis-5.4.xsd"))


def documents() -> list[Path]:
    """Return the request documents of an electricity meter's use cases."""
    found = sorted((REFERENCE / "duis" / "requests").glob("*.XML")) if REFERENCE else []
    meters = {name for name, entry in use_cases().items() if "ESME" in entry.devices}
    return [path for path in found if path.name.split("_")[0] in meters]


def by_variant() -> dict[str, list[Path]]:
    """Return the documents by their service request variant."""
    found: dict[str, list[Path]] = {}
    for path in documents():
        found.setdefault(path.name.split("_")[1], []).append(path)
    return found


def name(element: etree._Element) -> str:
    return etree.QName(element).localname


def place(element: etree._Element) -> Place:
    """Return the names that lead to an element from the one in Body; alert codes are all alike."""
    names = [name(one) for one in (element, *element.iterancestors())]
    return tuple(re.sub("^x8[0-9A-F]{3}$", "x8", one) for one in reversed(names[: names.index("Body")]))


def places(paths: list[Path]) -> Iterator[etree._Element]:
    """Yield an element for each place in the bodies of documents, each in a document of its own to be changed."""
    seen: set[Place] = set()
    for path in paths:
        root = etree.parse(path).getroot()
        for element in list(root.find(f"{NAMESPACE}Body").iter(f"{NAMESPACE}*"))[2:]:
            if place(element) not in seen:
                seen.add(place(element))
                yield element


def refusal(root: etree._Element) -> str | None:
    """Return what a document is refused with, or None."""
    try:
        read_request(etree.tostring(root))
    except SmetsError as error:
        return str(error)
    return None


def judge(root: etree._Element, names: set[str], what: str) -> bool:
    """Compare with the schema; a refusal names one of the elements. Return whether it was refused."""
    told = refusal(root)
    if told is not None and "is not base64" in told:
        return True  # libxml2 takes other characters in base64
    assert schema().validate(root) == (told is None), f"{what}: {told} {schema().error_log.last_error}"
    if told is None:
        return False
    assert "\n" not in told and any(one in told for one in names), f"{what}: {told}"
    return True


def without(element: etree._Element) -> bool:
    """Take an element away and put it back."""
    parent, root, what = element.getparent(), element.getroottree().getroot(), f"without {place(element)}"
    at = parent.index(element)
    parent.remove(element)
    refused = judge(root, {name(element), name(parent)}, what)
    parent.insert(at, element)
    return refused


def twice(element: etree._Element) -> bool:
    """Put an element in twice and take it out again."""
    parent, root = element.getparent(), element.getroottree().getroot()
    parent.insert(parent.index(element), copy.deepcopy(element))
    refused = judge(root, {name(element)}, f"twice {place(element)}")
    parent.remove(element.getprevious())
    return refused


def altered(element: etree._Element) -> int:
    """Give an element each of the texts; return how many were refused."""
    root, kept, refused = element.getroottree().getroot(), element.text, 0
    path = "/".join(name(one) for one in (*reversed(list(element.iterancestors())), element)).split("Body/")[1]
    # space in an element that is to be empty does no harm, though the schema refuses it
    for text in TEXTS if (kept or "").strip() else TEXTS[2:]:
        element.text = text
        refused += judge(root, {path.partition("/")[2]}, f"{text!r} in {path}")
    element.text = kept
    return refused


def altered_attributes(element: etree._Element) -> int:
    """Take each attribute away, and give it each of the texts; return how many were refused."""
    root, refused = element.getroottree().getroot(), 0
    for attribute, kept in list(element.attrib.items()):
        del element.attrib[attribute]
        refused += judge(root, {attribute}, f"without @{attribute} of {place(element)}")
        for text in TEXTS[:12]:
            element.set(attribute, text)
            refused += judge(root, {attribute}, f"{text!r} in @{attribute} of {place(element)}")
        element.set(attribute, kept)
    return refused


@needs_reference
@pytest.mark.parametrize("variant", by_variant())
def test_what_the_schema_refuses_is_refused_by_name(variant: str) -> None:
    paths = by_variant()[variant]
    assert all(refusal(etree.parse(path).getroot()) is None for path in paths)
    for element in places(paths):
        without(element)
        twice(element)
        refused = altered_attributes(element)
        if not len(element):
            refused += altered(element)
            assert refused, place(element)


def leaves(particle: Particle, path: Place = ()) -> Iterator[tuple[Place, Particle]]:
    """Yield every element that may stand below a particle, by the names that lead to it."""
    for child in particle.children:
        below = (*path, child.name) if child.name else path
        if child.name:
            yield below, child
        yield from leaves(child, below)


def outside(kind: TextType) -> list[str]:
    """Return texts that a type does not allow: of another type, and just beyond each end of its range or length."""
    if kind.kind in ("int", "decimal"):
        ends = [int(Decimal(end)) + step for end, step in ((kind.least, -1), (kind.most, 1)) if end is not None]
        return ["", "wrong", *(str(end) for end in ends)]
    if kind.kind == "text":
        lengths = [int(end) + step for end, step in ((kind.least, -1), (kind.most, 1)) if end is not None]
        return ["1" * length for length in lengths if length >= 0]
    return ["wrong?"]


def test_texts_outside_a_type_are_what_they_say() -> None:
    assert outside(parse_type("u8")) == ["", "wrong", "-1", "256"]
    assert outside(parse_type("text 1..3")) == ["", "1111"] and outside(parse_type("bool")) == ["wrong?"]


@pytest.mark.parametrize("variant", [one for one in request_variants() if request_content(one).body.children])
def test_drawn_requests_are_read_and_refused_by_name_without_a_schema(variant: str) -> None:
    """What the catalogue alone says of a request, where no schema is at hand."""
    declared = dict(leaves(request_content(variant).body))

    @settings(
        max_examples=3, deadline=None, database=None, derandomize=True, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(body=bodies(variant))
    def judged(body: etree._Element) -> None:
        service = service_request(variant)
        command_variant = DCC_ONLY if service.non_device else TRANSFORM if service.critical else SEND
        root = etree.fromstring(document(variant, "<Nothing/>", command_variant=command_variant))
        root.find(f"{NAMESPACE}Body")[:] = [body]
        assert refusal(root) is None, etree.tostring(body)
        tried: set[Place] = set()
        for element in list(body.iter())[1:]:
            path = place(element)[1:]
            particle = declared.get(path)
            if particle is None or path in tried:
                continue
            tried.add(path)
            _refused_outside(root, element, particle)

    judged()


def _refused_outside(root: etree._Element, element: etree._Element, particle: Particle) -> None:
    kept, path = element.text, "/".join(place(element)[1:])
    for text in outside(particle.type) if particle.type else ["wrong"]:
        element.text = text
        told = refusal(root)
        assert told and path in told and "\n" not in told, f"{text!r} in {path}: {told}"
    element.text = kept
    for attribute, value in list(element.attrib.items()):
        del element.attrib[attribute]
        told = refusal(root)
        assert told and f"{path}: attribute {attribute} is missing" in told
        element.set(attribute, value)
