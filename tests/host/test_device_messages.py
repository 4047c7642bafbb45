"""The reference commands at the device's own code: accepted once and as they are, refused in any other form."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from opensmets.layouts import envelope
from opensmets.security.protection import add_mac, verify
from smets.message.utrn import UtrnChecker
from smets.trust.cells import TrustAnchors
from smets.trust.certificate import DIGITAL_SIGNATURE, KEY_AGREEMENT, Certificate
from tests.firmware.memory_journal import MemoryJournal
from tests.host.device_in_process import TIME_S, Home, make_home, point_of
from tests.reference import REFERENCE, needs_reference

pytestmark = needs_reference

SUPPLIER = bytes.fromhex("90b3d51f30010000")
OPERATOR = bytes.fromhex("90b3d51f30020000")
DEVICE = bytes.fromhex("00db1234567890a0")
ECS = (
    "4.1.1_ECS17b", "4.10_ECS23", "7.4_ECS45", "7.1_ECS42", "7.2_ECS43", "7.3_ECS44", "11.2_ECS52", "6.11_ECS70",
    "8.1.1_ECS70Commission", "6.12_ECS34", "6.4.1_ECS28a", "3.1_ECS10", "6.13_ECS35a", "6.13_ECS35b", "2.2_CS01a",
    "6.24.1_CS02aMAC", "4.14_ECS21b",
)  # fmt: skip
#: One command of each protection: MAC alone, signature and MAC, MAC with a party's certificate.
KINDS = ("7.4_ECS45/ECS45_7.4_SUCCESS", "7.2_ECS43/ECS43_7.2_SUCCESS", "4.14_ECS21b/ECS21b_4.14_URP_SUCCESS")
MALFORMED, NO_AUTHORITY, NOT_AUTHENTIC = 0x8F1E, 0x8F30, 0x8F3D


def read(name: str) -> bytes:
    assert REFERENCE is not None
    return bytes.fromhex((REFERENCE / "rtds/messages" / f"{name}_COMMAND_GBCS.HEX").read_text())


def commands() -> list[str]:
    if REFERENCE is None:
        return []
    root = REFERENCE / "rtds/messages"
    files = [file for folder in ECS for file in sorted((root / folder).glob("*_COMMAND_GBCS.HEX"))]
    files = [file for file in files if not file.name.endswith("_PRECOMMAND_GBCS.HEX")]
    return [f"{file.parent.name}/{file.name.removesuffix('_COMMAND_GBCS.HEX')}" for file in files]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    assert REFERENCE is not None
    return make_home(REFERENCE, tmp_path, DEVICE)


@pytest.mark.parametrize("name", commands())
def test_accepted_once(tmp_path: Path, name: str) -> None:
    assert REFERENCE is not None
    octets = read(name)
    sent = envelope.decode(octets)
    home = make_home(REFERENCE, tmp_path, sent.recipient)
    home.device.send(1, TIME_S.to_bytes(4, "big") + b"\x00")
    command = home.protected(octets)
    response = home.device.ask(command)[0]
    assert (response.cra_flag, response.message_code) == (2, sent.message_code)
    assert (response.counter, response.recipient) == (sent.counter, sent.originator)
    verdict = verify(response, home.keystore)
    assert verdict.authentic and not verdict.why, verdict
    before = home.device.state()
    for _ in range(2):
        (alert,) = home.device.ask(command)
        assert (
            alert.payload[8:11] == b"\x12" + struct.pack(">H", NOT_AUTHENTIC) and verify(alert, home.keystore).authentic
        )
        assert home.device.state() == before
        home.restart()


def refusals(home: Home) -> dict[int, int]:
    return home.device.esme.handler.refused


@pytest.mark.parametrize("name", KINDS)
def test_every_octet_around_the_payload_counts(home: Home, name: str) -> None:
    command = home.protected(read(name))
    parsed = envelope.decode(command)
    start = command.index(parsed.payload)
    end, before = start + len(parsed.payload), home.device.state()
    recipient = range(command.index(b"\x08" + DEVICE) + 1, command.index(b"\x08" + DEVICE) + 9)
    for place in [*range(start), *range(end, len(command))]:
        flipped = bytearray(command)
        flipped[place] ^= 1 << place % 8
        count = sum(refusals(home).values())
        assert all(message.cra_flag == 3 for message in home.device.ask(bytes(flipped)))
        assert sum(refusals(home).values()) == count + (place not in recipient), place
    assert home.device.state() == before
    assert home.device.ask(command)[0].cra_flag == 2


@pytest.mark.parametrize("name", KINDS)
def test_cut_and_flipped_payload(home: Home, name: str) -> None:
    command = home.protected(read(name))
    parsed, before = envelope.decode(command), home.device.state()
    start = command.index(parsed.payload)
    for size in range(len(command)):
        home.device.ask(command[:size])
    home.device.ask(command + b"\x00")
    assert refusals(home) == {MALFORMED: len(command) + 1}
    places = range(start, start + len(parsed.payload), 1 if len(command) < 300 else 3)  # certificates are long
    for place in places:
        flipped = bytearray(command)
        flipped[place] ^= 1 << place % 8
        home.device.ask(bytes(flipped))
    assert refusals(home)[NOT_AUTHENTIC] == len(places)
    assert home.device.state() == before
    assert home.device.ask(command)[0].cra_flag == 2


def test_signature_of_another_party_with_a_good_mac(home: Home) -> None:
    message, before = envelope.decode(read(KINDS[1])), home.device.state()
    for signature in (bytes(64), bytes(63) + b"\x01", message.signature[32:] + message.signature[:32]):
        forged = add_mac(replace(message, signature=signature, raw=b""), home.keystore)
        home.device.ask(envelope.encode(replace(forged, raw=b"")))
    assert refusals(home) == {NOT_AUTHENTIC: 3} and home.device.state() == before


def test_party_without_the_role(home: Home) -> None:
    message, before = envelope.decode(read(KINDS[1])), home.device.state()
    for party in (OPERATOR, bytes.fromhex("90b3d51f30030000"), bytes.fromhex("90b3d51f30000002"), DEVICE):
        other = replace(message, originator=party, raw=b"")
        (alert, *_) = home.device.ask(envelope.encode(replace(add_mac_or_none(other, home), raw=b"")))
        assert alert.payload[8:11] == b"\x12" + struct.pack(">H", NO_AUTHORITY)
    assert refusals(home) == {NO_AUTHORITY: 4} and home.device.state() == before


def add_mac_or_none(message: envelope.Message, home: Home) -> envelope.Message:
    """Authority is judged before the MAC, so a party that the key store cannot MAC for may keep the old one."""
    try:
        return add_mac(message, home.keystore)
    except Exception as error:  # noqa: BLE001 - whatever the host makes of a nonsensical originator
        assert message.mac, error
        return message


def test_every_certificate_of_the_reference_is_read() -> None:
    assert REFERENCE is not None
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    count = 0
    for file in sorted((REFERENCE / "rtds/keystore").glob("*.pem")):
        if not file.read_bytes().startswith(b"-----BEGIN CERTIFICATE"):
            continue
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
        found = Certificate(certificate.public_bytes(serialization.Encoding.DER))
        point = certificate.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        key_id = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        assert (found.public_key, found.key_id) == (point[1:], key_id)
        assert found.usage == (DIGITAL_SIGNATURE if "-ds" in file.name else KEY_AGREEMENT)
        if file.name != "90b3d51f30000007-ka.pem":  # a copy of the second supplier's
            assert found.eui.hex() == file.name[:16]
        count += 1
    assert count > 400


class _AsThePartySeesIt:
    """Stands in for a device's keys: the secret of the reference device, worked out from the supplier's side."""

    def __init__(self, home: Home, device_point: bytes) -> None:
        self._home, self._device_point = home, device_point

    def agree(self, public_key: bytes) -> bytes:
        from smets.crypto import p256

        private = self._home.keystore.private_key(SUPPLIER, "pp-ka").private_numbers().private_value
        return bytes(p256.ecdh(private.to_bytes(32, "big"), self._device_point))


def test_reference_tokens(home: Home) -> None:
    assert REFERENCE is not None
    from opensmets.security.keystore import KeyStore

    reference = KeyStore.open(REFERENCE / "rtds/keystore")
    journal = MemoryJournal()
    anchors = TrustAnchors(journal, _AsThePartySeesIt(home, point_of(reference, DEVICE, "ka")))
    from cryptography.hazmat.primitives import serialization

    top_up = reference.certificate(SUPPLIER, "pp-ka").public_bytes(serialization.Encoding.DER)
    anchors.place(2, KEY_AGREEMENT, 1, Certificate(top_up))
    for kind in ("SUCCESS", "ERROR"):
        message = envelope.decode(read(f"2.2_CS01a/CS01a_2.2_{kind}"))
        token = message.payload[-20:]
        refusal, amount_pence, number = UtrnChecker(journal, anchors, DEVICE).check(token, False, TIME_S)
        assert (refusal, number) == (0, message.counter >> 32) and amount_pence > 0
        wrong = UtrnChecker(journal, anchors, bytes(8)).check(token, False, TIME_S)
        assert wrong == (0x8F63, 0, 0)
