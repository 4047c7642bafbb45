"""An image: the firmware as the files that a board has in flash, and as what one flashes.

Code and tables only. Keys are made by each device for itself when it is provisioned and are never in an image. The same
sources and the same mpy-cross give the same bytes.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from opensmets.bench.firmware import Shortened, compile_modules, firmware_path, shortened_modules
from opensmets.boards import filesystem, uf2
from opensmets.boards.description import Board
from opensmets.boards.parts import BENCH, DEFAULT_PARTS, PANEL, TERMINALS, select, with_needs
from opensmets.errors import SmetsError

LIBRARY = "lib"
SETTINGS_FILE = "board.json"
#: The files of an image that MicroPython wants as source.
STARTING = ("boot.py", "main.py")
UNIX = "UNIX"
#: What a board's link may use that wants the part `radio`.
RADIOS = ("udp", "espnow")
#: What the store of a meter of one element and phase takes in flash at its fullest, after 13 months: logs and journal,
#: in blocks of 4 KB.
FULL_STORE = 640_000


@dataclass(frozen=True, slots=True)
class Image:
    """A board's files by their path in flash, and the filesystem that holds them.

    `modules` are the dotted names that the firmware's modules have in its source, by their files.
    """

    board: Board
    files: dict[str, bytes]
    filesystem: bytes
    modules: dict[str, str] = field(default_factory=dict)

    @property
    def blocks_used(self) -> int:
        """How many blocks of the filesystem the files take."""
        return filesystem.blocks_used(self.filesystem, self.board.flash)


def default_parts(board: Board) -> tuple[str, ...]:
    """Return the parts of a board's image when nobody says which."""
    radio = ("radio",) if board.settings["link"]["use"] in RADIOS else ()
    return (*DEFAULT_PARTS, *radio, *(("unix",) if board.name == UNIX else ()))


def build(
    board: Board, parts: Iterable[str] | None = None, *, bench: bool = False, panel: bool = False, frozen: bool = False
) -> Image:
    """Compile and pack a board's image: `parts` and the terminals, with the bench's when `bench`, `panel` likewise.

    `frozen` leaves the firmware out, for a MicroPython that has it frozen in (boards/manifest.py); its tables stay
    files. Raises SmetsError when a part is unknown, mpy-cross fails, or it does not fit.
    """
    asked = (*((BENCH,) if bench else ()), *((PANEL,) if panel else ()))
    wanted = with_needs((TERMINALS, *(default_parts(board) if parts is None else parts), *asked))
    files, chosen = _starting_files(board, wanted), dict[str, Shortened]()
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder)
        if not frozen:
            chosen = select(shortened_modules(), board, wanted)
            compile_modules({each.path: each.text for each in chosen.values()}, compiled, board.arch)
        compile_modules(_board_modules(board), compiled, board.arch)
        for file in sorted(compiled.rglob("*.mpy")):
            files[f"{LIBRARY}/{file.relative_to(compiled).as_posix()}"] = file.read_bytes()
    for table in sorted((firmware_path() / "tables").iterdir()):
        files[f"{LIBRARY}/tables/{table.name}"] = table.read_bytes()
    modules = {f"{LIBRARY}/{each.path}.mpy": name for name, each in chosen.items()}
    return Image(board, files, filesystem.pack(files, board.flash), modules)


def _starting_files(board: Board, parts: set[str]) -> dict[str, bytes]:
    settings = {"board": board.name, "bench": BENCH in parts, "panel": PANEL in parts, **board.settings}
    files = {name: (firmware_path() / name).read_bytes() for name in STARTING}
    files[SETTINGS_FILE] = json.dumps(settings, sort_keys=True, separators=(",", ":")).encode()
    return files


def _board_modules(board: Board) -> dict[str, str]:
    """Return the board's own modules, by their name: board.py, and what stands in for `machine` where there is none."""
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(board.folder.glob("*.py"))
            if file.stem in ("board", "machine")}  # fmt: skip


def write_image(image: Image, folder: Path) -> list[Path]:
    """Write what one flashes into `folder`, and return the files: the filesystem, and what the board's loader takes."""
    flash, name = image.board.flash, f"opensmets-{image.board.name}"
    content = {f"{name}.littlefs": image.filesystem}
    if flash.uf2_family is not None:
        content[f"{name}.uf2"] = uf2.encode(image.filesystem, flash.offset, flash.uf2_family)
    if flash.chip is not None:
        content[f"{name}-{flash.partition}.bin"] = image.filesystem
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file, octets in content.items():
            (folder / file).write_bytes(octets)
    except OSError as error:
        raise SmetsError(f"{folder} cannot be written: {error.strerror}; name another folder") from None
    return [folder / file for file in content]


def sizes(image: Image) -> list[tuple[str, int, int]]:
    """Return (room, files, bytes) of what an image holds: the rooms of the firmware, its tables, what starts it."""
    found: dict[str, list[int]] = {}
    for path, content in image.files.items():
        parts = image.modules.get(path, path.replace("/", ".")).split(".")
        room = (
            parts[1]
            if len(parts) > 2 and parts[0] in ("smets", LIBRARY)
            else "smets"
            if parts[0] == "smets"
            else "start"
        )
        found.setdefault(room, []).append(len(content))
    return [(room, len(lengths), sum(lengths)) for room, lengths in sorted(found.items())]
