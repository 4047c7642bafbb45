"""The contingency key: what replaces a compromised root (RFC 5934 9, GBCS 13.3).

Its public half lies wrapped in the root's certificate, so that nobody sees it before it is needed; the command that
it signs gives the symmetric key that unwraps it. A test PKI keeps the private half as that of a party, `HOLDER`, whose
`.pem` is a bare public key, and the symmetric key beside it.
"""

from __future__ import annotations

import secrets

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.x509.oid import ObjectIdentifier

from opensmets.errors import SmetsError
from opensmets.layouts.asn1 import OBJECT_ID, OCTET_STRING, SEQUENCE, make
from opensmets.security.keystore import KeyStore, MissingKey

#: id-pe-wrappedApexContinKey (RFC 5934 A.1), which the SMKI calls WrappedApexContingencyKey.
EXTENSION = ObjectIdentifier("1.3.6.1.5.5.7.1.20")
#: id-aes256-wrap-pad (RFC 5649), and octets of its keys.
AES256_WRAP_PAD, KEY_SIZE = bytes.fromhex("608648016503040130"), 32
#: The symmetric key in hexadecimal; its user's alone.
FILE = "contingency-symmetric-key.hex"
#: The role that the contingency key has in a key store.
ROLE = "contingency"


def make_symmetric_key() -> bytes:
    """Return a new key to wrap with."""
    return secrets.token_bytes(KEY_SIZE)


def wrap(public_key: ec.EllipticCurvePublicKey, symmetric_key: bytes) -> x509.UnrecognizedExtension:
    """Return the extension of a root's certificate that holds a public key, wrapped."""
    plain = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    algorithm = make(SEQUENCE, (make(OBJECT_ID, AES256_WRAP_PAD),))
    wrapped = make(OCTET_STRING, aes_key_wrap_with_padding(symmetric_key, plain))
    return x509.UnrecognizedExtension(EXTENSION, make(SEQUENCE, (algorithm, wrapped)).encode())


def symmetric_key(keystore: KeyStore) -> bytes:
    """Return the key that unwraps the contingency key in the root's certificate. Raises MissingKey, SmetsError."""
    file = keystore.path / FILE
    if not file.exists():
        raise MissingKey(
            f"no {file}: the key that unwraps the contingency key; `smets pki init` makes one for each new root"
        )
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii"))
    except (ValueError, OSError):
        key = b""
    if len(key) not in (16, 32):
        raise SmetsError(f"{file} is no AES key: 32 or 64 hexadecimal digits are expected")
    return key


def holder(keystore: KeyStore) -> bytes:
    """Return the EUI of the party that has the contingency key. Raises MissingKey when none has it here."""
    parties = keystore.by_role(ROLE)
    if not parties:
        raise MissingKey(
            f"no contingency key in {keystore.path}: only its holder can replace the root with all under it"
        )
    return parties[0].eui
