"""Images for boards: whole, the same each time, without keys, and a meter when MicroPython starts from them."""

from __future__ import annotations

import hashlib
import json
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opensmets.bench.control import LOG, Bench
from opensmets.bench.firmware import firmware_path, micropython_path
from opensmets.bench.provisioning import provision, who
from opensmets.boards import filesystem, uf2
from opensmets.boards.description import board_names, read_board
from opensmets.boards.image import FULL_STORE, Image, build, sizes, write_image
from opensmets.errors import SmetsError, UsageError
from opensmets.links import Link, open_link
from opensmets.security import pki
from opensmets.security.keystore import KeyStore
from tests.host.image.on_unix import ImageOnUnix, run_in_image

pytestmark = pytest.mark.xdist_group("images")
needs_micropython = pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON")
BOARDS = ("RPI_PICO", "RPI_PICO_W", "ESP32_GENERIC", "ESP32_GENERIC_S3", "UNIX")
#: The `arch` of a .mpy's header (its third byte, bits 2 and up) by mpy-cross's name; 0 is bytecode alone.
MPY_ARCH = {"x64": 2, "armv6m": 4, "xtensawin": 10}
METER = "00-DB-12-34-56-78-90-A0"


@pytest.fixture(scope="module")
def images() -> dict[str, Image]:
    return {name: build(read_board(name)) for name in BOARDS}


def test_the_boards_of_the_issue_are_there() -> None:
    assert board_names() == sorted(BOARDS)
    with pytest.raises(UsageError, match="RPI_PICO_W"):
        read_board("RPI_PIKO")


def test_where_stock_micropython_keeps_its_filesystem() -> None:
    where = {name: (read_board(name).flash.offset, read_board(name).flash.size) for name in BOARDS}
    assert where["RPI_PICO"] == (0x100A0000, 1408 * 1024)
    assert where["RPI_PICO_W"] == (0x1012C000, 848 * 1024)
    assert where["ESP32_GENERIC"] == (0x200000, (4 - 2) << 20)
    assert where["ESP32_GENERIC_S3"] == (0x200000, (8 - 2) << 20)
    for name in ("RPI_PICO", "RPI_PICO_W"):
        assert sum(where[name]) == 0x10000000 + (2 << 20)  # up to the end of 2 MB of flash


@pytest.mark.parametrize("name", BOARDS)
def test_an_image_holds_its_files_and_nothing_else(images: dict[str, Image], name: str) -> None:
    image = images[name]
    flash = image.board.flash
    assert len(image.filesystem) == flash.size
    assert filesystem.unpack(image.filesystem, flash) == image.files
    sources = {path.relative_to(firmware_path()).with_suffix("") for path in firmware_path().rglob("smets/**/*.py")}
    for path in image.files:
        starts = path in ("main.py", "boot.py", "board.json", "lib/board.mpy", "lib/machine.mpy")
        table = path.startswith("lib/tables/")
        assert starts or table or Path(image.modules[path].replace(".", "/")) in sources, path
    assert not any(path.startswith("store") for path in image.files)


@pytest.mark.parametrize("name", BOARDS)
def test_machine_code_is_for_the_boards_core(images: dict[str, Image], name: str) -> None:
    image = images[name]
    compiled = {path: content for path, content in image.files.items() if path.endswith(".mpy")}
    arches = {path: content[2] >> 2 for path, content in compiled.items()}
    assert all(content[:2] == b"M\x06" for content in compiled.values())
    native = {path for path, arch in arches.items() if arch}
    assert {image.modules[path] for path in native} == set(image.board.machine_code)
    assert {arches[path] for path in native} == {MPY_ARCH[image.board.arch]}


def held(image: Image) -> set[str]:
    """Return the modules that an image holds, by the names of their sources; each is one of its files."""
    assert image.modules.keys() <= image.files.keys()
    return set(image.modules.values())


def test_parts_are_left_out_and_put_in() -> None:
    board = read_board("RPI_PICO")
    usual, with_bench = build(board), build(board, bench=True)
    assert not any(".bench." in name for name in held(usual)) and "smets.bench.control" in held(with_bench)
    assert not json.loads(usual.files["board.json"])["bench"] and json.loads(with_bench.files["board.json"])["bench"]
    small = build(board, [])
    assert "smets.terminals.pulses" in held(small)  # main.py cannot do without
    assert "smets.meter.load_control" in held(usual) and "smets.meter.load_control" not in held(small)
    assert not held(usual) & {"smets.terminals.panel", "smets.terminals.keypad"}
    with_panel = build(board, [], panel=True)  # and with what it shows
    for name in ("terminals.keypad", "terminals.display", "terminals.panel", "meter.user_interface", "meter.screen"):
        assert f"smets.{name}" in held(with_panel)
    assert json.loads(with_panel.files["board.json"])["panel"] and not json.loads(usual.files["board.json"])["panel"]
    frozen = build(board, frozen=True)
    assert not any("/smets/" in path for path in frozen.files) and "lib/tables/esme.objects" in frozen.files
    with pytest.raises(UsageError, match="gas"):
        build(board, ["gas"])


def test_the_same_sources_give_the_same_bytes(images: dict[str, Image], tmp_path: Path) -> None:
    again = build(read_board("RPI_PICO"))
    assert again.filesystem == images["RPI_PICO"].filesystem
    first = {path.name: path.read_bytes() for path in write_image(again, tmp_path / "a")}
    assert first == {path.name: path.read_bytes() for path in write_image(images["RPI_PICO"], tmp_path / "b")}


@pytest.mark.parametrize("name", ["RPI_PICO", "RPI_PICO_W"])
def test_the_uf2_is_the_filesystem_at_its_place(images: dict[str, Image], name: str, tmp_path: Path) -> None:
    image = images[name]
    (file,) = [path for path in write_image(image, tmp_path) if path.suffix == ".uf2"]
    content = file.read_bytes()
    assert uf2.decode(content) == (image.filesystem, image.board.flash.offset, 0xE48BFF56)
    # once more by hand, from the format's description
    count = image.board.flash.size // 256
    assert len(content) == 512 * count
    for number in (0, 1, count - 1):
        block = content[512 * number : 512 * (number + 1)]
        assert block[:8] == b"UF2\nWQ]\x9e" and block[-4:] == b"\x30\x6f\xb1\x0a"
        expected = (0x2000, image.board.flash.offset + 256 * number, 256, number, count, 0xE48BFF56)
        assert struct.unpack_from("<6I", block, 8) == expected
        assert block[32:288] == image.filesystem[256 * number : 256 * (number + 1)]
    for broken in (content[:-1], content[:512] + content[1024:], b"", bytes(512)):
        with pytest.raises(SmetsError):
            uf2.decode(broken)


def test_the_partition_of_an_esp32(images: dict[str, Image], tmp_path: Path) -> None:
    names = {path.name: path.read_bytes() for path in write_image(images["ESP32_GENERIC"], tmp_path)}
    assert names["opensmets-ESP32_GENERIC-vfs.bin"] == images["ESP32_GENERIC"].filesystem
    assert not any(name.endswith(".uf2") for name in names)


def test_what_does_not_fit_is_said_in_one_line() -> None:
    flash = read_board("RPI_PICO_W").flash
    with pytest.raises(SmetsError, match="do not fit"):
        filesystem.pack({f"file{number}": bytes(5000) for number in range(200)}, flash)
    with pytest.raises(SmetsError, match="no littlefs"):
        filesystem.unpack(bytes(flash.size), flash)


def test_there_is_room_for_what_a_meter_keeps(images: dict[str, Image]) -> None:
    assert _full_store() <= FULL_STORE <= 1.1 * _full_store()
    for image in [*images.values(), build(read_board("RPI_PICO_W"), frozen=True)]:
        free = (image.board.flash.blocks - image.blocks_used) * image.board.flash.block_size
        is_files = "lib/smets/roles/esme.mpy" in image.files
        # known: a Pico W's firmware has to be frozen (boards/README.md)
        share = {"RPI_PICO_W": 0.15}.get(image.board.name, 1) if is_files else 1
        assert free > share * FULL_STORE, image.board.name
        assert sum(size for _, _, size in sizes(image)) == sum(map(len, image.files.values()))


def _full_store() -> int:
    """Return what the store of a meter of one element and phase takes in flash at its fullest, as littlefs keeps it."""
    from smets.meter.log_table import LOGS, find_log
    from smets.store.segments import _CRC_SIZE, _HEADER_SIZE, _SPARE, _records_of_a_segment

    files = {f"store/journal/{number:08x}.jnl": bytes(480) for number in range(8192 // 480 + 1)}
    files["store/journal/base"] = bytes(8192)
    for name in (line.split()[0] for line in LOGS.strip().splitlines()):
        columns, capacity = find_log(name, lambda condition: condition in ("single", "one_phase")) or ((), 0)
        record = sum(
            (code + 1 if isinstance(code, int) else struct.calcsize(code)) * max(1, count)
            for code, count in columns
            if count >= 0
        )
        held = _records_of_a_segment(record + _CRC_SIZE, capacity)
        whole = (capacity + _SPARE) // held + 1 if capacity else 0
        for number in range(whole + bool(whole)):  # one has just begun
            kept = held if number < whole else 1
            files[f"store/logs/{name}.{number:08x}"] = bytes(_HEADER_SIZE + kept * (record + _CRC_SIZE))
    flash = replace(read_board("UNIX").flash, size=4 << 20)
    used = [filesystem.blocks_used(filesystem.pack(each, flash), flash) for each in (files, {})]
    return (used[0] - used[1]) * flash.block_size


def _is_native(content: bytes) -> bool:
    return content[:1] == b"M" and content[2] >> 2 != 0


@needs_micropython
@pytest.mark.parametrize("name", ["RPI_PICO", "ESP32_GENERIC", "UNIX"])
def test_micropython_reads_and_imports_all_of_it(images: dict[str, Image], name: str, tmp_path: Path) -> None:
    image = images[name]
    lines = run_in_image(image, tmp_path / "run", "read_all.py")
    found = dict(line.split()[1:] for line in lines if line.startswith("file "))
    assert found == {path: hashlib.sha256(content).hexdigest() for path, content in image.files.items()}
    modules = {line.split()[1] for line in lines if line.startswith("module ")}
    refused = {line.split()[1] for line in lines if line.startswith("refused ")}
    compiled = sum(path.startswith("lib/smets/") for path in image.files)
    assert len(modules) + len(refused) == compiled
    native = {image.modules[path] for path, content in image.files.items() if _is_native(content)}
    for each in (image.modules[path] for path in refused):  # another core's machine code, and what needs it
        source = (firmware_path() / f"{each.replace('.', '/')}.py").read_text()
        assert each in native or any(f"from {code} " in source or f"import {code.rpartition('.')[2]}" in source
                                     for code in native), each  # fmt: skip


@pytest.fixture(scope="module")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    folder = tmp_path_factory.mktemp("image") / "keys"
    pki.init(folder)
    return KeyStore.open(folder)


@pytest.fixture(params=["UNIX", "RPI_PICO"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ImageOnUnix]:
    with ImageOnUnix(build(read_board(request.param)), tmp_path) as device:
        device.pin = read_board(request.param).settings["pins"]  # type: ignore[attr-defined]
        yield device


def told(link: Link, timeout_s: float = 5) -> str:
    while frame := link.receive(timeout_s):
        if frame.channel == LOG:
            return bytes(frame.payload).decode()
    raise AssertionError("nothing was told")


def become_meter(device: ImageOnUnix, link: Link, keystore: KeyStore) -> None:
    """Provision a board, which starts again to be a meter."""
    with device.starting_again():
        provision(link, KeyStore.open(keystore.path), METER)


def wait_for(what: str, device: ImageOnUnix, level: int) -> None:
    for _ in range(100):
        if device.pins().get(what) == level:
            return
        time.sleep(0.05)
    raise AssertionError((what, device.pins(), device.errors()))


@needs_micropython
def test_an_image_becomes_a_meter(running: ImageOnUnix, keystore: KeyStore) -> None:
    contactor = str(running.pin["contactor"])  # type: ignore[attr-defined]
    with open_link(running.port) as link:
        assert not who(link)["provisioned"], running.errors()
        link.send(0, b"no message")
        assert "smets device provision" in told(link)
        assert running.pins()[contactor] == 0  # nothing is connected before there is a meter
        become_meter(running, link, keystore)
        assert who(link)["provisioned"]
        wait_for(contactor, running, 1)
        fed = running.pins()["watchdog"]
        running.stop()
        running.start()
        assert who(link)["eui"] == "00db1234567890a0" and running.errors() == ""
        assert fed > 0
    for file in keystore.path.glob("00db1234567890a0*"):
        file.unlink()


@needs_micropython
def test_a_board_with_a_panel_shows_what_it_is(tmp_path: Path, keystore: KeyStore) -> None:
    image = build(read_board("UNIX"), panel=True)
    with ImageOnUnix(image, tmp_path) as device, open_link(device.port) as link:
        assert not who(link)["provisioned"], device.errors()
        wait_for_display(device, "NO METER YET")
        become_meter(device, link, keystore)
        wait_for_display(device, "Credit mode")
    for file in keystore.path.glob("00db1234567890a0*"):
        file.unlink()


def wait_for_display(device: ImageOnUnix, line: str) -> None:
    """Wait for a line to be read on the board's display."""
    lines: list[str] = []
    for _ in range(100):
        lines = device.display()
        if line in lines:
            return
        time.sleep(0.1)
    raise AssertionError((line, lines, device.errors()))


@needs_micropython
def test_a_held_button_leaves_the_board_alone(tmp_path: Path) -> None:
    board = read_board("UNIX")
    with ImageOnUnix(build(board), tmp_path) as device:
        device.stop()
        device.set_pins(**{f"p{board.settings['pins']['button']}": 0})
        device.start()
        assert device.process and device.process.wait(20) == 0 and "watchdog" not in device.pins()


@needs_micropython
def test_the_bench_asks_for_the_repl_only_where_there_is_a_bench(tmp_path: Path, keystore: KeyStore) -> None:
    image = build(read_board("UNIX"), bench=True)
    with ImageOnUnix(image, tmp_path) as device, open_link(device.port) as link:
        become_meter(device, link, keystore)
        assert Bench(link).status()["supply"] == 1
        assert "watchdog" not in device.pins()  # the bench lets time run, and that may take long
        link.send(2, b'{"do": "repl"}')
        assert device.process and device.process.wait(20) == 0
    for file in keystore.path.glob("00db1234567890a0*"):
        file.unlink()
