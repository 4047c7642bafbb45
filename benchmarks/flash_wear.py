"""What metering costs a flash: a meter's days on littlefs over one that counts, and the years that it would last.

The meter is the firmware in MicroPython with its store on VfsLfs2, in as many blocks as a board's image leaves free. It
measures a changing load and writes what it always writes: registers at each half hour, the logs, the daily reads.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from opensmets.bench.firmware import firmware_path, micropython_path
from opensmets.bench.provisioning import provision
from opensmets.bench.virtual import VirtualDevice
from opensmets.boards.description import read_board
from opensmets.boards.image import build
from opensmets.links import open_link
from opensmets.security import pki

ERASE_CYCLES = 100_000
"""Of a block: what data sheets of the boards' serial flash promise. An assumption; look at your chip's."""
DAYS, DAYS_A_YEAR = 10, 365
BOARDS = (("RPI_PICO", False), ("RPI_PICO_W", True), ("ESP32_GENERIC", False))
"""Which boards, and whether with the firmware frozen into MicroPython: as files it leaves a Pico W some three weeks."""
SCRIPT = Path(__file__).with_name("counted_flash.py")
EUI = "00-DB-12-34-56-78-90-A0"


def provisioned_store(folder: Path) -> Path:
    """Make a meter and return its store."""
    keystore = pki.init(folder / "keys")
    with VirtualDevice(folder / "esme", runtime="cpython") as device, open_link(device.port) as link:
        provision(link, keystore, EUI)
    (folder / "esme" / "store.lock").unlink()
    return folder / "esme"


def count(store: Path, blocks: int, page_bytes: int, days: int = DAYS) -> dict[str, Any]:
    """Return what days of metering do to so many blocks: `erases`, `programmed` bytes and the `busiest` block's erases.

    Raises CalledProcessError when the meter fails.
    """
    command = [str(micropython_path()), "-X", "heapsize=8m", str(SCRIPT), str(store), str(firmware_path())]
    done = subprocess.run(
        [*command, str(blocks), str(page_bytes), str(days)], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))


def years(found: dict[str, Any], blocks: int, days: int = DAYS) -> tuple[float, float]:
    """Return how long the flash lasts when littlefs spreads the erases evenly, and when it goes on as it did here."""
    per_block = (found["erases"] / blocks, float(found["busiest"]))
    evenly, as_here = (ERASE_CYCLES * days / DAYS_A_YEAR / each for each in per_block)
    return evenly, as_here


def run() -> None:
    """Print a line a board."""
    print(f"flash wear, one meter, {DAYS} days of half hours, {ERASE_CYCLES:,} erase cycles a block assumed")
    with tempfile.TemporaryDirectory() as folder:
        store = provisioned_store(Path(folder))
        for name, frozen in BOARDS:
            board = read_board(name)
            blocks = board.flash.blocks - build(board, frozen=frozen).blocks_used
            copy = shutil.copytree(store, Path(folder) / name)
            try:
                found = count(copy, blocks, board.flash.program_size)
            except subprocess.CalledProcessError as error:
                why = error.stderr.strip().splitlines()[-1]
                print(f"  {name:16} the meter fails within {DAYS} days, with {blocks} free blocks: {why}")
                continue
            evenly, as_here = years(found, blocks)
            written = f"{found['erases'] / DAYS:6.1f} erases and {found['programmed'] / DAYS / 1024:6.1f} KiB a day"
            lasts = f"{evenly:,.0f} years spread over its {blocks} free blocks, {as_here:,.0f} by its busiest one"
            print(f"  {name:16} {written}; {lasts}{', frozen' if frozen else ''}")


if __name__ == "__main__":
    run()
