"""A root whose certificate wraps a contingency key, and the commands that its holder makes."""

from cryptolib import aes

from smets.crypto import p256
from smets.crypto.gcm import Gcm
from smets.trust import der

HOLDER = b"\x70\xb3\xd5\x1f\x30\x00\x17\xff"
"""The EUI that the reference's contingency command bore; no cell has it."""
AES = b"\x60\x86\x48\x01\x65\x03\x04\x01"
CBC, GCM, WRAP_PAD = 2, 6, 8
IV = bytes(range(100, 116))
PUBLIC_KEY = (
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"
)


def apex_contingency_key(number, parameters, wrapped):
    """Return the extension's value for the algorithm that NIST's AES arc numbers so; no parameters when empty."""
    algorithm = der.encode(der.SEQUENCE, der.encode(der.OBJECT_IDENTIFIER, AES, bytes((number,))), parameters)
    return der.encode_shortest(der.SEQUENCE, algorithm, der.encode(der.OCTET_STRING, wrapped))


def wrapped_key(private, symmetric_key, mode=WRAP_PAD):
    """Return the extension's value with the public key of `private` wrapped by one of the modes."""
    plain = PUBLIC_KEY + p256.public_key(private)
    number = mode + (0 if len(symmetric_key) == 16 else 40)
    if mode == WRAP_PAD:
        return apex_contingency_key(number, b"", wrap_padded(symmetric_key, plain))
    if mode == CBC:
        return apex_contingency_key(number, der.encode(der.OCTET_STRING, IV), _encrypt_cbc(symmetric_key, plain))
    text = bytearray(plain)
    tag = Gcm(symmetric_key).seal(IV[:12], b"", text)
    parameters = der.encode(der.SEQUENCE, der.encode(der.OCTET_STRING, IV[:12]))
    return apex_contingency_key(number, parameters, bytes(text) + tag)


def wrap_padded(key, plain):
    """Wrap as RFC 5649 4.1 says, for more than 8 bytes."""
    text = b"\xa6\x59\x59\xa6" + len(plain).to_bytes(4, "big") + plain + bytes(-len(plain) % 8)
    half_blocks = [text[place : place + 8] for place in range(0, len(text), 8)]
    cipher, step = aes(key, 1), 0
    for _ in range(6):
        for place in range(1, len(half_blocks)):
            step += 1
            block = cipher.encrypt(half_blocks[0] + half_blocks[place])
            half_blocks[0] = (int.from_bytes(block[:8], "big") ^ step).to_bytes(8, "big")
            half_blocks[place] = block[8:]
    return b"".join(half_blocks)


def _encrypt_cbc(key, plain):
    size = 16 - len(plain) % 16
    plain += bytes((size,)) * size
    cipher, last, text = aes(key, 1), IV, b""
    for place in range(0, len(plain), 16):
        mixed = int.from_bytes(last, "big") ^ int.from_bytes(plain[place : place + 16], "big")
        last = cipher.encrypt(mixed.to_bytes(16, "big"))
        text += last
    return text
