"""Certificates of GBCS's profile, made with keys that the tests name by a number."""

from hashlib import sha256

from smets.crypto import p256
from smets.trust import der
from smets.trust.cells import DIGITAL_SIGNATURE, KEY_AGREEMENT, KEY_CERT_SIGN

_ECDSA = der.encode(der.SEQUENCE, b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02")
_P256 = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
_SET = 0x31
_UTF8 = 0x0C


def private(number):
    """Return the private key that a test calls by this number."""
    return sha256(b"private key %d" % number).digest()


ISSUER = private(1)
ISSUER_PUBLIC = p256.public_key(ISSUER)


def make_certificate(eui, role, usage, key=None, public=None, signer=ISSUER, authority=None, contingency=None):
    """Return a certificate (DER) signed by ISSUER: an organisation's with `role`, a device's without.

    `signer` is another issuer's private key, `authority` the key identifier of the issuer that it names, `contingency`
    a root's wrapped contingency key.
    """
    public = public or p256.public_key(key)
    body = der.encode_shortest(
        der.SEQUENCE,
        b"\xa0\x03\x02\x01\x02\x02\x01\x01",
        _ECDSA,
        _name(b"07", None),
        der.encode(der.SEQUENCE, der.encode(0x17, b"200101000000Z"), der.encode(0x18, b"99991231235959Z")),
        _name(b"%02x" % role, eui) if role is not None else b"\x30\x00",
        der.encode(der.SEQUENCE, _P256, der.encode(der.BIT_STRING, b"\x00\x04", public)),
        der.encode_shortest(
            0xA3,
            der.encode_shortest(
                der.SEQUENCE, *_extensions(usage, public, None if role is not None else eui, authority, contingency)
            ),
        ),
    )
    signature = p256.sign(signer, sha256(body).digest())
    numbers = [_integer(signature[:32]), _integer(signature[32:])]
    value = der.encode(der.BIT_STRING, b"\x00", der.encode(der.SEQUENCE, *numbers))
    return der.encode_shortest(der.SEQUENCE, body, _ECDSA, value)


def _integer(number):
    number = number.lstrip(b"\x00")
    return der.encode(der.INTEGER, (b"\x00" if number[0] & 0x80 else b"") + number)


def _name(unit, eui):
    parts = [_attribute(b"\x55\x04\x0b", der.encode(_UTF8, unit))]
    if eui:
        parts.append(_attribute(b"\x55\x04\x2d", der.encode(der.BIT_STRING, b"\x00", eui)))
    return der.encode(der.SEQUENCE, *parts)


def _attribute(oid, value):
    return der.encode(_SET, der.encode(der.SEQUENCE, der.encode(der.OBJECT_IDENTIFIER, oid), value))


def _extensions(usage, public, serial, authority, contingency):
    bits = {DIGITAL_SIGNATURE: b"\x07\x80", KEY_AGREEMENT: b"\x03\x08", KEY_CERT_SIGN: b"\x02\x04"}[usage]
    yield _extension(b"\x55\x1d\x0f", der.encode(der.BIT_STRING, bits))
    yield _extension(b"\x55\x1d\x0e", der.encode(der.OCTET_STRING, sha256(public).digest()[:8]))
    if authority:
        yield _extension(b"\x55\x1d\x23", der.encode(der.SEQUENCE, der.encode(0x80, authority)))
    if serial:
        kind = der.encode(der.OBJECT_IDENTIFIER, b"\x2a\x03")
        hardware = der.encode(der.SEQUENCE, kind, der.encode(der.OCTET_STRING, serial))
        name = der.encode(der.OBJECT_IDENTIFIER, b"\x2b\x06\x01\x05\x05\x07\x08\x04")
        yield _extension(b"\x55\x1d\x11", der.encode(der.SEQUENCE, der.encode(0xA0, name, der.encode(0xA0, hardware))))
    if contingency:
        yield _extension(b"\x2b\x06\x01\x05\x05\x07\x01\x14", contingency)


def _extension(oid, value):
    critical = der.encode(der.BOOLEAN, b"\xff")
    return der.encode(
        der.SEQUENCE, der.encode(der.OBJECT_IDENTIFIER, oid), critical, der.encode(der.OCTET_STRING, value)
    )
