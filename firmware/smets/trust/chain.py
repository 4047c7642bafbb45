"""Whether a certificate leads up to the device's trust anchor: the root cell (GBCS 12.2, 13.3.5).

A command brings the issuers' certificates along, in any order. Each link is looked up by its key identifier and
verified by ECDSA; an issuer that was verified once is not again.
"""

from micropython import const

from smets.trust.cells import KEY_CERT_SIGN
from smets.trust.certificate import Certificate, CertificateError

MAX_ISSUERS = const(4)
"""Most certificates of issuers in a command."""
_MAX_LINKS = const(3)
"""Most links from a certificate up to the root."""


class Chain:
    """The issuers in `encoded` (views of certificates) under `root`, the root's cell, or None where it is empty.

    One that cannot be read, or is no issuer's, issues nothing.
    """

    def __init__(self, encoded, root):
        self._root = root
        self._issuers = []
        self._verified = {}
        for each in encoded[:MAX_ISSUERS]:
            try:
                issuer = Certificate(each)
            except CertificateError:
                continue
            if issuer.usage == KEY_CERT_SIGN:
                self._issuers.append(issuer)

    def reaches(self, certificate, links=_MAX_LINKS):
        """Return whether a Certificate was issued by the root, or by an issuer that leads up to it."""
        wanted = certificate.authority_key_id
        if self._root is None or wanted is None or not links:
            return False
        if wanted == self._root.key_id:
            return certificate.is_issued_by(self._root.public_key)
        for issuer in self._issuers:
            if issuer.key_id == wanted and self._is_good(issuer, links) and certificate.is_issued_by(issuer.public_key):
                return True
        return False

    def _is_good(self, issuer, links):
        place = self._issuers.index(issuer)
        if place not in self._verified:
            self._verified[place] = self.reaches(issuer, links - 1)
        return self._verified[place]
