"""A board's image run by MicroPython's unix port, on a pty, with stand-ins for the board's pins and link."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from opensmets.bench.firmware import compile_modules, micropython_path, shortened_modules
from opensmets.boards.description import boards_path
from opensmets.boards.image import Image
from tests.reference import ROOT

START = Path(__file__).with_name("start.py")
HEAP = "250k"  # a stock Pico's; the stand-ins and the flash in a file take of it as well


def run_in_image(image: Image, folder: Path, program: str) -> list[str]:
    """Run a program of tests/host/image with an image as its file system; return what it printed."""
    interpreter = micropython_path()
    assert interpreter
    (folder / "stand_ins").mkdir(parents=True)
    (folder / "flash").write_bytes(image.filesystem)
    arguments = [str(folder / "flash"), str(image.board.flash.program_size), str(folder / "stand_ins")]
    command = [str(interpreter), "-X", "heapsize=4m", str(START), *arguments, str(START.with_name(program))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.splitlines()


def stand_ins() -> dict[str, str]:
    """Return the text of what takes the place of a board's own modules, compiled as those are in an image."""
    unix, link = boards_path() / "UNIX", shortened_modules()["smets.link.unix_stream"]
    machine = (
        (unix / "machine.py")
        .read_text()
        .replace('"pins.json"', '"/stand_ins/pins.json"')
        .replace('"i2c.txt"', '"/stand_ins/i2c.txt"')
    )
    board = (unix / "board.py").read_text().replace("from smets.link.unix_stream", "from unix_stream")
    return {"machine": machine, "board": board, "unix_stream": link.text}


class ImageOnUnix:
    """An image that starts as on its board, main.py first. `port` is where a host reaches it."""

    def __init__(self, image: Image, folder: Path, heap: str = HEAP) -> None:
        self._image, self._folder, self._heap = image, folder, heap
        self.stand_ins = folder / "stand_ins"
        self.stand_ins.mkdir(parents=True)
        compile_modules(stand_ins(), self.stand_ins, None)
        self.set_pins()
        (self.stand_ins / "i2c.txt").write_text("")
        (folder / "flash").write_bytes(image.filesystem)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.port = os.ttyname(self._slave)
        self._errors = (folder / "errors").open("w+b")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ImageOnUnix:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for descriptor in (self._master, self._slave):
            os.close(descriptor)
        self._errors.close()

    def start(self) -> None:
        """Switch the board on."""
        arguments = [str(self._folder / "flash"), str(self._image.board.flash.program_size), str(self.stand_ins)]
        self.process = subprocess.Popen(
            [str(micropython_path()), "-X", f"heapsize={self._heap}", str(START), *arguments],
            stdin=self._master, stdout=self._master, stderr=self._errors,
        )  # fmt: skip

    @contextmanager
    def starting_again(self) -> Iterator[None]:
        """Within this the board starts again when its program resets it, once."""

        def attend() -> None:
            assert self.process and self.process.wait(30) == 0, self.errors()
            self.start()

        attendant = threading.Thread(target=attend)
        attendant.start()
        yield
        attendant.join(30)

    def stop(self) -> None:
        """Cut the power."""
        assert self.process
        self.process.kill()
        self.process.wait(10)

    def errors(self) -> str:
        """Return what was written to the error output."""
        self._errors.seek(0)
        return self._errors.read().decode()

    def set_pins(self, **levels: int) -> None:
        """Set the levels of pins by `p<number>`."""
        (self.stand_ins / "pins.json").write_text(json.dumps({name[1:]: level for name, level in levels.items()}))

    def pins(self) -> dict[str, Any]:
        """Return the levels of the pins that were ever set, and how often the watchdog was fed."""
        for _ in range(50):
            try:
                return dict(json.loads((self.stand_ins / "pins.json").read_text()))
            except ValueError:  # just being written
                time.sleep(0.02)
        raise AssertionError("pins.json is no JSON")

    def display(self) -> list[str]:
        """Return the lines to be read on the display that is wired to it."""
        written = (self.stand_ins / "i2c.txt").read_text()
        whole = self._folder / "i2c.txt"
        whole.write_text(written[: written.rfind("\n") + 1])
        program = [str(micropython_path()), str(START.with_name("read_display.py")), str(ROOT), str(whole)]
        done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout.splitlines()
