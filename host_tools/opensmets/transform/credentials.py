"""Payloads in DER: security credentials and firmware (GBCS 11.2, 13.2 to 13.7)."""

from __future__ import annotations

import base64
from datetime import datetime
from functools import partial

from lxml import etree

from opensmets.duis.validation import InvalidRequest, local_name, text_of
from opensmets.errors import SmetsError
from opensmets.layouts.asn1 import (
    BIT_STRING,
    GENERALIZED_TIME,
    INTEGER,
    NULL,
    OCTET_STRING,
    SEQUENCE,
    Element,
    decode,
    make,
)
from opensmets.layouts.wire import LayoutError
from opensmets.transform.moments import execution_time, is_cancelling
from opensmets.transform.paths import find_all, need, text
from opensmets.transform.scope import PayloadMaker, Scope

#: RemotePartyRole of GBCS's modules by DUIS's names.
ROLES = {
    "Root": 0, "Recovery": 1, "Supplier": 2, "NetworkOperator": 3, "ACB": 4, "TransCoS": 5, "LoadController": 8,
}  # fmt: skip
#: KeyUsage as a bit string: the count of unused bits, then the bits.
DIGITAL_SIGNATURE, KEY_AGREEMENT = b"\x07\x80", b"\x03\x08"
KEY_USAGES = {"Digital Signature": DIGITAL_SIGNATURE, "Key Agreement": KEY_AGREEMENT}
#: DeviceType of GBCS's modules.
DEVICE_TYPES = {"GSME": 0, "ESME": 1, "GPF": 3, "HCALCS": 4, "PPMID": 5}
METHOD_A_INITIATOR, METHOD_A_RESPONDER, METHOD_B = 0, 1, 2
_CANCEL = b"99991231235959Z"


def integer(number: int) -> Element:
    """Return a whole number not below zero as an INTEGER."""
    return make(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def generalized_time(moment: datetime) -> Element:
    """Return an execution time; the cancelling one as ASN.1 commands write it."""
    written = _CANCEL if is_cancelling(moment) else f"{moment:%Y%m%d%H%M%S}Z".encode("ascii")
    return make(GENERALIZED_TIME, written.rjust(15, b"0"))


def certificate(element: etree._Element) -> Element:
    """Return the certificate that an element has in base64. Raises InvalidRequest when it is none."""
    try:
        found = decode(base64.b64decode("".join(text_of(element).split())))
    except LayoutError as error:
        raise InvalidRequest(f"{local_name(element)}: is no certificate in DER ({error})") from None
    if found.tag != SEQUENCE:
        raise InvalidRequest(f"{local_name(element)}: is no certificate in DER (it is no sequence)")
    return found


def credentials_wanted(scope: Scope) -> bytes:
    """Make CS02a's and CS02f's payload: whose credentials the broker wants to know."""
    asking = make(SEQUENCE, (integer(ROLES["ACB"]), make(BIT_STRING, KEY_AGREEMENT)))
    roles = tuple(integer(ROLES[text(one, ".").strip()]) for one in find_all(scope.body, "RemotePartyRole"))
    return make(SEQUENCE, (asking, make(SEQUENCE, roles))).encode()


def credential_type(scope: Scope) -> bytes:
    """Make CS02c's and CS02e's payload: which of the device's own keys is meant."""
    return make(SEQUENCE, (make(BIT_STRING, KEY_USAGES[text(scope.body, "CredentialType")]),)).encode()


def device_certificate(scope: Scope) -> bytes:
    """Make CS02d's payload: the device's new certificate."""
    return certificate(need(scope.body, "DeviceCertificate")).encode()


def activate_firmware(scope: Scope) -> bytes:
    """Make CS06's payload: the image's hash, the originator counter and, when future-dated, the time."""
    fields = [make(OCTET_STRING, bytes.fromhex("".join(text(scope.body, "FirmwareHash").split())))]
    fields.append(integer(scope.counter))
    moment = execution_time(scope.body)
    if moment is not None:
        fields.append(generalized_time(moment))
    return make(SEQUENCE, tuple(fields)).encode()


def join(method: int, usual: str, scope: Scope) -> bytes:
    """Make CS03's payload: join the other device, of the kind that the inventory knows or else of the `usual` one."""
    kind = device_type(scope.other_device or usual)
    return make(SEQUENCE, (integer(method), _eui(scope), integer(kind))).encode()


def device_type(kind: str) -> int:
    """Return GBCS's number of a kind of device. Raises SmetsError when it has none."""
    if kind not in DEVICE_TYPES:
        raise SmetsError(f"a {kind} cannot be joined: the other device should be one of {', '.join(DEVICE_TYPES)}")
    return DEVICE_TYPES[kind]


def other_device(scope: Scope) -> bytes:
    """Make CS04's payload: the device to be unjoined."""
    return _eui(scope).encode()


def _eui(scope: Scope) -> Element:
    return make(OCTET_STRING, bytes.fromhex(text(scope.body, "OtherDeviceID").strip().replace("-", "")))


def nothing(_: Scope) -> bytes:
    """Make the payload of a command that says nothing but what it is."""
    return make(NULL, b"").encode()


PAYLOADS: dict[str, PayloadMaker] = {
    "credentials_wanted": credentials_wanted, "credential_type": credential_type, "other_device": other_device,
    "activate_firmware": activate_firmware, "device_certificate": device_certificate, "nothing": nothing,
    "join_meter": partial(join, METHOD_A_INITIATOR, "HCALCS"), "join_type_1": partial(join, METHOD_A_RESPONDER, "ESME"),
    "join_gas_meter": partial(join, METHOD_B, "GPF"),
}  # fmt: skip
