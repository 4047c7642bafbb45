"""Whether a certificate leads up to the device's trust anchor: the root cell (GBCS 12.2, 13.3.5).

A command brings the issuers' certificates along, in any order. Each link is looked up by its key identifier and
verified by ECDSA; an issuer that was verified once is not again. What is followed are `Certificate.link`s: the code
that reads certificates need not be in the heap together with the arithmetic.
"""

from hashlib import sha256

from micropython import const

from smets.crypto import p256

_MAX_LINKS = const(3)
"""Most links from a certificate up to the root."""
_KEY = const(1)
_KEY_ID = const(2)
_AUTHORITY = const(4)
_SIGNED = const(5)
_SIGNATURE = const(6)
"""Places in a link."""


class Chain:
    """The links of `issuers` under `root`, the root's cell, or None where it is empty.

    `verified` is a dict that remembers which issuers were, from one certificate to the next.
    """

    def __init__(self, issuers, root, verified):
        self._root = root
        self._issuers = issuers
        self._verified = verified

    def reaches(self, link, steps=_MAX_LINKS):
        """Return whether a certificate was issued by the root, or by an issuer that leads up to it."""
        wanted = link[_AUTHORITY] or link[_KEY_ID]  # who names no issuer is its own (GBCS 12.2)
        if self._root is None or not steps:
            return False
        if wanted == self._root.key_id:
            return _is_issued(link, self._root.public_key)
        for place, issuer in enumerate(self._issuers):
            if issuer[_KEY_ID] == wanted and self._is_good(place, steps) and _is_issued(link, issuer[_KEY]):
                return True
        return False

    def _is_good(self, place, steps):
        if place not in self._verified:
            self._verified[place] = self.reaches(self._issuers[place], steps - 1)
        return self._verified[place]


def reaches(link, *chain):
    """Return whether a link leads up to the root of a chain, given as Chain takes it."""
    return Chain(*chain).reaches(link)


def _is_issued(link, public_key):
    return p256.verify(public_key, sha256(link[_SIGNED]).digest(), link[_SIGNATURE])
