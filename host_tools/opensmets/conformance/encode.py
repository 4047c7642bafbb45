"""Level 1: the request document gives the pre-command byte for byte; without one, the command's header to payload.

For one scenario of the reference set there is no document: the message of ECS25a_6.22_SUCCESS puts alerts 81C4 and
81C5 into its mask, switched off, which the document beside it does not name; the document's 81B7 is a polyphase
meter's, and is in the mask of ECS25a_6.22_ERROR in their place. Neither ECS25a_6.22_ERROR nor ECS25a1, a2, a3, b or b3
have codes that were not asked for, and the schema has no defaults. It is judged all the same, and should it ever pass
that is said; the levels after this one take the message as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace

from lxml import etree

from opensmets.catalogue.use_cases import use_case
from opensmets.conformance.scenarios import Scenario
from opensmets.conformance.verdicts import PASS, Verdict, describe_difference, not_applicable, unsupported
from opensmets.duis.document import parse_document, read_request
from opensmets.errors import SmetsError
from opensmets.layouts import asn1, envelope, xdlms
from opensmets.layouts.envelope import Message
from opensmets.security.keystore import KeyStore
from opensmets.transform.pre_command import CIN_VARIANT, DCC_ROLES, transform
from opensmets.transform.selection import Inventory, Unsupported

SEQUENCE, BIT_STRING = 0x30, 0x03
CIN_DIGITS = 4
#: Scenarios whose document is another message's (above).
OF_ANOTHER_DOCUMENT = ("ECS25a_6.22_SUCCESS",)
#: Value group C of the objects of phases 2 and 3.
OTHER_PHASES = (52, 72)
CERTIFICATE_REMARK = "the request's certificate is a reissue: the reference's was put in its place before comparing"


def _expected(scenario: Scenario) -> Message:
    """Return the reference as a message without protection."""
    message = envelope.decode(scenario.precommand or scenario.command or b"")
    return replace(message, signature=None, mac=None, raw=b"")


def _inventory(scenario: Scenario, device: str, expected: Message) -> Inventory:
    """Return what the DCC would know of the reference command's meter and the document does not say."""
    polyphase = False
    if expected.payload[0] == xdlms.ACCESS_REQUEST:
        items = xdlms.decode_request(expected.payload).items
        polyphase = any(item.obis[2] in OTHER_PHASES for item in items)
    return Inventory(device, polyphase, "TWIN" in scenario.name)


def _certificates(element: asn1.Element) -> Iterator[bytes]:
    """Yield the certificates in a DER structure: sequences that hold a signature over their first part."""
    parts = element.children
    if len(parts) == 3 and [part.tag for part in parts] == [SEQUENCE, SEQUENCE, BIT_STRING]:
        yield element.encode()
        return
    for part in parts:
        yield from _certificates(part)


def _with_reference_certificates(document: bytes, expected: Message) -> bytes:
    """Put the reference command's certificates into the document, whose own are reissues."""
    if expected.payload[0] != SEQUENCE:
        return document
    root = parse_document(document, "Request")
    places = [element for element in root.iter() if str(element.tag).endswith("Certificate")]
    for element, certificate in zip(places, _certificates(asn1.decode(expected.payload)), strict=False):
        element.text = base64.b64encode(certificate).decode()
    return etree.tostring(root) if places else document


def _transform(scenario: Scenario, device: str, expected: Message, keystore: KeyStore | None) -> Message:
    """Return the command that the request document gives, the DCC's part taken from the reference."""
    document = scenario.request.read_bytes() if scenario.request else b""
    request = read_request(_with_reference_certificates(document, expected))
    variants = use_case(scenario.use_case).originators
    dcc_role = next((role for role in variants if role in DCC_ROLES), DCC_ROLES[0])
    return transform(
        request,
        dcc_eui=expected.originator,
        dcc_counter=expected.counter,
        dcc_role=dcc_role,
        via_dcc=expected.originator != request.originator,
        inventory=_inventory(scenario, device, expected),
        role=keystore.party(request.originator).role if keystore else None,
        use_case=scenario.use_case,
        cin=expected.payload[-CIN_DIGITS:].decode("ascii") if request.variant == CIN_VARIANT else None,
    ).message


def judge(scenario: Scenario, device: str, keystore: KeyStore | None) -> Verdict:
    """Judge one scenario's request document."""
    if scenario.request is None:
        return not_applicable("no request document")
    if not (scenario.precommand or scenario.command):
        return not_applicable("no command to compare with")
    expected = _expected(scenario)
    try:
        made = _transform(scenario, device, expected, keystore)
    except Unsupported as error:
        return unsupported(str(error))
    except SmetsError as error:
        return Verdict("fail", str(error))
    remark = CERTIFICATE_REMARK if expected.payload[0] == SEQUENCE and b"Certificate>" in _text(scenario) else ""
    if made.certificate and expected.certificate:
        made, remark = replace(made, certificate=expected.certificate, raw=b""), CERTIFICATE_REMARK
    octets, wanted = envelope.encode(made), envelope.encode(expected)
    if octets != wanted and scenario.name in OF_ANOTHER_DOCUMENT:
        return not_applicable(f"the document is not this message's: {describe_difference(wanted, octets)}")
    if octets != wanted:
        return Verdict("fail", describe_difference(wanted, octets))
    return Verdict("pass", remark) if remark else PASS


def _text(scenario: Scenario) -> bytes:
    return scenario.request.read_bytes() if scenario.request else b""
