"""`smets device run --load`: a meter that measures a load while its time runs, as fast as it is told to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from opensmets.bench.control import Bench
from opensmets.bench.household import HALF_HOUR_S, synthetic, text_of
from opensmets.bench.load_table import YEAR_BEGINS_S, YEAR_S
from opensmets.bench.panel import MeterPanel
from opensmets.links import open_link
from tests.command import smets
from tests.end_to_end.meter import Meter, start_meter

pytestmark = pytest.mark.xdist_group("end_to_end_load")
SPEED = "3600"
START_TIMEOUT_S = 60
REGISTERS = ("registers.active_import_wh", "registers.active_export_wh")


def frozen(meter: Meter, after_s: int) -> dict[str, Any]:
    """Let the meter's time stand still once it is past `after_s`; return the time and its registers."""
    give_up = time.monotonic() + START_TIMEOUT_S
    with open_link(meter.port) as link:
        bench = Bench(link)
        while bench.status()["time_s"] < after_s:
            assert time.monotonic() < give_up, "the meter's time does not go on"
            time.sleep(0.1)
        bench("speed", factor=0)
        return {path: bench.get(path) for path in REGISTERS} | {"time_s": bench.status()["time_s"]}


def test_a_constant_load_is_metered_as_time_goes_on_and_supplier_and_customer_see_it(tmp_path: Path) -> None:
    meter = start_meter(tmp_path, "--load", "1750,250", "--speed", SPEED)
    try:
        found = frozen(meter, 5 * HALF_HOUR_S)
        assert found[REGISTERS[0]] == 1750 * found["time_s"] // 3600 > 0
        assert found[REGISTERS[1]] == 250 * found["time_s"] // 3600 > 0
        assert str(found[REGISTERS[0]]) in meter.smets("read", "registers", "--json").out
        with open_link(meter.port) as link:
            panel = MeterPanel(Bench(link))
            pages = [" ".join(panel.page("next").lines) for _ in range(4)]  # the tariff, then the energy
        assert any("1750 W" in page for page in pages)
    finally:
        meter.stop()


def test_a_files_rows_are_metered_to_the_second(tmp_path: Path) -> None:
    file = tmp_path / "load.csv"
    file.write_text(f"time,import_w,export_w,voltage_v\n0,3600,0,\n{text_of(4000)},0,7200,251.5\n9000,1800,,\n")
    meter = start_meter(tmp_path, "--load", str(file), "--speed", SPEED)
    try:
        found = frozen(meter, 3 * 3600)
        last_s = found["time_s"] - 9000
        assert [found[path] for path in REGISTERS] == [(4000 * 3600 + last_s * 1800) // 3600, 2 * 5000]
        with open_link(meter.port) as link:
            voltages = dict(Bench(link)("rows", log="voltage_1", count=5)["rows"])
        # from 4,000 s to 9,000 s it was 251.5 V and else 230 V; averages of half hours in whole volts
        assert [voltages[HALF_HOUR_S * number] for number in (2, 3, 4, 5)] == [230, 247, 252, 252]
    finally:
        meter.stop()


def test_a_made_household_is_the_seeds_at_any_time(tmp_path: Path) -> None:
    meter = start_meter(tmp_path, "--load", "household", "--seed", "7", "--speed", SPEED)
    try:
        found = frozen(meter, 4 * 3600)
        load, import_ws = synthetic(7), 0
        for start_s in range(0, found["time_s"], HALF_HOUR_S):
            power = load(YEAR_BEGINS_S + (start_s - YEAR_BEGINS_S) % YEAR_S)
            import_ws += power.import_w * min(HALF_HOUR_S, found["time_s"] - start_s)
        assert found[REGISTERS[0]] == import_ws // 3600 > 0
    finally:
        meter.stop()


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("0,100,0,230\n60,many,0,230", "line 3: 'many' is no power"),
        ("0,100,0,230\nnever,1,0,230", "line 3: 'never' is no time"),
        ("9,100,0,230\n9,1,0,230", "line 3: times must rise"),
        ("0,100,0,230.55", "line 2: '230.55' is no voltage"),
        ("1999-12-31,100,0,", "line 2: '1999-12-31' is not between"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_its_line(rows: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "load.csv"
    file.write_text("time,import_w,export_w,voltage_v\n" + rows)
    outcome = smets("device", "run", "--store", tmp_path / "esme", "--load", file)
    assert outcome.code == 1 and why in outcome.why


def test_a_load_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    outcome = smets("device", "run", "--store", tmp_path / "esme", "--load", "lots")
    assert outcome.code == 2 and "'lots' is no load" in outcome.why
