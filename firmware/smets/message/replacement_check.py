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


def read_replacements(update, part, roles, station):
    """Return [(status, link or None)] of the replacements in `part`, a range; they may be of cells of `roles`."""
    moment = None
    if update.checks_validity:
        moment = call("smets.message.generalized_time", "encode", station.clock())[:14]
    results = []
    for place in part:
        encoded, name = update.replacements[place]
        if name[0] not in roles or name in [before for _, before in update.replacements[:place]]:
            results.append((_OTHER, None))
        elif station.anchors.cell(*name) is None:
            results.append((_NOT_FOUND, None))
        else:
            results.append(_read(encoded, name[1], moment))
    return results


def root_place(update):
    """Return the place of the root among an update's replacements, as a range; an empty one when it has none."""
    for place, (_, name) in enumerate(update.replacements):
        if name == (ROOT, KEY_CERT_SIGN, MANAGEMENT):
            return range(place, place + 1)
    return range(0)


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
