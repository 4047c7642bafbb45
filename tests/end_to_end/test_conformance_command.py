"""`smets conformance` at the command line: the table, the report, the exit code; what it judges is judged elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.command import smets
from tests.reference import REFERENCE, needs_reference

pytestmark = [needs_reference, pytest.mark.xdist_group("conformance_command")]
MESSAGES = REFERENCE / "rtds" / "messages" if REFERENCE else Path()
KEYSTORE = REFERENCE / "rtds" / "keystore" if REFERENCE else Path()
REQUESTS = REFERENCE / "duis" / "requests" if REFERENCE else Path()
OPTIONS = ("--requests", REQUESTS, "--keystore", KEYSTORE, "--runtime", "cpython", "--workers", "1")


def test_a_scenario_passes_and_is_reported(tmp_path: Path) -> None:
    outcome = smets(
        "conformance", "--messages", MESSAGES, *OPTIONS, "--filter", "ECS45_7.4_SUCCESS", "--json", tmp_path / "r"
    )
    assert outcome.code == 0, outcome.out + outcome.err
    for level in ("encode", "protect", "accept", "respond", "read"):
        assert level in outcome.out
    report = json.loads((tmp_path / "r").read_text())
    assert report["scenarios"][0]["name"] == "ECS45_7.4_SUCCESS"
    assert report["totals"]["protect"] == {"pass": 1, "fail": 0, "unsupported": 0, "n/a": 0}


def test_an_altered_reference_fails_and_says_where(tmp_path: Path) -> None:
    folder = shutil.copytree(MESSAGES / "7.4_ECS45", tmp_path / "7.4_ECS45")
    command = folder / "ECS45_7.4_SUCCESS_COMMAND_GBCS.HEX"
    octets = bytearray(bytes.fromhex(command.read_text()))
    octets[-1] ^= 1
    command.write_text(octets.hex())
    outcome = smets("conformance", "--messages", tmp_path, *OPTIONS, "--filter", "ECS45_7.4_SUCCESS", "--json", "-")
    assert outcome.code == 1
    assert "1 of 1 scenarios fail" in outcome.err
    report = json.loads(outcome.out)
    assert report["scenarios"][0]["protect"] == "fail"
    assert report["scenarios"][0]["why"]["protect"]


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    assert smets("conformance", "--messages", tmp_path / "nowhere").code == 2
    assert "no scenarios under" in smets("conformance", "--messages", tmp_path).why
    outcome = smets("conformance", "--messages", MESSAGES, "--filter", "NOTHING")
    assert outcome.code == 1
    assert "NOTHING" in outcome.why
