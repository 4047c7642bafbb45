"""A board whose flash holds what is not a meter's: it says so in one line, keeps every byte, and has its prompt."""

from __future__ import annotations

import os
import random
import subprocess
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensmets.bench.firmware import compile_modules, micropython_path
from opensmets.boards import filesystem
from opensmets.boards.description import boards_path, read_board
from opensmets.boards.image import Image, build
from opensmets.boards.prompt import Prompt
from tests.command import smets
from tests.host.image.on_unix import stand_ins

pytestmark = [
    pytest.mark.xdist_group("flash"),
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
]
PROGRAMS = Path(__file__).parent / "image"
FLASH = read_board("UNIX").flash
NO_FILE_SYSTEM, NO_METER = "The flash holds no file system that can be read", "No meter: "


class Board:
    """A board with a MicroPython that has boards/rp2/_boot.py frozen in, on a pty; `console` is what it said."""

    def __init__(self, folder: Path, content: bytes) -> None:
        self.flash, modules = folder / "flash", folder / "stand_ins"
        self.flash.write_bytes(content)
        kept = stand_ins()
        # a board's port outlives its link, and a pty's does not
        kept["board"] = kept["board"].replace("return open_standard(nonblocking=True)", "return _kept(open_standard())")
        kept["board"] += "\n_KEPT = []\ndef _kept(stream):\n    stream.close = lambda: None\n    _KEPT.append(stream)\n"
        kept["board"] += "    return stream\n"
        compile_modules(kept, modules, None)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        program = [str(PROGRAMS / "power_on.py"), str(self.flash), str(boards_path() / "rp2" / "_boot.py")]
        self._process = subprocess.Popen(
            [str(micropython_path()), "-X", "heapsize=2m", *program, str(modules)],
            stdin=self._master, stdout=self._master,
        )  # fmt: skip
        self.console = self._listen()

    def _listen(self) -> list[str]:
        """Return the lines that come until it has been silent for a while."""
        said, silent_since = b"", time.monotonic()
        os.set_blocking(self._slave, False)
        while time.monotonic() - silent_since < (1.0 if b"\n" in said else 20.0):
            try:
                said += os.read(self._slave, 4096)
                silent_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.05)
        return said.decode().splitlines()

    def files(self) -> dict[str, bytes]:
        """Return the files in its flash."""
        return filesystem.unpack(self.flash.read_bytes(), FLASH)

    def has_prompt(self) -> bool:
        """Return whether MicroPython's prompt answers on its port."""
        with Prompt(self.port) as prompt:
            return prompt.identity().implementation == "micropython"

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def boards() -> Iterator[list[Board]]:
    made: list[Board] = []
    yield made
    for board in made:
        board.close()


@pytest.fixture(scope="module")
def image() -> Image:
    return build(read_board("UNIX"))


def power_on(boards: list[Board], folder: Path, content: bytes) -> Board:
    boards.append(Board(folder, content))
    return boards[-1]


def fat() -> bytes:
    program = [str(micropython_path()), "-X", "heapsize=8m", str(PROGRAMS / "make_fat.py"), str(FLASH.blocks)]
    return subprocess.run(program, capture_output=True, check=True).stdout


def random_bytes() -> bytes:
    return random.Random(5).randbytes(FLASH.size)


def beginning_lost() -> bytes:
    """Return a littlefs whose superblocks were torn."""
    whole = bytearray(filesystem.pack({"main.py": b"print('ours')"}, FLASH))
    for block in (0, 1):
        whole[block * FLASH.block_size : block * FLASH.block_size + 200] = bytes(200)
    return bytes(whole)


@pytest.mark.parametrize("make", [random_bytes, fat, beginning_lost])
def test_what_is_no_file_system_is_kept(boards: list[Board], tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    content = make()
    board = power_on(boards, tmp_path, content)
    assert len(board.console) == 1 and board.console[0].startswith(NO_FILE_SYSTEM), board.console
    assert board.has_prompt()
    assert board.flash.read_bytes() == content


def test_another_project_runs_undisturbed(boards: list[Board], tmp_path: Path) -> None:
    content = filesystem.pack({"main.py": b"print('blinking')", "data/week.csv": b"1,2,3\n" * 999}, FLASH)
    board = power_on(boards, tmp_path, content)
    assert board.console == ["blinking"] and board.has_prompt()
    assert board.flash.read_bytes() == content


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_an_image_that_was_written_by_half(boards: list[Board], tmp_path: Path, image: Image, share: float) -> None:
    end = int(image.blocks_used * share) * FLASH.block_size
    content = image.filesystem[:end].ljust(FLASH.size, b"\xff")
    board = power_on(boards, tmp_path, content)
    assert board.console, "it says what is wrong"
    assert len(board.console) == 1 and board.console[0].startswith((NO_FILE_SYSTEM, NO_METER)), board.console
    assert board.has_prompt()
    assert board.flash.read_bytes() == content


STORES = {
    "of another project": {"store/journal/00000001.jnl": b"Dear diary, " * 40, "store/shop.csv": b"apples,3\n" * 500},
    "a file": {"store": b"not a folder"},
    "damaged": {"store/journal/00000007.jnl": random.Random(7).randbytes(300)},
}


@pytest.mark.parametrize("what", STORES)
def test_a_store_that_is_not_a_meters(boards: list[Board], tmp_path: Path, image: Image, what: str) -> None:
    files = {**image.files, **STORES[what]}
    board = power_on(boards, tmp_path, filesystem.pack(files, FLASH))
    assert len(board.console) == 1 and board.console[0].startswith(NO_METER), board.console
    assert "store" in board.console[0] or "OSError" in board.console[0]
    assert board.has_prompt()
    found = board.files()
    assert {path: content for path, content in found.items() if path != "store/crash.log"} == files
    if "store/crash.log" in found:
        outcome = smets("device", "log", "--port", board.port)
        assert outcome.code == 0 and "StoreCorrupt" in outcome.out, outcome
