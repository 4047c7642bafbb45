"""ASN.1 payloads as trees, named after GBCS's structures."""

from __future__ import annotations

from collections.abc import Sequence

from opensmets.catalogue.alert_codes import event_name
from opensmets.catalogue.asn1_structures import Asn1Field, alternatives, structure
from opensmets.explain.node import Node
from opensmets.layouts import asn1
from opensmets.layouts.asn1 import Element
from opensmets.layouts.envelope import Message
from opensmets.security.keystore import format_eui

_UNIVERSAL = {
    asn1.BOOLEAN: "boolean", asn1.INTEGER: "integer", asn1.BIT_STRING: "bit string", asn1.OCTET_STRING: "octet string",
    asn1.NULL: "null", asn1.OBJECT_ID: "object identifier", asn1.ENUMERATED: "enumeration",
    asn1.UTF8_STRING: "text", asn1.PRINTABLE_STRING: "text", asn1.UTC_TIME: "time",
    asn1.GENERALIZED_TIME: "time", asn1.SEQUENCE: "sequence", asn1.SET: "set",
}  # fmt: skip
_TEXTS = (asn1.UTF8_STRING, asn1.PRINTABLE_STRING, asn1.UTC_TIME, asn1.GENERALIZED_TIME)
_OBJECTS = {
    "1.2.840.10045.2.1": "EC public key", "1.2.840.10045.3.1.7": "P-256", "1.2.840.10045.4.3.2": "ECDSA with SHA-256",
    "2.5.4.3": "common name", "2.5.4.11": "organisational unit", "2.5.4.45": "unique identifier",
    "2.5.29.14": "subject key identifier", "2.5.29.15": "key usage", "2.5.29.17": "subject alternative name",
    "2.5.29.19": "basic constraints", "2.5.29.32": "certificate policies", "2.5.29.35": "authority key identifier",
}  # fmt: skip


def object_id(content: bytes) -> str:
    """Write an object identifier with dots (X.690 8.19)."""
    numbers, part = [], 0
    for octet in content:
        part = part << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(part)
            part = 0
    if not numbers:
        return ""
    first = min(numbers[0] // 40, 2)
    return ".".join(str(one) for one in (first, numbers[0] - 40 * first, *numbers[1:]))


def _first_bit(content: bytes) -> int:
    """Return the number of the first bit set in a bit string, -1 for none."""
    bits = "".join(f"{octet:08b}" for octet in content[1:])
    return bits.find("1")


def _time(content: bytes) -> str:
    text = content.decode("latin-1").removesuffix("Z")
    if text == "99991231235959":
        return "never, or cancel"
    century = "" if len(text) == 14 else "20"
    digits = century + text
    if len(digits) != 14:
        return ""
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]} {digits[8:10]}:{digits[10:12]}:{digits[12:]}Z"


def _leaf(name: str, element: Element, field: Asn1Field | None) -> Node:
    raw, content = element.encode(), element.content
    kind = field.type if field else ""
    if kind == "alert":
        code = element.integer & 0xFFFF
        return Node(name, raw, f"{code:04X}", event_name(code))
    if kind in ("integer", "enum") or element.tag in (asn1.INTEGER, asn1.ENUMERATED):
        return _number(name, element, field)
    if element.tag == asn1.OBJECT_ID:
        value = object_id(content)
        return Node(name, raw, value, _OBJECTS.get(value, ""))
    if element.tag in _TEXTS:
        meaning = _time(content) if _UNIVERSAL[element.tag] == "time" else ""
        return Node(name, raw, content.decode("latin-1"), meaning)
    if element.tag == asn1.BOOLEAN:
        return Node(name, raw, content != b"\0")
    meaning = ""
    if field and kind == "bits" and field.meanings:
        meaning = field.meanings.get(_first_bit(content), "")
    elif field and field.is_eui and len(content) == 8:
        meaning = format_eui(content)
    return Node(name, raw, content.hex().upper(), meaning)


def _number(name: str, element: Element, field: Asn1Field | None) -> Node:
    value = element.integer
    if len(element.content) > 8:
        return Node(name, element.encode(), element.content.hex().upper())
    return Node(name, element.encode(), value, field.meanings.get(value, "") if field else "")


def _named(element: Element, field: Asn1Field) -> Node:
    if not element.constructed:
        return _leaf(field.name, element, field)
    return Node(field.name, element.header, children=tuple(_match(element.children, structure(field.type))))


def element_node(element: Element, name: str = "") -> Node:
    """Explain an element of which nothing is known but its tag."""
    name = name or _UNIVERSAL.get(element.tag, f"[{element.tag & 0x1F}]")
    if not element.constructed:
        return _leaf(name, element, None)
    return Node(name, element.header, children=tuple(element_node(child) for child in element.children))


def _match(elements: Sequence[Element], fields: Sequence[Asn1Field]) -> list[Node]:
    """Name elements in order; fields that do not fit are passed over, elements that none fits are named by tag."""
    nodes: list[Node] = []
    at = 0
    for element in elements:
        fit = next((index for index in range(at, len(fields)) if fields[index].fits(element.tag)), None)
        if fit is None:
            nodes.append(element_node(element))
            continue
        node = _named(element, fields[fit])
        if fields[fit].repeated:
            node = Node(f"{node.name} {len(nodes) + 1}", node.raw, node.value, node.meaning, node.children)
        nodes.append(node)
        at = fit if fields[fit].repeated else fit + 1
    return nodes


def payload_nodes(message: Message) -> tuple[Node, ...]:
    """Explain an ASN.1 payload by the catalogue's structures. Raises LayoutError."""
    known = alternatives(message.message_code, message.kind)
    nodes = []
    for element in asn1.decode_all(message.payload):
        field = next((one for one in known if one.fits(element.tag)), None)
        nodes.append(_named(element, field) if field else element_node(element))
    return tuple(nodes)


def certificate_node(name: str, octets: bytes) -> Node:
    """Explain a certificate. Raises LayoutError when it is not DER."""
    element = asn1.decode(octets)
    return Node(name, element.header, children=tuple(_match(element.children, structure("Certificate"))))
