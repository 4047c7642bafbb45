"""Metering must not wear a board's flash out within a meter's life."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.flash_wear import count, provisioned_store, years
from opensmets.bench.firmware import micropython_path
from opensmets.boards.description import read_board

DAYS = 2
#: Certified meters are made for some fifteen years.
LIFE_YEARS = 15
FREE_BLOCKS = 190
pytestmark = pytest.mark.xdist_group("flash_wear")


def test_half_hours_leave_a_picos_flash_a_meters_life(tmp_path: Path) -> None:
    if micropython_path() is None:
        pytest.skip("no MicroPython for this machine: set $MICROPYTHON")
    flash = read_board("RPI_PICO").flash
    found = count(provisioned_store(tmp_path), FREE_BLOCKS, flash.program_size, DAYS)
    assert found["erases"] >= found["busiest"] > 0 and found["programmed"] >= DAYS * 48 * flash.program_size
    assert years(found, FREE_BLOCKS, DAYS)[0] > 2 * LIFE_YEARS
