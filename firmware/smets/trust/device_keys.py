"""The device's own two key pairs, made on the device: ds signs, ka agrees secrets (GBCS 12.3).

A new pair may wait beside the one in use until the device has its certificate (CS02c, CS02d).

A private key is generated here, kept in the journal, used through `sign` and `agree`, and has no other way out.
"""

from os import urandom

from micropython import const

from smets.crypto import p256
from smets.trust.cells import DIGITAL_SIGNATURE, KEY_AGREEMENT

_NAMES = {DIGITAL_SIGNATURE: "key/ds", KEY_AGREEMENT: "key/ka"}
_WAITING = {DIGITAL_SIGNATURE: "key/ds/next", KEY_AGREEMENT: "key/ka/next"}
_PRIVATE_SIZE = const(32)


class NoDeviceKeys(Exception):
    """The device has not made its keys yet."""


class DeviceKeys:
    """The key pairs kept in a journal."""

    def __init__(self, journal):
        self._journal = journal

    def exist(self):
        """Return whether both key pairs were made."""
        return None not in [self._journal.get(name) for name in _NAMES.values()]

    def generate(self):
        """Make both key pairs anew. They are on flash when this returns."""
        pairs = []
        for name in _NAMES.values():
            private = p256.generate_private(urandom)
            pairs.append((name, private + p256.public_key(private)))
        self._journal.put_many(pairs)

    def public(self, usage):
        """Return the public key (X||Y, 64 bytes) of DIGITAL_SIGNATURE or KEY_AGREEMENT. Raises NoDeviceKeys."""
        return self._pair(usage)[_PRIVATE_SIZE:]

    def sign(self, digest):
        """Return the signature (r||s, 64 bytes) of a SHA-256 digest. Raises NoDeviceKeys."""
        return p256.sign(self._pair(DIGITAL_SIGNATURE)[:_PRIVATE_SIZE], digest)

    def agree(self, public_key):
        """Return the secret shared with `public_key`'s holder (ECDH x-coordinate, 32 bytes). Raises NoDeviceKeys."""
        return p256.ecdh(self._pair(KEY_AGREEMENT)[:_PRIVATE_SIZE], public_key)

    def renew(self, usage):
        """Make a new pair that waits to take the place of the one in use, and return its public key (X||Y)."""
        private = p256.generate_private(urandom)
        public = p256.public_key(private)
        self._journal.put(_WAITING[usage], private + public)
        return public

    def waiting(self, usage):
        """Return the public key of the pair that waits, or None."""
        pair = self._journal.get(_WAITING[usage])
        return pair and pair[_PRIVATE_SIZE:]

    def sign_waiting(self, usage, digest):
        """Return a signature by the pair that waits, which proves that the device has it. Raises NoDeviceKeys."""
        return p256.sign(self._pair(usage, _WAITING)[:_PRIVATE_SIZE], digest)

    def adoption(self, usage):
        """Return the journal's pairs that put the waiting pair in the place of the one in use. Raises NoDeviceKeys."""
        return [(_NAMES[usage], self._pair(usage, _WAITING)), (_WAITING[usage], None)]

    def _pair(self, usage, names=_NAMES):
        pair = self._journal.get(names[usage])
        if pair is None:
            raise NoDeviceKeys("the device has no keys: provision it")
        return pair
