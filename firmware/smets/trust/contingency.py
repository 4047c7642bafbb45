"""The contingency key: a public key in the root's certificate that nobody can read until it is needed (RFC 5934 9).

    id-pe-wrappedApexContinKey, 1.3.6.1.5.5.7.1.20:
    ApexContingencyKey ::= SEQUENCE { wrapAlgorithm AlgorithmIdentifier, wrappedContinPubKey OCTET STRING }

What is wrapped is a SubjectPublicKeyInfo, and the symmetric key comes with the command that the contingency key signs.
The certificate names the algorithm. Those for keys of 128 and 256 bits are carried out: key wrap with padding, CBC with
its IV as parameter, and GCM with RFC 5084's parameters and the tag behind the cipher text. AES-192 is not, for boards
have none, nor is key wrap without padding, into which a P-256 key's 91 bytes do not go.
"""

from micropython import const

from smets.crypto import key_wrap, p256
from smets.trust import der

_AES = const(b"\x60\x86\x48\x01\x65\x03\x04\x01")
"""NIST's arc of AES algorithms, 2.16.840.1.101.3.4.1; the last number says mode and size of the key."""
_SIZES = {0: 16, 40: 32}
"""Bytes of a key by what its size adds to the mode's number."""
_MODES = const(40)
_CBC = const(2)
_GCM = const(6)
_WRAP_PAD = const(8)
_GCM_TAG_BYTES = const(12)

_PUBLIC_KEY = const(
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"
)
"""A SubjectPublicKeyInfo of P-256 up to its point; in DER there is one way to write it."""


def unwrap(wrapped, symmetric_key):
    """Return the public key (X||Y) in an ApexContingencyKey, or None when the symmetric key does not unwrap one."""
    view = memoryview(wrapped)
    try:
        plain = _decrypt(view, symmetric_key)
    except der.DerError:
        return None
    if plain is None or plain[: len(_PUBLIC_KEY)] != _PUBLIC_KEY:
        return None
    public_key = plain[len(_PUBLIC_KEY) :]
    return public_key if p256.is_valid_public(public_key) else None


def _decrypt(view, key):
    start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
    first, last = der.expect(view, start, stop, der.SEQUENCE)
    name, parameters = der.expect(view, first, last, der.OBJECT_IDENTIFIER)
    text, end = der.expect(view, last, stop, der.OCTET_STRING)
    number = view[parameters - 1]
    size = number // _MODES * _MODES
    if bytes(view[name : parameters - 1]) != _AES or _SIZES.get(size) != len(key) or end != len(view):
        return None
    return _decrypt_by(number - size, key, view[parameters:last], bytes(view[text:end]))


def _decrypt_by(mode, key, parameters, text):
    if mode == _WRAP_PAD:
        return key_wrap.unwrap_padded(key, text)
    if mode == _CBC:
        first, last = der.expect(parameters, 0, len(parameters), der.OCTET_STRING)
        return key_wrap.decrypt_cbc(key, bytes(parameters[first:last]), text)
    if mode == _GCM:
        return _decrypt_gcm(key, parameters, text)
    return None


def _decrypt_gcm(key, view, text):
    """Decrypt by RFC 5084's GCMParameters: SEQUENCE { nonce, [length of the tag, 12] }."""
    start, stop = der.expect(view, 0, len(view), der.SEQUENCE)
    first, last = der.expect(view, start, stop, der.OCTET_STRING)
    nonce, tag_bytes = bytes(view[first:last]), _GCM_TAG_BYTES
    if last < stop:
        tag_bytes = der.read_unsigned(view, *der.expect(view, last, stop, der.INTEGER))
    return key_wrap.decrypt_gcm(key, nonce, text, tag_bytes)
