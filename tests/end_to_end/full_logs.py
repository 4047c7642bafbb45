"""Every log of a meter filled to the brim, on the host and in the meter's own store: it would take years of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smets.meter.log_table import LOGS, find_log
from smets.meter.logs import Logs
from smets.store.files import FLASH
from smets.store.segments import SegmentLog
from tests.firmware.memory_journal import MemoryJournal


def fill(store: Path, elements: int, phases: int, newest_s: int) -> dict[str, int]:
    """Fill the logs in the store of a meter that is not running; return how many rows each has.

    Rows are a half hour apart and end at `newest_s`; what is in them is nothing but their number.
    """
    there = {"twin": elements == 2, "single": elements == 1, "three_phase": phases == 3, "one_phase": phases == 1}

    def opened(name: str, record_size: int, capacity: int) -> SegmentLog:
        return SegmentLog(str(store / "logs"), name, record_size, capacity)

    logs = Logs(opened, there.__getitem__, MemoryJournal())
    names = [line.split()[0] for line in LOGS.split("\n") if line]
    found = {}
    FLASH.in_haste = True
    try:
        for name in names:
            if definition := find_log(name, there.__getitem__):
                columns, found[name] = definition
                for number in range(found[name]):
                    time_s = newest_s - (found[name] - 1 - number) * 1800
                    logs.append(name, (time_s, *(_value(*column, number) for column in columns[1:])))
                assert len(logs.get(name)) == found[name]
        logs.release()
    finally:
        FLASH.in_haste = False
    return found


def _value(code: str | int, count: int, number: int) -> Any:
    """Return what stands in a column (meter/log_table.py)."""
    one: Any = bytes(4) if isinstance(code, int) else number % 100
    return [one] * count if count > 0 else one
