"""What of the firmware stays in a meter's memory, by room, against its budget (`make size`).

A meter with test keys is started in MicroPython without its bench and asked which modules it has loaded while it waits
for something to do; the size of each is that of its compiled file, and its heap what MicroPython has less of once it is
loaded. What is loaded for a use and given back does not count. The heap is of a 64-bit machine here, where modules take
more than on a board.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opensmets.bench.firmware import (
    compiled_firmware,
    firmware_path,
    micropython_path,
    shortened_modules,
    source_names,
)
from opensmets.bench.flatten import FOLDER
from opensmets.bench.provisioning import provision, who
from opensmets.bench.virtual import VirtualDevice
from opensmets.errors import SmetsError
from opensmets.links import open_link
from opensmets.security import pki
from opensmets.security.keystore import KeyStore

KB = 1024
#: Bytes of compiled modules that may stay loaded, by the rooms that share them.
BUDGETS = {
    ("crypto",): 12 * KB, ("message",): 20 * KB, ("trust",): 10 * KB, ("cosem",): 12 * KB, ("meter",): 22 * KB,
    ("store", "link", "roles"): 9 * KB,
}  # fmt: skip
TOTAL_BUDGET = 85 * KB
EUI = bytes.fromhex("00db1234567890a0")
#: What only a virtual device has, and a board's image does without.
UNIX_ONLY = {"smets.link.unix_stream"}
_REST_S, _PATIENCE_S = 0.3, 20.0


@dataclass(frozen=True, slots=True)
class Heap:
    """What a device told of its heap (boards/UNIX/heap.py): bytes in use at most, at most at rest, and all there is."""

    peak: int
    rest: int
    size: int
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """The rooms that share a budget, the bytes of their modules, and what they may have."""

    name: str
    modules: dict[str, int]
    budget: int

    @property
    def size(self) -> int:
        """Bytes that stay loaded."""
        return sum(self.modules.values())


def told(device: VirtualDevice) -> list[dict[str, Any]]:
    """Return what a device that runs the program `heap` told so far (boards/UNIX/heap.py), as it came."""
    return [json.loads(line) for line in device.errors().splitlines() if line.startswith('{"')]


def heap_of(device: VirtualDevice) -> Heap:
    """Return what a device that runs the program `heap` told in all. Raises SmetsError when it told nothing."""
    found = told(device)
    modules = [one["modules"] for one in found if "modules" in one]
    if not modules:
        raise SmetsError(f"the device told nothing of its heap; it said: {device.errors()[-200:]!r}")
    most = {name: max(one.get(name, 0) for one in found) for name in ("peak", "rest", "size")}
    return Heap(**most, modules=tuple(modules[-1]))


def make_meter(folder: Path, *, elements: int = 1, phases: int = 1) -> KeyStore:
    """Provision a meter with test keys in `folder`/store and return its parties' key store, `folder`/keys."""
    pki.init(folder / "keys")
    with VirtualDevice(folder / "store") as device, open_link(device.port) as link:
        provision(link, KeyStore.open(folder / "keys"), EUI, elements=elements, phases=phases)
    return KeyStore.open(folder / "keys")


def at_rest(folder: Path) -> Heap:
    """Return the heap of the meter in `folder`/store, started and waiting. Raises SmetsError."""
    with VirtualDevice(folder / "store", program="heap") as device, open_link(device.port) as link:
        who(link)
        until = time.monotonic() + _PATIENCE_S
        while "rest" not in device.errors() and time.monotonic() < until:
            time.sleep(_REST_S)
        time.sleep(_REST_S)
        return heap_of(device)


def rooms(modules: tuple[str, ...]) -> list[Room]:
    """Return what each room has of the modules that are loaded; what is in no room goes with the roles."""
    paths = {name: each.path for name, each in shortened_modules().items()}
    sources = source_names()
    loaded = (sources[name] for name in modules if name in sources)
    sizes = {name: _size(paths[name]) for name in loaded if name not in UNIX_ONLY}
    named = {room for shared in BUDGETS for room in shared}
    found = []
    for shared, budget in BUDGETS.items():
        mine = {name: size for name, size in sizes.items() if _room(name, named) in shared}
        found.append(Room("+".join(shared), mine, budget))
    return found


def module_heap(modules: tuple[str, ...]) -> dict[str, int]:
    """Return the bytes of heap that each of a device's modules takes, by its name in the source. Raises SmetsError."""
    sources, folder = source_names(), compiled_firmware()
    mine = [name for name in modules if name in sources and sources[name] not in UNIX_ONLY]
    script = firmware_path().parent / "boards" / "UNIX" / "module_heap.py"
    path = os.pathsep.join([str(folder / FOLDER), str(folder), ".frozen"])
    done = subprocess.run(
        [str(micropython_path()), "-X", "heapsize=4m", str(script), *mine],
        env={"MICROPYPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SmetsError(f"the modules could not be loaded one by one: {done.stderr[-200:]!r}")
    return {sources[name]: size for name, size in json.loads(done.stdout).items()}


def outgrown(found: list[Room]) -> list[str]:
    """Return a line for each budget that is outgrown."""
    total = sum(room.size for room in found)
    lines = [f"{room.name} has {room.size} bytes, {room.size - room.budget} more than its budget"
             for room in found if room.size > room.budget]  # fmt: skip
    if total > TOTAL_BUDGET:
        lines.append(f"all rooms have {total} bytes, {total - TOTAL_BUDGET} more than their budget")
    return lines


def _room(module: str, named: set[str]) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in named else "roles"


def _size(path: str) -> int:
    """Return the size of a compiled file."""
    return (compiled_firmware() / path).with_suffix(".mpy").stat().st_size


def main() -> int:
    """Print the table. Returns 1 when a budget is outgrown."""
    with tempfile.TemporaryDirectory() as name:
        make_meter(Path(name))
        heap = at_rest(Path(name))
    found, taken = rooms(heap.modules), module_heap(heap.modules)
    print(f"{'compiled':>9} {'budget':>9} {'heap':>7}")
    for room in found:
        for module, size in sorted(room.modules.items(), key=lambda one: -one[1]):
            print(f"  {size:7} {'':9} {taken[module]:7}   {module}")
        print(f"{room.size:9} of {room.budget:6} {sum(taken[module] for module in room.modules):7} {room.name}")
    print(f"{sum(room.size for room in found):9} of {TOTAL_BUDGET:6} {sum(taken.values()):7} all")
    print(f"{heap.size - heap.rest:9} bytes of a heap of {heap.size} are free at rest (64-bit)")
    problems = outgrown(found)
    for line in problems:
        print(f"outgrown: {line}", file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SmetsError as error:
        sys.exit(f"smets: {error}")
