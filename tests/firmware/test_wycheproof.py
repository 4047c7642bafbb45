"""Project Wycheproof's vectors for the device's P-256 and AES-GCM, in a stock Pico's heap."""
# heap: 250k

from hashlib import sha256

from smets.crypto import p256
from smets.crypto.gcm import Gcm
from tests.firmware.wycheproof import vectors

UNCOMPRESSED = 0x04


def scalar(text):
    """Return the private key of a vector, a number of any length, as our 32 bytes."""
    return int(text, 16).to_bytes(32, "big")


def shared_secret(private, encoded):
    """Return Z, or None when it is refused. We take X || Y: another encoding has no such form."""
    if encoded[:1] != bytes([UNCOMPRESSED]):
        return None
    try:
        return p256.ecdh(private, encoded[1:])
    except ValueError:
        return None


def test_ecdsa_p256_sha256():
    judged = 0
    for group, test in vectors("ecdsa_secp256r1_sha256_p1363_test.json"):
        public = bytes.fromhex(group["publicKey"]["uncompressed"])[1:]
        digest = sha256(bytes.fromhex(test["msg"])).digest()
        accepted = p256.verify(public, digest, bytes.fromhex(test["sig"]))
        assert accepted == (test["result"] == "valid"), test
        judged += 1
    assert judged == 262


def test_ecdh_p256():
    judged = {"valid": 0, "acceptable": 0, "invalid": 0}
    for _, test in vectors("ecdh_secp256r1_ecpoint_test.json"):
        encoded = bytes.fromhex(test["public"])
        z = shared_secret(scalar(test["private"]), encoded)
        wanted = bytes.fromhex(test["shared"]) if test["result"] == "valid" else None
        assert z == wanted, test
        judged[test["result"]] += 1
    assert judged == {"valid": 330, "acceptable": 1, "invalid": 24}  # the acceptable one is a compressed point


def test_ecdh_refuses_other_lengths():
    for _, test in vectors("ecdh_secp256r1_ecpoint_test.json"):
        encoded = bytes.fromhex(test["public"])
        if len(encoded) != 65:
            assert not p256.is_valid_public(encoded) and not p256.is_valid_public(encoded[1:]), test


def test_gcm():
    judged = {"valid": 0, "invalid": 0}
    for group, test in vectors("aes_gcm_test.json"):
        if group["keySize"] != 128 or group["ivSize"] != 96 or group["tagSize"] not in (96, 128):
            continue
        check_gcm(test)
        judged[test["result"]] += 1
    assert judged == {"valid": 40, "invalid": 27}


def check_gcm(test):
    key, iv, aad, message, cipher, tag = [
        bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
    ]
    gcm = Gcm(key)
    buffer = bytearray(cipher)
    opened = gcm.open(iv, aad, buffer, tag)
    assert opened == (test["result"] == "valid"), test
    assert buffer == (message if opened else cipher), test
    if opened:
        buffer = bytearray(message)
        assert gcm.seal(iv, aad, buffer, 16) == tag and buffer == cipher, test
        buffer = bytearray(cipher)
        assert gcm.open(iv, aad, buffer, tag[:12]) and buffer == message, test


def test_gcm_refuses_other_iv_lengths():
    refused = 0
    for group, test in vectors("aes_gcm_test.json"):
        if group["keySize"] == 128 and group["ivSize"] != 96:
            try:
                Gcm(bytes.fromhex(test["key"])).tag(bytes.fromhex(test["iv"]))
            except ValueError:
                refused += 1
            else:
                raise AssertionError(test)
    assert refused == 41
