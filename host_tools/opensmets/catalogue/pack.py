"""Write the device's packed tables: `python -m opensmets.catalogue.pack [FOLDER]`, `make tables`.

The folder is firmware/tables of the project unless one is given. A test proves that what is committed is what this
writes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from opensmets.catalogue.pack_alerts import pack_alerts
from opensmets.catalogue.pack_objects import pack_objects
from opensmets.catalogue.pack_use_cases import pack_use_cases

TABLES: dict[str, Callable[[], bytes]] = {
    "esme.use_cases": lambda: pack_use_cases("ESME"),
    "alerts": pack_alerts,
    "esme.objects": pack_objects,
}
"""Each table's file name and what makes its content."""
FOLDER = Path(__file__).resolve().parents[3] / "firmware" / "tables"


def write_tables(folder: Path = FOLDER) -> None:
    """Write every table into a folder, which is made when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in TABLES.items():
        (folder / name).write_bytes(make())


if __name__ == "__main__":
    write_tables(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
