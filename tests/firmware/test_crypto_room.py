"""The small things of the crypto room: key derivation, comparison, the choice of a back end."""

import sys
from hashlib import sha256

from cryptolib import aes

from smets.crypto.back_end import fastest
from smets.crypto.compare import equal
from smets.crypto.gcm import Gcm
from smets.crypto.kdf import shared_key


def test_kdf_takes_parts():
    z, info = bytes(range(32)), b"\x60\x85\x74\x06\x08\x03\x00" + bytes(26)
    wanted = sha256(b"\x00\x00\x00\x01" + z + info).digest()[:16]
    assert shared_key(z, info) == wanted
    assert shared_key(z, info[:7], memoryview(info)[7:]) == wanted


def test_equal():
    assert equal(b"", b"") and equal(b"abc", bytearray(b"abc")) and equal(memoryview(b"abc"), b"abc")
    assert not equal(b"abc", b"abd") and not equal(b"abc", b"bbc")
    assert not equal(b"abc", b"ab") and not equal(b"", b"\x00")


def test_fastest_skips_what_does_not_load():
    assert fastest(("smets.crypto.not_here", "smets.crypto.kdf")) is sys.modules["smets.crypto.kdf"]
    try:
        fastest(("smets.crypto.not_here",))
    except ImportError:
        return
    raise AssertionError("nothing to choose from")


def test_aes_of_fips_197():
    key, plain = bytes(range(16)), bytes.fromhex("00112233445566778899aabbccddeeff")
    cipher = bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a")
    assert aes(key, 1).encrypt(plain) == cipher and aes(key, 1).decrypt(cipher) == plain
    buffer = bytearray(plain + plain)
    aes(key, 1).encrypt(buffer, buffer)
    assert buffer == cipher + cipher


def test_keys_stay_out_of_reprs():
    key = bytes(range(0x41, 0x51))
    gcm = Gcm(key)
    gcm.start(bytes(12))
    for text in (repr(gcm), str(gcm)):
        assert "ABCD" not in text and "41424344" not in text
