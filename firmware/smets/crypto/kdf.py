"""The key derivation of GBCS: the concatenation KDF of SP 800-56A 5.8.1 with SHA-256, one round, for AES-128."""

from hashlib import sha256

from micropython import const

_KEY_BYTES = const(16)
_FIRST_ROUND = b"\x00\x00\x00\x01"


def shared_key(z, *other_info_parts):
    """Return the 16-byte key: the first half of SHA-256(00000001 || Z || OtherInfo).

    `z` is the 32-byte ECDH secret; OtherInfo (algorithm, originator, counter, recipient) comes in parts.
    """
    digest = sha256(_FIRST_ROUND)
    digest.update(z)
    for part in other_info_parts:
        digest.update(part)
    return digest.digest()[:_KEY_BYTES]
