"""CS02c, CS02d and CS02e: the device's own keys made anew, their certificate taken, and shown (GBCS 13.4 to 13.6).

| use case | command | response |
|---|---|---|
| CS02c issue | SEQUENCE { key usage } | a certification request for a new pair, or INTEGER |
| CS02d update | certificate | INTEGER; on success the new pair is in use, and signs this very answer |
| CS02e provide | SEQUENCE { key usage } | the certificate, or INTEGER |
"""

from micropython import const

from smets.message import cell_names
from smets.on_demand import fetch
from smets.trust import der
from smets.trust.cells import DIGITAL_SIGNATURE, KEY_AGREEMENT
from smets.trust.own_certificates import own_certificate, own_certificate_pair

_UPDATE = const(1)
_PROVIDE = const(2)
"""Forms of the service; 0 is to issue."""

_SUCCESS = const(0)
_INVALID_USAGE = const(1)
_GENERATION_FAILED = const(2)
_REQUEST_FAILED = const(3)
_NONE_HELD = const(2)
_RETRIEVAL_FAILED = const(3)
"""Response codes of issuing, then of providing."""

_INVALID_CERTIFICATE = const(1)
_WRONG_IDENTITY = const(2)
_WRONG_USAGE = const(3)
_NO_WAITING_KEY = const(4)
_WRONG_KEY = const(5)
_STORING_FAILED = const(6)
_CHANGE_FAILED = const(7)
"""Response codes of updating."""

_GENERATE_KEY_PAIR = const(4)
_GENERATE_REQUEST = const(5)
_IMPORT_CERTIFICATE = const(6)
_EXPORT_CERTIFICATE = const(7)
"""Methods of the security setup, by which the bench names what is to fail."""

_USAGES = (DIGITAL_SIGNATURE, KEY_AGREEMENT)
_REPLACED = {DIGITAL_SIGNATURE: (0x8F4D, 0x8F4C), KEY_AGREEMENT: (0x8F4F, 0x8F4E)}
"""Events of a replacement of the device's own certificate that succeeded or failed, by its key usage."""


def answer(command, use_case, cell, station, sink):
    """Write the response; return False when the payload is not of this use case's shape."""
    view = command.payload
    if use_case.form == _UPDATE:
        sink.write(der.encode_unsigned(der.INTEGER, _update(view, station)))
        return True
    try:
        usage = _read_usage(view)
    except der.DerError:
        return False
    result = _INVALID_USAGE
    if usage in _USAGES:
        result = (_provide if use_case.form == _PROVIDE else _issue)(usage, station)
    sink.write(der.encode_unsigned(der.INTEGER, result) if isinstance(result, int) else result)
    return True


def _read_usage(view):
    """Return the key usage that a command names, None for one that there is not."""
    start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
    first, last = der.expect(view, start, stop, der.BIT_STRING)
    if stop != len(view) or last != stop:
        raise der.DerError("no key usage")
    try:
        return cell_names.decode_usage(bytes(view[first:last]))
    except der.DerError:
        return None


def _issue(usage, station):
    """Make a new pair and return the request for its certificate, or a response code."""
    try:
        if station.fails(_GENERATE_KEY_PAIR):
            return _GENERATION_FAILED
        public_key = station.keys.renew(usage)
    except OSError:
        return _GENERATION_FAILED
    if station.fails(_GENERATE_REQUEST):
        return _REQUEST_FAILED
    encode_request = fetch("smets.trust.certification_request", "encode_request")
    return encode_request(station.eui, usage, public_key, lambda digest: station.keys.sign_waiting(usage, digest))


def _update(view, station):
    """Take a certificate and the pair that it is for into use; return the response code."""
    try:
        certificate = fetch("smets.trust.certificate", "Certificate")(view)
    except ValueError:  # CertificateError, of a module that is gone
        return _INVALID_CERTIFICATE
    if certificate.usage not in _USAGES:
        return _WRONG_USAGE
    code = _judge(certificate, station) or _adopt(certificate.usage, bytes(view), station)
    station.report(_REPLACED[certificate.usage][code != _SUCCESS])
    return code


def _judge(certificate, station):
    if certificate.eui != station.eui or certificate.role is not None:
        return _WRONG_IDENTITY
    waiting = station.keys.waiting(certificate.usage)
    if waiting is None:
        return _NO_WAITING_KEY
    return _SUCCESS if certificate.public_key == waiting else _WRONG_KEY


def _adopt(usage, encoded, station):
    """Put the waiting pair and its certificate in the place of those in use, with all secrets agreed with the old."""
    if station.fails(_IMPORT_CERTIFICATE):
        return _STORING_FAILED
    pairs = station.keys.adoption(usage) + [own_certificate_pair(usage, encoded)]
    try:
        if usage == KEY_AGREEMENT:
            station.anchors.forget_secrets(pairs)
        else:
            station.journal.put_many(pairs)
    except OSError:
        return _CHANGE_FAILED
    return _SUCCESS


def _provide(usage, station):
    """Return the device's certificate, or a response code."""
    if station.fails(_EXPORT_CERTIFICATE):
        return _RETRIEVAL_FAILED
    return own_certificate(station.journal, usage) or _NONE_HELD
