"""The manufacturer's key of a test PKI, with which firmware images are signed, and devices check them."""

from __future__ import annotations

from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from opensmets.errors import SmetsError
from opensmets.layouts.firmware_image import Image
from opensmets.security import certificates
from opensmets.security.keystore import KeyStore, MissingKey
from opensmets.security.suite import verify_signature

#: The stem of the manufacturer's files in a key store: `.pem` a certificate, `.key` its private key.
MANUFACTURER = "manufacturer"
# RFC 6979: the same image gets the same signature, so that a build can be repeated
_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


def manufacturer_certificate(keystore: KeyStore) -> x509.Certificate | None:
    """Return the manufacturer's certificate, or None when the key store has none. Raises SmetsError for no P-256."""
    file = keystore.path / f"{MANUFACTURER}.pem"
    return certificates.load(file.read_bytes()) if file.exists() else None


def sign_image(keystore: KeyStore, image: Image) -> Image:
    """Return an image with the manufacturer's signature. Raises MissingKey, and SmetsError for no usable key."""
    file = keystore.path / f"{MANUFACTURER}.key"
    if not file.exists():
        raise MissingKey(f"no {file}: `smets pki init` makes a manufacturer's key; name its folder with --keystore")
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError):
        raise SmetsError(f"{file} is no unencrypted PKCS #8 private key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SmetsError(f"{file} is no P-256 key")
    r, s = decode_dss_signature(key.sign(image.signed_part(), _DETERMINISTIC))
    return replace(image, signature=r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def is_signed(keystore: KeyStore, image: Image) -> bool | None:
    """Say whether the key store's manufacturer signed an image; None when it has no manufacturer."""
    certificate = manufacturer_certificate(keystore)
    if certificate is None:
        return None
    return verify_signature(certificates.key_of(certificate), image.signature, image.signed_part())
