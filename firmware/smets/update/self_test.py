"""What a slot's firmware has to pass before it is trusted: its own files, cryptography by known answers, and the store.

Loaded after a start on trial only. That the firmware came so far, with its tables open and its meter's state restored,
is the first half of the test; a start that does not get here uses up one of the trial's few.
"""

from binascii import unhexlify
from hashlib import sha256

from micropython import const

from smets.crypto import p256
from smets.crypto.gcm import LONG_TAG_BYTES, Gcm

_PUBLIC = const(
    b"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    b"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
_SIGNATURE = const(
    b"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    b"f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
)
"""Over "sample" (RFC 6979 A.2.5)."""
_SEALED = const(b"0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf")
"""16 bytes 00 under a key and an IV of 00, and the tag (McGrew and Viega, test case 2)."""
_PROBE = const("update/self_test")


class SelfTestFailed(Exception):
    """The firmware must not be used; the text says which test failed."""


def check_slot(slots, slot):
    """Raise SelfTestFailed unless the files of a slot are, to the last byte, the image that was verified."""
    try:
        same = slots.image(slot).digest() == slots.hash_of(slot)
    except (OSError, ValueError):
        same = False
    if not same:
        raise SelfTestFailed("the files are not those of the image")


def check_cryptography():
    """Raise SelfTestFailed unless SHA-256, ECDSA and AES-GCM give the known answers."""
    digest, public, signature = sha256(b"sample").digest(), unhexlify(_PUBLIC), unhexlify(_SIGNATURE)
    if not p256.verify(public, digest, signature) or p256.verify(public, sha256(b"other").digest(), signature):
        raise SelfTestFailed("ECDSA gives another answer")
    text = bytearray(16)
    tag = Gcm(bytes(16)).seal(bytes(12), b"", text, LONG_TAG_BYTES)
    if bytes(text) + tag != unhexlify(_SEALED):
        raise SelfTestFailed("AES-GCM gives another answer")


def check_store(journal):
    """Raise SelfTestFailed unless the store keeps what it is given."""
    try:
        journal.put(_PROBE, b"\x55\xaa")
        kept = journal.get(_PROBE)
        journal.delete(_PROBE)
    except (OSError, ValueError):
        kept = None
    if kept != b"\x55\xaa":
        raise SelfTestFailed("the store does not keep what it is given")
