"""Keys wrapped by AES, unwrapped: key wrap with padding (RFC 5649, SP 800-38F KWP), CBC (RFC 3565) and GCM (RFC 5084).

Keys have 16 or 32 bytes, as `cryptolib` takes them. What is wrapped may be any bytes; it is not long.
"""

from cryptolib import aes
from micropython import const

from smets.crypto.compare import equal
from smets.crypto.gcm import IV_BYTES, Gcm

_ECB = const(1)
_BLOCK = const(16)
_HALF = const(8)
_ROUNDS = const(6)
_PADDED = const(b"\xa6\x59\x59\xa6")
"""The first half of RFC 5649's alternative initial value; the length of what is wrapped is the other."""


def unwrap_padded(key, wrapped):
    """Return what key wrap with padding wrapped, or None when this is not the key or `wrapped` was altered."""
    if len(wrapped) < 2 * _HALF or len(wrapped) % _HALF:
        return None
    cipher, text = aes(key, _ECB), bytearray(wrapped)
    count = len(text) // _HALF - 1
    if count == 1:
        return _without_padding(cipher.decrypt(text), _HALF)
    _unwrap(cipher, text, count)
    return _without_padding(text, count * _HALF)


def decrypt_cbc(key, iv, text):
    """Return what AES-CBC encrypted, or None when its padding (PKCS #7) is wrong. CBC finds no other alteration."""
    if len(iv) != _BLOCK or not text or len(text) % _BLOCK:
        return None
    plain = bytearray(aes(key, _ECB).decrypt(text))
    for place in range(len(plain)):
        plain[place] ^= text[place - _BLOCK] if place >= _BLOCK else iv[place]
    size = plain[-1]
    if not 0 < size <= _BLOCK or plain[-size:] != bytes([size]) * size:
        return None
    return bytes(plain[:-size])


def decrypt_gcm(key, iv, text, tag_bytes):
    """Return what AES-GCM encrypted, its tag of 12 or 16 bytes behind it, or None when the tag is wrong."""
    if len(iv) != IV_BYTES or len(text) <= tag_bytes:
        return None
    plain = bytearray(text[:-tag_bytes])
    return bytes(plain) if Gcm(key).open(iv, b"", plain, text[-tag_bytes:]) else None


def _unwrap(cipher, text, count):
    """Undo RFC 3394's rounds in place: an initial value and `count` half blocks."""
    for step in range(_ROUNDS * count, 0, -1):
        place = ((step - 1) % count + 1) * _HALF
        number = int.from_bytes(text[:_HALF], "big") ^ step
        block = cipher.decrypt(number.to_bytes(_HALF, "big") + text[place : place + _HALF])
        text[:_HALF], text[place : place + _HALF] = block[:_HALF], block[_HALF:]


def _without_padding(text, room):
    """Return what follows a right initial value, at most `room` bytes, without its padding; None else."""
    size = int.from_bytes(text[4:_HALF], "big")
    if not equal(text[:4], _PADDED) or not room - _HALF < size <= room:
        return None
    plain, padding = bytes(text[_HALF : _HALF + size]), bytes(text[_HALF + size :])
    return None if padding.strip(b"\x00") else plain
