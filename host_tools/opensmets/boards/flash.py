"""Put an image on a board: file by file over its prompt, as a UF2 on its drive, or as a partition by esptool.

File by file, code alone is touched: what a meter keeps (its folder `store`) stays. The other two replace everything.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from opensmets.boards.description import Board
from opensmets.boards.image import LIBRARY, Image, write_image
from opensmets.boards.prompt import Identity, Prompt
from opensmets.errors import SmetsError, UsageError

#: The version of the .mpy files that mpy-cross makes.
MPY_VERSION = 6
#: The folders whose files are the image's alone: one that the image does not have is deleted.
OWN_FOLDERS = (f"{LIBRARY}/smets", f"{LIBRARY}/tables")
#: What starts the meter. It is not there while the rest is being written.
START = "main.py"
_DRIVE_INFO = "INFO_UF2.TXT"
_DRIVE_NAME = "RPI-RP2"

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Flashed:
    """How many files were written (of so many bytes), deleted, and left as they were."""

    written: int
    octets: int
    removed: int
    same: int


def flash_files(image: Image, prompt: Prompt, *, changed_only: bool, progress: Progress) -> Flashed:
    """Write an image's files to the board at a prompt, all or the changed ones, and delete what is no longer wanted.

    Each file is replaced whole, and the board has no `main.py` meanwhile: what a pulled cable leaves must not start, as
    short names of old and new files differ. The same command again completes it. Raises SmetsError when it is another
    board, its MicroPython cannot run the image, or its flash is full.
    """
    identity = prompt.identity()
    check_board(image.board, identity)
    there = prompt.digests(*OWN_FOLDERS, *(path for path in image.files if not path.startswith(OWN_FOLDERS)))
    digests = {path: (len(content), hashlib.sha256(content).hexdigest()) for path, content in image.files.items()}
    wanted = {path for path in image.files if not changed_only or there.get(path) != digests[path]}
    stale = [path for path in there if path not in image.files and path.startswith(OWN_FOLDERS)]
    if START in image.files and (wanted or stale):
        wanted.add(START)
    _check_room({path: digests[path][0] for path in wanted}, there, identity)
    if START in wanted and START in there:
        prompt.remove(START)
    _replace(image, prompt, wanted - {START}, stale, progress)
    if START in wanted:
        prompt.write(START, image.files[START])
    octets = sum(digests[path][0] for path in wanted)
    return Flashed(len(wanted), octets, len(stale), len(image.files) - len(wanted))


def _replace(image: Image, prompt: Prompt, wanted: set[str], stale: list[str], progress: Progress) -> None:
    for number, path in enumerate(sorted(wanted), 1):
        progress(f"{number}/{len(wanted)} {path}")
        prompt.write(path, image.files[path])
    for path in stale:
        prompt.remove(path)


def check_board(board: Board, identity: Identity) -> None:
    """Raise SmetsError when a board is another one, or has a MicroPython that cannot run the board's image."""
    if identity.implementation != "micropython":
        raise SmetsError(f"the board runs {identity.implementation}: put MicroPython for {board.name} there first")
    if not _is(board.machine, identity.machine):
        raise SmetsError(f"this board is a {identity.machine}, not a {board.title}: name its BOARD (see boards/)")
    if identity.mpy_version != MPY_VERSION:
        number = ".".join(map(str, identity.version))
        raise SmetsError(
            f"MicroPython {number} there cannot load .mpy files of version {MPY_VERSION}: flash a newer one"
        )


def _is(machine: str, found: str) -> bool:
    return found == machine or found.startswith(machine + " ")


def _check_room(wanted: dict[str, int], there: dict[str, tuple[int, str]], identity: Identity) -> None:
    """Raise SmetsError when the files cannot fit: each takes whole blocks, and its old one goes when it is there."""

    def blocks(size: int) -> int:
        return -(-size // identity.block_size)

    more = sum(blocks(size) - blocks(there[path][0] if path in there else 0) for path, size in wanted.items())
    needed = (more + max(map(blocks, wanted.values()), default=0)) * identity.block_size
    if needed > identity.free:
        raise SmetsError(
            f"the board's flash is full: {needed >> 10} KiB are needed and {identity.free >> 10} are free; delete "
            "files of yours, or flash a factory image, which replaces keys and logs too"
        )


def flash_drive(image: Image, drive: Path, folder: Path) -> Path:
    """Copy the image's UF2 to the drive of an RP2040 in BOOTSEL; `folder` is where it is written first.

    Raises UsageError when the drive is none, or the board takes no UF2.
    """
    if image.board.flash.uf2_family is None:
        raise UsageError(f"{image.board.name} takes no UF2: give its serial port as PORT")
    info = drive / _DRIVE_INFO
    if not info.is_file() or _DRIVE_NAME not in info.read_text(errors="replace"):
        raise UsageError(f"{drive} is not the drive of an RP2040: hold BOOTSEL while you plug the board in")
    (file,) = [path for path in write_image(image, folder) if path.suffix == ".uf2"]
    try:
        shutil.copyfile(file, drive / file.name)
    except OSError as error:
        raise SmetsError(f"{drive} did not take all of it ({error.strerror}): hold BOOTSEL, and repeat") from None
    return file


def esptool_arguments(image: Image, port: str, file: Path) -> list[str]:
    """Return esptool's arguments that write an ESP32's filesystem. Raises UsageError for other boards."""
    flash = image.board.flash
    if flash.chip is None:
        raise UsageError(f"{image.board.name} takes its factory image as a UF2: hold BOOTSEL, give its drive as PORT")
    return ["--chip", flash.chip, "--port", port, "write-flash", f"0x{flash.offset:X}", str(file)]


def flash_partition(image: Image, port: str, folder: Path) -> Path:
    """Replace an ESP32's whole filesystem. Raises SmetsError with esptool's last word when that fails."""
    arguments = esptool_arguments(
        image, port, folder / f"opensmets-{image.board.name}-{image.board.flash.partition}.bin"
    )
    file = Path(arguments[-1])
    write_image(image, folder)
    command = [sys.executable, "-m", "esptool", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        error = next((line for line in reversed(lines) if "rror" in line or "ould not" in line), "esptool says nothing")
        raise SmetsError(f"esptool: {error.removeprefix('A fatal error occurred: ')} Is {port} the board's port?")
    return file
