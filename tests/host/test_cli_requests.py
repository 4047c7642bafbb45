"""Request documents at the command line: the road in steps, and every document that `smets send` refuses to send.

Where a port is needed nobody answers at it: a refused document must not get that far.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from opensmets.duis import xml_signature
from opensmets.duis.compose import Address, compose, compose_signed_pre_command
from opensmets.duis.document import read_request
from opensmets.layouts import envelope
from opensmets.security import pki
from opensmets.security.counters import Counters
from opensmets.security.keystore import KeyStore
from opensmets.security.protection import verify
from tests.command import Outcome, silent_port, smets
from tests.reference import REFERENCE, needs_reference

SUPPLIER = bytes.fromhex("90b3d51f30010000")
OPERATOR = bytes.fromhex("90b3d51f30020000")
DEVICE = bytes.fromhex("00db1234567890a0")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key store that also has a meter's keys."""
    from cryptography.hazmat.primitives.asymmetric import ec

    folder = tmp_path_factory.mktemp("requests") / "keys"
    store = pki.init(folder)
    for usage in ("ds", "ka"):
        pki.issue_device_certificate(store, ec.generate_private_key(ec.SECP256R1()).public_key(), DEVICE, usage)
    return folder


@pytest.fixture
def keys(made: Path, tmp_path: Path) -> Path:
    """A copy of it, so that every test has its own counters."""
    return Path(shutil.copytree(made, tmp_path / "keys"))


@pytest.fixture
def port() -> Iterator[str]:
    with silent_port() as path:
        yield path


def disable(counter: int = 7, originator: bytes = SUPPLIER) -> bytes:
    return compose("7.2", {}, Address(originator, DEVICE, counter))


def signed(document: bytes, keys: Path, signer: bytes = SUPPLIER) -> bytes:
    store = KeyStore.open(keys)
    root = read_request(document).document
    return xml_signature.sign(root, store.private_key(signer, "ds"), store.certificate(signer, "ds"))


def send(document: bytes, keys: Path, port: str, *options: str) -> Outcome:
    return smets("send", "-", "--port", port, "--keystore", keys, "--timeout", "0.3", *options, stdin=document)


def test_the_road_in_steps_gives_an_authentic_command(keys: Path, tmp_path: Path) -> None:
    (tmp_path / "request.xml").write_bytes(disable())
    steps = smets("transform", tmp_path / "request.xml", "--keystore", keys)
    assert steps.code == 0
    assert "ECS43" in steps.err
    signed_step = smets("sign", steps.out.strip(), "--keystore", keys)
    command = smets("protect", "-", "--keystore", keys, stdin=signed_step.out.encode())
    message = envelope.decode(bytes.fromhex(command.out))
    assert verify(message, KeyStore.open(keys)).authentic
    assert (message.counter, message.originator, message.recipient) == (7, SUPPLIER, DEVICE)
    assert bytes.fromhex(steps.out) == message.raw[message.grouping_start : message.payload_end]


def test_the_road_in_documents(keys: Path, tmp_path: Path) -> None:
    (tmp_path / "request.xml").write_bytes(disable())
    response = smets("transform", tmp_path / "request.xml", "--form", "xml")
    assert "PreCommand" in response.out
    (tmp_path / "pre-command.xml").write_text(response.out)
    document = smets("sign", tmp_path / "pre-command.xml", "--keystore", keys, "--form", "xml")
    request = read_request(document.out.encode())
    assert request.signed_pre_command
    assert xml_signature.verify(request.document, KeyStore.open(keys).certificate(SUPPLIER, "ds"))


def test_sign_signs_a_request_document(keys: Path) -> None:
    outcome = smets("sign", "-", "--keystore", keys, stdin=disable())
    root = read_request(outcome.out.encode()).document
    assert xml_signature.verify(root, KeyStore.open(keys).certificate(SUPPLIER, "ds"))


@needs_reference
def test_transform_makes_the_reference_pre_command() -> None:
    assert REFERENCE
    request = REFERENCE / "duis" / "requests" / "ECS43_7.2_SUCCESS_REQUEST_DUIS.XML"
    expected = REFERENCE / "rtds" / "messages" / "7.2_ECS43" / "ECS43_7.2_SUCCESS_PRECOMMAND_GBCS.HEX"
    assert bytes.fromhex(smets("transform", request).out) == bytes.fromhex(expected.read_text())


def test_protect_wants_a_signature_on_a_critical_command(keys: Path) -> None:
    pre_command = smets("transform", "-", stdin=disable()).out.strip()
    outcome = smets("protect", pre_command, "--keystore", keys)
    assert outcome.code == 1
    assert "sign" in outcome.why


def test_a_command_cannot_be_signed_twice(keys: Path) -> None:
    once = smets("sign", smets("transform", "-", stdin=disable()).out.strip(), "--keystore", keys).out.strip()
    assert "signed already" in smets("sign", once, "--keystore", keys).why


BOMB = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway">&c;</sr:Request>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r>&a;</r>"""
THRESHOLDS = ("LowMediumPowerThreshold", "MediumHighPowerThreshold")
BAD = {
    "bomb": (BOMB, "DOCTYPE"),
    "external entity": (OUTSIDE, "DOCTYPE"),
    "no XML": (b"<sr:Request", "not well-formed"),
    "another document": (b"<html/>", "not a DUIS Request"),
    "wrong version": (disable().replace(b'schemaVersion="5.4"', b'schemaVersion="4.1"'), "schemaVersion"),
    "no version": (disable().replace(b' schemaVersion="5.4"', b""), "schemaVersion"),
    "unknown variant": (disable().replace(b"7.2<", b"77.2<"), "77.2"),
    "wrong body": (disable().replace(b"DisableSupply", b"EnableSupply"), "EnableSupply"),
    "wrong command variant": (disable().replace(b">4<", b">1<"), "CommandVariant"),
    "wrong request id": (disable().replace(b"DB-12", b"DB-1"), "RequestID"),
    "counter too large": (disable().replace(b":7<", b":18446744073709551616<"), "RequestID"),
    "surplus element": (disable().replace(b"<sr:DisableSupply/>", b"<sr:DisableSupply/><sr:ArmSupply/>"), "Body"),
    "missing value": (compose("3.1", {}, Address(SUPPLIER, DEVICE, 7)), "SupplierMessage"),
    "value out of range": (
        compose("6.12", dict.fromkeys(THRESHOLDS, 1 << 32), Address(SUPPLIER, DEVICE, 7)),
        "LowMediumPowerThreshold",
    ),
    "not built yet": (compose("12.1", {"Postcode": "AB1 2CD"}, Address(SUPPLIER, DEVICE, 7)), ""),
    "too large": (disable().replace(b"<sr:Body>", b"<!--" + b"x" * (1 << 20) + b"--><sr:Body>"), "bytes"),
    "deeply nested": (b"<a>" * 20_000 + b"</a>" * 20_000, "document"),
    "empty": (b" ", "DUIS request document"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_is_one_line_and_takes_no_counter(name: str, keys: Path, port: str) -> None:
    document, expected = BAD[name]
    outcome = send(document, keys, port)
    assert outcome.code in (1, 2)
    assert expected in outcome.why
    assert outcome.out == ""
    assert Counters(keys).highest(SUPPLIER) == 0


def test_a_missing_file_is_usage(keys: Path, port: str) -> None:
    outcome = smets("send", "nowhere.xml", "--port", port, "--keystore", keys)
    assert outcome.code == 2
    assert "nowhere.xml: no such file" in outcome.why


def test_require_signature_refuses_a_missing_one(keys: Path, port: str) -> None:
    outcome = send(disable(), keys, port, "--require-signature")
    assert outcome.code == 1
    assert "XML signature is missing" in outcome.why


@needs_reference
def test_require_signature_refuses_a_placeholder(port: str) -> None:
    assert REFERENCE
    request = (REFERENCE / "duis" / "requests" / "ECS43_7.2_SUCCESS_REQUEST_DUIS.XML").read_bytes()
    outcome = send(request, REFERENCE / "rtds" / "keystore", port, "--require-signature")
    assert outcome.code == 1
    assert "a placeholder" in outcome.why


def test_an_altered_document_is_refused(keys: Path, port: str) -> None:
    altered = signed(disable(), keys).replace(b":7<", b":8<")
    outcome = send(altered, keys, port)
    assert outcome.code == 1
    assert "XML signature is not that of" in outcome.why


def test_another_party_s_signature_is_refused(keys: Path, port: str) -> None:
    outcome = send(signed(disable(), keys, OPERATOR), keys, port)
    assert outcome.code == 1
    assert "XML signature is not that of 90-B3-D5-1F-30-01-00-00" in outcome.why


def test_a_party_without_keys_is_named(keys: Path, port: str) -> None:
    outcome = send(disable(originator=b"\x11" * 8), keys, port)
    assert outcome.code == 1
    assert "11-11-11-11-11-11-11-11" in outcome.why


def test_a_device_without_keys_is_named(keys: Path, port: str) -> None:
    (keys / "00db1234567890a0-ka.pem").unlink()
    outcome = send(signed(disable(), keys), keys, port)
    assert outcome.code == 1
    assert "00db1234567890a0-ka.pem" in outcome.why


def test_an_old_counter_is_refused_and_renumbered(keys: Path, port: str) -> None:
    Counters(keys).use(SUPPLIER, 100)
    document = signed(disable(100), keys)
    outcome = send(document, keys, port)
    assert outcome.code == 1
    assert "--renumber" in outcome.why
    renumbered = send(document, keys, port, "--renumber")
    assert "renumbered from 100 to 101" in renumbered.err
    assert "no response" in renumbered.err
    assert Counters(keys).highest(SUPPLIER) == 101


def test_the_same_document_goes_out_once(keys: Path, port: str) -> None:
    document = signed(disable(5), keys)
    assert "no response" in send(document, keys, port).err
    assert "not above the last one used" in send(document, keys, port).why


def test_a_document_signed_for_sure_cannot_be_renumbered(keys: Path, port: str) -> None:
    assert send(disable(), keys, port, "--renumber", "--require-signature").code == 2


@pytest.fixture
def pre_command(keys: Path) -> bytes:
    return bytes.fromhex(smets("sign", smets("transform", "-", stdin=disable()).out.strip(), "--keystore", keys).out)


def test_a_signed_pre_command_must_be_its_header_s(keys: Path, port: str, pre_command: bytes) -> None:
    other = compose_signed_pre_command("7.2", pre_command, Address(SUPPLIER, DEVICE, 8))
    outcome = send(signed(other, keys), keys, port)
    assert outcome.code == 2
    assert "RequestID says" in outcome.why


def test_a_signed_pre_command_is_not_renumbered(keys: Path, port: str, pre_command: bytes) -> None:
    document = compose_signed_pre_command("7.2", pre_command, Address(SUPPLIER, DEVICE, 7))
    outcome = send(signed(document, keys), keys, port, "--renumber")
    assert outcome.code == 2
    assert "cannot change a Signed Pre-Command" in outcome.why


def test_an_unsigned_pre_command_is_none(keys: Path, port: str, pre_command: bytes) -> None:
    unsigned = envelope.encode(replace(envelope.decode(pre_command), signature=None, raw=b""))
    document = compose_signed_pre_command("7.2", unsigned, Address(SUPPLIER, DEVICE, 7))
    assert "no signed pre-command" in send(signed(document, keys), keys, port).why


def test_a_top_up_is_not_renumbered(keys: Path, port: str) -> None:
    document = compose("2.2", {"UTRN": "73946144332040217315"}, Address(SUPPLIER, DEVICE, 3 << 32))
    assert "make a new UTRN" in send(document, keys, port, "--renumber").why


def test_a_silent_port_is_one_line(keys: Path, port: str) -> None:
    outcome = send(signed(disable(), keys), keys, port)
    assert outcome.code == 1
    assert port in outcome.err
    assert "no response" in outcome.err
    assert etree.fromstring(disable()) is not None


@pytest.mark.parametrize(
    "command", [("send", "-"), ("read", "registers"), ("supply", "status"), ("listen",), ("topup", "1.00")]
)
def test_a_port_that_is_not_there_is_one_line(command: tuple[str, ...], keys: Path) -> None:
    document = signed(disable(), keys) if command[0] == "send" else b""
    outcome = smets(*command, "--port", "/dev/nowhere", "--keystore", keys, stdin=document)
    assert outcome.code == 1
    assert "/dev/nowhere" in outcome.err
    assert len([line for line in outcome.err.splitlines() if "cannot open" in line]) == 1


def test_damaged_counters_are_one_line_and_stay(keys: Path, port: str) -> None:
    (keys / "counters.json").write_text("{")
    outcome = send(signed(disable(), keys), keys, port)
    assert outcome.code == 1
    assert "counters.json" in outcome.why
    assert (keys / "counters.json").read_text() == "{"


@needs_reference
def test_a_request_that_the_dcc_would_keep_back_says_so(port: str, tmp_path: Path) -> None:
    assert REFERENCE
    keys = Path(shutil.copytree(REFERENCE / "rtds" / "keystore", tmp_path / "reference"))
    request = (REFERENCE / "duis" / "requests" / "ECS17b_4.1.1_DSP_FUTURE_DATED_REQUEST_DUIS.XML").read_bytes()
    assert "the DCC would send 4.1.1 at 2015-01-15 09:00:00 UTC" in send(request, keys, port).err


def test_without_a_port_the_only_device_is_taken_or_none(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    outcome = smets("supply", "status", "--keystore", keys)
    assert outcome.code == 2
    assert "smets device run" in outcome.why


@pytest.mark.parametrize("command", [("supply", "status"), ("topup", "1.00")])
def test_the_timeout_holds_from_the_first_question_and_no_counter_is_taken(
    command: tuple[str, ...], keys: Path, port: str
) -> None:
    outcome = smets(*command, "--port", port, "--keystore", keys, "--timeout", "0.3")
    assert outcome.code == 1
    assert "no answer within 0.3 s" in outcome.why
    assert not (keys / "counters.json").exists()


def test_nothing_is_taken_or_claimed_when_the_port_is_not_there(keys: Path) -> None:
    for options in ((), ("--renumber",)):
        outcome = send(disable(), keys, "/dev/nowhere", *options)
        assert "cannot open /dev/nowhere (there is no such port)" in outcome.why
        assert not (keys / "counters.json").exists()


def test_a_device_whose_keys_are_elsewhere(keys: Path, port: str) -> None:
    (keys / "00db1234567890a0-ka.pem").unlink()
    assert "give --keystore DIR" in send(disable(), keys, port, "--renumber").why
    assert "give --keystore DIR" in smets("utrn", "make", "1", "--device", DEVICE.hex(), "--keystore", keys).why
    assert not (keys / "counters.json").exists()


@pytest.mark.parametrize("command", ["send", "decode", "sign", "protect", "transform"])
@pytest.mark.parametrize("given", [b"", b"<html/>", b"\x89PNG"])
def test_what_is_no_input_is_usage_everywhere(command: str, given: bytes, keys: Path) -> None:
    outcome = smets(command, "-", "--keystore", keys, stdin=given)
    assert outcome.code == 2, outcome.err
