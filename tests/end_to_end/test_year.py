"""What `make bench` says of a year, judged on some days: they are exact, and would not be called so if they were not.

The year itself takes half a minute: `python -c "from benchmarks import device_year; device_year.run()"`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.device_year import EUI, differences, prepare
from opensmets.bench.control import Bench
from opensmets.bench.household import STEPS, live, synthetic
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.links import open_link
from opensmets.security import pki

pytestmark = pytest.mark.xdist_group("end_to_end")
DAYS = 33  # more than the logs of 31 days keep


def test_a_month_is_exact_and_what_is_not_is_found(tmp_path: Path) -> None:
    keystore = pki.init(tmp_path / "keys")
    with VirtualDevice(tmp_path / "esme", bench=True) as device, open_link(device.port) as link:
        provision(link, keystore, EUI)
        bench = Bench(link)
        prepare(bench)
        lived = list(live(bench, synthetic(1), DAYS * STEPS))
        assert list(differences(bench, lived)) == []
        other = [*lived[:-1], replace(lived[-1], import_wh=lived[-1].import_wh + 1)]
        assert list(differences(bench, other)) == ["half hours"]
        bench("clear", log="voltage_1")
        bench.set("payment.meter_balance_millipence", 1)
        assert list(differences(bench, lived)) == ["voltage_1", "balance"]
