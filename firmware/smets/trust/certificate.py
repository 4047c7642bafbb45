"""X.509 certificates as GBCS profiles them (SMETS organisation and device certificate policies).

Version 3, P-256 keys, ECDSA with SHA-256. An organisation's role stands in OU as two hexadecimal digits and its
EUI-64 in x500UniqueIdentifier; a device's EUI-64 stands in the subjectAltName's hardwareModuleName. Validity dates are
kept as they stand: GBCS has devices judge them only where a command asks for it.
"""

from micropython import const

from smets.crypto import p256
from smets.trust import der
from smets.trust.cells import DIGITAL_SIGNATURE, KEY_AGREEMENT, KEY_CERT_SIGN

MAX_CERTIFICATE = const(1024)
"""Longest certificate, bytes: the longest in the reference set is 452."""

MAX_KEY_IDENTIFIER = const(20)
"""Longest key identifier, bytes: a SHA-1 digest. GBCS's have 8."""

MAX_CONTINGENCY = const(256)
"""Longest wrapped contingency key, bytes: a P-256 key wrapped with padding has 121, with the algorithm's name."""

_ECDSA_SHA256 = const(b"\x2a\x86\x48\xce\x3d\x04\x03\x02")
_P256 = const(b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")
_UNIT = const(b"\x55\x04\x0b")
_UNIQUE_IDENTIFIER = const(b"\x55\x04\x2d")
_KEY_USAGE = const(b"\x55\x1d\x0f")
_KEY_IDENTIFIER = const(b"\x55\x1d\x0e")
_ALTERNATIVE_NAME = const(b"\x55\x1d\x11")
_AUTHORITY = const(b"\x55\x1d\x23")
_HARDWARE_MODULE = const(b"\x2b\x06\x01\x05\x05\x07\x08\x04")
_CONTINGENCY = const(b"\x2b\x06\x01\x05\x05\x07\x01\x14")

_VERSION_3 = const(b"\x02\x01\x02")
_TAG_VERSION = const(0xA0)
_TAG_EXTENSIONS = const(0xA3)
_TAG_OTHER_NAME = const(0xA0)
_TAG_AUTHORITY_KEY = const(0x80)
_UTC_TIME = const(0x17)


class CertificateError(ValueError):
    """The certificate does not have GBCS's profile."""


class Certificate:
    """What a device needs of one certificate: `eui` (8 bytes), `role` (int, None for a device), `usage`, `public_key`
    (X||Y, 64 bytes), `key_id` and `authority_key_id` (bytes), and of a root `contingency` (bytes, see contingency.py).

    Raises CertificateError when the profile is not met. Authorities may have no EUI: `eui` is eight zeros.
    """

    __slots__ = (
        "eui", "role", "usage", "public_key", "key_id", "authority_key_id", "contingency",
        "_signed", "_signature", "_from", "_until",
    )  # fmt: skip

    def __init__(self, encoded):
        self.eui = bytes(8)
        self.role = self.usage = self.key_id = self.authority_key_id = self.contingency = None
        if len(encoded) > MAX_CERTIFICATE:  # of a long command it would be in a file (store/kept_message.py)
            raise CertificateError("certificate too long")
        try:
            self._read(memoryview(encoded))
        except (der.DerError, StopIteration) as error:
            raise CertificateError("certificate: " + str(error))
        if self.usage is None or self.key_id is None or not p256.is_valid_public(self.public_key):
            raise CertificateError("certificate lacks a usable key, its usage or its identifier")

    def link(self):
        """Return what a cell keeps of this certificate and a chain needs: (EUI, public key, key identifier, wrapped
        contingency key or None, authority's key identifier, view of what is signed, signature)."""
        kept = self.eui, self.public_key, self.key_id, self.contingency
        return kept + (self.authority_key_id, self._signed, self._signature)

    def is_valid_at(self, moment):
        """Return whether a moment, `YYYYMMDDHHMMSS` as 14 digits, lies in the certificate's time."""
        return self._from <= moment <= self._until

    def _read(self, view):
        start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
        if stop != len(view):
            raise CertificateError("bytes after the certificate")
        body, body_end = der.expect(view, start, stop, der.SEQUENCE)
        self._signed = view[start:body_end]
        algorithm, algorithm_end = der.expect(view, body_end, stop, der.SEQUENCE)
        _expect_ecdsa(view, algorithm, algorithm_end)
        value, value_end = der.expect(view, algorithm_end, stop, der.BIT_STRING)
        self._signature = _raw_signature(view, value, value_end)
        if value_end != stop:
            raise CertificateError("bytes after the signature")
        self._read_body(view, der.children(view, body, body_end))

    def _read_body(self, view, fields):
        tag, start, stop = next(fields)
        if tag != _TAG_VERSION or bytes(view[start:stop]) != _VERSION_3:
            raise CertificateError("certificate is not version 3")
        next(fields)
        _, start, stop = next(fields)
        _expect_ecdsa(view, start, stop)
        next(fields)
        _, start, stop = next(fields)
        self._from, self._until = [_moment(view, *time) for time in der.children(view, start, stop)]
        _, start, stop = next(fields)
        self._read_subject(view, start, stop)
        _, start, stop = next(fields)
        self.public_key = _public_key(view, start, stop)
        tag, start, stop = next(fields)
        if tag != _TAG_EXTENSIONS:
            raise CertificateError("certificate has no extensions")
        start, stop = der.expect(view, start, stop, der.SEQUENCE)
        for _tag, first, last in der.children(view, start, stop):
            self._read_extension(view, first, last)

    def _read_subject(self, view, start, stop):
        for _tag, first, last in der.children(view, start, stop):
            first, last = der.expect(view, first, last, der.SEQUENCE)
            name, name_end = der.expect(view, first, last, der.OBJECT_IDENTIFIER)
            _, value, value_end = der.header(view, name_end, last)
            oid, content = bytes(view[name:name_end]), bytes(view[value:value_end])
            if oid == _UNIT:
                self.role = _role(content)
            elif oid == _UNIQUE_IDENTIFIER:
                if len(content) != 9 or content[0]:
                    raise CertificateError("unique identifier is not an EUI-64")
                self.eui = content[1:]

    def _read_extension(self, view, start, stop):
        name, name_end = der.expect(view, start, stop, der.OBJECT_IDENTIFIER)
        tag, value, value_end = der.header(view, name_end, stop)
        if tag == der.BOOLEAN:
            tag, value, value_end = der.header(view, value_end, stop)
        if tag != der.OCTET_STRING:
            raise CertificateError("extension without a value")
        reader = _EXTENSIONS.get(bytes(view[name:name_end]))
        if reader:
            reader(self, view, value, value_end)

    def _read_usage(self, view, start, stop):
        start, stop = der.expect(view, start, stop, der.BIT_STRING)
        bits = bytes(view[start:stop])
        self.usage = {b"\x07\x80": DIGITAL_SIGNATURE, b"\x03\x08": KEY_AGREEMENT}.get(bits)
        if self.usage is None and len(bits) >= 2 and bits[1] & 0x04:
            self.usage = KEY_CERT_SIGN

    def _read_key_id(self, view, start, stop):
        start, stop = der.expect(view, start, stop, der.OCTET_STRING)
        self.key_id = _identifier(view, start, stop)

    def _read_authority(self, view, start, stop):
        start, stop = der.expect(view, start, stop, der.SEQUENCE)
        for tag, first, last in der.children(view, start, stop):
            if tag == _TAG_AUTHORITY_KEY:
                self.authority_key_id = _identifier(view, first, last)

    def _read_contingency(self, view, start, stop):
        if stop - start > MAX_CONTINGENCY:
            raise CertificateError("wrapped contingency key too long")
        self.contingency = bytes(view[start:stop])

    def _read_alternative_name(self, view, start, stop):
        start, stop = der.expect(view, start, stop, der.SEQUENCE)
        start, stop = der.expect(view, start, stop, _TAG_OTHER_NAME)
        name, name_end = der.expect(view, start, stop, der.OBJECT_IDENTIFIER)
        if bytes(view[name:name_end]) != _HARDWARE_MODULE:
            return
        start, stop = der.expect(view, name_end, stop, _TAG_OTHER_NAME)
        start, stop = der.expect(view, start, stop, der.SEQUENCE)
        _, type_end = der.expect(view, start, stop, der.OBJECT_IDENTIFIER)
        start, stop = der.expect(view, type_end, stop, der.OCTET_STRING)
        if stop - start != 8:
            raise CertificateError("hardware serial number is not an EUI-64")
        self.eui = bytes(view[start:stop])


def agreement_key(encoded, eui):
    """Return the public key of a certificate when it is `eui`'s for key agreement, else None."""
    try:
        certificate = Certificate(encoded)
    except CertificateError:
        return None
    return certificate.public_key if certificate.eui == eui and certificate.usage == KEY_AGREEMENT else None


_EXTENSIONS = {
    _KEY_USAGE: Certificate._read_usage,
    _KEY_IDENTIFIER: Certificate._read_key_id,
    _AUTHORITY: Certificate._read_authority,
    _ALTERNATIVE_NAME: Certificate._read_alternative_name,
    _CONTINGENCY: Certificate._read_contingency,
}


def _expect_ecdsa(view, start, stop):
    start, end = der.expect(view, start, stop, der.OBJECT_IDENTIFIER)
    if end != stop or bytes(view[start:end]) != _ECDSA_SHA256:
        raise CertificateError("signature algorithm is not ECDSA with SHA-256")


def _public_key(view, start, stop):
    _, end = der.expect(view, start, stop, der.SEQUENCE)
    if bytes(view[start:end]) != _P256:
        raise CertificateError("key is not on P-256")
    start, end = der.expect(view, end, stop, der.BIT_STRING)
    if end != stop or end - start != 66 or bytes(view[start : start + 2]) != b"\x00\x04":
        raise CertificateError("key is not an uncompressed point")
    return bytes(view[start + 2 : end])


def _raw_signature(view, start, stop):
    if stop - start < 1 or view[start]:
        raise CertificateError("signature is not whole bytes")
    start, stop = der.expect(view, start + 1, stop, der.SEQUENCE)
    raw = b""
    for _, first, last in der.children(view, start, stop):
        while last - first > 32 and view[first] == 0:
            first += 1
        if last - first > 32:
            raise CertificateError("signature number too long")
        raw += bytes(32 - (last - first)) + bytes(view[first:last])
    if len(raw) != 64:
        raise CertificateError("signature is not two numbers")
    return raw


def _identifier(view, start, stop):
    if not 1 <= stop - start <= MAX_KEY_IDENTIFIER:
        raise CertificateError("key identifier outside limits")
    return bytes(view[start:stop])


def _moment(view, tag, start, stop):
    """Return UTCTime (RFC 5280: 50 to 99 are of the last century) or GeneralizedTime as 14 digits."""
    digits = bytes(view[start:stop])
    if tag == _UTC_TIME:
        digits = (b"19" if digits >= b"50" else b"20") + digits
    if len(digits) != 15 or digits[14] != 0x5A or not digits[:14].isdigit():
        raise CertificateError("validity is no time in UTC")
    return digits[:14]


def _role(content):
    try:
        return int(content, 16) if len(content) == 2 else None
    except ValueError:
        return None
