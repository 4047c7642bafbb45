"""tshark, an independent reader, agrees with us about every message of the tour: commands, responses and alerts."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from opensmets.bench.firmware import micropython_path
from opensmets.layouts import envelope
from tests.command import smets

pytestmark = [
    pytest.mark.xdist_group("wireshark"),
    pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark on this machine: install the package tshark"),
]
GROUPING = "gbcs_message.grouping_header."
FIELDS = ("cra_flag", "message_code", "originator_counter", "business_originator_id", "business_target_id")
MESSAGES_OF_THE_TOUR = 30


def tshark(capture: Path, *options: str) -> str:
    command = ["tshark", "-n", "-r", str(capture), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def colons(eui: bytes) -> str:
    return eui.hex(":")


def test_tshark_agrees_about_every_message_of_the_tour(tmp_path: Path) -> None:
    runtime = "cpython" if micropython_path() is None else "micropython"
    assert smets("demo", "--runtime", runtime, "--keep", tmp_path / "tour").code == 0
    capture = tmp_path / "tour" / "capture.pcapng"
    columns = [option for name in FIELDS for option in ("-e", GROUPING + name)]
    rows = [line.split("\t") for line in tshark(capture, "-Y", "gbcs_message", "-T", "fields", *columns).splitlines()]
    packets = json.loads(tshark(capture, "-Y", "gbcs_message", "-T", "jsonraw"))
    messages = [bytes.fromhex(packet["_source"]["layers"]["gbcs_message_raw"][0]) for packet in packets]
    assert len(rows) == len(messages) >= MESSAGES_OF_THE_TOUR
    for row, octets in zip(rows, messages, strict=True):
        ours = envelope.decode(octets)
        counters = (f"0x{ours.cra_flag:02x}", f"0x{ours.message_code:04x}", str(ours.counter))
        assert row == [*counters, colons(ours.originator), colons(ours.recipient)]
    assert {envelope.decode(octets).kind for octets in messages} == {"command", "response", "alert"}


def test_tshark_finds_nothing_malformed_but_the_attack(tmp_path: Path) -> None:
    assert smets("demo", "--runtime", "cpython", "--keep", tmp_path / "tour").code == 0
    assert tshark(tmp_path / "tour" / "capture.pcapng", "-Y", "_ws.malformed") == ""
