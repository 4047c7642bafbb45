"""A rig's tests: each starts with a meter in its first state, and says what its parties ask and what must come back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opensmets.cli.conversation import Refused
from opensmets.errors import SmetsError

pytestmark = pytest.mark.xdist_group("rig")


def test_an_hours_energy_is_registered(bench, supplier) -> None:
    bench.load(import_w=2300)
    bench.let_pass(hours=1)
    assert supplier.read("registers").number("ActiveImportRegister/Value") == 2300


def test_every_test_starts_with_an_empty_register(supplier) -> None:
    assert supplier.ask("ReadInstantaneousImportRegisters").number("ActiveImportRegister/Value") == 0


def test_an_armed_supply_is_closed_by_its_customer(bench, supplier) -> None:
    supplier.supply("disable")
    supplier.supply("arm")
    assert supplier.alert(0x8F32).meaning
    assert supplier.supply("status").text("SupplyState") == "Armed"
    bench.press("supply")
    assert supplier.supply("status").text("SupplyState") == "Enabled"


def test_a_top_up_is_credited_once(supplier) -> None:
    supplier.top_up("10.00")
    assert supplier.read("balance").number("MeterBalance") == 1_000_000


def test_a_cover_is_told_to_the_supplier(bench, supplier) -> None:
    bench.open_cover("terminal")
    assert supplier.alert(0x8F76).code == 0x8F76


def test_the_network_operator_reads_but_does_not_disable(network_operator, supplier) -> None:
    assert network_operator.read("voltage").use_case.startswith("ECS23")
    with pytest.raises(Refused, match="no authority"):
        network_operator.supply("disable")
    assert supplier.supply("status").text("SupplyState") == "Enabled"


def test_a_document_dated_ahead_is_carried_out_when_it_is_due(bench, supplier) -> None:
    moment = bench.now() + timedelta(hours=1)
    content = {
        "ExecutionDateTime": moment, "LoadLimitPeriod": 300, "LoadLimitPowerThreshold": 6900,
        "LoadLimitRestorationPeriod": 30, "LoadLimitSupplyState": "Unchanged",
    }  # fmt: skip
    supplier.ask("6.4.1", content)
    bench.let_pass(minutes=59)
    assert bench.get("load_limit.power_threshold_w") != 6900
    bench.let_pass(minutes=2)
    supplier.alert(0x8F66)
    assert bench.get("load_limit.power_threshold_w") == 6900


def test_an_alert_that_does_not_come_is_said_so(supplier) -> None:
    with pytest.raises(SmetsError, match="no alert 0x8F76 came"):
        supplier.alert(0x8F76, timeout_s=0.2)
