"""The certificates of a credential update read: what each replacement comes to before its chain is followed.

See replacement.py, which loads this for as long as it takes: certificates need much code.
"""

from micropython import const

from smets.on_demand import call
from smets.trust.cells import KEY_CERT_SIGN, MANAGEMENT, ROOT
from smets.trust.certificate import Certificate, CertificateError

_SUCCESS = const(0)
_BAD_CERTIFICATE = const(5)
_NOT_FOUND = const(25)
_OTHER = const(127)

_MAX_ISSUERS = const(4)
"""Most certificates of issuers that are looked at."""


def read_replacement(update, place, roles, station):
    """Return (status, link or None) of the replacement at `place`, which may be of a cell of `roles`."""
    encoded, name = update.replacements[place]
    if name[0] not in roles or name in [before for _, before in update.replacements[:place]]:
        return _OTHER, None
    if station.anchors.cell(*name) is None:
        return _NOT_FOUND, None
    moment = None
    if update.checks_validity:
        moment = call("smets.message.generalized_time", "encode", station.clock())[:14]
    status, link = _read(encoded, name[1], moment)
    if link:
        update.keep(place, link)
    return status, link


def read_root(update, roles, station):
    """Return the link of the root that an update brings, None when it brings none that can be read."""
    for place, (_, name) in enumerate(update.replacements):
        if name == (ROOT, KEY_CERT_SIGN, MANAGEMENT):
            return read_replacement(update, place, roles, station)[1]
    return None


def read_issuers(update):
    """Return the links of the issuers that a command brings along; one that cannot be read issues nothing."""
    links = []
    for encoded in update.issuers[:_MAX_ISSUERS]:
        status, link = _read(encoded, KEY_CERT_SIGN, None)
        if status == _SUCCESS:
            links.append(link)
    return links


def _read(encoded, usage, moment):
    """Return (status, link or None); `moment` is when the certificate has to be valid, None for any time."""
    try:
        certificate = Certificate(encoded)
    except CertificateError:
        return _BAD_CERTIFICATE, None
    if certificate.usage != usage or (moment and not certificate.is_valid_at(moment)):
        return _BAD_CERTIFICATE, None
    return _SUCCESS, certificate.link()
