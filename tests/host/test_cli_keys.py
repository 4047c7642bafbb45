"""`smets pki` and `smets utrn`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opensmets.security.counters import Counters
from opensmets.security.keystore import KeyStore
from tests.command import smets
from tests.reference import REFERENCE, needs_reference

SUPPLIER = bytes.fromhex("90b3d51f30010000")
DEVICE = "00-DB-12-34-56-78-90-A0"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki") / "keys"
    assert smets("pki", "init", folder).code == 0
    return folder


def test_init_names_the_parties(tmp_path: Path) -> None:
    outcome = smets("pki", "init", tmp_path / "keys", "--start", "2026-01-02")
    assert outcome.code == 0
    for role in (
        "supplier",
        "network_operator",
        "acb",
        "transitional_cos",
        "wan_provider",
        "recovery",
        "load_controller",
    ):
        assert role in outcome.out
    certificate = KeyStore.open(tmp_path / "keys").certificate(SUPPLIER, "ds")
    assert certificate.not_valid_before_utc.isoformat() == "2026-01-02T00:00:00+00:00"
    assert (tmp_path / "keys" / "90b3d51f30010000-ds.key").stat().st_mode & 0o077 == 0


def test_init_never_writes_over_keys(keys: Path) -> None:
    before = (keys / "root.key").read_bytes()
    outcome = smets("pki", "init", keys)
    assert outcome.code == 1
    assert "holds keys already" in outcome.why
    assert (keys / "root.key").read_bytes() == before


def test_list_says_who_is_there_and_never_a_key(keys: Path) -> None:
    outcome = smets("pki", "list", keys)
    assert "90-B3-D5-1F-30-01-00-00" in outcome.out
    rows = json.loads(smets("pki", "list", "--keystore", keys, "--json").out)
    supplier = next(row for row in rows if row["eui"] == "90-B3-D5-1F-30-01-00-00")
    assert supplier["role"] == "supplier"
    assert supplier["private_keys"] == ["ds", "ka", "pp-ka"]
    assert "PRIVATE" not in outcome.out + json.dumps(rows)


@needs_reference
def test_list_reads_the_reference_layout() -> None:
    assert REFERENCE
    rows = json.loads(smets("pki", "list", REFERENCE / "rtds" / "keystore", "--json").out)
    roles = {row["eui"]: row["role"] for row in rows}
    assert roles["90-B3-D5-1F-30-00-00-02"] == "acb"
    assert roles["90-B3-D5-1F-30-02-00-00"] == "network_operator"
    assert roles[DEVICE] == "device"


def test_no_keystore_is_one_line(tmp_path: Path) -> None:
    assert "smets pki init" in smets("pki", "list", tmp_path / "nowhere").why
    (tmp_path / "empty").mkdir()
    assert "holds no" in smets("pki", "list", tmp_path / "empty").why


@needs_reference
def test_a_reference_token_is_verified() -> None:
    assert REFERENCE
    options = ("--keystore", REFERENCE / "rtds" / "keystore", "--device", DEVICE, "--as", "90-B3-D5-1F-30-01-00-00")
    fields = json.loads(smets("utrn", "check", "7394 6144 3320 4021 7315", *options, "--json").out)
    assert fields == {"amount_pence": 1000, "truncated_counter": 3, "counter": 3 << 32, "verified": True}
    other = smets("utrn", "check", "73946144332040217315", *options[:4], "--as", "90-B3-D5-1F-30-03-00-00")
    assert other.code == 1
    assert "is not from" in other.why


@pytest.mark.parametrize(
    "token", ["73946144332040217316", "7394614433204021731", "not a token", "99999999999999999999"]
)
def test_a_wrong_token_is_refused(token: str) -> None:
    outcome = smets("utrn", "check", token)
    assert outcome.code == 1
    assert "UTRN" in outcome.why


@pytest.mark.parametrize("amount", ["ten", "0", "-5", "1.001", "NaN", "inf", "1e99", ""])
def test_a_wrong_amount_is_usage(amount: str, keys: Path) -> None:
    outcome = smets("utrn", "make", "--device", DEVICE, "--keystore", keys, "--", amount)
    assert outcome.code == 2
    assert "10.00" in outcome.why


def test_a_token_needs_the_meter_s_key(keys: Path) -> None:
    assert "00db1234567890a0-ka.pem" in smets("utrn", "make", "10", "--device", DEVICE, "--keystore", keys).why
    assert "name one with --device" in smets("utrn", "make", "10", "--keystore", keys).why


@needs_reference
def test_tokens_count_up_and_are_their_supplier_s(tmp_path: Path) -> None:
    assert REFERENCE
    for file in (REFERENCE / "rtds" / "keystore").iterdir():
        if file.name.startswith(("00db1234567890a0", "90b3d51f3001")):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    options = ("--keystore", tmp_path, "--device", DEVICE)
    made = [json.loads(smets("utrn", "make", "12.34", *options, "--json").out) for _ in range(3)]
    assert [entry["counter"] for entry in made] == [1 << 32, 2 << 32, 3 << 32]
    assert Counters(tmp_path).highest(SUPPLIER, "topup") == 3 << 32
    for entry in made:
        checked = json.loads(smets("utrn", "check", entry["utrn"], *options, "--json").out)
        assert (checked["amount_pence"], checked["verified"]) == (1234, True)
