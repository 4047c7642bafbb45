"""X.509 as GBCS profiles it (GBCS 12): P-256, the role in the OU, the EUI where each kind of party keeps it.

An organisation's EUI is its subject's x500UniqueIdentifier; a device has an empty subject and its EUI in the
subjectAltName's hwSerialNum. Key identifiers are RFC 5280's method 2: four bits 0100 and 60 bits of SHA-1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID, ObjectIdentifier

from opensmets.errors import SmetsError
from opensmets.layouts import asn1
from opensmets.layouts.wire import LayoutError

#: Remote party role by the OU's two digits (GBCS 12.4).
ROLES = {
    "00": "root", "01": "recovery", "02": "supplier", "03": "network_operator", "04": "acb", "05": "transitional_cos",
    "06": "wan_provider", "07": "issuing_authority", "08": "load_controller",
}  # fmt: skip
ROLE_CODES = {role: code for code, role in ROLES.items()}
#: File name endings of a key's use: digital signature, key agreement, key agreement for prepayment top-ups.
USAGES = ("ds", "ka", "pp-ka")
_HARDWARE_MODULE_NAME = ObjectIdentifier("1.3.6.1.5.5.7.8.4")
_HARDWARE_TYPE = bytes.fromhex("060D2A863A0001848FB90F01020201")
_POLICY = ObjectIdentifier("1.2.826.0.1.8641679.1.2.1.4")
#: "No expiry" (RFC 5280 4.1.2.5); devices' certificates have it.
NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True)
class Issuer:
    """A certification authority: its name, its private key, and its key identifier."""

    name: x509.Name
    private_key: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        """Name the authority; the key stays out."""
        return f"Issuer({self.name.rfc4514_string()})"


def key_identifier(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the 8-octet key identifier of RFC 5280 4.2.1.2 method 2, as GBCS certificates bear it."""
    digest = hashlib.sha1(point(public_key), usedforsecurity=False).digest()[-8:]
    return bytes((0x40 | digest[0] & 0x0F,)) + digest[1:]


def point(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """Return the public key as 65 octets, `04` X Y."""
    return public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def public_key(octets: bytes) -> ec.EllipticCurvePublicKey:
    """Return the P-256 key of 64 octets X Y, or 65 with `04` before. Raises SmetsError when it is not on the curve."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(
            ec.SECP256R1(), octets if len(octets) == 65 else b"\x04" + octets
        )
    except ValueError:
        raise SmetsError("the public key is no point of P-256: expected 64 octets X Y") from None


def load(octets: bytes) -> x509.Certificate:
    """Read a certificate from DER or PEM. Raises SmetsError when it is none, or its key is not on P-256."""
    try:
        pem = octets.lstrip()[:5] == b"-----"
        certificate = x509.load_pem_x509_certificate(octets) if pem else x509.load_der_x509_certificate(octets)
        key = certificate.public_key()
    except (ValueError, TypeError) as error:
        raise SmetsError(f"not an X.509 certificate: {str(error).splitlines()[0]}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SmetsError("the certificate's key is not on P-256, the only curve that GBCS uses")
    return certificate


def key_of(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """Return the certificate's P-256 public key."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SmetsError("the certificate's key is not on P-256, the only curve that GBCS uses")
    return key


def role_of(certificate: x509.Certificate) -> str | None:
    """Return the role that the subject's OU names; None for a device or an OU that GBCS does not know."""
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return ROLES.get(str(units[0].value)) if units else None


def eui_of(certificate: x509.Certificate) -> bytes | None:
    """Return the 8-octet EUI-64 of the subject, organisation or device; None when it has none."""
    identifiers = certificate.subject.get_attributes_for_oid(NameOID.X500_UNIQUE_IDENTIFIER)
    if identifiers and isinstance(identifiers[0].value, bytes):
        return identifiers[0].value[-8:]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        modules = [name for name in names.get_values_for_type(x509.OtherName) if name.type_id == _HARDWARE_MODULE_NAME]
        return asn1.decode(modules[0].value).children[1].content[-8:] if modules else None
    except (x509.ExtensionNotFound, LayoutError, IndexError):
        return None


def organisation_name(role: str, common_name: str | None, eui: bytes | None) -> x509.Name:
    """Return the subject of a remote party or authority: CN when given, OU its role, its EUI when it has one."""
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
    parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, ROLE_CODES[role]))
    if eui is not None:
        # the value of a BIT STRING attribute is its content; cryptography writes the unused-bits octet as given
        parts.append(x509.NameAttribute(NameOID.X500_UNIQUE_IDENTIFIER, b"\0" + eui, _type=_ASN1Type.BitString))  # type: ignore[arg-type]
    return x509.Name(parts)


def _key_usage(usage: str) -> x509.KeyUsage:
    authority = usage == "certsign"
    uses = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "encipher_only", "decipher_only"), False
    )
    agreement = usage.endswith("ka")
    return x509.KeyUsage(usage == "ds", key_agreement=agreement, key_cert_sign=authority, crl_sign=authority, **uses)


def _hardware_module(eui: bytes) -> x509.OtherName:
    name = asn1.make(asn1.SEQUENCE, (asn1.decode(_HARDWARE_TYPE), asn1.make(asn1.OCTET_STRING, eui)))
    return x509.OtherName(_HARDWARE_MODULE_NAME, name.encode())


def issue(
    issuer: Issuer, subject: x509.Name, key: ec.EllipticCurvePublicKey, usage: str, *,
    not_before: datetime, not_after: datetime, device_eui: bytes | None = None, path_length: int | None = None,
    extension: x509.ExtensionType | None = None,
) -> x509.Certificate:  # fmt: skip
    """Return a certificate of the GBCS profile for `key`.

    `usage` is `ds`, `ka`, `pp-ka` or `certsign` (an authority, with its `path_length`). `device_eui` puts the EUI
    into the subjectAltName, as a device's certificate has it. `extension` is one more, not critical.
    """
    builder = x509.CertificateBuilder(
        issuer.name, subject, key, x509.random_serial_number() >> 32, not_before, not_after
    )
    builder = builder.add_extension(_key_usage(usage), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier(key_identifier(key)), critical=False)
    if usage == "certsign":
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    if device_eui is not None:
        names = x509.SubjectAlternativeName([_hardware_module(device_eui)])
        builder = builder.add_extension(names, critical=True)
    policies = x509.CertificatePolicies([x509.PolicyInformation(_POLICY, None)])
    builder = builder.add_extension(policies, critical=True)
    authority = x509.AuthorityKeyIdentifier(key_identifier(issuer.private_key.public_key()), None, None)
    builder = builder.add_extension(authority, critical=False)
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer.private_key, hashes.SHA256())
