"""Requests for a device's certificate (PKCS #10, RFC 2986, in GBCS 12.3's profile): signed by their own key.

The subject is empty. The key usage and the device's EUI, as a hardwareModuleName, are asked for as extensions.
"""

from hashlib import sha256

from micropython import const

from smets.trust import der
from smets.trust.cells import DIGITAL_SIGNATURE

_VERSION_AND_SUBJECT = const(b"\x02\x01\x00\x30\x00")
_P256 = const(b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")
_ECDSA_SHA256 = const(b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02")
_EXTENSION_REQUEST = const(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e")
_KEY_USAGE = const(b"\x06\x03\x55\x1d\x0f\x01\x01\xff")
_ALTERNATIVE_NAME = const(b"\x06\x03\x55\x1d\x11\x01\x01\xff")
"""Extensions' names, each with `critical` behind it."""
_HARDWARE_MODULE = const(b"\x06\x08\x2b\x06\x01\x05\x05\x07\x08\x04")
_HARDWARE_TYPE = const(b"\x06\x0d\x2a\x86\x3a\x00\x01\x84\x8f\xb9\x0f\x01\x02\x02\x01")
_TAG_ATTRIBUTES = const(0xA0)
_TAG_OTHER_NAME = const(0xA0)


def encode_request(eui, usage, public_key, sign):
    """Return the request (DER) of the device `eui` for a key (X||Y); `sign(digest)` gives that key's r||s."""
    key = der.encode_shortest(der.SEQUENCE, _P256, der.encode_shortest(der.BIT_STRING, b"\x00\x04", public_key))
    body = der.encode_shortest(der.SEQUENCE, _VERSION_AND_SUBJECT, key, _attributes(eui, usage))
    signature = der.encode_shortest(der.BIT_STRING, b"\x00", _signature(sign(sha256(body).digest())))
    return der.encode_shortest(der.SEQUENCE, body, _ECDSA_SHA256, signature)


def _attributes(eui, usage):
    bits = b"\x03\x02\x07\x80" if usage == DIGITAL_SIGNATURE else b"\x03\x02\x03\x08"
    module = der.encode(der.SEQUENCE, _HARDWARE_TYPE, der.encode(der.OCTET_STRING, eui))
    name = der.encode(_TAG_OTHER_NAME, _HARDWARE_MODULE, der.encode(_TAG_OTHER_NAME, module))
    extensions = der.encode(
        der.SEQUENCE, _extension(_KEY_USAGE, bits), _extension(_ALTERNATIVE_NAME, der.encode(der.SEQUENCE, name))
    )
    return der.encode(_TAG_ATTRIBUTES, der.encode(der.SEQUENCE, _EXTENSION_REQUEST, der.encode(der.SET, extensions)))


def _extension(name, value):
    return der.encode(der.SEQUENCE, name, der.encode(der.OCTET_STRING, value))


def _signature(raw):
    return der.encode(der.SEQUENCE, _integer(raw[:32]), _integer(raw[32:]))


def _integer(number):
    number = number.lstrip(b"\x00")
    return der.encode(der.INTEGER, (b"\x00" if number[0] & 0x80 else b"") + number)
