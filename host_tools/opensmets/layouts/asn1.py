"""A DER tree that takes what devices send and gives it back octet for octet (X.690; GBCS's own modules use it).

Devices do not always write the shortest length (`82 00 nn`, 18 reference messages), so an element keeps the octets of
its own header. What the elements of a GBCS structure are called stands in `asn1_names`.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from construct import Construct, StreamError

from opensmets.layouts.wire import LayoutError, encode_length, parse, refuse

MAX_DEPTH = 16
MAX_ELEMENTS = 4096
CONSTRUCTED = 0x20
BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OBJECT_ID, ENUMERATED = 1, 2, 3, 4, 5, 6, 10
UTF8_STRING, PRINTABLE_STRING, UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 12, 19, 23, 24, 0x30, 0x31
_LONG_TAG = 0x1F


@dataclass(frozen=True, slots=True)
class Element:
    """One DER element: its tag and length octets as sent, then either `content` or, if constructed, `children`."""

    header: bytes
    content: bytes = b""
    children: tuple[Element, ...] = ()

    @property
    def tag(self) -> int:
        """The identifier octet: class, constructed bit and number."""
        return self.header[0]

    @property
    def constructed(self) -> bool:
        """Whether the element is made of elements."""
        return bool(self.tag & CONSTRUCTED)

    @property
    def integer(self) -> int:
        """The content as a signed number, for integers and enumerations, tagged ones too."""
        return int.from_bytes(self.content, "big", signed=True)

    def encode(self) -> bytes:
        """Return the octets of the element, its header as it was read."""
        return self.header + (b"".join(child.encode() for child in self.children) or self.content)


def _header(stream: BytesIO, path: str) -> tuple[bytes, int]:
    """Read tag and definite length; return their octets and the length. Long forms of short lengths are taken."""
    start = stream.read(2)
    if len(start) < 2:
        raise StreamError("tag and length are cut short", path=path)
    if start[0] & _LONG_TAG == _LONG_TAG:
        raise refuse(f"tag {start[0]:02X} begins a long tag, which GBCS does not use", path)
    width = start[1] - 0x80
    if width < 0:
        return start, start[1]
    octets = stream.read(width)
    if width not in (1, 2) or len(octets) < width:
        raise refuse(f"length octet {start[1]:02X} is none of 00..7F, 81 nn, 82 nn nn", path)
    return start + octets, int.from_bytes(octets, "big")


class _Element(Construct):  # type: ignore[misc]
    """One element: header, then content or elements to the length's end."""

    def _parse(self, stream: BytesIO, context: Any, path: str) -> Element:
        limits = context["_params"]
        limits["elements"] = limits.get("elements", 0) + 1
        if limits["elements"] > MAX_ELEMENTS:
            raise refuse(f"more than {MAX_ELEMENTS} elements", path)
        header, size = _header(stream, path)
        octets = stream.read(size)
        if len(octets) < size:
            raise StreamError(f"{size} octets announced, {len(octets)} present", path=path)
        if not header[0] & CONSTRUCTED:
            return Element(header, octets)
        return Element(header, children=self._children(octets, context, path))

    def _children(self, octets: bytes, context: Any, path: str) -> tuple[Element, ...]:
        limits = context["_params"]
        limits["depth"] = limits.get("depth", 0) + 1
        if limits["depth"] > MAX_DEPTH:
            raise refuse(f"elements lie deeper than {MAX_DEPTH}", path)
        children = _ELEMENTS._parse(BytesIO(octets), context, path)
        limits["depth"] -= 1
        return children


class _Elements(Construct):  # type: ignore[misc]
    """Elements to the end."""

    def _parse(self, stream: BytesIO, context: Any, path: str) -> tuple[Element, ...]:
        end = len(stream.getvalue())
        elements = []
        while stream.tell() < end:
            elements.append(_ELEMENT._parse(stream, context, path))
        return tuple(elements)

    def _build(self, obj: tuple[Element, ...], stream: BytesIO, context: Any, path: str) -> tuple[Element, ...]:
        for element in obj:
            stream.write(element.encode())
        return obj


_ELEMENT, _ELEMENTS = _Element(), _Elements()


def decode_all(octets: bytes) -> tuple[Element, ...]:
    """Read the elements that `octets` are, one after another. Raises LayoutError when they are not whole."""
    elements: tuple[Element, ...] = parse(_ELEMENTS, octets, "ASN.1")
    return elements


def decode(octets: bytes) -> Element:
    """Read the one element that `octets` are. Raises LayoutError when they are not exactly one."""
    elements = decode_all(octets)
    if len(elements) != 1:
        raise LayoutError(f"ASN.1: one element expected, {len(elements)} present")
    return elements[0]


def make(tag: int, content: bytes | tuple[Element, ...]) -> Element:
    """Return an element with a shortest length. Raises LayoutError when it is too long."""
    octets = content if isinstance(content, bytes) else b"".join(child.encode() for child in content)
    header = bytes((tag,)) + encode_length(len(octets))
    return Element(header, content) if isinstance(content, bytes) else Element(header, children=content)
