"""The answer of CS02a and CS02f, Provide Security Credential Details (GBCS 13.2), in MMC XML and back.

    SEQUENCE OF SEQUENCE { role INTEGER, status ENUMERATED,
        sequence number INTEGER OPTIONAL,
        cells SEQUENCE OF SEQUENCE { key usage BIT STRING, cell usage INTEGER DEFAULT management,
                                     subject unique id OCTET STRING, subject key identifier OCTET STRING } OPTIONAL }

Reading chosen: `RemotePartyDetails` has room for one certificate, so a party with three cells takes three of them that
repeat its role, status and number. `ExistingCertificateHash` holds the subject key identifier as it was sent.
`MessageSuccess` says whether every status is success. The WAN provider has no name in the schema's RemotePartyRole, so
that an answer about it also stands whole in `GBCSData`.
"""

from __future__ import annotations

import base64
import binascii
from itertools import groupby

from opensmets.layouts import asn1
from opensmets.layouts.asn1 import BIT_STRING as BITS
from opensmets.layouts.asn1 import ENUMERATED, INTEGER, OCTET_STRING, SEQUENCE
from opensmets.layouts.asn1 import Element as Der
from opensmets.layouts.envelope import EUI_SIZE
from opensmets.parse import remainder
from opensmets.parse.der import PAYLOAD, encode_number, normal, sequence_of
from opensmets.parse.texts import CODECS
from opensmets.parse.tree import Element, ParseError, add, local_name, qualified

ROLES = {
    0: "Root", 1: "Recovery", 2: "Supplier", 3: "NetworkOperator", 4: "ACB", 5: "TransCoS", 8: "LoadController",
}  # fmt: skip
#: Status codes of RFC 5934 that the schema names.
STATUSES = {
    0: "success", 5: "badCertificate", 10: "noTrustAnchor", 17: "insufficientMemory", 25: "trustAnchorNotFound",
    30: "resourcesBusy", 127: "other",
}  # fmt: skip
_SIGNING, _AGREEMENT, _CERT_SIGN = (bytes.fromhex(text) for text in ("0780", "0308", "0204"))
_TOP_UP = 1
USAGES = {
    (_SIGNING, 0): "DigitalSigning", (_AGREEMENT, 0): "KeyAgreement", (_AGREEMENT, _TOP_UP): "KeyAgreementTopUp",
    (_CERT_SIGN, 0): "KeyCertSign",
}  # fmt: skip
_PARTY = (INTEGER, ENUMERATED)
_CELL = (BITS, OCTET_STRING, OCTET_STRING)
_EUI = CODECS["eui"]


def _cells(party: tuple[Der, ...]) -> tuple[Der, ...]:
    return party[3].children if len(party) > 3 else ()


def _write_cell(details: Element, cell: Der) -> None:
    forms = (_CELL, (BITS, INTEGER, OCTET_STRING, OCTET_STRING))
    key_usage, *middle, subject, identifier = sequence_of(cell, forms, "CS02a: a trust anchor cell")
    usage = USAGES.get((key_usage.content, middle[0].integer if middle else 0))
    if usage:
        add(details, "CertificateUsage", usage)
    if len(subject.content) == EUI_SIZE:
        add(details, "ExistingRemotePartyID", _EUI.write(subject.content))
    add(details, "ExistingCertificateHash", base64.b64encode(identifier.content).decode("ascii"))


def _write_party(answer: Element, party: tuple[Der, ...], cell: Der | None) -> None:
    details = add(answer, "RemotePartyDetails")
    if party[0].integer in ROLES:
        add(details, "RemotePartyRole", ROLES[party[0].integer])
    status = add(details, "StatusCode")
    status.set("ResponseCode", str(party[1].integer))
    add(status, "ASN1Status", STATUSES.get(party[1].integer, "notKnown"))
    if len(party) > 2 and party[2].integer >= 0:
        add(details, "RemotePartyFloorSeqNumber", str(party[2].integer))
    if cell is not None:
        _write_cell(details, cell)


def write(payload: bytes, content: Element, answer: Element) -> None:
    """Write the details that a payload holds into the answer. Raises LayoutError or ParseError when it is malformed."""
    tree = asn1.decode(payload)
    if tree.tag != SEQUENCE:
        raise ParseError("CS02a: the payload is no sequence")
    success = True
    for element in tree.children:
        party = sequence_of(element, (_PARTY, (*_PARTY, INTEGER), (*_PARTY, INTEGER, SEQUENCE)), "CS02a: a party")
        success = success and party[1].integer == 0
        for cell in _cells(party) or (None,):
            _write_party(answer, party, cell)
    answer.set("MessageSuccess", "true" if success else "false")
    if _read(answer) != normal(tree):
        remainder.write(content, 0, PAYLOAD, payload)


def _read_cell(details: Element) -> Der | None:
    usage = details.findtext(qualified("CertificateUsage"))
    subject = details.findtext(qualified("ExistingRemotePartyID"))
    identifier = details.findtext(qualified("ExistingCertificateHash"))
    if usage is None or subject is None or identifier is None:
        return None
    key_usage, cell_usage = {name: pair for pair, name in USAGES.items()}[usage]
    middle = (asn1.make(INTEGER, encode_number(cell_usage)),) if cell_usage else ()
    end = (asn1.make(OCTET_STRING, _EUI.read(subject)), asn1.make(OCTET_STRING, base64.b64decode(identifier)))
    return asn1.make(SEQUENCE, (asn1.make(BITS, key_usage), *middle, *end))


def _party_of(details: Element) -> tuple[str, ...]:
    return tuple(
        f"{local_name(part)} {part.get('ResponseCode') or part.text}"
        for part in details
        if local_name(part) in ("RemotePartyRole", "StatusCode", "RemotePartyFloorSeqNumber")
    )


def _read_party(details: list[Element]) -> Der:
    first = details[0]
    role = {name: number for number, name in ROLES.items()}.get(first.findtext(qualified("RemotePartyRole")) or "", -1)
    status = first.find(qualified("StatusCode"))
    parts = [asn1.make(INTEGER, encode_number(role))]
    parts.append(asn1.make(ENUMERATED, encode_number(int((status is not None and status.get("ResponseCode")) or 0))))
    floor = first.findtext(qualified("RemotePartyFloorSeqNumber"))
    if floor is not None:
        cells = [cell for one in details if (cell := _read_cell(one)) is not None]
        parts += [asn1.make(INTEGER, encode_number(int(floor))), asn1.make(SEQUENCE, tuple(cells))]
    return asn1.make(SEQUENCE, tuple(parts))


def _read(answer: Element) -> Der:
    groups = groupby(answer.findall(qualified("RemotePartyDetails")), _party_of)
    return asn1.make(SEQUENCE, tuple(_read_party(list(details)) for _, details in groups))


def read(content: Element, answer: Element) -> Der:
    """Return the payload's elements, with shortest lengths, that a document holds. Raises ParseError."""
    whole = remainder.read(content).get((0, PAYLOAD))
    if isinstance(whole, bytes):
        return normal(asn1.decode(whole))
    try:
        return _read(answer)
    except (ValueError, KeyError, binascii.Error):
        raise ParseError("RemotePartyDetails does not hold what this package writes") from None
