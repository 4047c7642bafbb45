"""Days of a prepayment household in real MicroPython and a Pico's heap: every log exact, however time was cut."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from opensmets.bench.control import Bench
from opensmets.bench.household import DAY_S, HALF_HOUR_S, STEPS, live, synthetic
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import HEAP, VirtualDevice
from opensmets.links import open_link
from opensmets.security import pki
from tests.firmware.day_reference import Household

pytestmark = pytest.mark.xdist_group("end_to_end")
EUI = bytes.fromhex("00db1234567890a0")
START_S = 473_385_600  # a midnight
DAYS = 3
POWERS = [synthetic(5)(START_S + number * HALF_HOUR_S) for number in range(DAYS * STEPS)]
BALANCE, DAY_RATE, NIGHT_RATE, STANDING_CHARGE, DEBT, HOURLY_DEBT = 90_000_000, 30_000, 10_000, 40_000, 150_000, 4_000
EVERY_DAY = "ffff0101ff000000008000ff"
SETTINGS: tuple[tuple[str, Any], ...] = (
    ("payment.mode", 2),
    ("prices.scale", -2),
    ("prices.prices", [["01", DAY_RATE // 1000], ["02", NIGHT_RATE // 1000]]),
    ("prices.standing_charge_scale", -2),
    ("prices.standing_charge", STANDING_CHARGE // 1000),
    ("calendar.days", [[1, [["00000000", 2], ["07000000", 1]]]]),
    ("calendar.weeks", [["01", 1, 1, 1, 1, 1, 1, 1]]),
    ("calendar.seasons", [["616c6c", EVERY_DAY, "01"]]),
    ("debts.rate_1_scale", -2),
    ("debts.rate_1", HOURLY_DEBT // 1000),
    ("debts.period_1_s", 3600),
    ("payment.time_debt_1_millipence", DEBT),
    ("payment.meter_balance_millipence", BALANCE),
)
LOGS = ("import_profile", "export_profile", "reactive_profile", "voltage_1", "daily_consumption", "export_daily",
        "prepayment_daily", "daily_read", "event", "security", "power_event")  # fmt: skip
FIELDS = ("registers.active_import_wh", "registers.active_export_wh", "tariff_registers.tou_wh",
          "payment.meter_balance_millipence", "payment.time_debt_1_millipence", "demand.import_w",
          "demand.import_s", "demand.export_w")  # fmt: skip


@contextmanager
def household(folder: Path) -> Iterator[tuple[VirtualDevice, Bench]]:
    """A meter with its tariff and its debt, its clock at the start and standing still."""
    keystore = pki.init(folder / "keys")
    with VirtualDevice(folder / "esme", bench=True, heap=HEAP) as device, open_link(device.port) as link:
        provision(link, keystore, EUI)
        bench = Bench(link)
        bench("speed", factor=0)
        bench.set_time(START_S - HALF_HOUR_S)
        bench.advance_to(START_S)  # a half hour and a day are logged whose beginning was seen
        for path, value in SETTINGS:
            bench.set(path, value)
        yield device, bench


def reference() -> Household:
    lived = Household(BALANCE, DAY_RATE, NIGHT_RATE, 7 * 3600, STANDING_CHARGE, DEBT, HOURLY_DEBT)
    for power in POWERS:
        lived.live(power.import_w, power.export_w)
    return lived


def rows(bench: Bench, log: str) -> list[list[Any]]:
    found: list[list[Any]] = []
    while True:
        answer = bench("rows", log=log, **{"from": len(found)}, count=1 if log == "daily_read" else 20)
        found += answer["rows"]
        if len(found) >= answer["length"]:
            return found


def everything(bench: Bench) -> dict[str, Any]:
    return {log: rows(bench, log) for log in LOGS} | {path: bench.get(path) for path in FIELDS}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All that a meter knows that lived half hour by half hour, as the bench lets it."""
    with household(tmp_path_factory.mktemp("whole")) as (_, bench):
        steps = list(live(bench, lambda time_s: POWERS[(time_s - START_S) // HALF_HOUR_S], len(POWERS)))
        assert [(each.import_wh, each.export_wh) for each in steps] == [found[1:] for found in reference().half_hours]
        return everything(bench)


def test_every_log_is_what_the_specification_says(lived: dict[str, Any]) -> None:
    def logged(log: str) -> list[tuple[int, int]]:
        return [(row[0] - START_S, row[1]) for row in lived[log] if row[0] > START_S]

    expected = reference()
    assert logged("import_profile") == [(time_s, import_wh) for time_s, import_wh, _ in expected.half_hours]
    assert logged("export_profile") == [(time_s, export_wh) for time_s, _, export_wh in expected.half_hours]
    assert logged("daily_consumption") == [(time_s, import_wh) for time_s, import_wh, _ in expected.days]
    assert logged("prepayment_daily") == [(time_s, balance) for time_s, _, balance in expected.days]
    assert len(logged("voltage_1")) == len(logged("reactive_profile")) == DAYS * STEPS
    assert len(logged("daily_read")) == len(logged("export_daily")) == DAYS
    assert lived["tariff_registers.tou_wh"][:2] == expected.by_rate_wh
    assert lived["payment.meter_balance_millipence"] == expected.balance
    assert lived["payment.time_debt_1_millipence"] == expected.debt == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_cutting_time_anywhere_and_the_power_at_half_hours_changes_nothing(
    seed: int, lived: dict[str, Any], tmp_path: Path
) -> None:
    chance = Random(seed)
    with household(tmp_path) as (device, bench):
        for number, power in enumerate(POWERS):
            begins_s = START_S + number * HALF_HOUR_S
            bench("load", import_w=power.import_w, export_w=power.export_w)
            for moment_s in sorted(chance.sample(range(1, HALF_HOUR_S), chance.randrange(3))):
                bench.advance_to(begins_s + moment_s)
            bench.advance_to(begins_s + HALF_HOUR_S)
            if number % STEPS in (5, 47):  # an hour of the night, and midnight itself
                device.restart()
                bench("speed", factor=0)
        found = everything(bench)
    assert found["import_profile"][-1][0] == START_S + DAYS * DAY_S
    assert found == lived
