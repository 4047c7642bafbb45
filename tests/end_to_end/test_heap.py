"""What stays in a meter's memory, and what one of every command takes of it, on real MicroPython in a Pico's heap."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from opensmets.bench import sizes
from opensmets.bench.firmware import micropython_path, source_names

pytestmark = [
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
    pytest.mark.xdist_group("heap"),
]
ROOMS = ["+".join(shared) for shared in sizes.BUDGETS]


@pytest.fixture(scope="module")
def at_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sizes.Heap]:
    folder = tmp_path_factory.mktemp("rest")
    sizes.make_meter(folder)
    yield sizes.at_rest(folder)


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_keeps_its_budget(at_rest: sizes.Heap, name: str) -> None:
    (room,) = [room for room in sizes.rooms(at_rest.modules) if room.name == name]
    assert room.modules
    assert room.size <= room.budget, room.modules


def test_all_rooms_keep_their_budget(at_rest: sizes.Heap) -> None:
    found = sizes.rooms(at_rest.modules)
    assert sum(room.size for room in found) <= sizes.TOTAL_BUDGET
    counted = {name for room in found for name in room.modules}
    sources = source_names()
    own = {sources[name] for name in at_rest.modules if name in sources}
    assert counted | sizes.UNIX_ONLY >= own and len(own) > 40
    assert "smets.roles.esme" in counted and not any("bench" in name for name in counted)


def test_each_module_s_heap_is_told(at_rest: sizes.Heap) -> None:
    taken = sizes.module_heap(at_rest.modules)
    assert taken.keys() == {name for room in sizes.rooms(at_rest.modules) for name in room.modules}
    assert all(heap > 0 for heap in taken.values())
    assert sum(taken.values()) < at_rest.rest, "the device's own objects come to it"


def test_what_is_outgrown_is_told() -> None:
    room = sizes.Room("crypto", {"smets.crypto.p256": 200}, 100)
    assert sizes.outgrown([room]) == ["crypto has 200 bytes, 100 more than its budget"]
    assert sizes.outgrown([sizes.Room("crypto", {"smets.crypto.p256": 100}, 100)]) == []
