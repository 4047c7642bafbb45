"""How fast a meter lives: weeks of half hours of a two-rate prepayment household, on the unix port from .mpy files."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from opensmets.bench.control import Bench
from opensmets.bench.household import STEPS, live, synthetic
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import HEAP, VirtualDevice
from opensmets.errors import SmetsError
from opensmets.links import open_link
from opensmets.security import pki

DAYS = 61
YEAR_DAYS = 365
BUDGET_S = 60
EUI = bytes.fromhex("00db1234567890a0")
_START_S = 473_385_600
_SETTINGS: tuple[tuple[str, object], ...] = (
    ("payment.mode", 2),
    ("prices.standing_charge", 40),
    ("prices.standing_charge_scale", -2),
    ("prices.scale", -2),
    ("prices.prices", [["01", 30], ["02", 10]]),
    ("calendar.days", [[1, [["00000000", 2], ["07000000", 1]]]]),
    ("calendar.weeks", [["01", 1, 1, 1, 1, 1, 1, 1]]),
    ("calendar.seasons", [["616c6c", "ffff0101ff000000008000ff", "01"]]),
    ("payment.meter_balance_millipence", 200_000_000),
)


def run(heap: str = HEAP) -> int:
    """Print how long a year takes and the ratio to its budget. Returns 1 when it is over."""
    with tempfile.TemporaryDirectory() as folder:
        keystore = pki.init(Path(folder) / "keys")
        with VirtualDevice(Path(folder) / "store", bench=True, heap=heap) as device, open_link(device.port) as link:
            provision(link, keystore, EUI)
            bench = Bench(link)
            bench("speed", factor=0)
            bench.set_time(_START_S)
            try:
                for path, value in _SETTINGS:
                    bench.set(path, value)
                started = time.perf_counter()
                lived = sum(1 for _ in live(bench, synthetic(1), DAYS * STEPS))
                passed_s = time.perf_counter() - started
            except SmetsError as error:
                print(f"a year of half hours: {error}")
                return 1
    year_s = passed_s * YEAR_DAYS / DAYS
    print(f"unix MicroPython, .mpy, heap {heap}: {lived:,} half hours of a two-rate prepayment household")
    print(f"  a year would take {year_s:.1f} s, {year_s / BUDGET_S:.2f} of its budget of {BUDGET_S} s;", end=" ")
    print(f"the meter lives {DAYS * 86_400 / passed_s:,.0f} times as fast as the world")
    return int(year_s > BUDGET_S)
