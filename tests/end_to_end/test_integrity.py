"""A real meter tells of what threatens it: starts that nobody meant, flash that is damaged, strangers at its port."""

from __future__ import annotations

import pytest

from opensmets.bench.control import PROVISIONING, Caller, DeviceRefused
from opensmets.bench.firmware import micropython_path
from opensmets.rig.device import RigDevice
from opensmets.rig.party import Party
from opensmets.rig.workbench import Workbench

pytestmark = [
    pytest.mark.xdist_group("end_to_end"),
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython for this machine: set $MICROPYTHON"),
]
WARNING = 0x81A0


@pytest.fixture
def meter(smets_device: RigDevice) -> RigDevice:
    """A meter in its first state; the one of this folder's conftest has no rig around it."""
    smets_device.reset()
    return smets_device


@pytest.mark.parametrize(
    ("cause", "code", "words"),
    [("watchdog", 0x81B3, "Error Watchdog"), ("hardware", 0x81B2, "Error Unexpected Hardware Reset")],
)
def test_a_start_that_nobody_meant_is_told(
    meter: RigDevice, supplier: Party, cause: str, code: int, words: str
) -> None:
    meter.cut_power(cause)
    assert supplier.alert(code).meaning
    assert supplier.alert(WARNING).text("Warning") == words


def test_a_power_cut_is_no_threat(meter: RigDevice) -> None:
    meter.cut_power()
    meter.bench.status()
    assert meter.alerts == ()


def test_a_damaged_log_is_told_once(meter: RigDevice, supplier: Party, bench: Workbench) -> None:
    bench.close_cover("terminal")  # now there is an event log
    supplier.alert(0x81C1)
    for file in (meter.store / "logs").glob("event*"):
        file.write_bytes(b"\x55" * 64)
    meter.cut_power()
    for _ in range(2):
        bench.close_cover("terminal")
        supplier.alert(0x81C1)
    assert supplier.alert(0x81AE).meaning
    assert supplier.alert(WARNING).text("Warning") == "Error Non Volatile Memory"
    meter.bench.status()
    assert meter.alerts == ()


def test_who_provisions_a_meter_again_is_refused_and_told_of(meter: RigDevice, supplier: Party) -> None:
    caller = Caller(meter.link, PROVISIONING, meter.conversation.take_frame)
    assert caller("who")["provisioned"]
    with pytest.raises(DeviceRefused, match="provisioned already"):
        caller("begin", eui="00db123456789000", elements=1, phases=1)
    assert supplier.alert(0x8F3E).meaning
    assert meter.bench("rows", log="logs.security")["rows"][-1][1] == 0x8F3E
