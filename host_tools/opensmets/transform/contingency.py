"""CS02b by the contingency key: a new root, and every party's new credentials under it (GBCS 13.3, mode 9).

There is no service request for it. It goes straight to the device, without the broker's MAC: the broker's key is among
those that are replaced.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from opensmets.catalogue.use_cases import use_case
from opensmets.errors import SmetsError
from opensmets.layouts.asn1 import SEQUENCE, Element, decode, make
from opensmets.layouts.envelope import COMMAND, Message, encode
from opensmets.transform.credential_updates import (
    AUTHORISING_CELL,
    FLOOR,
    NO_TIME_CHECKS,
    OTHER_PARTIES,
    SEQUENCE_NUMBER,
    SYMMETRIC_KEY,
    TOP_UP_NUMBERS,
    cell,
    tagged,
)
from opensmets.transform.credentials import DIGITAL_SIGNATURE, KEY_AGREEMENT, ROLES, generalized_time, integer

#: CS02b's mode, and the root's cell by role and key usage.
MODE, ROOT, CERTIFICATE_SIGNING = 9, 0, b"\x02\x04"
USE_CASE = "CS02bAnyByContingency"
#: Key usage, and whether the cell is for top-ups, by how a key store calls a key.
_USAGES = {"ds": (DIGITAL_SIGNATURE, False), "ka": (KEY_AGREEMENT, False), "pp-ka": (KEY_AGREEMENT, True)}
#: A new certificate for a cell: the role's number, the key's use, the certificate.
Replacement = tuple[int, str, x509.Certificate]


def pre_command(
    device: bytes, holder: bytes, counter: int, symmetric_key: bytes, *, root: x509.Certificate,
    issuers: list[x509.Certificate], replacements: list[Replacement], moment: datetime | None = None,
) -> bytes:  # fmt: skip
    """Make the pre-command by which `holder` (EUI) replaces the root and the credentials under it.

    `symmetric_key` unwraps the contingency key of the root that is replaced; `counter` is the holder's, and the
    update's sequence number too. Floors are 0: what the parties sent before stays spent. With `moment` the device waits
    until then. Raises SmetsError when there is nothing but the root to replace.
    """
    if not replacements:
        raise SmetsError("no credentials under the new root: the device would obey nobody afterwards")
    roles = sorted({role for role, _, _ in replacements})
    control = make(SEQUENCE, tuple(_control(symmetric_key, counter, roles)))
    pairs = [_pair(root, (ROOT, CERTIFICATE_SIGNING))]
    pairs += [_pair(certificate, (role, *_USAGES[usage])) for role, usage, certificate in replacements]
    path = make(SEQUENCE, tuple(_der(certificate) for certificate in issuers))
    dated = () if moment is None else (generalized_time(moment),)
    payload = make(SEQUENCE, (control, make(SEQUENCE, tuple(pairs)), path, *dated)).encode()
    return encode(Message(COMMAND, counter, holder, device, use_case(USE_CASE).message_code, payload))


def _control(symmetric_key: bytes, counter: int, roles: list[int]) -> Iterator[Element]:
    yield integer(MODE)
    yield make(SYMMETRIC_KEY, symmetric_key)
    yield tagged(NO_TIME_CHECKS, 1)
    yield make(AUTHORISING_CELL, cell(ROOT, CERTIFICATE_SIGNING))
    yield tagged(SEQUENCE_NUMBER, counter)
    yield tagged(FLOOR, 0)
    yield make(OTHER_PARTIES, tuple(make(SEQUENCE, tuple(_floor(role))) for role in roles))


def _floor(role: int) -> Iterator[Element]:
    yield integer(role)
    yield integer(0)
    if role == ROLES["Supplier"]:
        yield make(SEQUENCE, (make(SEQUENCE, (integer(TOP_UP_NUMBERS), integer(0))),))


def _pair(certificate: x509.Certificate, name: tuple[int, bytes] | tuple[int, bytes, bool]) -> Element:
    return make(SEQUENCE, (_der(certificate), make(SEQUENCE, cell(*name))))


def _der(certificate: x509.Certificate) -> Element:
    return decode(certificate.public_bytes(Encoding.DER))
