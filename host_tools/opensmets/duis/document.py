"""Read DUIS request documents into typed requests (DUIS clause 2: header, body, XML signature).

XML is read without entities, DTDs or network, and no more of it than MAX_DOCUMENT. What is in a request is judged by
the catalogue's declaration of its variant, so a Request that was read is of the schema's shape and ranges.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from lxml import etree

from opensmets.catalogue.request_content import Particle, parse_content, request_content
from opensmets.catalogue.service_requests import ServiceRequest, service_request
from opensmets.duis.validation import NAMESPACE, InvalidRequest, child_elements, local_name, text_of, validate

SCHEMA_VERSION = Decimal("5.4")
#: The longest document taken. A request for a device has a few kilobytes; only firmware images, which the DCC
#: distributes itself, would be larger.
MAX_DOCUMENT = 1 << 20
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_HEADER = Particle(
    "Header",
    children=parse_content(
        "RequestID request_id\nFirstInSequence? bool\nPrecedingServiceRequestID? request_id\n"
        "CommandVariant int 1..9\nServiceReference text\nServiceReferenceVariant text"
    ),
)
_SIGNED_PRE_COMMAND = Particle(
    "SignedPreCommand", children=parse_content("ExecutionDateTime? datetime\nGBCSPayload base64")
)
#: The command variants of each kind of request (DUIS clause 2.6.1).
SERVICE_VARIANTS, TRANSFORM_VARIANTS, SIGNED_VARIANTS, DCC_VARIANTS = (1, 2, 3), (4,), (5, 6, 7), (8,)


@dataclass(frozen=True, slots=True)
class Request:
    """One request document that has the schema's shape.

    `originator` and `target` are EUI-64s, `counter` the originator counter, `variant` the service reference variant.
    `body` is the element in Body. `signed_pre_command` is the GBCS message of a Signed Pre-Command, else None.
    `document` is the root, with the XML signature when there is one.
    """

    originator: bytes
    target: bytes
    counter: int
    command_variant: int
    variant: str
    service: ServiceRequest
    body: etree._Element = field(repr=False)
    document: etree._Element = field(repr=False)
    signed_pre_command: bytes | None = field(default=None, repr=False)

    @property
    def request_id(self) -> str:
        """The RequestID as DUIS writes it."""
        return f"{self.originator.hex('-')}:{self.target.hex('-')}:{self.counter}".upper()

    @property
    def has_signature(self) -> bool:
        """Whether there is an XML signature, be it a placeholder."""
        return self.document.find(SIGNATURE) is not None


def parse_document(octets: bytes, root_name: str) -> etree._Element:
    """Return the root of a DUIS document, safely parsed: its name and schemaVersion are judged, nothing more.

    Raises InvalidRequest when the XML is too large, not well formed, has a DOCTYPE, or is of another kind or version.
    """
    if len(octets) > MAX_DOCUMENT:
        raise InvalidRequest(f"document: {len(octets)} bytes, more than the {MAX_DOCUMENT} that are read")
    if b"<!DOCTYPE" in octets or b"\0" in octets[:4]:
        raise InvalidRequest("document: has a DOCTYPE or is not UTF-8; write plain UTF-8 XML without entities")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(octets, parser)
    except etree.XMLSyntaxError as error:
        raise InvalidRequest(f"document: is not well-formed XML: {error.msg}") from None
    _check_root(root, root_name)
    return root


def _check_root(root: etree._Element, root_name: str) -> None:
    info = root.getroottree().docinfo
    if info.internalDTD is not None or (info.encoding or "UTF-8").upper() not in ("UTF-8", "US-ASCII"):
        raise InvalidRequest("document: has a DOCTYPE or is not UTF-8; write plain UTF-8 XML without entities")
    if root.tag != f"{{{NAMESPACE}}}{root_name}":
        raise InvalidRequest(f"document: is {root.tag}, not a DUIS {root_name} ({NAMESPACE})")
    version = root.get("schemaVersion")
    try:
        fits = version is not None and Decimal(version.strip()) == SCHEMA_VERSION
    except InvalidOperation:
        fits = False
    if not fits:
        told = f"is {version!r}" if version is not None else "is missing"
        raise InvalidRequest(f"schemaVersion: {told}; this reads DUIS {SCHEMA_VERSION} documents")


def read_request(octets: bytes) -> Request:
    """Read a request document. Raises InvalidRequest naming the element that is wrong."""
    root = parse_document(octets, "Request")
    header, body = _parts(root)
    validate(header, _HEADER)
    fields = {local_name(element): text_of(element).strip() for element in child_elements(header)}
    variant, command_variant = fields["ServiceReferenceVariant"], int(fields["CommandVariant"])
    particle = request_content(variant).body
    reference = ".".join(variant.split(".")[:2])
    if fields["ServiceReference"] != reference:
        raise InvalidRequest(f"ServiceReference: {fields['ServiceReference']} should be {reference} with {variant}")
    service = service_request(variant)
    message = _judge_body(body, particle, command_variant, service)
    originator, target, counter = parse_request_id(fields["RequestID"])
    return Request(originator, target, counter, command_variant, variant, service, body, root, message)


def parse_request_id(text: str) -> tuple[bytes, bytes, int]:
    """Return the originator, target and counter of a RequestID that has the schema's form."""
    originator, target, counter = text.split(":")
    return bytes.fromhex(originator.replace("-", "")), bytes.fromhex(target.replace("-", "")), int(counter)


def _parts(root: etree._Element) -> tuple[etree._Element, etree._Element]:
    """Return the header and the body's one element."""
    parts = child_elements(root)
    names = [part.tag for part in parts]
    if names[:2] != [f"{{{NAMESPACE}}}{name}" for name in ("Header", "Body")] or names[2:] not in ([], [SIGNATURE]):
        raise InvalidRequest("Request: should have Header, Body and at most one Signature, in this order")
    bodies = child_elements(parts[1])
    if len(bodies) != 1:
        raise InvalidRequest(f"Body: has {len(bodies)} elements where one should be")
    return parts[0], bodies[0]


def _judge_body(body: etree._Element, particle: Particle, variant: int, service: ServiceRequest) -> bytes | None:
    """Judge the body; return the message of a Signed Pre-Command."""
    signed = body.tag == f"{{{NAMESPACE}}}SignedPreCommand"
    if signed:
        particle = _SIGNED_PRE_COMMAND
        if not service.critical:
            raise InvalidRequest(f"SignedPreCommand: {service.variant} is not critical and is never signed")
    elif body.tag != f"{{{NAMESPACE}}}{particle.name}":
        raise InvalidRequest(f"{local_name(body)}: {service.variant} is {particle.name}")
    _check_command_variant(variant, service, signed)
    validate(body, particle)
    return base64.b64decode("".join(text_of(child_elements(body)[-1]).split())) if signed else None


def _check_command_variant(variant: int, service: ServiceRequest, signed: bool) -> None:
    allowed: tuple[int, ...]
    if signed:
        allowed = SIGNED_VARIANTS
    elif service.non_device:
        allowed = DCC_VARIANTS
    else:
        allowed = TRANSFORM_VARIANTS if service.critical else SERVICE_VARIANTS
    if variant not in allowed:
        told = " or ".join(str(one) for one in allowed)
        kind = "a signed pre-command" if signed else "critical" if service.critical else "not critical"
        kind = "carried out by the DCC itself" if service.non_device else kind
        raise InvalidRequest(f"CommandVariant: {variant} should be {told}, because {service.variant} is {kind}")
