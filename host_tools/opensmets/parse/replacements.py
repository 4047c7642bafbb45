"""What became of a credential update, CS02b and CS02g (GBCS 13.3.6), in MMC XML and back.

    outcome  SEQUENCE { authority's sequence number INTEGER, replacement mode INTEGER,
                        SEQUENCE OF number change SEQUENCE { role INTEGER, floor INTEGER,
                                   SEQUENCE OF SEQUENCE { usage INTEGER, number INTEGER } OPTIONAL },
                        SEQUENCE OF replacement SEQUENCE { cell SEQUENCE { role INTEGER, key usage BIT STRING,
                                                                           cell usage INTEGER DEFAULT management },
                                   status ENUMERATED, existing EUI and key identifier, new EUI and key identifier } }
    response SEQUENCE { NULL, outcome, absent when the update is for later }
    alert    SEQUENCE { alert code INTEGER, execution time, outcome }      when a later update was carried out

Readings chosen: the element of the outcome has room for one number change, for three replacements and for the modes of
service users. A list that does not fit is left out rather than shortened, and the payload stands whole in `GBCSData`:
so it is after a recovery, which replaces the keys of every party. The hash elements hold key identifiers as sent.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

from opensmets.catalogue.responses import ResponseEntry
from opensmets.layouts import asn1
from opensmets.layouts.asn1 import BIT_STRING, ENUMERATED, INTEGER, NULL, OCTET_STRING, SEQUENCE
from opensmets.layouts.asn1 import Element as Der
from opensmets.layouts.envelope import EUI_SIZE
from opensmets.parse import remainder
from opensmets.parse.credentials import ROLES, STATUSES, USAGES
from opensmets.parse.der import PAYLOAD, encode_number, normal, sequence_of
from opensmets.parse.texts import CODECS
from opensmets.parse.tree import Element, ParseError, add, child_text, qualified

MODES = {
    2: "SupplierBySupplier", 3: "NetworkOperatorByNetworkOperator", 4: "ACBByACB", 7: "SupplierByTransCoS",
    11: "LoadControllerBySupplier",
}  # fmt: skip
_MOST_REPLACEMENTS = 3
_TOP_UP = 0
_OUTCOME = (INTEGER, INTEGER, SEQUENCE, SEQUENCE)
_CHANGES = ((INTEGER, INTEGER), (INTEGER, INTEGER, SEQUENCE))
_REPLACEMENT = (SEQUENCE, ENUMERATED, OCTET_STRING, OCTET_STRING, OCTET_STRING, OCTET_STRING)
_CELLS = ((INTEGER, BIT_STRING), (INTEGER, BIT_STRING, INTEGER))
_EUI = CODECS["eui"]


def outcome_of(response: Der) -> Der | None:
    """Return the outcome in a response, or None when there is none yet. Raises ParseError."""
    parts = sequence_of(response, ((NULL,), (NULL, SEQUENCE)), "a credential update's response")
    return parts[1] if len(parts) > 1 else None


def is_success(outcome: Der) -> bool:
    """Say whether every replacement was made. Raises ParseError when the outcome is malformed."""
    return all(parts[1].integer == 0 for parts in map(_replacement, _outcome(outcome)[3].children))


def _outcome(outcome: Der) -> tuple[Der, ...]:
    return sequence_of(outcome, (_OUTCOME,), "a credential update's outcome")


def _replacement(element: Der) -> tuple[Der, ...]:
    return sequence_of(element, (_REPLACEMENT,), "a replacement outcome")


def write(outcome: Der, place: Element) -> None:
    """Write an outcome into the element of its own, as far as the schema has room. Raises ParseError."""
    number, mode, changes, replacements = _outcome(outcome)
    if number.integer >= 0:
        add(place, "AuthorisingRemotePartyOriginatorCounter", str(number.integer))
    if mode.integer in MODES:
        add(place, "CredentialsReplacementMode", MODES[mode.integer])
    parts = [sequence_of(change, _CHANGES, "a sequence number change") for change in changes.children]
    if len(parts) == 1:
        _write_change(parts[0], add(place, "RemotePartySeqNumberChange"))
    rows = [_replacement(element) for element in replacements.children]
    for row in rows if len(rows) <= _MOST_REPLACEMENTS else ():
        _write_replacement(row, add(place, "ReplacementOutcome"))


def _write_change(change: tuple[Der, ...], place: Element) -> None:
    role, floor, *specialists = change
    if role.integer in ROLES:
        add(place, "RemotePartyRole", ROLES[role.integer])
    if floor.integer >= 0:
        add(place, "RemotePartyFloorSeqNumber", str(floor.integer))
    for specialist in specialists[0].children if specialists else ():
        usage, number = sequence_of(specialist, ((INTEGER, INTEGER),), "a specialist sequence number")
        if len(specialists[0].children) == 1 and usage.integer == _TOP_UP and number.integer >= 0:
            add(place, "RemotePartyPrepaymentTopUpFloorSeqNumber", str(number.integer))


def _write_replacement(row: tuple[Der, ...], place: Element) -> None:
    cell, status, *parties = row
    role, key_usage, *cell_usage = sequence_of(cell, _CELLS, "a trust anchor cell")
    code = add(place, "StatusCode")
    code.set("ResponseCode", str(status.integer))
    add(code, "ASN1Status", STATUSES.get(status.integer, "notKnown"))
    usage = USAGES.get((key_usage.content, cell_usage[0].integer if cell_usage else 0))
    if usage:
        add(place, "CertificateType", usage)
    if role.integer in ROLES:
        add(place, "RemotePartyRole", ROLES[role.integer])
    existing, existing_key, new, new_key = (party.content for party in parties)
    _write_party(place, "ExistingRemotePartyID", existing)
    _write_party(place, "NewRemotePartyID", new)
    add(place, "ExistingCertificateHash", base64.b64encode(existing_key).decode("ascii"))
    add(place, "NewCertificateHash", base64.b64encode(new_key).decode("ascii"))


def _write_party(place: Element, name: str, eui: bytes) -> None:
    if len(eui) == EUI_SIZE:  # without this element the others are not read back, and the payload is kept whole
        add(place, name, _EUI.write(eui))


def read(place: Element) -> Der:
    """Return an outcome as its element tells it.

    Raises ValueError, KeyError or ParseError when the element lacks a part or holds what this package does not write.
    """
    modes = {name: number for number, name in MODES.items()}
    head = (
        int(child_text(place, "AuthorisingRemotePartyOriginatorCounter")),
        modes[child_text(place, "CredentialsReplacementMode")],
    )
    changes = [_read_change(element) for element in place.findall(qualified("RemotePartySeqNumberChange"))]
    rows = [_read_replacement(element) for element in place.findall(qualified("ReplacementOutcome"))]
    lists = (asn1.make(SEQUENCE, tuple(changes)), asn1.make(SEQUENCE, tuple(rows)))
    return asn1.make(SEQUENCE, (*_integers(head), *lists))


def _integers(values: Iterable[int]) -> tuple[Der, ...]:
    return tuple(asn1.make(INTEGER, encode_number(value)) for value in values)


def _role(place: Element) -> int:
    return {name: number for number, name in ROLES.items()}[child_text(place, "RemotePartyRole")]


def _read_change(place: Element) -> Der:
    parts = _integers((_role(place), int(child_text(place, "RemotePartyFloorSeqNumber"))))
    top_up = place.findtext(qualified("RemotePartyPrepaymentTopUpFloorSeqNumber"))
    if top_up is not None:
        specialist = asn1.make(SEQUENCE, _integers((_TOP_UP, int(top_up))))
        parts += (asn1.make(SEQUENCE, (specialist,)),)
    return asn1.make(SEQUENCE, parts)


def _read_replacement(place: Element) -> Der:
    key_usage, cell_usage = {name: pair for pair, name in USAGES.items()}[child_text(place, "CertificateType")]
    cell = (
        *_integers((_role(place),)),
        asn1.make(BIT_STRING, key_usage),
        *_integers((cell_usage,) if cell_usage else ()),
    )
    status = place.find(qualified("StatusCode"))
    code = int((status.get("ResponseCode") if status is not None else None) or "")
    parties = (
        _EUI.read(child_text(place, "ExistingRemotePartyID")),
        base64.b64decode(child_text(place, "ExistingCertificateHash")),
        _EUI.read(child_text(place, "NewRemotePartyID")),
        base64.b64decode(child_text(place, "NewCertificateHash")),
    )
    head = (asn1.make(SEQUENCE, cell), asn1.make(ENUMERATED, encode_number(code)))
    return asn1.make(SEQUENCE, (*head, *(asn1.make(OCTET_STRING, party) for party in parties)))


def write_response(entry: ResponseEntry, payload: bytes, content: Element, answer: Element) -> None:
    """Write the response that a payload holds. Raises LayoutError or ParseError when it is malformed."""
    tree = asn1.decode(payload)
    outcome = outcome_of(tree)
    answer.set("MessageSuccess", "true" if outcome is None or is_success(outcome) else "false")
    if outcome is not None:
        write(outcome, add(answer, entry.outcome or ""))
    if not _is_told(entry, answer, tree):
        remainder.write(content, 0, PAYLOAD, payload)


def _is_told(entry: ResponseEntry, answer: Element, tree: Der) -> bool:
    try:
        return _read_answer(entry, answer) == normal(tree)
    except (ValueError, KeyError, ParseError):
        return False


def _read_answer(entry: ResponseEntry, answer: Element) -> Der:
    place = answer.find(qualified(entry.outcome or ""))
    accepted = asn1.make(NULL, b"")
    return asn1.make(SEQUENCE, (accepted,) if place is None else (accepted, read(place)))


def read_response(entry: ResponseEntry, content: Element, answer: Element) -> Der:
    """Return the payload's elements, with shortest lengths, that a document holds. Raises ParseError."""
    whole = remainder.read(content).get((0, PAYLOAD))
    if isinstance(whole, bytes):
        return normal(asn1.decode(whole))
    try:
        return _read_answer(entry, answer)
    except (ValueError, KeyError):
        raise ParseError(f"the answer of {entry.name} does not hold what this package writes") from None
