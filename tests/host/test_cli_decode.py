"""`smets decode`: every way of handing a message over, what verification says, and what is no message."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from tests.command import smets
from tests.reference import REFERENCE, needs_reference

pytestmark = needs_reference
KEYSTORE = REFERENCE / "rtds" / "keystore" if REFERENCE else Path()
FILE = REFERENCE / "rtds" / "messages" / "7.2_ECS43" / "ECS43_7.2_SUCCESS_COMMAND_GBCS.HEX" if REFERENCE else Path()


@pytest.fixture
def octets() -> bytes:
    return bytes.fromhex(FILE.read_text())


def test_all_forms_are_the_same_message(octets: bytes, tmp_path: Path) -> None:
    expected = json.loads(smets("decode", FILE, "--json").out)
    (tmp_path / "binary").write_bytes(octets)
    (tmp_path / "base64").write_bytes(base64.b64encode(octets))
    spaced = octets.hex(" ").upper().replace(" ", "\n", 3)
    forms = [
        tmp_path / "binary",
        tmp_path / "base64",
        octets.hex(),
        base64.b64encode(octets).decode(),
        spaced,
        "0x" + octets.hex(),
    ]
    for form in forms:
        assert json.loads(smets("decode", form, "--json").out) == expected
    for stdin in (octets, octets.hex().encode(), base64.encodebytes(octets)):
        assert json.loads(smets("decode", "-", "--json", stdin=stdin).out) == expected


def test_the_tree_names_what_matters(octets: bytes) -> None:
    outcome = smets("decode", FILE, "--keystore", KEYSTORE)
    assert (outcome.code, outcome.err) == (0, "")
    for word in ("ECS43", "90-B3-D5-1F-30-01-00-00", "supplier", "0-0:10.0.106.255", "authentic"):
        assert word in outcome.out


def test_sensitive_parts_are_decrypted_only_with_keys() -> None:
    assert REFERENCE
    file = next((REFERENCE / "rtds" / "messages" / "4.1.1_ECS17b").glob("*SINGLE_SUCCESS_RESPONSE*"))
    assert "not decrypted" in smets("decode", file).out
    outcome = smets("decode", file, "--keystore", KEYSTORE).out
    assert "not decrypted" not in outcome
    assert "decrypted" in outcome


def test_an_altered_message_is_explained_and_refused(octets: bytes) -> None:
    altered = bytearray(octets)
    altered[-20] ^= 1
    outcome = smets("decode", altered.hex(), "--keystore", KEYSTORE)
    assert outcome.code == 1
    assert "invalid" in outcome.out
    assert "altered" in outcome.why


@pytest.mark.parametrize("size", [1, 8, 60, 120])
def test_a_cut_message_is_one_line(octets: bytes, size: int) -> None:
    outcome = smets("decode", octets[:size].hex())
    assert (outcome.code, outcome.out) == (1, "")
    assert "message" in outcome.why


def test_an_extended_message_is_one_line(octets: bytes) -> None:
    outcome = smets("decode", octets.hex() + "00")
    assert outcome.code == 1
    assert "message" in outcome.why


def test_a_message_too_long_is_one_line() -> None:
    assert "262144" in smets("decode", "-", stdin=b"\xdd" * 262_145).why


@pytest.mark.parametrize("text", ["", "   ", "no such file.hex", "zz", "/nowhere/x.hex", "DF0"])
def test_what_is_no_message_is_usage(text: str) -> None:
    outcome = smets("decode", text)
    assert outcome.code == 2
    assert "GBCS message" in outcome.why


def test_a_pipe_of_the_shell_is_read_and_a_folder_is_called_one() -> None:
    reader, writer = os.pipe()
    os.write(writer, FILE.read_bytes())
    os.close(writer)
    try:
        assert smets("decode", f"/dev/fd/{reader}").out == smets("decode", FILE).out
    finally:
        os.close(reader)
    outcome = smets("decode", "/tmp")  # which would be base64 too
    assert outcome.code == 2
    assert "/tmp: is a folder" in outcome.why


def test_octets_of_something_else_are_usage(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    outcome = smets("decode", tmp_path / "picture")
    assert outcome.code == 2
    assert "begins with 89" in outcome.why


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 30)
    assert "larger than" in smets("decode", tmp_path / "huge").why


def test_a_keystore_without_the_keys_verifies_nothing(tmp_path: Path) -> None:
    assert smets("pki", "init", tmp_path / "keys").code == 0
    outcome = smets("decode", FILE, "--keystore", tmp_path / "keys")
    assert "no key" in outcome.out
