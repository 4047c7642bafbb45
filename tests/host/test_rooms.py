"""The rooms import one way: each may use only what ARCHITECTURE.md allows it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reference import ROOT

DEVICE = {
    "roles": {"message", "trust", "cosem", "meter", "crypto", "store", "update", "bench", "terminals", "link"},
    "message": {"crypto", "trust", "cosem"},
    "trust": {"crypto", "store"},
    "cosem": {"meter"},
    "meter": set(),
    "crypto": set(),
    "store": set(),
    "update": {"crypto", "store"},
    "bench": {"meter"},
    "terminals": {"meter"},
    "link": set(),
}
BELOW_SESSION = {"layouts", "security", "catalogue"}
BELOW_BENCH = {"session", "blocks", "links", "parse", "transform", "duis"} | BELOW_SESSION
HOST = {
    "rig": BELOW_BENCH | {"cli", "bench", "explain"},
    "cli": BELOW_BENCH | {"conformance", "bench", "boards", "chart", "explain"},
    "chart": {"bench", "parse"},
    "boards": BELOW_BENCH | {"bench"},
    "conformance": BELOW_BENCH | {"bench"},
    "bench": BELOW_BENCH,
    "session": BELOW_SESSION | {"blocks"},
    "blocks": {"layouts"},
    "links": {"blocks", "layouts"},
    "parse": {"duis", "layouts", "catalogue"},
    "transform": {"duis", "layouts", "catalogue"},
    "duis": {"catalogue"},
    "explain": {"security", "layouts", "catalogue"},
    "security": {"layouts", "catalogue"},
    "layouts": {"catalogue"},
    "catalogue": set(),
}
BOARD_ONLY = {"machine", "network", "espnow"}


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted name of everything that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write the room's name instead of a relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def breaches(package: Path, rooms: dict[str, set[str]]) -> list[str]:
    """Return every import that goes to a room that the importing room may not use."""
    found = []
    for path in sorted(package.rglob("*.py")):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        allowed = rooms.get(room, set()) | {room}
        for name in imported(path):
            parts = name.split(".")
            if parts[0] == package.name and len(parts) > 1 and parts[1] in rooms and parts[1] not in allowed:
                found.append(f"{path.relative_to(package)} imports {name}")
    return found


def test_device_rooms() -> None:
    assert breaches(ROOT / "firmware" / "smets", DEVICE) == []


def test_host_rooms() -> None:
    assert breaches(ROOT / "host_tools" / "opensmets", HOST) == []


def test_every_room_is_in_the_plan() -> None:
    for package, rooms in ((ROOT / "firmware" / "smets", DEVICE), (ROOT / "host_tools" / "opensmets", HOST)):
        folders = {path.name for path in package.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
        assert folders - {"__pycache__"} <= set(rooms)


def test_hardware_stays_in_the_drivers() -> None:
    for path in sorted((ROOT / "firmware" / "smets").rglob("*.py")):
        if path.parent.name != "link":
            assert not BOARD_ONLY & {name.split(".")[0] for name in imported(path)}, path


def test_no_side_imports_the_other() -> None:
    for path in (ROOT / "firmware" / "smets").rglob("*.py"):
        assert not any(name.startswith("opensmets") for name in imported(path)), path
    for path in (ROOT / "host_tools").rglob("*.py"):
        assert not any(name.split(".")[0] == "smets" for name in imported(path)), path


@pytest.mark.parametrize("package", ["firmware/smets", "host_tools/opensmets"])
def test_no_module_is_named_like_a_standard_one(package: str) -> None:
    names = {path.stem for path in (ROOT / package).rglob("*.py")} - {"__init__", "__main__"}
    assert not names & (set(sys.stdlib_module_names) | {"utils", "helpers", "common", "misc"})


@pytest.mark.parametrize("package", ["firmware/smets", "host_tools/opensmets"])
def test_modules_stay_readable(package: str) -> None:
    """Behaviour modules stay near 300 lines; tables live in data files."""
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / package).rglob("*.py")}
    assert {str(path): length for path, length in lengths.items() if length > 400} == {}


def test_what_starts_a_board_is_short() -> None:
    """It is what a field update never replaces."""
    assert len((ROOT / "firmware" / "main.py").read_text().splitlines()) < 60
