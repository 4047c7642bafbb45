"""A year of half hours of a two-rate prepayment household on the unix port, from .mpy files in a Pico's heap.

How long it takes, and whether all that the meter has of it is what the specification says: every half hour, every row
that its logs still have, registers and balance are compared with the reference that the tests have (day_reference.py).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opensmets.bench.control import Bench
from opensmets.bench.household import HALF_HOUR_S, STEPS, HalfHour, live, synthetic
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import HEAP, VirtualDevice
from opensmets.errors import SmetsError
from opensmets.links import open_link
from opensmets.security import pki
from tests.firmware.day_reference import Household

YEAR_DAYS = 365
BUDGET_S = 60
EUI = bytes.fromhex("00db1234567890a0")
START_S = 473_385_600
BALANCE, DAY_RATE, NIGHT_RATE, STANDING_CHARGE = 200_000_000, 30_000, 10_000, 40_000
_NIGHT_END_S = 7 * 3600
_SETTINGS: tuple[tuple[str, object], ...] = (
    ("payment.mode", 2),
    ("prices.standing_charge", STANDING_CHARGE // 1000),
    ("prices.standing_charge_scale", -2),
    ("prices.scale", -2),
    ("prices.prices", [["01", DAY_RATE // 1000], ["02", NIGHT_RATE // 1000]]),
    ("calendar.days", [[1, [["00000000", 2], ["07000000", 1]]]]),
    ("calendar.weeks", [["01", 1, 1, 1, 1, 1, 1, 1]]),
    ("calendar.seasons", [["616c6c", "ffff0101ff000000008000ff", "01"]]),
    ("payment.meter_balance_millipence", BALANCE),
)
#: Logs, how many rows each keeps (SMETS2 5.7.5), and which number of a row is compared.
_LOGS = (("import_profile", 19056), ("export_profile", 4464), ("reactive_profile", 4464), ("voltage_1", 4320),
         ("daily_consumption", 731), ("export_daily", 31), ("prepayment_daily", 31), ("daily_read", 31))  # fmt: skip


def prepare(bench: Bench) -> None:
    """Give a meter its tariff and let it begin the first day, of which it then has every row."""
    bench("speed", factor=0)
    bench.set_time(START_S - HALF_HOUR_S)
    bench.advance_to(START_S)
    for path, value in _SETTINGS:
        bench.set(path, value)


def differences(bench: Bench, lived: list[HalfHour]) -> Iterator[str]:
    """Yield where a meter that was prepared and has lived so is not as the specification says."""
    expected = Household(BALANCE, DAY_RATE, NIGHT_RATE, _NIGHT_END_S, STANDING_CHARGE, 0, 0)
    for each in lived:
        expected.live(each.power.import_w, each.power.export_w)
    if [(each.import_wh, each.export_wh) for each in lived] != [found[1:] for found in expected.half_hours]:
        yield "half hours"
    ends = [time_s for time_s, *_ in expected.half_hours]
    midnights = [time_s for time_s, *_ in expected.days]
    wanted: dict[str, list[tuple[int, ...]]] = {
        "import_profile": [(time_s, import_wh) for time_s, import_wh, _ in expected.half_hours],
        "export_profile": [(time_s, export_wh) for time_s, _, export_wh in expected.half_hours],
        "reactive_profile": [(time_s, 0) for time_s in ends],
        "daily_consumption": [(time_s, import_wh) for time_s, import_wh, _ in expected.days],
        "prepayment_daily": [(time_s, balance) for time_s, _, balance in expected.days],
        "voltage_1": [(time_s,) for time_s in ends],
        "export_daily": [(time_s,) for time_s in midnights],
        "daily_read": [(time_s,) for time_s in midnights],
    }
    for name, kept in _LOGS:
        found = [row for row in _rows(bench, name) if row[0] > START_S]
        width = len(wanted[name][0]) if wanted[name] else 1
        if [(row[0] - START_S, *row[1:width]) for row in found] != wanted[name][-kept:]:
            yield name
    if bench.get("tariff_registers.tou_wh")[:2] != expected.by_rate_wh:
        yield "registers of the two rates"
    if bench.get("payment.meter_balance_millipence") != expected.balance:
        yield "balance"


def _rows(bench: Bench, log: str) -> Iterator[list[Any]]:
    length, start, count = 1, 0, 1 if log == "daily_read" else 20
    while start < length:
        answer = bench("rows", log=log, **{"from": start}, count=count)
        yield from answer["rows"]
        length, start = answer["length"], start + count


def run(heap: str = HEAP, days: int = YEAR_DAYS) -> int:
    """Print how long a year takes, the ratio to its budget, and what of it is not exact. Returns 1 when that fails."""
    with tempfile.TemporaryDirectory() as folder:
        keystore = pki.init(Path(folder) / "keys")
        with VirtualDevice(Path(folder) / "store", bench=True, heap=heap) as device, open_link(device.port) as link:
            provision(link, keystore, EUI)
            bench = Bench(link)
            try:
                prepare(bench)
                started = time.perf_counter()
                lived = list(live(bench, synthetic(1), days * STEPS))
                passed_s = time.perf_counter() - started
                wrong = list(differences(bench, lived))
            except SmetsError as error:
                print(f"a year of half hours: {error}")
                return 1
    year_s = passed_s * YEAR_DAYS / days
    print(f"unix MicroPython, .mpy, heap {heap}: {len(lived):,} half hours of a two-rate prepayment household")
    print(f"  they took {passed_s:.1f} s; a year takes {year_s / BUDGET_S:.2f} of its budget of {BUDGET_S} s;", end=" ")
    print(f"the meter lives {days * 86_400 / passed_s:,.0f} times as fast as the world")
    print(f"  wrong: {', '.join(wrong)}" if wrong else f"  exact: registers, balance and all rows of {len(_LOGS)} logs")
    return int(year_s > BUDGET_S or bool(wrong))
