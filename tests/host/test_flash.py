"""An image onto a board: over the prompt of a board that MicroPython plays, with everything that can go wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import tty
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opensmets.bench.firmware import micropython_path
from opensmets.boards import filesystem
from opensmets.boards.description import Board, read_board
from opensmets.boards.flash import check_board, esptool_arguments, flash_files
from opensmets.boards.image import Image, build
from opensmets.boards.prompt import Identity, NoPrompt, Prompt
from opensmets.errors import SmetsError, UsageError
from tests.command import Outcome, smets, smets_process

pytestmark = [
    pytest.mark.xdist_group("flash"),
    pytest.mark.skipif(micropython_path() is None, reason="no MicroPython here: set $MICROPYTHON"),
]
FAKE = Path(__file__).parent / "image" / "fake_board.py"


class FakeBoard:
    """A board at its prompt behind a pty, its flash in a file."""

    def __init__(self, folder: Path, files: dict[str, bytes], *, blocks: int = 352, silent: bool = False) -> None:
        self._layout = replace(read_board("UNIX").flash, size=blocks * 4096)
        self._flash = folder / "flash"
        self._flash.write_bytes(filesystem.pack(files, self._layout))
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.process = subprocess.Popen(
            [str(micropython_path()), "-X", "heapsize=2m", str(FAKE), str(self._flash), "silent" if silent else ""],
            stdin=self._master, stdout=self._master,
        )  # fmt: skip

    def files(self) -> dict[str, bytes]:
        """Return what is in its flash."""
        return filesystem.unpack(self._flash.read_bytes(), self._layout)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)

    def unplug(self) -> None:
        """Let the port go away under whoever has it open."""
        self.process.kill()
        self.process.wait(10)
        os.close(self._master)
        self._master = -1


@pytest.fixture(scope="module")
def image() -> Image:
    return build(read_board("UNIX"))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[list[FakeBoard]]:
    boards: list[FakeBoard] = []
    yield boards
    for board in boards:
        board.close()


def start(made: list[FakeBoard], folder: Path, files: dict[str, bytes], **how: object) -> FakeBoard:
    made.append(FakeBoard(folder, files, **how))  # type: ignore[arg-type]
    return made[-1]


def one_line(outcome: Outcome, code: int = 1) -> str:
    """Return why a command failed: its one line after those of its progress."""
    assert outcome.code == code, outcome
    assert "Traceback" not in outcome.err
    return outcome.err.strip().splitlines()[-1]


def test_a_bare_board_gets_the_whole_image(made: list[FakeBoard], tmp_path: Path) -> None:
    board, image = start(made, tmp_path, {}), build(read_board("UNIX"), frozen=True)
    outcome = smets("flash", "UNIX", "--port", board.port, "--frozen")
    assert outcome.code == 0, outcome
    assert board.files() == image.files
    assert f"{len(image.files)} files written" in outcome.err and "smets device provision" in outcome.err


def test_an_update_writes_what_changed_and_touches_nothing_else(
    made: list[FakeBoard], image: Image, tmp_path: Path
) -> None:
    kept = {"store/journal/00000001.jnl": b"keys", "store/logs/x": b"rows", "notes.txt": b"mine", "lib/other.py": b"x"}
    old = {**image.files, **kept, "lib/smets/meter/gone.mpy": b"old", "main.py": b"# of an older image"}
    del old["lib/smets/roles/esme.mpy"]
    board = start(made, tmp_path, old)
    outcome = smets("flash", "UNIX", "--port", board.port, "--update")
    assert outcome.code == 0, outcome
    assert board.files() == {**image.files, **kept}
    assert "2 files written" in outcome.err and "1 deleted" in outcome.err
    assert "provision" not in outcome.err
    again = smets("flash", "UNIX", "--port", board.port, "--update")
    assert "0 files written" in again.err and board.files() == {**image.files, **kept}


def test_who_runs_firmware_that_was_sent_is_told(made: list[FakeBoard], image: Image, tmp_path: Path) -> None:
    board = start(made, tmp_path, {**image.files, "store/slots/boot": b"aaC0xxxx", "store/journal/1": b"k"})
    assert "firmware that it was sent" in smets("flash", "UNIX", "--port", board.port, "--update").err


def test_a_wrong_board(made: list[FakeBoard], tmp_path: Path) -> None:
    board = start(made, tmp_path, {"main.py": b"# somebody else's"})
    why = one_line(smets("flash", "RPI_PICO", "--port", board.port))
    assert "not a Raspberry Pi Pico" in why and "linux" in why
    assert board.files() == {"main.py": b"# somebody else's"}


def test_boards_are_told_apart() -> None:
    pico, pico_w = read_board("RPI_PICO"), read_board("RPI_PICO_W")
    esp32 = read_board("ESP32_GENERIC")

    def fits(board: Board, machine: str, implementation: str = "micropython", mpy: int = 6) -> bool:
        try:
            check_board(board, Identity(implementation, (1, 29, 0), machine, mpy, 1 << 20, 4096))
        except SmetsError:
            return False
        return True

    assert fits(pico, "Raspberry Pi Pico with RP2040") and fits(pico_w, "Raspberry Pi Pico W with RP2040")
    assert not fits(pico, "Raspberry Pi Pico W with RP2040") and not fits(pico_w, "Raspberry Pi Pico with RP2040")
    assert fits(esp32, "Generic ESP32 module with ESP32") and not fits(esp32, "Generic ESP32S3 module with ESP32S3")
    assert not fits(pico, "Raspberry Pi Pico with RP2040", implementation="circuitpython")
    assert not fits(pico, "Raspberry Pi Pico with RP2040", mpy=5)


def test_no_micropython(made: list[FakeBoard], tmp_path: Path) -> None:
    board = start(made, tmp_path, {}, silent=True)
    why = one_line(smets("flash", "UNIX", "--port", board.port))
    assert "no MicroPython answers" in why and board.port in why


def test_a_full_flash(made: list[FakeBoard], tmp_path: Path) -> None:
    board = start(made, tmp_path, {"store/journal/00000001.jnl": b"keys"}, blocks=40)
    assert "flash is full" in one_line(smets("flash", "UNIX", "--port", board.port))
    assert board.files() == {"store/journal/00000001.jnl": b"keys"}


def test_a_flash_that_is_full_before_one_thought(made: list[FakeBoard], tmp_path: Path) -> None:
    board = start(made, tmp_path, {"old": b"first"}, blocks=12)
    with Prompt(board.port) as prompt, pytest.raises(SmetsError, match="flash is full"):
        prompt.write("old", bytes(60000))
    assert board.files() == {"old": b"first"}


def test_an_unplugged_cable(made: list[FakeBoard], tmp_path: Path) -> None:
    board = start(made, tmp_path, {})
    with pytest.raises(SmetsError, match="plug the board in"), Prompt(board.port) as prompt:
        board.unplug()
        prompt.write("x", bytes(1000))
    assert "plug" in one_line(smets("flash", "UNIX", "--port", "/dev/ttyACM77"))


def test_a_cable_that_is_pulled_midway_leaves_no_mixture_that_starts(
    made: list[FakeBoard], image: Image, tmp_path: Path
) -> None:
    kept = {"store/journal/00000001.jnl": b"keys", "notes.txt": b"mine"}
    changed = {"lib/smets/roles/esme.mpy": b"old", "lib/tables/alerts": b"old", "lib/smets/gone.mpy": b"old"}
    board = start(made, tmp_path, {**image.files, **kept, **changed})

    def pull(progress: str) -> None:
        if progress.startswith("2/"):
            board.unplug()

    with pytest.raises(SmetsError, match="plug the board in again, and repeat"), Prompt(board.port) as prompt:
        flash_files(image, prompt, changed_only=True, progress=pull)
    left = board.files()
    assert "main.py" not in left and {path: left[path] for path in kept} == kept
    (tmp_path / "again").mkdir()
    again = start(made, tmp_path / "again", left)
    assert smets("flash", "UNIX", "--port", again.port, "--update").code == 0
    assert again.files() == {**image.files, **kept}


def test_ctrl_c_says_what_became_of_the_board(made: list[FakeBoard], tmp_path: Path) -> None:
    board, image = (
        start(made, tmp_path, {"main.py": b"# old", "store/x": b"keys"}),
        build(read_board("UNIX"), frozen=True),
    )
    with smets_process("flash", "UNIX", "--port", board.port, "--frozen") as process:
        assert process.stderr
        while "writing to" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        (why,) = process.stderr.read().splitlines()
    assert "ended before all was written: repeat it" in why
    left = board.files()
    assert left["store/x"] == b"keys" and left.get("main.py") != image.files["main.py"]
    assert smets("flash", "UNIX", "--port", board.port, "--update", "--frozen").code == 0
    assert board.files() == {**image.files, "store/x": b"keys"}


def test_nothing_answers_as_a_prompt(made: list[FakeBoard], tmp_path: Path) -> None:
    board = start(made, tmp_path, {}, silent=True)
    with pytest.raises(NoPrompt):
        Prompt(board.port)


def test_the_crash_log_of_a_board_at_its_prompt(made: list[FakeBoard], tmp_path: Path) -> None:
    files = {"main.py": b"", "store/crash.old": b"--- 1\nfirst\n\n", "store/crash.log": b"--- 2\nsecond\n\n"}
    board = start(made, tmp_path, files)
    outcome = smets("device", "log", "--port", board.port)
    assert outcome.code == 0 and outcome.out.split() == ["---", "1", "first", "---", "2", "second"], outcome
    bare = start(made, tmp_path, {})
    assert "make flash" in one_line(smets("device", "log", "--port", bare.port), 2)


def test_the_drive_of_an_rp2040(tmp_path: Path) -> None:
    drive = tmp_path / "RPI-RP2"
    drive.mkdir()
    assert "BOOTSEL" in one_line(smets("flash", "RPI_PICO", "--port", drive), 2)
    (drive / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n")
    outcome = smets("flash", "RPI_PICO", "--port", drive)
    assert outcome.code == 0 and (drive / "opensmets-RPI_PICO.uf2").stat().st_size == 2 * 1408 * 1024
    assert "takes no UF2" in one_line(smets("flash", "ESP32_GENERIC", "--port", drive), 2)
    assert "no update" in one_line(smets("flash", "RPI_PICO", "--port", drive, "--update"), 2)
    assert "PORT=" in one_line(smets("flash", "RPI_PICO", "--port", ""), 2)


def test_the_partition_of_an_esp32(tmp_path: Path) -> None:
    image = build(read_board("ESP32_GENERIC"))
    arguments = esptool_arguments(image, "/dev/ttyUSB0", tmp_path / "vfs.bin")
    assert arguments[:5] == ["--chip", "esp32", "--port", "/dev/ttyUSB0", "write-flash"] and arguments[5] == "0x200000"
    with pytest.raises(UsageError, match="UF2"):
        esptool_arguments(build(read_board("RPI_PICO")), "/dev/ttyACM0", tmp_path / "x")
    why = one_line(smets("flash", "ESP32_GENERIC", "--port", "/dev/ttyUSB77", "--factory"))  # the real esptool
    assert why.startswith("smets: esptool: ") and "/dev/ttyUSB77" in why
