"""`smets device run`: first start, restart, loss of the port, and stores and machines that will not do."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opensmets.duis.compose import Address, compose
from opensmets.links import running_devices
from opensmets.security.counters import Counters
from tests.command import smets, smets_process
from tests.end_to_end.meter import Meter, start_meter

SUPPLIER = bytes.fromhex("90b3d51f30010000")
DEVICE = bytes.fromhex("00db1234567890a0")
PERIOD = {
    "ReadLogPeriod": {
        "StartDateTime": datetime(2000, 1, 1, tzinfo=UTC),
        "EndDateTime": datetime(2099, 1, 1, tzinfo=UTC),
    }
}
#: Files in a store's folder that are not the device's state.
NOT_STATE = ("device.log", "store.lock")
pytestmark = pytest.mark.xdist_group("device_run")


def test_state_and_keys_survive_a_restart(tmp_path: Path) -> None:
    first = start_meter(tmp_path, "--eui", "00-DB-12-34-56-78-90-B7")
    assert first.smets("supply", "disable").code == 0
    assert first.stop() == 130
    second = start_meter(tmp_path)
    try:
        outcome = second.smets("supply", "status", "--json")
        assert "Disabled" in outcome.out
        assert json.loads(outcome.out)["GBCSResponse"]["Header"]["BusinessOriginatorID"] == "00-DB-12-34-56-78-90-B7"
        assert second.smets("supply", "enable").code == 0
    finally:
        second.stop()


def test_a_port_that_vanishes_is_one_line_and_the_next_command_works(tmp_path: Path) -> None:
    meter = start_meter(tmp_path)
    with smets_process("listen", "--port", meter.port, "--keystore", meter.keystore) as listener:
        assert listener.stderr
        assert "listening" in listener.stderr.readline()
        assert meter.stop(signal.SIGTERM) == 143
        assert listener.wait(10) == 1
        assert f"smets: {meter.port} went away" in listener.stderr.read()
    outcome = meter.smets("supply", "status")
    assert outcome.code == 1
    assert meter.port in outcome.why
    again = start_meter(tmp_path)
    try:
        assert again.smets("supply", "status").code == 0
    finally:
        again.stop()


def test_a_port_that_vanishes_mid_command_is_one_line_and_nothing_is_lost(tmp_path: Path) -> None:
    meter = start_meter(tmp_path)
    os.kill(next(device.pid for device in running_devices() if device.port == meter.port), signal.SIGSTOP)
    command = ("supply", "disable", "--port", meter.port, "--keystore", meter.keystore)
    with smets_process(*command) as waiting:
        time.sleep(1.0)
        meter.stop(signal.SIGTERM)
        _, err = waiting.communicate(timeout=20)
    assert waiting.returncode == 1
    assert re.fullmatch(rf"smets: {meter.port} went away .+\n", err)
    again = start_meter(tmp_path)
    try:
        assert "Enabled" in again.smets("supply", "status").out
        assert again.smets("supply", "disable").code == 0
    finally:
        again.stop()


def test_a_store_has_one_device(tmp_path: Path) -> None:
    meter = start_meter(tmp_path)
    try:
        said = _refused(tmp_path)
        assert f"store {meter.store} is in use by process {meter.process.pid} (port {meter.port})" in said
        assert meter.smets("supply", "disable").code == 0
    finally:
        meter.stop()
    again = start_meter(tmp_path)
    try:
        assert "Disabled" in again.smets("supply", "status").out
    finally:
        again.stop()


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return not Path("/proc").is_dir() or not Path(f"/proc/{pid}").exists()


def test_a_killed_command_leaves_no_device_behind(tmp_path: Path) -> None:
    meter = start_meter(tmp_path)
    pid = next(device.pid for device in running_devices() if device.port == meter.port)
    assert meter.stop(signal.SIGKILL) == -signal.SIGKILL
    until = time.monotonic() + 5
    while not _is_gone(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert _is_gone(pid)
    again = start_meter(tmp_path)
    try:
        assert "Enabled" in again.smets("supply", "status").out
    finally:
        again.stop()


def _refused(tmp_path: Path, *options: str | Path) -> str:
    outcome = smets("device", "run", "--store", tmp_path / "esme", "--keystore", tmp_path / "keystore", *options)
    assert outcome.code in (1, 2)
    return outcome.err.splitlines()[-1]


def test_another_eui_than_the_store_s_is_refused(tmp_path: Path) -> None:
    meter: Meter = start_meter(tmp_path)
    meter.stop()
    assert "00-DB-12-34-56-78-90-A0" in _refused(tmp_path, "--eui", "00-DB-12-34-56-78-90-A1")
    assert "no EUI-64" in _refused(tmp_path / "other", "--eui", "rubbish")


def test_a_store_without_its_keys_is_refused(tmp_path: Path) -> None:
    start_meter(tmp_path).stop()
    (tmp_path / "keystore" / "00db1234567890a0-ka.pem").unlink()
    assert "00db1234567890a0-ka.pem" in _refused(tmp_path)


def test_a_corrupt_store_is_refused_and_kept(tmp_path: Path) -> None:
    start_meter(tmp_path).stop()
    files = [path for path in (tmp_path / "esme").rglob("*") if path.is_file() and path.name not in NOT_STATE]
    for path in files:
        path.write_bytes(b"\xa5" * len(path.read_bytes()))
    before = time.monotonic()
    said = _refused(tmp_path)
    assert time.monotonic() - before < 5  # at once, and not when nobody has answered
    assert "the store cannot be used" in said
    assert "main.py" not in said
    assert "name a new --store" in said
    assert "esme" in said
    assert all(set(path.read_bytes()) <= {0xA5} for path in files)


def test_no_micropython_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opensmets.bench.virtual.micropython_path", lambda: None)
    assert "--runtime cpython" in _refused(tmp_path)


def test_a_wrong_micropython_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON", "/nowhere/micropython")
    assert "/nowhere/micropython" in _refused(tmp_path)


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "esme").write_text("")
    assert "--store takes a folder" in _refused(tmp_path)


def test_cpython_runs_the_same_firmware(tmp_path: Path) -> None:
    meter = start_meter(tmp_path, "--runtime", "cpython", "--speed", "60")
    try:
        assert "Enabled" in meter.smets("supply", "status").out
    finally:
        meter.stop()


def test_a_twin_polyphase_meter(tmp_path: Path) -> None:
    meter = start_meter(tmp_path, "--elements", "2", "--phases", "3")
    try:
        assert "SecondaryActiveImportRegister" in meter.smets("read", "registers").out
        document = compose("4.10", PERIOD, Address(SUPPLIER, DEVICE, Counters(meter.keystore).next(SUPPLIER) + 1))
        outcome = meter.smets("send", "-", "--polyphase", stdin=document)
        assert outcome.code == 0, outcome.err
        assert "PolyPhase" in outcome.out
    finally:
        meter.stop()
