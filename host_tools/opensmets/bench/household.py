"""A household at a meter: what it takes and feeds back by half hours, and a meter living with it at any speed.

A load is constant, of a CSV file, or made of a seed: base load, cooking and evening, weekends, and a roof of solar
cells. Made loads are integers of the seed and the half hour alone: every machine has the same household.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

from opensmets.bench.control import Bench
from opensmets.errors import SmetsError

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
HALF_HOUR_S, DAY_S = 1800, 86_400
MAX_POWER_W = 1_000_000
MAX_VOLTAGE_DV = 6_000
REGISTER_TURN = 1 << 32
#: A request's half hours: a day's, whose answer a small heap can hold.
STEPS = 48
ANSWER_TIMEOUT_S = 120.0
COLUMNS = ("time", "import_w", "export_w", "import_wh", "export_wh", "price_millipence", "balance_millipence", "supply")

_ANSWERED = ("import_wh", "export_wh", "price_millipence", "balance_millipence", "supply")

#: W by the hour of the day, before weekday, season and chance.
BASE_W = (
    180, 160, 150, 150, 150, 170, 320, 620, 520, 330, 290, 300,
    380, 340, 290, 310, 480, 900, 1250, 1150, 850, 620, 420, 260,
)  # fmt: skip
#: Per cent of it by the month: lighting, and what keeps warm.
SEASON_PERCENT = (135, 128, 115, 100, 90, 82, 80, 82, 90, 104, 120, 132)
#: Half the hours of daylight in quarters of an hour, and the roof's most at noon in W, by the month.
DAYLIGHT_QUARTERS = (16, 20, 24, 28, 31, 33, 32, 29, 25, 21, 17, 15)
NOON_W = (900, 1500, 2200, 2800, 3200, 3400, 3300, 2900, 2400, 1700, 1000, 750)


class LoadInvalid(SmetsError):
    """A file of loads cannot be read as one."""


@dataclass(frozen=True, slots=True)
class Power:
    """What flows in a half hour, on average, in W."""

    import_w: int
    export_w: int = 0


#: The power in the half hour that begins at a `time_s`.
Load = Callable[[int], Power]


@dataclass(frozen=True, slots=True)
class HalfHour:
    """A half hour that the meter has lived through: it began at `time_s`; what its registers grew by is in Wh.

    The price (a kWh) is that with which it began, balance and supply are those at its end; money in millipence.
    """

    time_s: int
    power: Power
    import_wh: int
    export_wh: int
    price_millipence: int
    balance_millipence: int
    supply: int

    def row(self) -> tuple[str | int, ...]:
        """Return it as a row of COLUMNS."""
        power = self.power
        return (
            text_of(self.time_s), power.import_w, power.export_w, self.import_wh, self.export_wh,
            self.price_millipence, self.balance_millipence, self.supply,
        )  # fmt: skip


def text_of(time_s: int) -> str:
    """Return a `time_s` as 2026-01-31T14:30:00Z."""
    return (EPOCH + timedelta(seconds=time_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_of(text: str) -> int:
    """Return the `time_s` of a date, of a date and time in UTC, or of a number of seconds. Raises LoadInvalid."""
    if text.strip().isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise LoadInvalid(f"{text!r} is no time: write 2026-01-31T14:30:00Z") from None
    return int(((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH).total_seconds())


def constant(import_w: int, export_w: int = 0) -> Load:
    """Return a load that never changes."""
    power = Power(import_w, export_w)
    return lambda time_s: power


def synthetic(seed: int = 1, *, solar: bool = True) -> Load:
    """Return the load of a made household; `solar`: with cells on its roof, which feed back what is not used."""

    def load(time_s: int) -> Power:
        used_w = _used_w(seed, time_s)
        made_w = _made_w(seed, time_s) if solar else 0
        return Power(max(0, used_w - made_w), max(0, made_w - used_w))

    return load


def _chance(seed: int, what: str, number: int, most: int) -> int:
    """Return a number from 0 to `most`, the same for the same arguments for ever."""
    return crc32(f"{seed} {what} {number}".encode()) % (most + 1)


def _used_w(seed: int, time_s: int) -> int:
    moment = EPOCH + timedelta(seconds=time_s)
    slot = time_s // HALF_HOUR_S
    used_w = BASE_W[moment.hour] * SEASON_PERCENT[moment.month - 1] // 100
    if moment.weekday() >= 5 and 9 <= moment.hour < 17:  # somebody is at home
        used_w = used_w * 150 // 100
    used_w = used_w * (70 + _chance(seed, "use", slot, 60)) // 100
    if _chance(seed, "kettle", slot, 9) == 0 and 6 <= moment.hour < 23:
        used_w += 700
    return used_w


def _made_w(seed: int, time_s: int) -> int:
    """Return what the cells make: a parabola about noon, through the clouds of the day and of the half hour."""
    moment = EPOCH + timedelta(seconds=time_s)
    half = DAYLIGHT_QUARTERS[moment.month - 1]
    off = (moment.hour * 60 + moment.minute + 15) // 15 - 48
    if abs(off) >= half:
        return 0
    clear_w = NOON_W[moment.month - 1] * (half * half - off * off) // (half * half)
    sky = 15 + _chance(seed, "day", time_s // DAY_S, 85)
    return clear_w * sky * (80 + _chance(seed, "cloud", time_s // HALF_HOUR_S, 20)) // 10_000


def from_csv(path: Path) -> Load:
    """Return the load of a CSV file, see `rows_of`.

    A row holds from its time to the next one's, the last for good, and nothing flows before the first. A half hour has
    the average, rounded down. Raises LoadInvalid.
    """
    rows = rows_of(path)
    times, powers = [row.time_s for row in rows], [(row.power.import_w, row.power.export_w) for row in rows]

    def power_at(place: int) -> tuple[int, int]:
        return powers[place] if place >= 0 else (0, 0)

    def load(time_s: int) -> Power:
        end_s = time_s + HALF_HOUR_S
        place, at_s, sums = bisect_right(times, time_s) - 1, time_s, [0, 0]
        while at_s < end_s:
            until_s = min(end_s, times[place + 1]) if place + 1 < len(times) else end_s
            for index, watts in enumerate(power_at(place)):
                sums[index] += watts * (until_s - at_s)
            place, at_s = place + 1, until_s
        return Power(sums[0] // HALF_HOUR_S, sums[1] // HALF_HOUR_S)

    return load


@dataclass(frozen=True, slots=True)
class Row:
    """What flows from `time_s` on; `voltage_dv` is in tenths of a volt, 0 where nothing is said of it."""

    time_s: int
    power: Power
    voltage_dv: int = 0


def rows_of(path: Path) -> list[Row]:
    """Return the rows of a CSV file with the columns time and import_w, and perhaps export_w and voltage_v.

    Other columns are passed over; times must rise. Raises LoadInvalid, which names the line.
    """
    found: list[Row] = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not {"time", "import_w"} <= set(rows.fieldnames or ()):
            raise LoadInvalid(f"{path} lacks the columns time and import_w in its first line")
        for row in rows:
            try:
                found.append(_row(row))
                if len(found) > 1 and found[-1].time_s <= found[-2].time_s:
                    raise LoadInvalid("times must rise")
            except LoadInvalid as error:
                raise LoadInvalid(f"{path}, line {rows.line_num}: {error}") from None
    if not found:
        raise LoadInvalid(f"{path} holds no rows")
    return found


def _row(row: dict[str, str | None]) -> Row:
    time_s = time_of(row["time"] or "")
    if not 0 <= time_s < REGISTER_TURN:
        raise LoadInvalid(f"{row['time']!r} is not between 2000 and 2136")
    power = Power(_watts(row["import_w"]), _watts(row.get("export_w") or "0"))
    return Row(time_s, power, _voltage_dv(row.get("voltage_v") or "0"))


def _watts(text: str | None) -> int:
    if text is None or not text.strip().isdigit() or int(text) > MAX_POWER_W:
        raise LoadInvalid(f"{text!r} is no power in W from 0 to {MAX_POWER_W}")
    return int(text)


def _voltage_dv(text: str) -> int:
    whole, _, tenths = text.strip().partition(".")
    if not (whole + tenths).isdigit() or len(tenths) > 1 or int(whole + (tenths or "0")) > MAX_VOLTAGE_DV:
        raise LoadInvalid(f"{text!r} is no voltage in V from 0 to {MAX_VOLTAGE_DV // 10}, such as 230 or 229.5")
    return int(whole + (tenths or "0"))


def live(bench: Bench, load: Load, half_hours: int) -> Iterator[HalfHour]:
    """Let a meter live through so many half hours under a load; yield each when it is over.

    The first one is what is left of the half hour that the meter is in. The world's time stands still for it
    meanwhile. Raises DeviceRefused, NoAnswer.
    """
    status = bench.status()
    bench("speed", factor=0)
    try:
        start_s = bench.status()["time_s"] // HALF_HOUR_S * HALF_HOUR_S
        seen = (bench.get("registers.active_import_wh"), bench.get("registers.active_export_wh"))
        for first in range(0, half_hours, STEPS):
            times = range(start_s + first * HALF_HOUR_S, start_s + min(first + STEPS, half_hours) * HALF_HOUR_S,
                          HALF_HOUR_S)  # fmt: skip
            powers = [load(time_s) for time_s in times]
            answer = _ask(bench, powers)
            for time_s, power, *rest in zip(times, powers, *(answer[name] for name in _ANSWERED), strict=True):
                import_wh, export_wh, price, balance, supply = rest
                grown = ((import_wh - seen[0]) % REGISTER_TURN, (export_wh - seen[1]) % REGISTER_TURN)
                seen = (import_wh, export_wh)
                yield HalfHour(time_s, power, *grown, price, balance, supply)
    finally:
        bench("speed", factor=status["speed"])


def _ask(bench: Bench, powers: list[Power]) -> dict[str, Any]:
    return bench(
        "household",
        step_s=HALF_HOUR_S,
        import_w=[power.import_w for power in powers],
        export_w=[power.export_w for power in powers],
        timeout_s=ANSWER_TIMEOUT_S,
    )


def write_csv(path: Path, half_hours: list[HalfHour]) -> None:
    """Write what a meter has lived through, with a line of COLUMNS first; `from_csv` and `read_csv` read it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        rows.writerows(each.row() for each in half_hours)


def read_csv(path: Path) -> list[HalfHour]:
    """Return what `write_csv` wrote. Raises LoadInvalid."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise LoadInvalid(f"{path} is not a household's run: its first line is to be {','.join(COLUMNS)}")
        try:
            return [_read(row) for row in rows]
        except (TypeError, ValueError):
            raise LoadInvalid(f"{path}, line {rows.line_num}: numbers are wanted") from None


def _read(row: dict[str, str]) -> HalfHour:
    time, import_w, export_w, *rest = (row[name] for name in COLUMNS)
    return HalfHour(time_of(time), Power(int(import_w), int(export_w)), *map(int, rest))
