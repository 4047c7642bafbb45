"""Replacement of a device's trust anchors (CS02b, CS02g; GBCS 13.3.2, 13.5).

CommandPayload ::= SEQUENCE { control, replacements, certification path, execution time OPTIONAL }
control ::= SEQUENCE { mode, [0] symmetric key, [1] time checks disapplied, [2] authorising cell,
                       [3] its sequence number, [4] its new floor, [5] its other floors, [6] other parties' floors }
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from lxml import etree

from opensmets.duis.validation import InvalidRequest
from opensmets.layouts.asn1 import BIT_STRING, SEQUENCE, Element, make
from opensmets.transform.credentials import (
    DIGITAL_SIGNATURE,
    KEY_AGREEMENT,
    ROLES,
    certificate,
    generalized_time,
    integer,
)
from opensmets.transform.moments import execution_time, is_cancelling
from opensmets.transform.paths import find, find_all, text, text_at
from opensmets.transform.scope import PayloadMaker, Scope

#: Context tags of the control's fields.
SYMMETRIC_KEY, NO_TIME_CHECKS, AUTHORISING_CELL, SEQUENCE_NUMBER, FLOOR, OTHER_FLOORS, OTHER_PARTIES = (
    0x80, 0x81, 0xA2, 0x83, 0x84, 0xA5, 0xA6,
)  # fmt: skip
#: Cell usage and sequence number usage of prepayment top-ups.
TOP_UP_CELL, TOP_UP_NUMBERS = 1, 0
_CERTIFICATES = (
    ("DigitalSigningCertificate", DIGITAL_SIGNATURE, False),
    ("KeyAgreementCertificate", KEY_AGREEMENT, False),
    ("KeyAgreementTopUpCertificate", KEY_AGREEMENT, True),
)
#: Where a request has its certificates and floors, by service request.
_PLACES = (
    "ReplacementCertificates/SupplierOrNetworkOperatorCertificates",
    "SupplierReplacementCertificates",
    "ReplacementCertificates",
)
_FLOORS = ("RemotePartyFloorSeqNumber", "SupplierFloorSeqNumber", "ACBFloorSeqNumber")
_TOP_UP_FLOORS = ("RemotePartyPrepaymentTopUpFloorSeqNumber", "SupplierPrepaymentTopUpFloorSeqNumber")


@dataclass(frozen=True, slots=True)
class Mode:
    """Who replaces whose credentials: the mode's number, whose cells are replaced, and whose key authorises it.

    Without `authorising` role the command names no cell. `dated` commands carry their execution time to the device; the
    others wait at the DCC. With `cancel_keeps_floors` a cancelling command still says the floors.
    """

    number: int
    replaced: int
    authorising: int | None
    dated: bool = True
    cancel_keeps_floors: bool = True


MODES = {
    "supplier_by_supplier": Mode(2, ROLES["Supplier"], ROLES["Supplier"]),
    "supplier_handover": Mode(2, ROLES["Supplier"], ROLES["Supplier"], dated=False),
    "operator_by_operator": Mode(3, ROLES["NetworkOperator"], ROLES["NetworkOperator"]),
    "operator_handover": Mode(3, ROLES["NetworkOperator"], ROLES["NetworkOperator"], dated=False),
    "broker_by_broker": Mode(4, ROLES["ACB"], None, dated=False),
    "supplier_by_trans_cos": Mode(7, ROLES["Supplier"], ROLES["TransCoS"], cancel_keeps_floors=False),
    "load_controller_by_supplier": Mode(11, ROLES["LoadController"], ROLES["Supplier"]),
}


def replace_credentials(mode: Mode, scope: Scope) -> bytes:
    """Make the payload of a replacement. Raises InvalidRequest when no certificate, or none that is one, is given."""
    fields = [_control(mode, scope), make(SEQUENCE, _replacements(mode, scope.body))]
    path = find_all(scope.body, "CertificationPathCertificates/Certificate")
    fields.append(make(SEQUENCE, tuple(certificate(one) for one in path)))
    moment = execution_time(scope.body)
    if moment is not None and mode.dated:
        fields.append(generalized_time(moment))
    return make(SEQUENCE, tuple(fields)).encode()


def tagged(tag: int, number: int) -> Element:
    """Return a number under a context tag."""
    return make(tag, integer(number).content)


def cell(role: int, usage: bytes, top_up: bool = False) -> tuple[Element, ...]:
    """Return the elements of a trust anchor cell's name; key usage as a bit string's content."""
    name = (integer(role), make(BIT_STRING, usage))
    return (*name, integer(TOP_UP_CELL)) if top_up else name


def _control(mode: Mode, scope: Scope) -> Element:
    fields = [integer(mode.number)]
    if text(scope.body, "ApplyTimeBasedCPVChecks").strip() in ("false", "0"):
        fields.append(tagged(NO_TIME_CHECKS, 1))
    if mode.authorising is not None:
        fields.append(make(AUTHORISING_CELL, cell(mode.authorising, DIGITAL_SIGNATURE)))
    fields.append(tagged(SEQUENCE_NUMBER, scope.counter))
    moment = execution_time(scope.body)
    if moment is None or not is_cancelling(moment) or mode.cancel_keeps_floors:
        fields.extend(_floors(mode, scope.body))
    return make(SEQUENCE, tuple(fields))


def _first_number(body: etree._Element, names: tuple[str, ...]) -> int | None:
    found = (text_at(body, name) for name in names)
    return next((int(one) for one in found if one is not None), None)


def _floors(mode: Mode, body: etree._Element) -> list[Element]:
    """Return the new floors of the party whose cells are replaced: its own fields when it authorises that itself.

    Raises InvalidRequest for a top-up floor of a load controller: a meter takes no top-ups from one, and refuses that.
    """
    floor, top_up = _first_number(body, _FLOORS), _first_number(body, _TOP_UP_FLOORS)
    if top_up is not None and mode.replaced == ROLES["LoadController"]:
        raise InvalidRequest(f"{_TOP_UP_FLOORS[0]}: a load controller sends no top-ups; leave it out")
    special = () if top_up is None else (make(SEQUENCE, (integer(TOP_UP_NUMBERS), integer(top_up))),)
    if mode.authorising not in (None, mode.replaced):
        fields = [integer(mode.replaced)] + ([] if floor is None else [integer(floor)])
        fields += [make(SEQUENCE, special)] if special else []
        return [make(OTHER_PARTIES, (make(SEQUENCE, tuple(fields)),))] if len(fields) > 1 else []
    own = [] if floor is None else [tagged(FLOOR, floor)]
    return own + ([make(OTHER_FLOORS, special)] if special else [])


def _replacements(mode: Mode, body: etree._Element) -> tuple[Element, ...]:
    place = next((one for path in _PLACES if (one := find(body, path)) is not None), body)
    found = [(one, usage, top_up) for name, usage, top_up in _CERTIFICATES for one in find_all(place, name)]
    if not found:
        raise InvalidRequest("ReplacementCertificates: has no certificate; give at least one")
    return tuple(
        make(SEQUENCE, (certificate(one), make(SEQUENCE, cell(mode.replaced, usage, top_up))))
        for one, usage, top_up in found
    )


PAYLOADS: dict[str, PayloadMaker] = {name: partial(replace_credentials, mode) for name, mode in MODES.items()}
