"""What a virtual meter is to measure as its time goes on, as a table that its process reads.

firmware/smets/bench/load_rows.py has the layout and says what rows mean.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from opensmets.bench.household import DAY_S, HALF_HOUR_S, Load, Power, Row, rows_of, time_of

_HEAD = struct.Struct(">4sII")
_ROW = struct.Struct(">IIIH")
#: A made household's year is 52 weeks from a Monday, and comes again and again: a meter's clock may be anywhere.
YEAR_BEGINS_S = time_of("2024-01-01")
YEAR_S = 364 * DAY_S


def write_made(path: Path, load: Load) -> None:
    """Write the table of a load that is known for every half hour, such as a made household's."""
    times = range(YEAR_BEGINS_S, YEAR_BEGINS_S + YEAR_S, HALF_HOUR_S)
    _write(path, [Row(time_s, load(time_s)) for time_s in times], YEAR_S)


def write_constant(path: Path, power: Power) -> None:
    """Write the table of a load that never changes."""
    _write(path, [Row(0, power)])


def write_csv_rows(path: Path, source: Path) -> None:
    """Write the table of a CSV file. Raises LoadInvalid."""
    _write(path, rows_of(source))


def _write(path: Path, rows: Sequence[Row], repeat_s: int = 0) -> None:
    head = _HEAD.pack(b"SMTL", repeat_s, rows[0].time_s if repeat_s else 0)
    packed = (_ROW.pack(row.time_s, row.power.import_w, row.power.export_w, row.voltage_dv) for row in rows)
    path.write_bytes(head + b"".join(packed))
