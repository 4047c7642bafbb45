"""Make a device a meter: give it its identity and its trust anchors, let it make its keys, certify them.

What a factory does once. The remote parties come from a key store; the device's own keys never leave it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from opensmets.bench.control import PROVISIONING, Caller, FrameLink, NoAnswer
from opensmets.errors import SmetsError
from opensmets.links.serial_link import LinkLost
from opensmets.security import certificates, pki
from opensmets.security.keystore import KeyStore, format_eui, parse_eui
from opensmets.security.manufacturer import manufacturer_certificate

#: Remote party roles by their number in a trust anchor cell (GBCS 12.4, RemotePartyRole).
ROLE_NUMBERS = {
    "root": 0, "recovery": 1, "supplier": 2, "network_operator": 3, "acb": 4,
    "transitional_cos": 5, "wan_provider": 6, "load_controller": 8,
}  # fmt: skip
#: The cells of remote parties that an electricity meter has, by role and key (GBCS 4.3.2.5).
METER_CELLS = {
    "recovery": ("ds",), "supplier": ("ds", "ka", "pp-ka"), "network_operator": ("ds", "ka"), "acb": ("ka",),
    "transitional_cos": ("ds",), "load_controller": ("ds", "ka"),
}  # fmt: skip
_CELLS = {"ds": ("ds", "management"), "ka": ("ka", "management"), "pp-ka": ("ka", "prepayment")}


@dataclass(frozen=True)
class Anchors:
    """Who holds the cells of one role: `eui` of the party; `role` may be another than its certificate's (handover).

    `sequence` is the number of the role's last credential update, as the device will tell it.
    """

    role: str
    eui: bytes
    sequence: int = 0


#: How often, and how long each time, a device is asked whether it is a meter by now.
START_TRIES, START_TIMEOUT_S = 10, 1.0


def default_anchors(keystore: KeyStore) -> list[Anchors]:
    """Return a meter's anchors: of each role, the first party in the key store that has one."""
    found = ((role, keystore.by_role(role)) for role in METER_CELLS)
    return [Anchors(role, parties[0].eui) for role, parties in found if parties]


def cell_certificates(keystore: KeyStore, anchors: Anchors) -> Iterable[tuple[str, x509.Certificate]]:
    """Yield (usage, certificate) of each certificate that the party of a role has for its role's cells."""
    for usage in keystore.party(anchors.eui).usages:
        if usage not in METER_CELLS[anchors.role]:
            continue
        certificate = keystore.certificate(anchors.eui, usage)
        if certificates.eui_of(certificate) == anchors.eui:  # else it is a copy of another party's
            yield usage, certificate


def _cell_requests(keystore: KeyStore, anchors: Anchors) -> Iterable[dict[str, Any]]:
    """Yield the `cell` request of each certificate that the party of a role has for its role's cells."""
    for usage, certificate in cell_certificates(keystore, anchors):
        key_usage, cell = _CELLS[usage]
        yield {
            "role": ROLE_NUMBERS[anchors.role], "usage": key_usage, "cell": cell, "sequence": anchors.sequence,
            "certificate": certificate.public_bytes(serialization.Encoding.DER).hex(),
        }  # fmt: skip


def _root_request(keystore: KeyStore) -> dict[str, Any] | None:
    """Return the `cell` request of the root: by its certificate, or by its bare key where that is all there is."""
    cell = {"role": ROLE_NUMBERS["root"], "usage": "certsign"}
    if (keystore.path / f"{pki.ROOT}.pem").exists():
        root = pki.authority_certificate(keystore)
        return {**cell, "certificate": root.public_bytes(serialization.Encoding.DER).hex()}
    file = keystore.path / pki.ROOT_KEY
    if not file.exists():
        return None
    try:
        key = certificates.public_key(bytes.fromhex(file.read_text(encoding="ascii")))
    except ValueError:
        raise SmetsError(f"{file} is not hexadecimal: the root's public key is expected, 04 X Y") from None
    return {**cell, "key": certificates.point(key)[1:].hex(), "key_id": certificates.key_identifier(key).hex()}


def who(link: FrameLink) -> dict[str, Any]:
    """Ask a device who it is: `eui` (hex or None), `role`, `provisioned`."""
    return Caller(link, PROVISIONING)("who")


def provision(
    link: FrameLink,
    keystore: KeyStore,
    eui: str | bytes,
    *,
    anchors: list[Anchors] | None = None,
    elements: int = 1,
    phases: int = 1,
) -> None:
    """Provision the device at the other end and keep its public keys in the key store.

    Raises SmetsError when it is provisioned already, refuses, or the key store lacks a party.
    """
    octets, ask = parse_eui(eui), Caller(link, PROVISIONING)
    if who(link)["provisioned"]:
        raise SmetsError("the device is provisioned already: erase its store to make it another meter")
    ask("begin", eui=octets.hex(), elements=elements, phases=phases)
    if root := _root_request(keystore):
        ask("cell", **root)
    for anchor in anchors if anchors is not None else default_anchors(keystore):
        for request in _cell_requests(keystore, anchor):
            ask("cell", **request)
    if manufacturer := manufacturer_certificate(keystore):
        ask("manufacturer", key=certificates.point(certificates.key_of(manufacturer))[1:].hex())
    keys = ask("keys")
    for usage in ("ds", "ka"):
        _certify(ask, keystore, octets, usage, bytes.fromhex(keys[usage]))
    ask("finish")
    _wait_for_start(ask)


def _wait_for_start(ask: Caller) -> None:
    """Wait until a device is a meter: a board starts again to be one, and its USB port may be gone meanwhile."""
    for _ in range(START_TRIES):
        try:
            if ask("who", timeout_s=START_TIMEOUT_S)["provisioned"]:
                return
        except NoAnswer:
            continue
        except LinkLost:
            return


def _certify(ask: Caller, keystore: KeyStore, eui: bytes, usage: str, public_key: bytes) -> None:
    """Certify a device's key when the key store can issue; else keep the bare public key, which verifies as well."""
    if (keystore.path / f"{pki.DEVICE_ISSUING}.key").exists():
        certificate = pki.issue_device_certificate(keystore, public_key, eui, usage)
        ask("certificate", usage=usage, certificate=certificate.public_bytes(serialization.Encoding.DER).hex())
        return
    file = keystore.path / f"{eui.hex()}-{usage}.pem"
    if file.exists():
        raise SmetsError(f"{file} is there already, and {format_eui(eui)} has new keys: move it away first")
    key = certificates.public_key(public_key)
    file.write_bytes(key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    keystore.rescan()
