"""An event goes the ways that its party has set, and no others (SRV 6.22): to the WAN, the HAN, the buzzer, a log.

Each way is set by the DUIS request of its use case; then the meter's own behaviour raises the event, on MicroPython.
"""

from __future__ import annotations

import pytest

from opensmets.bench.firmware import micropython_path
from opensmets.rig.device import RigDevice
from opensmets.rig.party import Party
from opensmets.rig.workbench import Workbench

pytestmark = [
    pytest.mark.xdist_group("alert_ways"),
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython for this machine: set $MICROPYTHON"),
]

COVER_CLOSED = 0x81C1
OVER_VOLTAGE = 0x8002
#: The ways of the events of supplier (ECS25a, a1, a2, a3) and network operator (ECS25b, b3), as DUIS names them.
SUPPLIER = {
    "wan": "ElectricitySupplierAlerts", "han": "ElectricitySupplierHANAlertSettings",
    "sound": "ElectricitySupplierAlarmSettings", "log": "ElectricitySupplierLoggingSettings",
}  # fmt: skip
OPERATOR = {"wan": "ElectricityNetworkOperatorAlerts", "log": "ElectricityNetworkOperatorLoggingSettings"}


@pytest.fixture
def meter(smets_device: RigDevice) -> RigDevice:
    """A meter in its first state; the one of these folders' conftest has no rig around it."""
    smets_device.reset()
    return smets_device


def settle(party: Party, element: str, codes: str, code: int, enabled: bool) -> None:
    """Let the party switch one way of one code on or off."""
    behaviour = "Enable" if enabled else "Disable"
    party.ask("6.22", {element: {codes: {f"x{code:04X}": behaviour}}})


def ways(meter: RigDevice, bench: Workbench, log: str, code: int) -> set[str]:
    """Return the ways on which the last event of a code was met; how often it sounded is told by the first look."""
    meter.bench.status()  # what was on its way has come when this is answered
    rows = meter.bench("rows", log=log)["rows"]
    found = {
        "wan": [alert for alert in meter.alerts if alert.code == code],
        "han": [event for event in meter.han_events if event.code == code],
        "sound": bench.sounds() == code,
        "log": [row for row in rows if row[1] == code],
    }
    return {way for way, met in found.items() if met}


@pytest.mark.parametrize("wanted", [{"wan"}, {"han"}, {"sound"}, {"log"}, {"wan", "han", "sound", "log"}, set()])
def test_a_suppliers_event_goes_the_ways_that_are_set(
    meter: RigDevice, bench: Workbench, supplier: Party, wanted: set[str]
) -> None:
    for way, element in SUPPLIER.items():
        settle(supplier, element, "SupplierESMECommon", COVER_CLOSED, way in wanted)
    bench.open_cover("terminal")
    bench.close_cover("terminal")
    assert ways(meter, bench, "logs.event", COVER_CLOSED) == wanted


@pytest.mark.parametrize("wanted", [{"wan"}, {"log"}, {"wan", "log"}, set()])
def test_a_network_operators_event_goes_the_ways_that_are_set(
    meter: RigDevice, bench: Workbench, network_operator: Party, wanted: set[str]
) -> None:
    for way, element in OPERATOR.items():
        settle(network_operator, element, "NetworkOperatorESMESinglePhase", OVER_VOLTAGE, way in wanted)
    bench.voltage(260)
    bench.let_pass(hours=1)
    assert ways(meter, bench, "logs.power_event", OVER_VOLTAGE) == wanted


def test_what_was_set_outlives_a_power_cut(meter: RigDevice, bench: Workbench, supplier: Party) -> None:
    settle(supplier, SUPPLIER["han"], "SupplierESMECommon", COVER_CLOSED, True)
    settle(supplier, SUPPLIER["wan"], "SupplierESMECommon", COVER_CLOSED, False)
    meter.cut_power()
    bench.close_cover("terminal")
    assert ways(meter, bench, "logs.event", COVER_CLOSED) == {"han", "log"}


def test_an_announcement_says_what_when_and_whose(meter: RigDevice, bench: Workbench, supplier: Party) -> None:
    settle(supplier, SUPPLIER["han"], "SupplierESMECommon", COVER_CLOSED, True)
    bench.close_cover("terminal")
    meter.bench.status()
    (event,) = meter.han_events
    assert (event.eui, event.code, event.is_sent) == (meter.eui, COVER_CLOSED, True)
    assert event.time_s == meter.bench.status()["time_s"]


def test_a_pressed_key_silences_the_meter(meter: RigDevice, bench: Workbench, supplier: Party) -> None:
    settle(supplier, SUPPLIER["sound"], "SupplierESMECommon", COVER_CLOSED, True)
    bench.close_cover("terminal")
    assert bench.sounds() == COVER_CLOSED
    meter.bench("panel", press="next")
    assert bench.sounds() == 0
    bench.close_cover("terminal")
    assert bench.sounds() == COVER_CLOSED
    bench.let_pass(minutes=1)
    assert bench.sounds() == 0
