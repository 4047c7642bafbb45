"""`smets meter chart` asks a meter as a supplier does, and draws what the meter lived through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opensmets.bench.control import Bench
from opensmets.bench.household import HALF_HOUR_S, constant, live, time_of
from opensmets.links import open_link
from tests.command import smets
from tests.end_to_end.meter import Meter
from tests.end_to_end.test_time import HOURLY_DEBT, SETTINGS, STANDING_CHARGE, START_S

pytestmark = pytest.mark.xdist_group("end_to_end")
HOURS = 36


def test_what_was_lived_is_what_is_drawn(meter: Meter, tmp_path: Path) -> None:
    with open_link(meter.port) as link:
        bench = Bench(link)
        bench("speed", factor=0)
        bench.set_time(START_S - HALF_HOUR_S)
        bench.advance_to(START_S)
        for path, value in SETTINGS:
            bench.set(path, value)
        lived = list(live(bench, constant(2300, 400), 2 * HOURS))
        bench("speed", factor=0)
    told = json.loads(meter.smets("meter", "chart", "--days", "2", "--json", "--no-hub-time").out)
    points = [point for point in told["points"] if time_of(point["time"]) >= START_S]
    assert [(time_of(point["time"]), point["import_wh"], point["export_wh"]) for point in points] == [
        (each.time_s, each.import_wh, each.export_wh) for each in lived
    ]
    assert [point["price_high_millipence"] for point in points] == [each.price_millipence for each in lived]
    midnight = 2 * 24 - 1
    logged = lived[midnight].balance_millipence + STANDING_CHARGE + HOURLY_DEBT  # before what midnight itself takes
    assert points[midnight]["balance_millipence"] == logged
    assert told["balance_millipence"] == lived[-1].balance_millipence

    picture, pcap = tmp_path / "chart.png", tmp_path / "asked.pcapng"
    drawn = meter.smets("meter", "chart", "--days", "2", "--png", picture, "--pcap", pcap, "--no-hub-time")
    assert drawn.code == 0 and picture.read_bytes().startswith(b"\x89PNG") and pcap.stat().st_size > 1000
    text = meter.smets("meter", "chart", "--to", "2015-01-01T12:00", "--days", "1", "--no-hub-time").out
    assert "import, kW" in text and "price, pence a kWh" in text and "standing charge 40.00p a day" in text


def test_without_the_network_operator_export_is_left_out(meter: Meter, tmp_path: Path) -> None:
    store = tmp_path / "keys"
    store.mkdir()
    for file in meter.keystore.iterdir():
        if file.is_file() and "90b3d51f30020000" not in file.name:
            (store / file.name).write_bytes(file.read_bytes())
    done = smets("meter", "chart", "--days", "1", "--json", "--no-hub-time", "--port", meter.port, "--keystore", store)
    assert done.code == 0 and "4.8.3 is left out" in done.err
    assert not any(point["export_wh"] for point in json.loads(done.out)["points"])
