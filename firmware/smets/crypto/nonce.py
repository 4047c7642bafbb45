"""RFC 6979 section 3.2: the nonces of an ECDSA signature on P-256, drawn from key and digest with HMAC-SHA-256."""

from hashlib import sha256

from micropython import const

from smets.crypto.curve import N

_BLOCK = const(64)
_INNER = const(0x36)
_OUTER = const(0x5C)


def hmac_sha256(key, *parts):
    """Return the 32-byte HMAC-SHA-256 (RFC 2104) of the joined `parts`; the key is at most 64 bytes."""
    pad = bytearray(_BLOCK)
    for i in range(_BLOCK):
        pad[i] = _INNER ^ (key[i] if i < len(key) else 0)
    inner = sha256(pad)
    for part in parts:
        inner.update(part)
    for i in range(_BLOCK):
        pad[i] ^= _INNER ^ _OUTER
    outer = sha256(pad)
    outer.update(inner.digest())
    return outer.digest()


class Nonces:
    """The sequence of nonces for one private key and one digest. Almost always the first will do."""

    def __init__(self, private, digest):
        """Take the 32-byte private key and the 32-byte SHA-256 digest (steps a to g)."""
        reduced = (int.from_bytes(digest, "big") % N).to_bytes(32, "big")
        self._key = bytes(32)
        self._value = b"\x01" * 32
        self._stir(b"\x00", private, reduced)
        self._stir(b"\x01", private, reduced)

    def next(self):
        """Return the next nonce, an integer from 1 to N - 1 (step h)."""
        while True:
            self._value = hmac_sha256(self._key, self._value)
            nonce = int.from_bytes(self._value, "big")
            self._stir(b"\x00")
            if 0 < nonce < N:
                return nonce

    def _stir(self, mark, *seed):
        self._key = hmac_sha256(self._key, self._value, mark, *seed)
        self._value = hmac_sha256(self._key, self._value)
