"""GBCS cryptography on octets and keys: KDF, MAC, signature, encryption (GBCS 4.3 and 8).

Nothing here knows a key store or a message; `protection` puts them together.
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from opensmets.errors import SmetsError

TAG_SIZE, KEY_SIZE, NUMBER_SIZE = 12, 16, 32
#: The CRA flag that stands in a key for sensitive parts (GBCS 8.4).
ENCRYPTION_FLAG = 4
#: Security header before the cipher text of a sensitive part; its first octet alone is authenticated.
ENCRYPTION_HEADER = bytes.fromhex("3100000000")
_ENCRYPTION_AAD = ENCRYPTION_HEADER[:1]
_ALGORITHM_ID = bytes.fromhex("60857406080300")
_ES256 = ec.ECDSA(SHA256())
_ECDH = ec.ECDH()


class SharedSecret:
    """An ECDH secret Z, which derives keys and shows itself to nobody."""

    __slots__ = ("_prefix",)

    def __init__(self, private_key: ec.EllipticCurvePrivateKey, public_key: ec.EllipticCurvePublicKey) -> None:
        """Agree Z, the x-coordinate of the common point."""
        # the digest up to and with Z is kept: each key costs one more block
        self._prefix = hashlib.sha256(b"\0\0\0\1" + private_key.exchange(_ECDH, public_key) + _ALGORITHM_ID)

    def __repr__(self) -> str:
        """Say what it is, not its value."""
        return "SharedSecret(...)"

    def key(self, originator: bytes, cra_flag: int, counter: int, recipient: bytes) -> bytes:
        """Return the 16-octet key of one message (the KDF of GBCS 4.3.3.2, NIST SP 800-56A 5.8.1)."""
        digest = self._prefix.copy()
        digest.update(originator + b"\x09" + bytes((cra_flag,)) + counter.to_bytes(8, "big") + recipient)
        return digest.digest()[:KEY_SIZE]


def initialisation_vector(originator: bytes) -> bytes:
    """Return the 12-octet IV: the originator's EUI and an invocation counter of zero."""
    return originator + bytes(4)


def mac(key: bytes, originator: bytes, maced_octets: bytes) -> bytes:
    """Return the 12-octet tag over what a message's MAC covers (AES-128-GCM, nothing enciphered)."""
    return AESGCM(key).encrypt(initialisation_vector(originator), b"", maced_octets)[:TAG_SIZE]


def same(one: bytes, other: bytes) -> bool:
    """Compare two tags in constant time."""
    return hmac.compare_digest(one, other)


def gmac(key: bytes, originator: bytes, covered: bytes) -> bytes:
    """Return the whole 16-octet tag, of which a top-up token takes the end."""
    return AESGCM(key).encrypt(initialisation_vector(originator), b"", covered)


def encrypt(key: bytes, device: bytes, plain: bytes) -> bytes:
    """Return cipher text and its 12-octet tag, for a sensitive part that `device` sends."""
    cipher = AESGCM(key).encrypt(initialisation_vector(device), plain, _ENCRYPTION_AAD)
    return cipher[: len(plain) + TAG_SIZE]


def decrypt(key: bytes, device: bytes, sealed: bytes) -> bytes:
    """Return the plain octets of cipher text and 12-octet tag. Raises SmetsError when the tag is not the key's."""
    if len(sealed) < TAG_SIZE:
        raise SmetsError(f"an encrypted part of {len(sealed)} octets is shorter than its tag")
    mode = modes.GCM(initialisation_vector(device), sealed[-TAG_SIZE:], min_tag_length=TAG_SIZE)
    decryptor = Cipher(algorithms.AES(key), mode).decryptor()
    decryptor.authenticate_additional_data(_ENCRYPTION_AAD)
    try:
        return decryptor.update(sealed[:-TAG_SIZE]) + decryptor.finalize()
    except InvalidTag:
        raise SmetsError("an encrypted part does not decrypt: wrong key or altered octets") from None


def sign(private_key: ec.EllipticCurvePrivateKey, signed_octets: bytes) -> bytes:
    """Return the 64-octet signature r || s (ECDSA on P-256 with SHA-256)."""
    r, s = decode_dss_signature(private_key.sign(signed_octets, _ES256))
    return r.to_bytes(NUMBER_SIZE, "big") + s.to_bytes(NUMBER_SIZE, "big")


def _der_number(octets: bytes) -> bytes:
    octets = octets.lstrip(b"\0") or b"\0"
    if octets[0] & 0x80:
        octets = b"\0" + octets
    return bytes((2, len(octets))) + octets


def verify_signature(public_key: ec.EllipticCurvePublicKey, signature: bytes, signed_octets: bytes) -> bool:
    """Say whether the 64-octet `signature` is the key's over `signed_octets`. High S is as good as low."""
    if len(signature) != 2 * NUMBER_SIZE:
        return False
    body = _der_number(signature[:NUMBER_SIZE]) + _der_number(signature[NUMBER_SIZE:])
    try:
        public_key.verify(bytes((0x30, len(body))) + body, signed_octets, _ES256)
    except InvalidSignature:
        return False
    return True
