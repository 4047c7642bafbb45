"""Days in a meter's life, on real MicroPython: what happens in the house, and what its parties hear of it, verified.

A load limit, a tamper, a brownout, outages, a season that changes, a PIN, and a change of tenancy. What is asked for
goes as DUIS, what is told comes as alerts; the meter's own fields are looked at where no party reads them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opensmets.bench.firmware import micropython_path
from opensmets.cli.conversation import EPOCH
from opensmets.rig.device import RigDevice
from opensmets.rig.party import Party
from opensmets.rig.workbench import Workbench

pytestmark = [
    pytest.mark.xdist_group("stories"),
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython for this machine: set $MICROPYTHON"),
]
ABOVE_LIMIT, LIMITED, RESTORED_BY_METER = 0x8F01, 0x8F33, 0x8F34
COVER_REMOVED, LOCKED_BY_TAMPER, COVER_CLOSED = 0x8F76, 0x81BE, 0x81C1
BELOW_AVERAGE, BACK_FROM_BELOW = 0x8006, 0x8089
RESTORED, RESTORED_LONG, INTERRUPTED = 0x8F35, 0x8F36, 0x8F57
NOT_AUTHENTICATED = 0x8F53


@pytest.fixture
def meter(smets_device: RigDevice) -> RigDevice:
    """A meter in its first state; the one of this folder's conftest has no rig around it."""
    smets_device.reset()
    return smets_device


def codes(meter: RigDevice, log: str) -> list[int]:
    """Return the codes of a log's rows, the oldest first."""
    return [row[1] for row in meter.bench("rows", log=f"logs.{log}")["rows"]]


def test_a_house_draws_more_than_its_limit(
    meter: RigDevice, bench: Workbench, supplier: Party, network_operator: Party
) -> None:
    """Above 5 kW for five minutes the supply goes off; ten minutes later the meter switches it on again by itself."""
    content: dict[str, Any] = {
        "LoadLimitPeriod": 300, "LoadLimitPowerThreshold": 5000, "LoadLimitRestorationPeriod": 600,
        "LoadLimitSupplyState": "Disable",
    }  # fmt: skip
    supplier.ask("6.4.1", content)
    bench.load(import_w=7000)
    bench.let_pass(minutes=4)
    assert supplier.supply("status").text("SupplyState") == "Enabled"
    bench.let_pass(minutes=3)
    assert supplier.supply("status").text("SupplyState") == "Armed"
    for code in (ABOVE_LIMIT, LIMITED):
        assert supplier.alert(code).meaning
    assert bench.get("load_limit.counter") == 1
    bench.load(import_w=500)
    bench.let_pass(minutes=11)
    assert supplier.alert(RESTORED_BY_METER).meaning and network_operator.alert(RESTORED_BY_METER).meaning
    assert RESTORED_BY_METER in [event.code for event in meter.han_events]
    assert supplier.supply("status").text("SupplyState") == "Enabled"


def test_somebody_opens_the_terminal_cover(meter: RigDevice, bench: Workbench, supplier: Party) -> None:
    """The meter locks the supply; a push of the button does nothing, and a command closes it again."""
    bench.set("tamper_state.locks_supply", True)
    bench.open_cover("terminal")
    assert supplier.alert(COVER_REMOVED).meaning and supplier.alert(LOCKED_BY_TAMPER).meaning
    bench.close_cover("terminal")
    assert supplier.alert(COVER_CLOSED).meaning
    assert supplier.supply("status").text("SupplyState") == "Disabled"
    supplier.supply("enable")
    assert supplier.supply("status").text("SupplyState") == "Enabled"
    assert COVER_REMOVED in codes(meter, "security") and LOCKED_BY_TAMPER in codes(meter, "event")


def test_the_voltage_browns_out(meter: RigDevice, bench: Workbench, network_operator: Party) -> None:
    """An average below the threshold is told once, and once more when it is back; the operator's log has both."""
    bench.voltage(200)
    bench.let_pass(hours=2)
    bench.voltage(230)
    bench.let_pass(hours=1)
    for code in (BELOW_AVERAGE, BACK_FROM_BELOW):
        assert network_operator.alert(code).meaning
        assert codes(meter, "power_event").count(code) == 1
    assert bench.get("voltage.under_counter.0") == 1


def test_the_supply_is_out_for_three_minutes(meter: RigDevice, bench: Workbench, network_operator: Party) -> None:
    """A minute is told as an outage, three as a long one with its begin and end; no energy is metered meanwhile."""
    bench.load(import_w=3600)
    for seconds, code in ((60, RESTORED), (180, RESTORED_LONG)):
        lost, before_wh = bench.now(), bench.get("registers.active_import_wh")
        bench.supply_fails()
        bench.let_pass(seconds)
        bench.supply_returns()
        alert = network_operator.alert(code)
        assert alert.time("interruptionValue") == lost
        assert alert.time("restorationValue") == lost + timedelta(seconds=seconds)
        assert bench.get("registers.active_import_wh") == before_wh
        bench.let_pass(minutes=1)
        assert bench.get("registers.active_import_wh") == before_wh + 60
    assert codes(meter, "power_event") == [INTERRUPTED, RESTORED, INTERRUPTED, RESTORED_LONG]


@pytest.mark.parametrize(("seconds", "code"), [(170, RESTORED), (3600, RESTORED_LONG)])
def test_the_plug_is_pulled(
    meter: RigDevice, bench: Workbench, supplier: Party, network_operator: Party, seconds: int, code: int
) -> None:
    """The process is killed. It starts again without a clock, and tells how long it was gone when its hub knows."""
    supplier.commission()
    bench.load(import_w=3600)
    bench.let_pass(minutes=30)
    lost = bench.now()
    meter.cut_power()
    awake = bench.now()  # it lived on from the time that it had kept
    back = lost + timedelta(seconds=seconds)
    meter.bench("hub", time_s=int((back + (awake - lost) - EPOCH).total_seconds()), status=0)
    alert = network_operator.alert(code)
    assert alert.time("interruptionValue") == lost and alert.time("restorationValue") == back
    assert bench.now() == back + (awake - lost)
    assert bench.get("registers.active_import_wh") == 1800
    assert codes(meter, "power_event") == [INTERRUPTED, code]


def test_a_watchdog_is_no_outage(meter: RigDevice, bench: Workbench, supplier: Party) -> None:
    """What starts again without a loss of supply was not without it."""
    supplier.commission()
    meter.cut_power("watchdog")
    assert codes(meter, "power_event") == []
    meter.cut_power("program")
    assert codes(meter, "power_event") == [] and bench.get("outage.lost_s") == 0


def test_a_supply_that_the_bench_took_away_stays_away(meter: RigDevice, bench: Workbench, supplier: Party) -> None:
    """It is in the dark before its plug is pulled, and is so after it; the outage is told once, when it ends."""
    supplier.commission()
    bench.load(import_w=3600)
    bench.supply_fails()
    meter.cut_power()
    bench.load(import_w=3600)
    bench.let_pass(minutes=10)
    assert bench.get("registers.active_import_wh") == 0 and bench.get("outage.off")
    bench.supply_returns()
    bench.let_pass(minutes=1)
    assert bench.get("registers.active_import_wh") == 60
    assert codes(meter, "power_event") == [INTERRUPTED, RESTORED_LONG]


def test_winter_ends_with_february(meter: RigDevice, bench: Workbench, supplier: Party) -> None:
    """A night rate until seven in winter, one rate in summer: the first night of March counts in the day's register."""
    midnight, seven, every_day = "00000000", "07000000", [1] * 7
    bench.set("calendar.days", [[1, [[midnight, 2], [seven, 1]]], [2, [[midnight, 1]]]])
    bench.set("calendar.weeks", [["01", *every_day], ["02", *[2] * 7]])
    winter, summer = "ffff0101ff000000008000ff", "ffff0301ff000000008000ff"
    bench.set("calendar.seasons", [[b"winter".hex(), winter, "01"], [b"summer".hex(), summer, "02"]])
    meter.bench.set_time(int((datetime(2026, 2, 28, tzinfo=UTC) - EPOCH).total_seconds()))
    bench.load(import_w=1000)
    registers = []
    for hours in (6, 18, 6):
        bench.let_pass(hours=hours)
        registers.append(bench.get("tariff_registers.tou_wh")[:2])
    assert registers == [[0, 6000], [17000, 7000], [23000, 7000]]
    assert supplier.read("registers").number("ActiveImportRegister/Value") == 30000


def press(meter: RigDevice, *keys: str) -> dict[str, Any]:
    """Press keys at the meter; return the page that its display shows then."""
    for key in keys:
        meter.bench("panel", press=key)
    return meter.bench("panel")


def page(meter: RigDevice, name: str) -> list[str]:
    """Turn to a page and return the lines under its title."""
    for _ in range(40):
        shown = meter.bench("panel")
        if shown["page"] == name:
            return [str(line) for line in shown["lines"][1:]]
        press(meter, "next")
    raise AssertionError(f"the meter has no page {name}")


def type_in(meter: RigDevice, digits: str) -> list[str]:
    """Key digits in and press OK; return the lines of the page that is shown then."""
    return [str(line) for line in press(meter, *digits, "ok")["lines"][1:]]


def test_a_customer_keeps_a_secret_and_forgets_it(meter: RigDevice, bench: Workbench, supplier: Party) -> None:
    """With a PIN the display tells nothing personal; three wrong ones are told and cost five minutes each.

    It outlives a power cut. The supplier cannot read it, but takes the protection away by command (3.5).
    """
    bench.load(import_w=1000)
    bench.let_pass(hours=2)
    bench.load(import_w=0)
    assert "2.000 kWh" in page(meter, "energy")
    page(meter, "privacy")
    assert type_in(meter, "2468")[0] == "Done"
    assert "2.000 kWh" in page(meter, "energy")  # it was given just now
    bench.let_pass(minutes=3)
    assert page(meter, "energy") == page(meter, "account") == ["Enter your PIN", "and press OK"]
    assert "Rate 1" in page(meter, "tariff")
    meter.cut_power()
    bench.load(import_w=0)
    page(meter, "privacy")
    assert type_in(meter, "1111")[0] == type_in(meter, "2222")[0] == "Wrong PIN"
    assert type_in(meter, "3333")[0].startswith("Wait ")
    assert supplier.alert(NOT_AUTHENTICATED).meaning
    assert type_in(meter, "2468")[0].startswith("Wait ")  # not even the right one
    bench.let_pass(minutes=4)
    assert type_in(meter, "2468")[0].startswith("Wait ")
    bench.let_pass(minutes=2)
    assert type_in(meter, "2468")[0] == "Done" and "2.000 kWh" in page(meter, "energy")
    bench.let_pass(minutes=3)
    assert page(meter, "energy") == ["Enter your PIN", "and press OK"]
    supplier.ask("3.5")
    assert "2.000 kWh" in page(meter, "energy") and page(meter, "privacy")[0] == "No PIN"
    assert codes(meter, "security") == [NOT_AUTHENTICATED]


def test_the_next_tenant_sees_nothing_of_the_one_before(meter: RigDevice, bench: Workbench, supplier: Party) -> None:
    """Days, cost and credits of before the move are not shown in the house; the supplier reads them all (3.2, 4.17)."""
    bench.load(import_w=1000)
    bench.let_pass(days=3, hours=12)
    assert page(meter, "days") == ["03 Jan 24.000", "02 Jan 24.000"]  # a meter's first day is not whole
    assert "03 Jan 0.00" in page(meter, "cost")
    supplier.ask("3.2", {"RestrictionDateTime": bench.now()})
    assert page(meter, "days") == page(meter, "cost") == ["None yet"]
    meter.cut_power()
    bench.load(import_w=500)
    bench.let_pass(days=1)
    assert page(meter, "days") == ["None yet"]  # the day of the move was begun by the old one
    bench.let_pass(days=1)
    assert page(meter, "days") == ["05 Jan 12.000"]
    assert page(meter, "cost")[:1] == ["Today"] and "05 Jan 0.00" in page(meter, "cost")
    period = {"StartDateTime": datetime(2026, 1, 1, tzinfo=UTC), "EndDateTime": bench.now()}
    log = supplier.ask("4.17", {"ReadLogPeriod": period})
    read = [int(value) for value in log.texts("LogEntry/Value")]
    assert sorted(read) == [12000, 18000, 24000, 24000]
