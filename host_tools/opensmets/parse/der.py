"""What the rooms for ASN.1 payloads share: shortest lengths, numbers, times, and elements of an expected shape."""

from __future__ import annotations

import re

from opensmets.layouts import asn1
from opensmets.layouts.asn1 import GENERALIZED_TIME, SEQUENCE
from opensmets.layouts.asn1 import Element as Der
from opensmets.parse.texts import Unfit, read_date_time, write_date_time
from opensmets.parse.tree import ParseError

#: Name under which a payload that its elements cannot hold stands whole in `GBCSData`.
PAYLOAD = "payload"
_TIME = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")


def normal(element: Der) -> Der:
    """Return an element with the shortest lengths: devices write others, and a length is no value."""
    if element.constructed:
        return asn1.make(element.tag, tuple(normal(child) for child in element.children))
    return asn1.make(element.tag, element.content)


def encode_number(value: int) -> bytes:
    """Return the content of an INTEGER or ENUMERATED."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def sequence_of(element: Der, forms: tuple[tuple[int, ...], ...], what: str) -> tuple[Der, ...]:
    """Return the elements of a SEQUENCE whose tags are one of `forms`. Raises ParseError naming `what` otherwise."""
    found = tuple(child.tag for child in element.children)
    if element.tag != SEQUENCE or found not in forms:
        raise ParseError(f"{what} is not of the elements that GBCS says")
    return element.children


def write_time(element: Der) -> str:
    """Return a GeneralizedTime of whole seconds, UTC, as xs:dateTime. Raises Unfit for any other."""
    match = _TIME.fullmatch(element.content)
    if not match:
        raise Unfit("not a time of whole seconds in UTC")
    year, month, day, *clock = (int(part) for part in match.groups())
    octets = year.to_bytes(2, "big") + bytes((month, day, 0xFF, *clock, 0)) + bytes.fromhex("8000FF")
    return write_date_time(octets)


def read_time(text: str) -> Der:
    """Return the GeneralizedTime of an xs:dateTime as `write_time` writes it. Raises ValueError."""
    octets = read_date_time(text)
    year, rest = int.from_bytes(octets[:2], "big"), (*octets[2:4], *octets[5:8])
    digits = f"{year:04}" + "".join(f"{part:02}" for part in rest)
    return asn1.make(GENERALIZED_TIME, f"{digits}Z".encode("ascii"))
