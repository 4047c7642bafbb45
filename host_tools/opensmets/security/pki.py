"""A test SMKI: authorities, remote parties and, on demand, devices. Test keys only; nothing here guards a root.

The folder has the layout of `keystore`, and besides: `root`, `issuing-authority`, `device-issuing-authority` and
`manufacturer`, whose key signs firmware images, each `.pem` and `.key`, the symmetric key of the root's contingency key
(contingency.py) and the index `parties.json`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opensmets.errors import SmetsError
from opensmets.security import certificates, contingency
from opensmets.security.certificates import Issuer
from opensmets.security.keystore import INDEX, KeyStore, MissingKey, parse_eui
from opensmets.security.manufacturer import MANUFACTURER

ROOT, ISSUING, DEVICE_ISSUING = "root", "issuing-authority", "device-issuing-authority"
#: A bare public key of the root (`04` X Y in hexadecimal), where a key store has no certificate of it.
ROOT_KEY = "root-public-key.hex"
AUTHORITY_YEARS, PARTY_YEARS = 25, 10


@dataclass(frozen=True)
class NewParty:
    """A remote party to make: its EUI (16 hex digits), role, name, and the uses its keys are made for."""

    eui: str
    role: str
    name: str
    usages: tuple[str, ...] = ("ds", "ka")


#: A device's issuer has a common name alone.
_DEVICE_ISSUER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "OpenSMETS device issuer")])

_MANUFACTURER = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "OpenSMETS manufacturer")])

#: The parties of the reference messages, who are those of our test PKI.
DEFAULT_PARTIES = (
    NewParty("90b3d51f30000001", "recovery", "Recovery", ("ds",)),
    NewParty("90b3d51f30000002", "acb", "Access control broker"),
    NewParty("90b3d51f30000004", "transitional_cos", "Transitional change of supplier", ("ds",)),
    NewParty("90b3d51f30000007", "wan_provider", "WAN provider"),
    NewParty("90b3d51f30010000", "supplier", "Supplier", ("ds", "ka", "pp-ka")),
    NewParty("90b3d51f30010008", "load_controller", "Load controller"),
    NewParty("90b3d51f30020000", "network_operator", "Network operator"),
    NewParty("90b3d51f30030000", "supplier", "Second supplier", ("ds", "ka", "pp-ka")),
)


#: Who has the contingency key: nobody certifies it, and the EUI is the one that the reference's holder has.
CONTINGENCY = NewParty("70b3d51f300017ff", contingency.ROLE, "Contingency key", ("ds",))


def _write(file: Path, octets: bytes, mode: int = 0o644) -> None:
    """Replace `file` whole; a private key is never readable by others, not even for a moment."""
    fresh = file.with_name(file.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(octets)
        fresh.replace(file)
    except OSError as error:
        raise SmetsError(f"{file} cannot be written: {error.strerror}") from None


def _write_certificate(folder: Path, stem: str, certificate: x509.Certificate) -> None:
    _write(folder / f"{stem}.pem", certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(folder: Path, stem: str, key: ec.EllipticCurvePrivateKey) -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(folder / f"{stem}.key", key.private_bytes(*form), 0o600)


def _make_authority(
    folder: Path, stem: str, name: x509.Name, issuer: Issuer | None, start: datetime,
    extension: x509.ExtensionType | None = None,
) -> Issuer:  # fmt: skip
    """Make an authority, self-signed without `issuer`, and its files."""
    made = Issuer(name, ec.generate_private_key(ec.SECP256R1()))
    certificate = certificates.issue(
        issuer or made, name, made.private_key.public_key(), "certsign",
        not_before=start, not_after=start + timedelta(days=365 * AUTHORITY_YEARS), path_length=0 if issuer else 1,
        extension=extension,
    )  # fmt: skip
    _write_certificate(folder, stem, certificate)
    _write_key(folder, stem, made.private_key)
    return made


def _make_contingency(folder: Path) -> x509.UnrecognizedExtension:
    """Make the contingency key and the key that wraps it; return the extension that it lies in."""
    key, symmetric_key = ec.generate_private_key(ec.SECP256R1()), contingency.make_symmetric_key()
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    _write(folder / f"{CONTINGENCY.eui}-ds.pem", key.public_key().public_bytes(*form))
    _write_key(folder, f"{CONTINGENCY.eui}-ds", key)
    _write(folder / contingency.FILE, symmetric_key.hex().encode() + b"\n", 0o600)
    return contingency.wrap(key.public_key(), symmetric_key)


def _make_manufacturer(folder: Path, start: datetime) -> None:
    """Make the manufacturer's key and a certificate that it issues itself: GBCS has no authority for it."""
    issuer, end = Issuer(_MANUFACTURER, ec.generate_private_key(ec.SECP256R1())), start + timedelta(days=365 * 25)
    key = issuer.private_key
    certificate = certificates.issue(issuer, _MANUFACTURER, key.public_key(), "ds", not_before=start, not_after=end)
    _write_certificate(folder, MANUFACTURER, certificate)
    _write_key(folder, MANUFACTURER, key)


def _make_party(folder: Path, party: NewParty, issuer: Issuer, start: datetime) -> None:
    eui = bytes.fromhex(party.eui)
    for usage in party.usages:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = certificates.organisation_name(party.role, party.name if usage == "ds" else None, eui)
        end = start + timedelta(days=365 * PARTY_YEARS)
        certificate = certificates.issue(issuer, subject, key.public_key(), usage, not_before=start, not_after=end)
        _write_certificate(folder, f"{party.eui}-{usage}", certificate)
        _write_key(folder, f"{party.eui}-{usage}", key)


def init(
    folder: str | Path, *, parties: Sequence[NewParty] = DEFAULT_PARTIES, start: datetime | None = None
) -> KeyStore:
    """Make a test SMKI in `folder` and open it. Certificates begin at `start`, by default today at 00:00 UTC.

    Raises SmetsError when the folder holds keys already.
    """
    path = Path(folder)
    if path.exists() and (not path.is_dir() or any(path.glob("*.key")) or any(path.glob("*.pem"))):
        raise SmetsError(f"{path} holds keys already, and making new ones would lose them: name an empty folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SmetsError(f"{path} cannot be made: {error.strerror}") from None
    start = start or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    name = certificates.organisation_name("root", "OpenSMETS test root", None)
    root = _make_authority(path, ROOT, name, None, start, _make_contingency(path))
    name = certificates.organisation_name("issuing_authority", "OpenSMETS test issuer", None)
    issuer = _make_authority(path, ISSUING, name, root, start)
    _make_authority(path, DEVICE_ISSUING, _DEVICE_ISSUER, root, start)
    _make_manufacturer(path, start)
    for party in parties:
        _make_party(path, party, issuer, start)
    index = {party.eui: {"role": party.role, "name": party.name} for party in (*parties, CONTINGENCY)}
    _write(path / INDEX, json.dumps({"parties": index}, indent=1).encode())
    return KeyStore.open(path)


def init_device_issuer(keystore: KeyStore) -> None:
    """Give a key store that others made an issuer of device certificates, under no root. Raises SmetsError."""
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    _make_authority(keystore.path, DEVICE_ISSUING, _DEVICE_ISSUER, None, start)


def authority_certificate(keystore: KeyStore, name: str = ROOT) -> x509.Certificate:
    """Return an authority's certificate: `ROOT`, `ISSUING` or `DEVICE_ISSUING`. Raises MissingKey."""
    file = keystore.path / f"{name}.pem"
    if not file.exists():
        raise MissingKey(f"no {file}: {keystore.path} was not made by `smets pki init`")
    return certificates.load(file.read_bytes())


def adopt_device(keystore: KeyStore, other: KeyStore, eui: bytes) -> None:
    """Copy a device's public keys from another key store, so that this one's parties can speak to it.

    Raises MissingKey when it has none.
    """
    for usage in ("ds", "ka"):
        other.public_key(eui, usage)  # it is there, and a key
        _write(keystore.path / f"{eui.hex()}-{usage}.pem", (other.path / f"{eui.hex()}-{usage}.pem").read_bytes())
    keystore.rescan()


def _issuer(keystore: KeyStore, name: str) -> Issuer:
    certificate = authority_certificate(keystore, name)
    file = keystore.path / f"{name}.key"
    if not file.exists():
        raise MissingKey(f"no {file}: certificates cannot be issued without it")
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError):
        raise SmetsError(f"{file} is no unencrypted PKCS #8 private key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SmetsError(f"{file} is no P-256 key")
    return Issuer(certificate.subject, key)


def device_certificate(
    keystore: KeyStore, public_key: bytes | ec.EllipticCurvePublicKey, eui: bytes, usage: str
) -> x509.Certificate:
    """Certify a device's own public key for a usage, `certsign` too, which no device should take.

    Raises MissingKey without the device issuer.
    """
    key = certificates.public_key(public_key) if isinstance(public_key, bytes) else public_key
    start = authority_certificate(keystore, DEVICE_ISSUING).not_valid_before_utc
    return certificates.issue(
        _issuer(keystore, DEVICE_ISSUING), x509.Name([]), key, usage,
        not_before=start, not_after=certificates.NEVER, device_eui=eui,
    )  # fmt: skip


def issue_device_certificate(
    keystore: KeyStore, public_key: bytes | ec.EllipticCurvePublicKey, eui: bytes, usage: str
) -> x509.Certificate:
    """Certify a device's own public key (64 octets X Y, or a key) for `ds` or `ka`, and keep the certificate.

    Raises SmetsError when the key is not on P-256 or `usage` is another, MissingKey without the device issuer.
    """
    eui = parse_eui(eui)
    if usage not in ("ds", "ka"):
        raise SmetsError(f"a device's certificate is for ds or ka, not {usage!r}")
    certificate = device_certificate(keystore, public_key, eui, usage)
    _write_certificate(keystore.path, f"{eui.hex()}-{usage}", certificate)
    keystore.rescan()
    return certificate
